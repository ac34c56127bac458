"""Tensors and arrays of given values: zeros, ones, counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import convert_to_tensor
from dlnative.ops.core import as_tensor, call, dtype_of, integer, operation, shape_of

Array = np.ndarray[Any, Any]
_CHUNK = 1 << 16  # numbers of `arange` that are counted in float64 at a time


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Returns zeros with the shape and, unless another is given, the dtype of a tensor.

    Args:
        x: a tensor or array.
        dtype: the type, by default that of `x`.
    """
    return _full_like(x, 0, dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Returns ones with the shape and, unless another is given, the dtype of a tensor.

    Args:
        x: a tensor or array.
        dtype: the type, by default that of `x`.
    """
    return _full_like(x, 1, dtype)


@operation
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Returns a tensor of no particular values (zeros) with the shape and, unless another is given, the dtype of a tensor.

    Args:
        x: a tensor or array.
        dtype: the type, by default that of `x`.
    """
    return _full_like(x, 0, dtype)


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Returns a tensor with the shape of another, filled with a value.

    Args:
        x: a tensor or array.
        fill_value: a number, or a tensor that broadcasts to the shape of x.
        dtype: the dtype, by default that of x.
    """
    return _full_like(x, fill_value, dtype)


def _full_like(x: Any, value: Any, dtype: Any) -> Any:
    x = as_tensor(x)
    name = dtype_of(x) if dtype is None else dtypes.standardize(dtype)
    filler = convert_to_tensor(value, name)
    if not isinstance(x, Tensor) and not isinstance(filler, Tensor):
        return np.full(x.shape, filler, name)
    if not isinstance(filler, Tensor):
        filler = Tensor(filler.shape, name, source=filler)
    return call("broadcast_to", filler, attributes=(tuple(x.shape),))


def zeros(shape: Any, dtype: Any = None) -> Array:
    """Returns an array of zeros.

    Args:
        shape: an integer or integers.
        dtype: the dtype, by default float32.
    """
    return np.zeros(shape_of("zeros", shape), dtypes.standardize(dtype))


def ones(shape: Any, dtype: Any = None) -> Array:
    """Returns an array of ones; see `zeros`."""
    return np.ones(shape_of("ones", shape), dtypes.standardize(dtype))


def empty(shape: Any, dtype: Any = None) -> Array:
    """Returns an array of no particular values (zeros); see `zeros`."""
    return np.zeros(shape_of("empty", shape), dtypes.standardize(dtype))


@operation
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Returns an array of one value.

    Args:
        shape: an integer or integers.
        fill_value: a number, or a tensor that broadcasts to the shape.
        dtype: the dtype, by default float32.
    """
    extents, name = shape_of("full", shape), dtypes.standardize(dtype)
    value = convert_to_tensor(fill_value, name)
    if isinstance(value, Tensor):
        return call("broadcast_to", value, attributes=(extents,))
    return np.full(extents, value, name)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Returns a matrix with ones on a diagonal and zeros elsewhere.

    Args:
        N, M: the numbers of rows and columns, equal by default.
        k: the diagonal, above the main one where positive.
        dtype: the dtype, by default float32.
    """
    rows, columns = shape_of("eye", (N, N if M is None else M))
    return np.eye(rows, columns, integer(k, "eye: k"), dtypes.standardize(dtype))


def identity(n: int, dtype: Any = None) -> Array:
    """Returns the identity matrix of n rows.

    Args:
        n: the number of rows and columns.
        dtype: the type, by default float32.
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Returns a matrix with ones on and below a diagonal and zeros above; see `eye`."""
    rows, columns = shape_of("tri", (N, N if M is None else M))
    return np.tri(rows, columns, integer(k, "tri: k"), dtypes.standardize(dtype))


def type_of_numbers(*values: Any) -> str:
    """Returns the dtype of Python numbers and tensors together. Beside a tensor a Python number takes its type, if that can hold
    it; alone, ints count as int32, floats as the default float type."""
    weak = [value for value in values if type(value) in (bool, int, float)]
    names = [dtype_of(as_tensor(value)) for value in values if type(value) not in (bool, int, float)]
    if not names:
        names = ["bool" if isinstance(value, bool) else dtypes.of_scalar(value, "int32") for value in weak]
    found = names[0]
    for name in names[1:]:
        found = dtypes.result_type(found, name)
    for value in weak:
        found = dtypes.of_scalar(value, found)
    return found


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Returns evenly spaced numbers.

    Args:
        start: the first number; alone, the number of numbers, from 0 on.
        stop: where they end; it is not among them.
        step: their distance, by default 1.
        dtype: the dtype, by default that of the arguments: int32 of integers, float32 of floats.

    Raises:
        ValueError: if the step is 0.
        OverflowError: if a number does not fit into the dtype.

    Example:
        >>> arange(1, 2, 0.25).tolist()
        [1.0, 1.25, 1.5, 1.75]
    """
    given = [value for value in (start, stop, step) if value is not None]
    if any(isinstance(value, Tensor) for value in given):
        raise ValueError("arange: expected numbers that are known: a shape cannot depend on the values of a tensor")
    name = type_of_numbers(*given) if dtype is None else dtypes.standardize(dtype)
    if stop is None:
        start, stop = 0, start
    first, end, distance = (np.asarray(value).item() for value in (start, stop, 1 if step is None else step))
    if distance == 0:
        raise ValueError("arange: expected a step that is not 0")
    if not all(math.isfinite(value) for value in (first, end, distance)):
        raise ValueError(f"arange: expected finite numbers, got {first}, {end} and {distance}")
    count = max(0, math.ceil((end - first) / distance))
    whole = all(isinstance(value, int) for value in (first, end, distance))
    if whole:
        count = len(range(first, end, distance))
        last = first + max(count - 1, 0) * distance
        if count and np.dtype(dtypes.NUMPY[name]).kind in "iu":
            limits = np.iinfo(name)
            if min(first, last) < limits.min or max(first, last) > limits.max:
                raise OverflowError(f"arange: numbers up to {last} do not fit into {name}")
    made = np.empty(count, name)
    for begin in range(0, count, _CHUNK):
        part = np.arange(begin, min(begin + _CHUNK, count), dtype="int64" if whole else "float64")
        part = part * distance + first
        made[begin : begin + _CHUNK] = part
    return made
