"""Padding, turning over and rolling."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, normalize_axes, operation, shown, unknown
from dlnative.ops.elementwise import floor, multiply, where
from dlnative.ops.indexing import cut, get_item, take
from dlnative.ops.joining import concatenate, repeat
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import mean, to_wide_float
from dlnative.ops.reduction import min as min_of
from dlnative.ops.rounding import round
from dlnative.ops.shape import ravel, reshape, transpose
from dlnative.ops.statistics import median


@operation
def flip(x: Any, axis: Any = None) -> Any:
    """Returns the elements in reverse order along an axis, several, or (`None`) all.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
    """
    x = as_tensor(x)
    axes = normalize_axes(axis, len(x.shape), "flip")
    return get_item(x, tuple(np.s_[::-1] if index in axes else np.s_[:] for index in range(len(x.shape))))


@operation
def fliplr(x: Any) -> Any:
    """Returns the elements in reverse order along the second axis."""
    x = as_tensor(x)
    if len(x.shape) < 2:
        raise ValueError(f"fliplr: expected a tensor of rank 2 or more, got shape {tuple(x.shape)}")
    return flip(x, 1)


@operation
def flipud(x: Any) -> Any:
    """Returns the elements in reverse order along the first axis."""
    return flip(x, 0)


@operation
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turns a tensor by 90 degrees in the plane of two axes.

    Args:
        array: a tensor or array of rank 2 or more.
        k: how many times, from the first axis towards the second.
        axes: the two axes.
    """
    x = as_tensor(array)
    rank = len(x.shape)
    if rank < 2:
        raise ValueError(f"rot90: expected a tensor of rank 2 or more, got shape {tuple(x.shape)}")
    if not isinstance(axes, (tuple, list)) or len(axes) != 2:
        raise ValueError(f"rot90: Invalid axes: expected two, got {shown(axes)}")
    first, second = normalize_axes(tuple(axes), rank, "rot90")
    turns = integer(k, "rot90: k") % 4
    if turns % 2 == 0:
        return flip(x, (first, second)) if turns else x
    order = list(range(rank))
    order[first], order[second] = second, first
    return flip(transpose(x, order), first) if turns == 1 else transpose(flip(x, first), order)


