"""Writes HDF5 files as the HDF5 library does by default: groups with symbol tables, arrays in one piece, attributes.

Where everything lies is worked out first; the arrays are then written straight from their memory.

Source:
    HDF5 File Format Specification Version 3.0, sections II to IV.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

from dlnative.saving.hdf5_reader import SIGNATURE

_UNDEFINED = 2**64 - 1
_LEAF, _INNER = 8, 32  # entries in a node of names, children of a node above: the library's defaults
_HEAP = 4096  # bytes of a heap of text


class Tree:
    """A group that is to be written.

    Args:
        attrs: its attributes: text, numbers, or lists of text.
    """

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        self.attrs = dict(attrs or {})
        self.parts: dict[str, Tree | Array] = {}

    def group(self, path: str) -> Tree:
        """Returns the group of a path, which is made where it is missing."""
        found = self
        for part in path.split("/") if path else []:
            inner = found.parts.setdefault(part, Tree())
            if not isinstance(inner, Tree):
                raise ValueError(f'HDF5: expected a group "{path}", got an array of that name')
            found = inner
        return found


class Array:
    """An array that is to be written.

    Args:
        value: the array.
        attrs: its attributes.
    """

    def __init__(self, value: Any, attrs: dict[str, Any] | None = None) -> None:
        self.value = self.stored = np.asarray(value, order="C")
        self.attrs = dict(attrs or {})
        # The format has no such type; Keras writes bytes, and says what they are.
        if self.value.dtype.name == "bfloat16":
            self.stored = self.value.view("V2")
            self.attrs["dtype"] = "bfloat16"


def write_hdf5(root: Tree, file: BinaryIO) -> None:
    """Writes a tree of groups and arrays to a file, from its position on.

    Args:
        root: the tree.
        file: an open file, which need not be seekable.
    """
    layout = _Layout()
    header = layout.group(root)
    position = 0
    for address, piece in [(0, layout.superblock(header)), *layout.pieces]:
        file.write(b"\0" * (address - position))
        data = piece if isinstance(piece, (bytes, bytearray)) else memoryview(piece.reshape(-1).view(np.uint8))
        file.write(data)
        position = address + len(data)
    file.write(b"\0" * (layout.end - position))


class _Layout:
    """Where everything lies in the file."""

    def __init__(self) -> None:
        self.end = 96  # the superblock is in front
        self.pieces: list[tuple[int, Any]] = []
        self._heap: bytearray | None = None  # of text, of which so many bytes and so many texts are in use
        self._heap_address = self._used = self._texts = 0

    def _put(self, data: Any, size: int | None = None) -> int:
        """Places bytes, or an array, behind what is there; returns the address."""
        address = (self.end + 7) // 8 * 8
        self.end = address + (len(data) if size is None else size)
        self.pieces.append((address, data))
        return address

    def superblock(self, header: int) -> bytes:
        sizes = struct.pack("<BBBBBBBBHHI", 0, 0, 0, 0, 0, 8, 8, 0, _LEAF // 2, _INNER // 2, 0)
        places = struct.pack("<QQQQ", 0, _UNDEFINED, self.end, _UNDEFINED)
        return SIGNATURE + sizes + places + struct.pack("<QQII16x", 0, header, 0, 0)

    def group(self, tree: Tree) -> int:
        """Places a group and all that is in it; returns the address of its header."""
        entries = []
        heap = bytearray(8)
        for name in sorted(tree.parts, key=lambda item: item.encode("utf-8")):
            part = tree.parts[name]
            address = self.group(part) if isinstance(part, Tree) else self._array(part)
            entries.append((len(heap), address))
            heap += name.encode("utf-8") + b"\0"
            heap += b"\0" * (-len(heap) % 8)
        names = self._put(bytes(heap))
        place = self._put(b"HEAP" + struct.pack("<B3xQQQ", 0, len(heap), 1, names))
        table = struct.pack("<QQ", self._names(entries), place)
        return self._header([(0x0011, table), *self._attributes(tree.attrs)])

    def _names(self, entries: list[tuple[int, int]]) -> int:
        """Places the tree of a group's names; returns the address of its root."""
        nodes = []  # the greatest name below, by its offset in the heap, and the address
        for start in range(0, len(entries), _LEAF):
            part = entries[start : start + _LEAF]
            data = b"SNOD" + struct.pack("<BBH", 1, 0, len(part))
            data += b"".join(struct.pack("<QQI20x", name, address, 0) for name, address in part)
            nodes.append((part[-1][0], self._put(data.ljust(8 + 40 * _LEAF, b"\0"))))
        level = 0
        while True:
            above = []
            for start in range(0, max(len(nodes), 1), _INNER):
                part = nodes[start : start + _INNER]
                first = nodes[start - 1][0] if start else 0
                data = b"TREE" + struct.pack("<BBHQQQ", 0, level, len(part), _UNDEFINED, _UNDEFINED, first)
                data += b"".join(struct.pack("<QQ", address, greatest) for greatest, address in part)
                above.append((part[-1][0] if part else 0, self._put(data.ljust(32 + 16 * _INNER, b"\0"))))
            if len(above) == 1:
                return above[0][1]
            nodes, level = above, level + 1

    def _array(self, array: Array) -> int:
        value = array.stored
        address = self._put(value, value.nbytes) if value.nbytes else _UNDEFINED
        messages = [
            (0x0001, _space(value.shape)),
            (0x0003, _number_type(value.dtype)),
            (0x0005, struct.pack("<BBBBI", 2, 2, 2, 1, 0)),
            (0x0008, struct.pack("<BBQQ", 3, 1, address, value.nbytes)),
        ]
        return self._header([*messages, *self._attributes(array.attrs)])

    def _header(self, messages: list[tuple[int, bytes]]) -> int:
        padded = [(kind, data + b"\0" * (-len(data) % 8)) for kind, data in messages]
        body = b"".join(struct.pack("<HHB3x", kind, len(data), 0) + data for kind, data in padded)
        return self._put(struct.pack("<BxHII4x", 1, len(padded), 1, len(body)) + body)

    def _attributes(self, attrs: dict[str, Any]) -> list[tuple[int, bytes]]:
        return [(0x000C, self._attribute(name, value)) for name, value in attrs.items()]

    def _attribute(self, name: str, value: Any) -> bytes:
        if isinstance(value, str):
            shape: tuple[int, ...] = ()
            kind = struct.pack("<BBBBI", 0x19, 1, 1, 0, 16) + struct.pack("<BBBBIHH", 0x10, 0, 0, 0, 1, 0, 8)
            data = self._text(value.encode("utf-8"))
        elif isinstance(value, list):
            texts = [item.encode("utf-8") for item in value]
            width = max([len(text) for text in texts], default=1) or 1
            shape, kind = (len(texts),), struct.pack("<BBBBI", 0x13, 1, 0, 0, width)
            data = b"".join(text.ljust(width, b"\0") for text in texts)
        else:
            array = np.asarray(value)
            shape, kind, data = array.shape, _number_type(array.dtype), array.tobytes()
        space, title = _space(shape), name.encode("utf-8") + b"\0"
        head = struct.pack("<BxHHH", 1, len(title), len(kind), len(space))
        return head + b"".join(part + b"\0" * (-len(part) % 8) for part in (title, kind, space)) + data

    def _text(self, text: bytes) -> bytes:
        """Places text in a heap that many share, and returns where it is."""
        needed = 16 + (len(text) + 7) // 8 * 8
        if self._heap is None or self._used + needed + 16 > len(self._heap) or self._texts == 0xFFFF:
            self._heap = bytearray(max(_HEAP, 16 + needed + 16))
            self._heap[:16] = b"GCOL" + struct.pack("<B3xQ", 1, len(self._heap))
            self._heap_address, self._used, self._texts = self._put(self._heap), 16, 0
        self._texts += 1
        entry = struct.pack("<HHIQ", self._texts, 1, 0, len(text)) + text
        self._heap[self._used : self._used + len(entry)] = entry
        self._used += needed
        free = struct.pack("<HHIQ", 0, 0, 0, len(self._heap) - self._used)
        self._heap[self._used : self._used + 16] = free
        return struct.pack("<IQI", len(text), self._heap_address, self._texts)


