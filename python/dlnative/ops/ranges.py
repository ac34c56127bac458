"""Numbers between two bounds, and the windows of signal processing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import cast, convert_to_tensor
from dlnative.ops.core import as_tensor, call, dtype_of, integer, normalize_axis, operation, scalar, shown
from dlnative.ops.creation import type_of_numbers
from dlnative.ops.elementwise import absolute, add, divide, exp, log, multiply, power, sign, subtract, where
from dlnative.ops.joining import broadcast_to_extents
from dlnative.ops.pointwise import broadcast_shapes
from dlnative.ops.shape import expand_dims, moveaxis

_CHUNK = 1 << 16  # numbers that are counted in a wide type at a time


def _count(num: Any, name: str) -> int:
    count = integer(num, f"{name}: num")
    if count < 0:
        raise ValueError(f"{name}: `num` must be a non-negative integer, got {num}")
    return count


def _line(
    start: Any,
    stop: Any,
    num: Any,
    endpoint: bool,
    axis: int,
    name: str,
    dtype: Any,
    finish: Callable[[Any], Any] | None,
) -> tuple[Any, Any]:
    """Returns numbers from start to stop, and their distance.

    Args:
        dtype: the type of the numbers, `None` for that of the bounds, but a float.
        finish: what is made of them in a wide type, if anything.
    """
    count = _count(num, name)
    found = dtypes.result_type(type_of_numbers(start, stop), "bool")
    result = found if dtypes.is_float(found) else dtypes.floatx()
    # Python's integers may be larger than int32.
    start, stop = (float(x) if isinstance(x, int) else x for x in (start, stop))
    first, last = (cast(as_tensor(x), "float64") for x in (start, stop))
    parts = count - 1 if endpoint else count
    distance = divide(subtract(last, first), float(parts)) if parts > 0 else scalar(math.nan, first)
    rank = max(len(first.shape), len(last.shape))
    place = normalize_axis(axis, rank + 1, name)
    name = result if dtype is None else dtypes.standardize(dtype)
    finish = finish or (lambda y: call("floor", y) if dtypes.is_integer(name) else y)
    if rank == 0 and parts > 0 and not isinstance(first, Tensor) and not isinstance(last, Tensor):
        y = np.empty(count, dtypes.NUMPY[name])
        for at in range(0, count, _CHUNK):
            share = np.arange(at, min(at + _CHUNK, count), dtype="float64") / parts
            y[at : at + _CHUNK] = cast(finish(first * (1.0 - share) + last * share), name)
        return y, cast(distance, result)
    steps = np.arange(count, dtype="float64").reshape((count,) + (1,) * rank)
    share = steps / parts if parts > 0 else steps * 0
    shape = broadcast_shapes(name, tuple(first.shape), tuple(last.shape))
    first, last = (expand_dims(broadcast_to_extents(x, shape), 0) for x in (first, last))
    y = add(multiply(first, 1.0 - share), multiply(last, share)) if parts > 0 else add(first, share)
    y = cast(finish(y), name)
    return moveaxis(y, 0, place) if place else y, cast(distance, result)


@operation
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """Returns evenly spaced numbers.

    Args:
        start, stop: the bounds, numbers or tensors whose shapes broadcast.
        num: how many numbers.
        endpoint: whether stop is the last of them.
        retstep: whether their distance is returned, too.
        dtype: the dtype, by default that of the bounds, but a float.
        axis: the place of the new axis.

    Example:
        >>> linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    made = _line(start, stop, num, endpoint, axis, "linspace", dtype, None)
    return made if retstep else made[0]


@operation
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Any:
    """Returns `base` to the power of evenly spaced numbers; see `linspace`."""

    def powers(y: Any) -> Any:
        return power(cast(base, dtype_of(y)), y)

    return _line(start, stop, num, endpoint, axis, "logspace", dtype, powers)[0]