@operation
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Moves elements along axes; those that leave at one end come in at the other.

    Args:
        x: a tensor or array.
        shift: how far, an integer, or one for each axis.
        axis: an axis or several; `None` moves the elements of the flattened tensor.
    """
    x = as_tensor(x)
    if axis is None:
        if None in x.shape:
            return unknown(x.shape, x)
        total = sum(integer(item, "roll: shift") for item in shift) if isinstance(shift, (tuple, list)) else shift
        return reshape(roll(ravel(x), total, 0), tuple(x.shape))
    listed = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,) * len(listed)
    if len(shifts) != len(listed):
        raise ValueError(f"roll: expected as many shifts as axes, got {shift} and {axis}")
    for one, distance in zip(listed, shifts, strict=True):
        (place,) = normalize_axes(one, len(x.shape), "roll")
        extent = x.shape[place]
        if extent:
            start = -integer(distance, "roll: shift") % extent
            if start:
                x = concatenate([cut(x, place, start, extent), cut(x, place, 0, start)], place)
    return x


_STATISTICS = {"maximum": max_of, "mean": mean, "median": median, "minimum": min_of}
_MODES = ("constant", "edge", "reflect", "symmetric", "wrap", "circular", "linear_ramp", *_STATISTICS, "empty")


def _statistics(x: Any, axis: int, first: int, last: int, mode: str) -> list[Any]:
    """Returns a tensor between repetitions of a statistic of its elements along an axis; for integers it is rounded."""
    value, dtype = _STATISTICS[mode](x, axis=axis, keepdims=True), dtype_of(x)
    if dtypes.is_float(dtype_of(value)) and not dtypes.is_float(dtype):
        value = round(value)
    value = cast(value, dtype)
    return [repeat(value, first, axis), x, repeat(value, last, axis)]


def _ramps(x: Any, axis: int, first: int, last: int, mode: str) -> list[Any]:
    """Returns a tensor between slopes from 0 to its outermost elements along an axis; integers are rounded down."""
    rank, extent = len(x.shape), x.shape[axis]
    wide = to_wide_float(x)

    def slope(count: int, start: int) -> Any:
        shares = (np.arange(count) / max(count, 1)).reshape([-1 if a == axis else 1 for a in range(rank)])
        edge = cut(wide, axis, start, start + 1)
        y = multiply(edge, cast(shares, dtype_of(wide)))
        return cast(y if dtypes.is_float(dtype_of(x)) else floor(y), dtype_of(x))

    return [slope(first, 0), x, flip(slope(last, extent - 1), axis)]


def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    """Returns for each axis how much goes before and behind."""
    try:
        widths = np.asarray(pad_width)
        if widths.dtype.kind not in "iu":
            raise TypeError
        pairs = np.broadcast_to(widths, (rank, 2)).tolist()
    except (ValueError, TypeError):
        raise ValueError(
            f"pad: expected `pad_width` of a pair of integers, or of the same length as the shape ({rank}), got {shown(pad_width)}"
        ) from None
    if any(width < 0 for pair in pairs for width in pair):
        raise ValueError(f"pad: expected widths of 0 or more, got {shown(pad_width)}")
    return [(before, behind) for before, behind in pairs]


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Makes a tensor larger along its axes.

    Args:
        x: a tensor or array.
        pad_width: how many elements go before and behind, for each axis; or one pair, or one number, for all.
        mode: what they are: `"constant"`, `"edge"` (as the nearest element), `"reflect"` (as in a mirror at the middle of the
            outermost element), `"symmetric"` (as in a mirror at its edge), `"wrap"` or `"circular"` (as at the other end),
            `"linear_ramp"` (in equal steps from the nearest element down to 0), `"maximum"`, `"mean"`, `"median"` or
            `"minimum"` (of the elements along the axis), `"empty"` (0).
        constant_values: the constant, by default 0; only in the mode `"constant"`.

    Example:
        >>> import numpy as np
        >>> pad(np.array([1, 2, 3]), (2, 1), "reflect").tolist()
        [3, 2, 1, 2, 3, 2]
    """
    x = as_tensor(x)
    if mode not in _MODES:
        raise ValueError(f"pad: expected a mode of {', '.join(_MODES)}, got {shown(mode)}")
    if mode != "constant" and constant_values is not None:
        raise ValueError(
            f"pad: Argument `constant_values` can only be provided when `mode == 'constant'`, got {mode!r}"
        )
    shape = tuple(x.shape)
    widths = _widths(pad_width, len(shape))
    if not any(before or behind for before, behind in widths):
        return x
    target = tuple(None if e is None else a + e + b for e, (a, b) in zip(shape, widths, strict=True))
    if None in target:
        return unknown(target, x)
    before = tuple(width[0] for width in widths)
    if mode in ("constant", "empty"):
        y = invoke(OPS["pad"], (x,), (before, target))
        if constant_values is None or (np.ndim(constant_values) == 0 and constant_values == 0):
            return y
        inside = call("pad", np.ones(shape, "bool"), attributes=(before, target))
        return where(inside, y, cast(constant_values, dtype_of(x)))
    for axis, (extent, (first, last)) in enumerate(zip(shape, widths, strict=True)):
        if not first and not last:
            continue
        if not extent:
            raise ValueError(f"pad: expected an axis with elements in the mode {mode!r}, got shape {shape}")
        if mode in _STATISTICS or mode == "linear_ramp":
            added = _ramps if mode == "linear_ramp" else _statistics
            x = concatenate(added(x, axis, first, last, mode), axis)
            continue
        places = np.arange(-first, extent + last)
        if mode == "edge":
            places = np.clip(places, 0, extent - 1)
        elif mode in ("wrap", "circular"):
            places %= extent
        else:
            period = max(2 * extent - 2, 1) if mode == "reflect" else 2 * extent
            places %= period
            mirrored = period - places if mode == "reflect" else period - 1 - places
            places = np.minimum(places, mirrored) if extent > 1 else np.zeros_like(places)
        x = take(x, places, axis)
    return x