def _space(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f"<BBBx4x{len(shape)}Q", 1, len(shape), 0, *shape)


def _number_type(dtype: np.dtype[Any]) -> bytes:
    """Returns the description of a type of numbers."""
    size = dtype.itemsize
    if dtype.kind in "iu":
        return struct.pack("<BBBBIHH", 0x10, 8 if dtype.kind == "i" else 0, 0, 0, size, 0, 8 * size)
    if dtype.kind == "f" and size in _FLOATS:
        exponent, mantissa, bias = _FLOATS[size]
        places = (0, 8 * size, mantissa, exponent, 0, mantissa, bias)
        return struct.pack("<BBBBIHHBBBBI", 0x11, 0x20, 8 * size - 1, 0, size, *places)
    if dtype.kind == "b":
        base = struct.pack("<BBBBIHH", 0x10, 8, 0, 0, 1, 0, 8)
        return struct.pack("<BBBBI", 0x18, 2, 0, 0, 1) + base + b"FALSE\0\0\0TRUE\0\0\0\0" + b"\0\1"
    if dtype.kind == "V":
        return struct.pack("<BBBBI", 0x15, 0, 0, 0, size)
    raise ValueError(f"HDF5: expected an array of numbers, got one of {dtype}")


_FLOATS = {2: (5, 10, 15), 4: (8, 23, 127), 8: (11, 52, 1023)}  # bits of exponent and mantissa, and the bias
