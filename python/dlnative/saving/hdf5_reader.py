"""Reads HDF5 files: the part of the format that Keras's files consist of, with every number checked against the file.

Groups with symbol tables, arrays in one piece and attributes, as the HDF5 library writes them by default. Links to other
places or files, filters (compression), arrays in chunks and the newer forms of groups are refused. Nothing is copied: an
array is a view of the file's bytes, so that no more memory is needed than the file has.

Source:
    HDF5 File Format Specification Version 3.0, sections II to IV.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlnative import dtypes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_LINKS = {1: "SoftLink", 64: "ExternalLink"}
_MOST_LEVELS = 64  # of a tree of names, and of object headers in pieces


class Hdf5Error(ValueError):
    """Says what is wrong with an HDF5 file."""


class Hdf5File:
    """An HDF5 file in memory.

    Args:
        data: its bytes.
        label: what messages call it.

    Raises:
        Hdf5Error: if it is none, here and wherever something damaged is read.
    """

    def __init__(self, data: Any, label: str) -> None:
        self._data = memoryview(data)
        self._label = label
        if bytes(self._data[:8]) != SIGNATURE:
            raise self.error(f"an HDF5 file, got one that begins with {bytes(self._data[:8])!r}")
        version, widths = self.bytes_at(8, 1)[0], self.bytes_at(13, 2)
        if version > 1 or bytes(widths) != b"\x08\x08":
            raise self.error(f"a superblock of version 0 or 1 with offsets of 8 bytes, got version {version}")
        base = self.unpack("<Q", 28 if version else 24)[0]
        if base:
            raise self.error(f"addresses that begin with the file, got a base of {base}")
        (header,) = self.unpack("<Q", (60 if version else 56) + 8)
        self.root = Group(self, header)

    def error(self, text: str) -> Hdf5Error:
        """Returns the error that says what was expected and what came."""
        return Hdf5Error(f"{self._label}: expected {text}")

    def bytes_at(self, address: int, size: int) -> memoryview:
        """Returns bytes of the file.

        Raises:
            Hdf5Error: if the file is shorter.
        """
        if address < 0 or size < 0 or address + size > len(self._data):
            raise self.error(
                f"a whole HDF5 file, got one of {len(self._data)} bytes that needs {size} from {address} on"
            )
        return self._data[address : address + size]

    def unpack(self, form: str, address: int) -> tuple[Any, ...]:
        """Returns numbers at an address."""
        return struct.unpack(form, self.bytes_at(address, struct.calcsize(form)))


class _Object:
    """What has an object header: messages about it, among them its attributes."""

    def __init__(self, file: Hdf5File, address: int) -> None:
        self._file = file
        self._messages = list(_messages(file, address))
        self._attributes: dict[str, Any] | None = None
        for kind, data in self._messages:
            if kind == 0x0006 and len(data) > 2 and data[1] & 8 and data[2] in _LINKS:
                raise file.error(f"arrays and groups in the file itself, got a {_LINKS[data[2]]}: Not allowed")
        if any(kind in (0x0002, 0x0006) for kind, _ in self._messages):
            raise file.error(
                "groups with symbol tables, got one of the newer form: write the file anew with h5py's defaults"
            )

    def _message(self, kind: int) -> memoryview | None:
        return next((data for found, data in self._messages if found == kind), None)

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes: text, numbers, and arrays of these."""
        if self._attributes is None:
            found = [_attribute(self._file, data) for kind, data in self._messages if kind == 0x000C]
            self._attributes = dict(found)
        return self._attributes


def _messages(file: Hdf5File, address: int) -> Iterator[tuple[int, memoryview]]:
    version, count, size = file.unpack("<BxHxxxxI", address)
    if version != 1:
        raise file.error(f"object headers of version 1, got {version}: write the file anew with h5py's defaults")
    pieces = [(address + 16, size)]
    for start, extent in pieces:
        position = start
        while count and position + 8 <= start + extent:
            kind, length = file.unpack("<HH", position)
            data = file.bytes_at(position + 8, length)
            position += 8 + length
            count -= 1
            if kind == 0x0010:
                if len(pieces) >= _MOST_LEVELS or length < 16:
                    raise file.error(f"an object header of at most {_MOST_LEVELS} pieces, got more")
                pieces.append(struct.unpack("<QQ", data[:16]))
            else:
                yield kind, data


class Group(_Object):
    """A group: names of groups and arrays.

    Args:
        file: the file.
        address: of its object header.
    """

    def __init__(self, file: Hdf5File, address: int) -> None:
        super().__init__(file, address)
        self._places: dict[str, int] | None = None
        self._made: dict[str, Group | Dataset] = {}

    def _entries(self) -> dict[str, int]:
        if self._places is None:
            table = self._message(0x0011)
            self._places = {} if table is None else dict(_names(self._file, *_pair(self._file, table)))
        return self._places

    def keys(self) -> list[str]:
        """Returns the names in the group, in the order of their characters."""
        return list(self._entries())

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __contains__(self, name: str) -> bool:
        return name in self._entries()

    def get(self, name: str) -> Group | Dataset | None:
        """Returns what a name stands for; `None` if it is not there.

        Args:
            name: a name, or several with slashes between, for what lies deeper.
        """
        found: Group | Dataset | None = self
        for part in name.split("/"):
            if not isinstance(found, Group):
                return None
            if part not in found._made:
                address = found._entries().get(part)
                if address is None:
                    return None
                found._made[part] = _opened(self._file, address)
            found = found._made[part]
        return found


