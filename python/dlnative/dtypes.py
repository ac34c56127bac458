"""The element types, their codes in the instruction format, and how they combine."""

from __future__ import annotations

from typing import Any

import numpy as np

# The order is the order of the C++ enum DType.
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
CODES = {name: code for code, name in enumerate(DTYPES)}
ITEM_SIZES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "bool": 1}
NUMPY: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in DTYPES}
_NAMES = {dtype: name for name, dtype in NUMPY.items()}

# A value converts implicitly to any type to the right of its own; two types meet at the later one.
_RANK = {"bool": 0, "uint8": 1, "int32": 2, "int64": 3, "float32": 4, "float64": 5}
# Types that arrays may come in and that are converted when they enter.
_ENTRY = {
    "float16": "float32",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
}

_floatx = "float32"


def floatx() -> str:
    """Returns the default float type, `"float32"` or `"float64"`."""
    return _floatx


def set_floatx(value: str) -> None:
    """Sets the default float type.

    Args:
        value: `"float32"` or `"float64"`.

    Raises:
        ValueError: for any other value.
    """
    global _floatx
    if value not in ("float32", "float64"):
        raise ValueError(f'set_floatx: expected "float32" or "float64", got {value!r}')
    _floatx = value


def standardize(dtype: Any) -> str:
    """Returns the name of a supported type given as a name, a NumPy type, or `None` (the default float type)."""
    if dtype is None:
        return _floatx
    if isinstance(dtype, str) and dtype in NUMPY:
        return dtype
    try:
        numpy_dtype = np.dtype(dtype)
    except TypeError:
        numpy_dtype = None
    name = _NAMES.get(numpy_dtype) if numpy_dtype is not None else None
    if name is None:
        raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
    return name


def of_array(array: np.ndarray[Any, Any] | np.generic) -> str:
    """Returns the supported type in which an array enters a plan.

    Raises:
        TypeError: if the array does not hold numbers (text, objects, dates, complex numbers).
    """
    name = _NAMES.get(array.dtype)
    if name is not None:
        return name
    entry = _ENTRY.get(array.dtype.name)  # NumPy takes longer to name a type than a small kernel takes to run
    if entry is None:
        # A byte-swapped array has an unlisted dtype object but a listed name.
        entry = array.dtype.name if array.dtype.name in NUMPY else None
    if entry is None:
        raise TypeError(f"expected an array of numbers, got an array of dtype {array.dtype}")
    return entry


def is_float(dtype: str) -> bool:
    return dtype == "float32" or dtype == "float64"


def result_type(first: str, second: str) -> str:
    """Returns the type in which two tensors meet."""
    return first if _RANK[first] >= _RANK[second] else second


def of_scalar(value: bool | int | float, other: str) -> str:
    """Returns the type a Python scalar takes beside a tensor of type `other`: the tensor's, unless it cannot hold it."""
    if isinstance(value, bool):
        return other
    if isinstance(value, int):
        return "int32" if other == "bool" else other
    return other if is_float(other) else _floatx
