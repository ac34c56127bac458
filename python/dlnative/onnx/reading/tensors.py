"""Arrays in ONNX files: what they say of their size is compared with what is there before memory is taken."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.saving.files import mapped

Array = np.ndarray[Any, Any]

# ONNX's numbers of element types, and the field that holds those that are not in raw_data.
TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}  # fmt: skip
_FIELDS = {1: "float_data", 7: "int64_data", 11: "double_data", 12: "uint64_data", 13: "uint64_data"}
_EXTERNAL = 1


def type_name(number: int) -> str:
    """Returns the name of an element type.

    Raises:
        ValueError: if there is none for it.
    """
    if number not in TYPES:
        raise ValueError(f"expected an element type that dlnative has, got ONNX's number {number}")
    return TYPES[number]


def array_of(tensor: Any, folder: str | None) -> Array:
    """Returns the array that a tensor of a file holds.

    Args:
        tensor: the tensor.
        folder: where data in other files may lie; `None` where none may.

    Raises:
        ValueError: if it does not hold as many elements as its shape says, or its data lie elsewhere.
    """
    try:
        dtype = type_name(tensor.data_type)
        shape = tuple(tensor.dims)
        if any(extent < 0 for extent in shape):
            raise ValueError(f"expected extents of 0 or more, got {shape}")
        size = math.prod(shape)
        nbytes = size * dtypes.ITEM_SIZES[dtype]
        kind = dtypes.NUMPY[dtype]
        if tensor.data_location == _EXTERNAL:
            return np.frombuffer(_external(tensor, folder, nbytes), kind).reshape(shape)
        if tensor.HasField("raw_data"):
            if len(tensor.raw_data) != nbytes:
                raise ValueError(f"expected {nbytes} bytes for {dtype} {shape}, got {len(tensor.raw_data)}")
            return np.frombuffer(tensor.raw_data, kind).reshape(shape)
        values = getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data"))
        if len(values) != size:
            raise ValueError(f"expected {size} elements for {shape}, got {len(values)}")
        if dtype in ("float16", "bfloat16"):
            return np.asarray(values, np.uint16).view(kind).reshape(shape)
        return np.asarray(values).astype(kind).reshape(shape)
    except ValueError as error:
        raise ValueError(f'tensor "{tensor.name}": {error}') from None


def _external(tensor: Any, folder: str | None, nbytes: int) -> memoryview:
    """The bytes of a tensor in another file, which must lie in the folder of the first."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    location = fields.get("location", "")
    if folder is None or not location:
        raise ValueError("expected data within the file, got some in another one")
    root = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(root, location))
    if os.path.isabs(location) or os.path.commonpath([root, path]) != root:
        raise ValueError(f'expected data in a file of the folder, got "{location}"')
    try:
        offset, length = int(fields.get("offset", 0)), int(fields.get("length", nbytes))
        contents = mapped(path)
    except (OSError, ValueError) as error:
        raise ValueError(f'expected data in the file "{location}", got: {error}') from None
    if length != nbytes or offset < 0 or offset + length > len(contents):
        raise ValueError(f'expected {nbytes} bytes from {offset} on in "{location}", got {length} of {len(contents)}')
    return contents[offset : offset + length]
