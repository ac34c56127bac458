"""The element types, their codes in the instruction format, and how they combine."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import version_counter as version

# The order is the order of the C++ enum DType (csrc/dlnative/types.h); backends/cpu.py compares the two.
ITEM_SIZES = {
    "float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "bool": 1,
    "int8": 1, "int16": 2, "uint16": 2, "uint32": 4, "uint64": 8, "float16": 2, "bfloat16": 2,
}  # fmt: skip
DTYPES = tuple(ITEM_SIZES)
CODES = {name: code for code, name in enumerate(DTYPES)}

FLOATS = frozenset(("float16", "bfloat16", "float32", "float64"))

# What an op computes in that has no kernel for a type: all values of the type fit. uint64 is not here: its largest
# values fit in no other integer (see graph/apply.py).
WIDER = {
    "uint8": "int32", "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64",
    "float16": "float32", "bfloat16": "float32",
}  # fmt: skip


class _NumpyTypes(dict[str, "np.dtype[Any]"]):
    """NumPy's type for each name. bfloat16 is that of ml_dtypes, which is imported when somebody asks for it."""

    def __missing__(self, name: str) -> np.dtype[Any]:
        if name != "bfloat16":
            raise KeyError(name)
        if not is_available(name):
            raise ValueError("dtype: bfloat16 needs the package ml_dtypes, which is not installed")
        import ml_dtypes

        self[name] = np.dtype(ml_dtypes.bfloat16)
        _NAMES[self[name]] = name
        return self[name]


NUMPY = _NumpyTypes({name: np.dtype(name) for name in DTYPES if name != "bfloat16"})
_NAMES = {dtype: name for name, dtype in NUMPY.items()}

_floatx = "float32"

# What makes an array that `run` takes of one that lies in the memory of a device, or gives None. Empty unless a backend
# computes there.
adopters: list[Callable[[Any], Any]] = []


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
    version.bump()


_epsilon = 1e-7


def epsilon() -> float:
    """Returns the small number that keeps probabilities away from 0 and 1, and divisors from 0: 1e-7 at the beginning."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Sets the number that `epsilon` returns; losses, metrics and constraints compute with it from the next call on.

    Args:
        value: a number above 0.

    Raises:
        ValueError: for anything else.
    """
    global _epsilon
    from dlnative.utils.checks import number

    _epsilon = number("set_epsilon", "value", value, 0, open_low=True)
    version.bump()


def standardize(dtype: Any) -> str:
    """Returns the name of a supported type given as a name, a NumPy type, a Python type, or `None` (the default float type).

    Raises:
        ValueError: for anything else.
    """
    if dtype is None:
        return _floatx
    if isinstance(dtype, str) and dtype in ITEM_SIZES:
        return NUMPY[dtype] and dtype
    name = {float: _floatx, int: "int32", bool: "bool", "float": _floatx, "int": "int32"}.get(dtype)
    if name is None:
        try:
            name = _name_of(np.dtype(dtype))
        except TypeError:
            name = None
    if name is None:
        raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
    return name


def _name_of(dtype: np.dtype[Any]) -> str | None:
    """Returns the name of a NumPy type in whatever byte order, or `None`."""
    if dtype.kind == "V" and "ml_dtypes" in sys.modules:
        NUMPY["bfloat16"]
    return _NAMES.get(dtype) or _NAMES.get(dtype.newbyteorder("="))


def of_array(array: np.ndarray[Any, Any] | np.generic) -> str:
    """Returns the name of an array's type; its bytes may be in the other order.

    Raises:
        TypeError: if the array does not hold numbers (text, objects, dates, complex numbers).
    """
    name = _NAMES.get(array.dtype) or _name_of(array.dtype)
    if name is None:
        raise TypeError(f"expected an array of numbers, got an array of dtype {array.dtype}")
    return name


def lies_on_a_device(value: Any) -> bool:
    """Returns whether an object is an array in the memory of a device, by what it offers."""
    if hasattr(value, "__cuda_array_interface__"):
        return True
    device = getattr(value, "__dlpack_device__", None)
    return device is not None and not isinstance(value, (np.ndarray, np.generic)) and device()[0] == 2


