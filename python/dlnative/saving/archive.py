"""Zip archives, read with care: every size is checked before anything is read or decompressed, and sums after it.

Source:
    PKWARE, .ZIP File Format Specification 6.3.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import Any

_MOST_DIRECTORY = 1 << 22  # bytes of the list of members: tens of thousands
# How much larger than in the file a compressed member may be, beyond bytes that any may have.
_EXPANSIONS = ((100, 1 << 16), (16, 1 << 24))


class Archive:
    """The members of a zip archive in memory.

    Args:
        data: its bytes.
        label: what messages call it.

    Raises:
        ValueError: if it is none, is damaged, or its members are larger than could be right, here and when one is read.
    """

    def __init__(self, data: Any, label: str) -> None:
        self._data = memoryview(data)
        self._label = label
        self._check_directory()
        try:
            with zipfile.ZipFile(_View(self._data)) as opened:
                members = opened.infolist()
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            UnicodeDecodeError,
            struct.error,
            OSError,
            ValueError,
        ) as error:
            raise self._error(f"a zip archive, got a damaged one: {error}") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            if member.filename in self._members:
                raise self._error(f'members with names of their own, got two "{member.filename}"')
            self._members[member.filename] = member

    def _error(self, text: str) -> ValueError:
        return ValueError(f"{self._label}: expected {text}")

    def _check_directory(self) -> None:
        tail = bytes(self._data[-65557:])
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or place + 22 > len(tail):
            raise self._error("a zip archive, got a file that is none, or is not whole")
        (size,) = struct.unpack("<I", tail[place + 12 : place + 16])
        if size > _MOST_DIRECTORY and size != 0xFFFFFFFF:
            raise self._error(f"a list of members of at most {_MOST_DIRECTORY} bytes, got {size}")

    def names(self) -> list[str]:
        """Returns the names of the members."""
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Returns how many bytes a member has, decompressed."""
        return self._members[name].file_size

    def read(self, name: str, most: int | None = None) -> memoryview:
        """Returns the bytes of a member: of one that is not compressed, a view of the archive's.

        Args:
            name: its name.
            most: how many bytes it may have.

        Raises:
            ValueError: if it is not there, too large, or damaged.
        """
        if name not in self._members:
            raise self._error(f'a member "{name}", got {", ".join(self.names()[:8]) or "none"}')
        member = self._members[name]
        if most is not None and member.file_size > most:
            raise self._error(f'at most {most} bytes in "{name}", got {member.file_size}')
        if member.flag_bits & 1:
            raise self._error(f'members that are not encrypted, got "{name}"')
        stored = self._stored(member)
        if member.compress_type == zipfile.ZIP_STORED:
            if member.file_size != member.compress_size:
                raise self._error(f'"{name}" in one size, got {member.compress_size} and {member.file_size}')
            found = stored
        elif member.compress_type == zipfile.ZIP_DEFLATED:
            for times, beyond in _EXPANSIONS:
                if member.file_size > times * member.compress_size + beyond:
                    raise self._error(
                        f'"{name}" to be at most {times} times as large as in the archive, got {member.file_size} bytes of '
                        f"{member.compress_size}: a decompression bomb"
                    )
            found = self._inflated(name, stored, member.file_size)
        else:
            raise self._error(f'members stored or deflated, got "{name}" by method {member.compress_type}')
        if zlib.crc32(found) != member.CRC:
            raise self._error(f'"{name}" with the sum {member.CRC:08x}, got another one: the file is damaged')
        return found

    def _stored(self, member: zipfile.ZipInfo) -> memoryview:
        start = member.header_offset
        head = bytes(self._data[start : start + 30]) if start >= 0 else b""
        if len(head) < 30 or head[:4] != b"PK\x03\x04":
            raise self._error(f'a whole archive, got one without the beginning of "{member.filename}"')
        name, extra = struct.unpack("<HH", head[26:30])
        begin = start + 30 + name + extra
        end = begin + member.compress_size
        if end > len(self._data):
            raise self._error(f'a whole archive, got one without the end of "{member.filename}"')
        return self._data[begin:end]

    def _inflated(self, name: str, stored: memoryview, size: int) -> memoryview:
        inflate = zlib.decompressobj(-15)
        try:
            found = inflate.decompress(stored, size + 1)
        except zlib.error as error:
            raise self._error(f'"{name}" to be decompressed, got {error}: the file is damaged') from error
        if len(found) != size:
            raise self._error(f'{size} bytes in "{name}", got {"more" if len(found) > size else len(found)}')
        return memoryview(found)


class _View:
    """Bytes as the file that `zipfile` reads the list of members from, without a copy of them all."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        position = offset + (0, self._position, len(self._data))[whence]
        if position < 0:
            raise OSError("a position before the beginning")
        self._position = position
        return position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size is None or size < 0 else self._position + size
        found = bytes(self._data[self._position : end])
        self._position += len(found)
        return found

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        pass