@operation
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    """Returns numbers each of which is the one before times the same factor; see `linspace`."""
    name = type_of_numbers(start, stop)
    result = name if dtypes.is_float(name) else dtypes.floatx()
    symbolic = any(isinstance(x, Tensor) for x in (as_tensor(start), as_tensor(stop)))
    first, last = (cast(as_tensor(x), "float64") for x in (start, stop))
    if not symbolic and (np.any(first == 0) or np.any(last == 0)):
        raise ValueError("geomspace: expected bounds that are not 0")
    y, _ = _line(log(absolute(first)), log(absolute(last)), num, endpoint, axis, "geomspace", "float64", None)
    place = normalize_axis(axis, len(y.shape), "geomspace")
    shape = broadcast_shapes("geomspace", tuple(first.shape), tuple(last.shape))
    first, last = (expand_dims(broadcast_to_extents(x, shape), place) for x in (first, last))
    steps = np.arange(y.shape[place]).reshape([-1 if index == place else 1 for index in range(len(y.shape))])
    y = where(steps == 0, first, multiply(exp(y), sign(first)))
    if endpoint:  # the bounds come out exactly
        y = where((steps == num - 1) & (steps > 0), last, y)
    return cast(y, result if dtype is None else dtype)


def _window(x: Any, name: str) -> tuple[int, np.ndarray[Any, Any]]:
    """Returns the length of a window, and -1 to 1 along it."""
    x = as_tensor(x)
    if isinstance(x, Tensor):
        raise ValueError(f"{name}: the length of a window would be a shape, which a traced function cannot know")
    length = int(np.asarray(x).item())
    return length, np.arange(1 - length, length, 2) / max(length - 1, 1)


def _made(values: Any) -> Any:
    return np.asarray(values, dtypes.floatx())


def bartlett(x: Any) -> Any:
    """Returns the Bartlett window of a length: a triangle."""
    length, place = _window(x, "bartlett")
    return _made(np.ones(length) if length == 1 else 1.0 - np.abs(place))


def hanning(x: Any) -> Any:
    """Returns the Hann window of a length: `0.5 + 0.5 cos(pi t)` for t from -1 to 1."""
    length, place = _window(x, "hanning")
    return _made(np.ones(length) if length == 1 else 0.5 + 0.5 * np.cos(np.pi * place))


def hamming(x: Any) -> Any:
    """Returns the Hamming window of a length: `0.54 + 0.46 cos(pi t)` for t from -1 to 1."""
    length, place = _window(x, "hamming")
    return _made(np.ones(length) if length == 1 else 0.54 + 0.46 * np.cos(np.pi * place))


def blackman(x: Any) -> Any:
    """Returns the Blackman window of a length: `0.42 + 0.5 cos(pi t) + 0.08 cos(2 pi t)` for t from -1 to 1."""
    length, place = _window(x, "blackman")
    return _made(
        np.ones(length) if length == 1 else 0.42 + 0.5 * np.cos(np.pi * place) + 0.08 * np.cos(2 * np.pi * place)
    )


def kaiser(x: Any, beta: float) -> Any:
    """Returns the Kaiser window of a length: `I0(beta sqrt(1 - t**2)) / I0(beta)` for t from -1 to 1.

    Args:
        x: the number of points.
        beta: how narrow the window is.
    """
    shape = as_tensor(beta)
    if isinstance(shape, Tensor) or shape.size != 1:
        raise TypeError(f"kaiser: beta: expected a number, got {shown(beta)}")
    beta = float(shape.item())
    length, place = _window(x, "kaiser")
    return _made(np.ones(length) if length == 1 else np.i0(beta * np.sqrt(1.0 - place**2)) / np.i0(beta))


@operation
def array(x: Any, dtype: Any = None) -> Any:
    """Returns a tensor or array of what is given, of the given dtype if there is one; an array is copied.

    Args:
        x: an array, numbers or nested lists of them.
        dtype: the type, by default that of `x`.
    """
    y = convert_to_tensor(x, dtype)
    return y if isinstance(y, Tensor) or y is not x else np.array(y)