def adopt(value: Any) -> Any:
    """Returns an array that lies on the device that computes, of what another library has there; `None` for anything else."""
    for found in adopters:
        if lies_on_a_device(value):
            return found(value)
    return None


def as_array(value: Any, dtype: str | None = None) -> np.ndarray[Any, Any]:
    """Returns an array of a supported type in this machine's byte order.

    An array keeps its type. Python numbers get the given one; without it floats get the default float type, and integers
    int32.

    Raises:
        TypeError: if it does not hold numbers.
        OverflowError: if a Python integer does not fit.
    """
    if value.__class__ is np.ndarray:  # most often
        name = _NAMES.get(value.dtype)
        if name is not None and NUMPY[name] is value.dtype:
            return value
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        name = of_array(array)
        return array if NUMPY[name] is array.dtype else array.astype(NUMPY[name])
    if adopters and (adopted := adopt(value)) is not None:
        return adopted
    array = np.asarray(value)
    if array.dtype == object and all(isinstance(item, int) for item in array.flat):  # some fit in no integer type
        try:
            array = array.astype(NUMPY[dtype] if dtype and is_float(dtype) else np.uint64)
        except OverflowError:
            raise OverflowError(f"expected Python integers that fit in {dtype or 'int32'}, got larger ones") from None
    name = of_array(array)
    wanted = dtype or {"float64": _floatx, "int64": "int32", "uint64": "int32"}.get(name, name)
    made = array.astype(NUMPY[wanted], copy=False)
    if name in ("int64", "uint64") and is_integer(wanted) and not np.array_equal(made, array):
        raise OverflowError(f"expected Python integers that fit in {wanted}, got larger ones")
    return made


def of_number(value: float, dtype: str) -> np.ndarray[Any, Any]:
    """Returns an array of rank 0 of a Python number.

    Raises:
        OverflowError: if an integer does not fit.
    """
    try:
        return np.asarray(value, NUMPY[dtype])
    except OverflowError:
        raise OverflowError(f"expected a Python integer that fits in {dtype}, got a larger one") from None


def converted(array: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Returns an array of numbers in a type, in this machine's byte order: the array itself if it is of that type.

    Raises:
        TypeError: if it does not hold numbers, or complex ones.
    """
    if of_array(array) == dtype and array.dtype is NUMPY[dtype]:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(NUMPY[dtype])


def is_available(dtype: str) -> bool:
    """Whether a type can be had: bfloat16 is in the package ml_dtypes."""
    return dtype != "bfloat16" or importlib.util.find_spec("ml_dtypes") is not None


def is_float(dtype: str) -> bool:
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    return dtype not in FLOATS and dtype != "bool"


_results: dict[tuple[str, str], str] = {}


def result_type(first: str, second: str) -> str:
    """Returns the type in which two tensors meet: Keras's rule, where types of 64 bits only come from such types.

    Floats win over integers, and integers over bool. Two integers meet in one that holds both; signed and unsigned ones
    of 32 bits in int32, and where nothing holds both, in the default float type.
    """
    if first == second:
        return first
    found = _results.get((first, second))
    if found is None:
        found = _results[first, second] = _meeting_type(first, second)
    return found if found else _floatx


def _meeting_type(first: str, second: str) -> str:
    """Returns the type, or an empty name for the default float type."""
    low, high = sorted((first, second), key=lambda name: (is_float(name), name != "bool", ITEM_SIZES[name]))
    if is_float(low) and ITEM_SIZES[low] == ITEM_SIZES[high]:
        return "float32"
    if is_float(high) or low == "bool" or low[0] == high[0]:
        return high
    signed, unsigned = (low, high) if low.startswith("int") else (high, low)
    if unsigned == "uint64":
        return ""
    if ITEM_SIZES[signed] > ITEM_SIZES[unsigned]:
        return signed
    return {1: "int16", 2: "int32", 4: "int32"}[ITEM_SIZES[unsigned]]


def of_scalar(value: bool | int | float, other: str) -> str:
    """Returns the type a Python scalar takes beside a tensor of type `other`: the tensor's, unless it cannot hold it."""
    if isinstance(value, bool):
        return other
    if isinstance(value, int):
        return "int32" if other == "bool" else other
    return other if is_float(other) else _floatx