def _pair(file: Hdf5File, data: memoryview) -> tuple[int, int]:
    if len(data) < 16:
        raise file.error("a symbol table, got a damaged one")
    tree, heap = struct.unpack("<QQ", data[:16])
    return tree, heap


def _opened(file: Hdf5File, address: int) -> Group | Dataset:
    kinds = {kind for kind, _ in _messages(file, address)}
    return Group(file, address) if 0x0011 in kinds or 0x0008 not in kinds else Dataset(file, address)


def _names(file: Hdf5File, tree: int, heap: int) -> Iterator[tuple[str, int]]:
    """Yields the names of a group and the addresses of what they stand for."""
    if bytes(file.bytes_at(heap, 4)) != b"HEAP":
        raise file.error("a heap of names, got a damaged one")
    size, _, start = file.unpack("<QQQ", heap + 8)
    names = bytes(file.bytes_at(start, size))
    for leaf in _leaves(file, tree, 0, set()):
        if bytes(file.bytes_at(leaf, 4)) != b"SNOD":
            raise file.error("a node of names, got a damaged one")
        (count,) = file.unpack("<H", leaf + 6)
        for position in range(leaf + 8, leaf + 8 + 40 * count, 40):
            offset, address, cache = file.unpack("<QQI", position)
            end = names.find(b"\0", offset)
            if offset >= size or end < 0:
                raise file.error("names in their heap, got one outside")
            try:
                name = names[offset:end].decode("utf-8")
            except UnicodeDecodeError as error:
                raise file.error(f"names of text, got {names[offset:end]!r}") from error
            if cache == 2:
                raise file.error(f'arrays and groups in the file itself, got the SoftLink "{name}": Not allowed')
            yield name, address


def _leaves(file: Hdf5File, address: int, depth: int, seen: set[int]) -> Iterator[int]:
    if address in seen or depth > _MOST_LEVELS:
        raise file.error("a tree of names, got a loop")
    seen.add(address)
    if bytes(file.bytes_at(address, 4)) != b"TREE":
        raise file.error("a tree of names, got a damaged one")
    kind, level, count = file.unpack("<BBH", address + 4)
    if kind:
        raise file.error("a tree of names, got one of chunks")
    for number in range(count):
        (child,) = file.unpack("<Q", address + 32 + 16 * number)
        if level:
            yield from _leaves(file, child, depth + 1, seen)
        elif child in seen:
            raise file.error("a tree of names, got a loop")
        else:
            seen.add(child)
            yield child


class Dataset(_Object):
    """An array, whose extents are known before anything of it is read.

    Args:
        file: the file.
        address: of its object header.

    Raises:
        Hdf5Error: if it is not in the file, in one piece, or has elements that are no numbers or text.
    """

    def __init__(self, file: Hdf5File, address: int) -> None:
        super().__init__(file, address)
        kind, space, layout = (self._message(number) for number in (0x0003, 0x0001, 0x0008))
        if kind is None or space is None or layout is None:
            raise file.error("an array with a type, a shape and a place, got one without")
        if self._message(0x0007) is not None:
            raise file.error("arrays in the file itself, got one in an external file: Not allowed")
        if self._message(0x000B) is not None:
            raise file.error("arrays without filters, got a compressed one: write the file anew without compression")
        self._type, _ = _datatype(file, kind)
        self.shape = _shape(file, space)
        self._bytes = self._place(layout)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        if self._type.numbers is not None and self.attrs.get("dtype") == "bfloat16":
            return dtypes.NUMPY["bfloat16"]
        return np.dtype(object) if self._type.numbers is None else self._type.numbers

    def _place(self, layout: memoryview) -> memoryview:
        file = self._file
        if len(layout) < 4 or layout[0] not in (3, 4):
            raise file.error("arrays with a layout of version 3 or 4, got another one")
        size = math.prod(self.shape) * self._type.size
        if layout[1] == 0:
            (stored,) = struct.unpack("<H", layout[2:4])
            found = layout[4 : 4 + stored]
        elif layout[1] == 1 and len(layout) >= 18:
            address, stored = struct.unpack("<QQ", layout[2:18])
            if size == 0:
                return memoryview(b"")
            if address == _UNDEFINED:
                raise file.error(f"an array of shape {self.shape} in the file, got none of its {size} bytes")
            found = file.bytes_at(address, stored) if stored == size else memoryview(b"")
        else:
            kind = "virtual" if layout[1] == 3 else "in chunks"
            raise file.error(f"arrays in one piece, got one that is {kind}: write the file anew with h5py's defaults")
        if size != len(found):
            raise file.error(f"the {size} bytes of an array of shape {self.shape}, got {stored}")
        return found

    def read(self) -> Any:
        """Returns the array, a view of the file's bytes; text as a string, or as a list of strings."""
        if self._type.numbers is None:
            return _texts(self._file, self._type, self.shape, self._bytes)
        array = np.frombuffer(self._bytes, self._type.numbers).reshape(self.shape)
        return array.view(self.dtype) if self.dtype != array.dtype else array


