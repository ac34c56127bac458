"""Arrays in safetensors files: a header of JSON with the type, the shape and the place of each, and then their bytes.

Source:
    https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np

from dlnative import dtypes
from dlnative.saving.stores import FlatReader

_TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_NAMES = {name: dtype for dtype, name in _TYPES.items()}
_MOST_HEADER = 100_000_000  # bytes, as in the library


def write(arrays: dict[str, np.ndarray[Any, Any]], file: BinaryIO) -> None:
    """Writes arrays.

    Args:
        arrays: the arrays, by name.
        file: an open file.

    Raises:
        ValueError: for an array that does not hold numbers.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "dlnative"}}
    place = 0
    for name, array in arrays.items():
        if array.dtype.name not in _TYPES:
            raise ValueError(f'safetensors: expected numbers in "{name}", got {array.dtype}')
        end = place + array.nbytes
        header[name] = {"dtype": _TYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for array in arrays.values():
        file.write(np.ascontiguousarray(array).tobytes())


def reader(data: Any, label: str) -> FlatReader:
    """Returns the arrays of a file.

    Args:
        data: its bytes.
        label: what messages call it.

    Raises:
        ValueError: for a damaged file.
    """
    from dlnative.saving.keras_file import parsed

    view = memoryview(data)
    size = struct.unpack("<Q", view[:8])[0] if len(view) >= 8 else 0
    if not 2 <= size <= min(_MOST_HEADER, len(view) - 8):
        raise ValueError(f"{label}: expected a safetensors file, got one with a header of {size} bytes")
    header = parsed(view[8 : 8 + size], label)
    if not isinstance(header, dict):
        raise ValueError(f"{label}: expected a dict as header, got {type(header).__name__}")
    body = view[8 + size :]
    return FlatReader(
        {name: _part(name, entry, body, label) for name, entry in header.items() if name != "__metadata__"}
    )


def _part(name: str, entry: Any, body: memoryview, label: str) -> Any:
    try:
        dtype, shape = dtypes.NUMPY[_NAMES[entry["dtype"]]], tuple(entry["shape"])
        start, end = entry["data_offsets"]
        whole = all(isinstance(extent, int) and extent >= 0 for extent in (*shape, start, end))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{label}: expected type, shape and place of "{name}", got {error!r}') from error
    if not whole or not start <= end <= len(body) or end - start != math.prod(shape) * np.dtype(dtype).itemsize:
        raise ValueError(f'{label}: expected the bytes of "{name}" of shape {shape}, got those from {start} to {end}')
    return shape, lambda: np.frombuffer(body[start:end], dtype).reshape(shape)