# Types and shapes.


class _Type:
    """The type of elements: numbers, or text of fixed or any length."""

    def __init__(self, size: int, numbers: Any = None, anywhere: bool = False) -> None:
        self.size = size
        self.numbers = None if numbers is None else np.dtype(numbers)
        self.anywhere = anywhere


def _datatype(file: Hdf5File, data: memoryview) -> tuple[_Type, int]:
    """Returns the type that a message describes, and how many bytes describe it."""
    if len(data) < 8:
        raise file.error("the type of an array, got a damaged one")
    kind, flags, size = data[0] & 15, data[1], struct.unpack("<I", data[4:8])[0]
    order = ">" if flags & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        return _Type(size, f"{order}{'i' if flags & 8 else 'u'}{size}"), 12
    if kind == 1 and size in (2, 4, 8):
        bfloat16 = size == 2 and len(data) >= 16 and data[13] == 8
        return _Type(size, dtypes.NUMPY["bfloat16"] if bfloat16 else f"{order}f{size}"), 20
    if kind == 3 and size:
        return _Type(size), 8
    if kind == 5 and size:
        return _Type(size, f"V{size}"), 8 + (flags + 7) // 8 * 8
    if kind == 8 and size == 1:
        return _Type(1, "bool"), len(data)
    if kind == 9 and flags & 15 == 1 and size == 16:
        return _Type(16, None, anywhere=True), len(data)
    raise file.error(f"an array of numbers or text, got elements of class {kind} and {size} bytes")


def _shape(file: Hdf5File, data: memoryview) -> tuple[int, ...]:
    if len(data) < 4 or data[0] not in (1, 2) or data[1] > 32:
        raise file.error("the shape of an array, got a damaged one")
    start = 8 if data[0] == 1 else 4
    rank = data[1]
    if len(data) < start + 8 * rank:
        raise file.error(f"{rank} extents of an array, got fewer")
    return struct.unpack(f"<{rank}Q", data[start : start + 8 * rank])


def _texts(file: Hdf5File, kind: _Type, shape: tuple[int, ...], data: memoryview) -> Any:
    found: list[str] = []
    for start in range(0, len(data), kind.size):
        element = data[start : start + kind.size]
        raw = _anywhere(file, element) if kind.anywhere else bytes(element).split(b"\0")[0]
        try:
            found.append(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise file.error(f"text, got {raw[:20]!r}") from error
    return found[0] if not shape and found else found


def _anywhere(file: Hdf5File, element: memoryview) -> bytes:
    """Returns the bytes of text that lies in a global heap."""
    length, heap, wanted = struct.unpack("<IQI", element)
    if length == 0:
        return b""
    if bytes(file.bytes_at(heap, 4)) != b"GCOL":
        raise file.error("a heap of text, got a damaged one")
    (size,) = file.unpack("<Q", heap + 8)
    position, end = heap + 16, heap + size
    while position + 16 <= end:
        number, stored = file.unpack("<HxxxxxxQ", position)
        if number == 0:
            break
        if number == wanted:
            return bytes(file.bytes_at(position + 16, min(length, stored)))
        position += 16 + (stored + 7) // 8 * 8
    raise file.error("text in its heap, got none")


def _attribute(file: Hdf5File, data: memoryview) -> tuple[str, Any]:
    if len(data) < 9 or data[0] not in (1, 2, 3):
        raise file.error("an attribute, got a damaged one")
    sizes = struct.unpack("<HHH", data[2:8])
    position = 9 if data[0] == 3 else 8
    parts = []
    for size in sizes:
        if position + size > len(data):
            raise file.error("a whole attribute, got a part of one")
        parts.append(data[position : position + size])
        position += (size + 7) // 8 * 8 if data[0] == 1 else size
    name = bytes(parts[0]).split(b"\0")[0].decode("utf-8", "replace")
    kind, _ = _datatype(file, parts[1])
    shape = _shape(file, parts[2])
    size = math.prod(shape) * kind.size
    value = data[position : position + size]
    if len(value) != size:
        raise file.error(f'the {size} bytes of the attribute "{name}", got {len(value)}')
    if kind.numbers is None:
        return name, _texts(file, kind, shape, value)
    array = np.frombuffer(value, kind.numbers).reshape(shape)
    return name, array if shape else array[()]
