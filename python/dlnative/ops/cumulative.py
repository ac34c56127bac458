"""Products, and sums and products of what comes before: in log2(n) passes, whose gradients hold at zeros, too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import (
    as_tensor,
    call,
    dtype_of,
    integer,
    invoke,
    normalize_axes,
    normalize_axis,
    operation,
    unknown,
)
from dlnative.ops.elementwise import add, multiply, not_equal, subtract, where
from dlnative.ops.indexing import cut
from dlnative.ops.joining import concatenate
from dlnative.ops.numeric import isnan
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.reduction import to_summed
from dlnative.ops.shape import expand_dims, ravel, reshape, transpose


def _scan(join: Any, x: Any, axis: int | None, dtype: Any, name: str) -> Any:
    """Returns for each element what `join` makes of it and all before it along an axis (Hillis and Steele 1986)."""
    x = as_tensor(x)
    if dtype is not None:
        x = cast(x, dtype)
    elif dtype_of(x) == "bool":
        x = cast(x, "int32")
    if isinstance(axis, (tuple, list)) and len(axis) < 2:  # nothing, and one axis
        if not axis:
            return x
        axis = axis[0]
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, len(x.shape), name)
    extent = x.shape[axis]
    if extent is None:
        return unknown(x.shape, x)
    step = 1
    while step < extent:
        joined = join(cut(x, axis, step, extent), cut(x, axis, 0, extent - step))
        x = concatenate([cut(x, axis, 0, step), joined], axis)
        step *= 2
    return x


@operation
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Returns for each element the sum of it and all before it along an axis, or (`None`) in the flattened tensor.

    Args:
        x: a tensor or array.
        axis: the axis.
        dtype: the dtype of the result, by default that of x, int32 for booleans.
    """
    return _scan(add, x, axis, dtype, "cumsum")


@operation
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Returns for each element the product of it and all before it; see `cumsum`.

    Computed in float64, for the products of a few elements that are joined may be too small for a float32 where those of
    all are not.
    """
    x = as_tensor(x) if dtype is None else cast(x, dtype)
    kind = dtype_of(x)
    narrow = dtypes.is_float(kind) and kind != "float64"
    y = _scan(multiply, x, axis, "float64" if narrow else None, "cumprod")
    return cast(y, kind) if narrow else y


def _without_nan(x: Any, value: float) -> Any:
    x = as_tensor(x)
    return where(isnan(x), value, x) if dtypes.is_float(dtype_of(x)) else x


@operation
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Returns cumulative sums in which NaN counts as 0; see `cumsum`."""
    return cumsum(_without_nan(x, 0.0), axis, dtype)


@operation
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Returns cumulative products in which NaN counts as 1; see `cumsum`."""
    return cumprod(_without_nan(x, 1.0), axis, dtype)


def last_as_rows(x: Any, axis: Any, name: str) -> tuple[Any, tuple[int, ...]]:
    """Returns a tensor whose axes (`None`: all) became one, the last; and these axes."""
    rank = len(x.shape)
    axes = normalize_axes(axis, rank, name)
    kept = tuple(index for index in range(rank) if index not in axes)
    x = transpose(x, (*kept, *axes))
    extents = [x.shape[index] for index in range(len(kept), rank)]
    row = None if None in extents else math.prod(extents)
    return call("reshape", x, attributes=((*x.shape[: len(kept)], row),)), axes


def with_kept_axes(y: Any, axes: tuple[int, ...]) -> Any:
    """Returns a reduction's result with extent 1 along the axes that were reduced."""
    return expand_dims(y, axes) if axes else y


@operation
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Returns the product over axes, computed in float64 as that of `cumprod` is.

    Args:
        x: a tensor or array.
        axis: an axis, a tuple of axes, or `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
        dtype: the dtype of the result, by default that of x; small integers become 32 bits wide.
    """
    x = to_summed(x) if dtype is None else cast(x, dtype)
    kind = dtype_of(x)
    x = cast(x, "float64") if dtypes.is_float(kind) else x
    rows, axes = last_as_rows(x, axis, "prod")
    last = len(rows.shape) - 1
    extent = rows.shape[last]
    if extent is None:
        y = unknown(rows.shape[:-1], x)
    elif extent == 0:
        y = invoke(OPS["broadcast_to"], (np.asarray(1, dtypes.NUMPY[dtype_of(x)]),), (tuple(rows.shape[:-1]),))
    else:
        while extent > 1:  # the second half of them into the first
            half = extent // 2
            product = multiply(cut(rows, last, 0, half), cut(rows, last, extent - half, extent))
            rows = concatenate([product, cut(rows, last, half, extent - half)], last) if extent % 2 else product
            extent -= half
        y = call("reshape", rows, attributes=(tuple(rows.shape[:-1]),))
    y = cast(y, kind)
    return with_kept_axes(y, axes) if keepdims else y


@operation
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the product over axes, in which NaN counts as 1; see `prod`."""
    return prod(_without_nan(x, 1.0), axis, keepdims)


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Returns the differences of neighbours along an axis.

    Args:
        a: a tensor or array.
        n: how many times differences are taken.
        axis: the axis.
    """
    times = integer(n, "diff: n")
    if times < 0:
        raise ValueError(f"diff: expected n of 0 or more, got {n}")
    x = as_tensor(a)
    axis = normalize_axis(axis, len(x.shape), "diff")
    for _ in range(times if x.shape[axis] is None else min(times, x.shape[axis])):  # then nothing is left
        extent = x.shape[axis]
        if extent is None:
            continue
        first, second = cut(x, axis, 0, max(extent - 1, 0)), cut(x, axis, 1, extent)
        x = not_equal(second, first) if dtype_of(x) == "bool" else subtract(second, first)
    return x


@operation
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Returns the integral along an axis by the trapezoidal rule.

    Args:
        y: values, a tensor or array.
        x: the places of the values, a vector or of the shape of y; by default `dx` apart.
        dx: the distance of places.
        axis: the axis.
    """
    values = to_float(y)
    rank = len(values.shape)
    axis = normalize_axis(axis, rank, "trapezoid")
    extent = values.shape[axis]
    if extent is None:
        return unknown(values.shape[:axis] + values.shape[axis + 1 :], values)
    if x is None:
        width = dx
    else:
        values, places = promote(values, to_float(x))
        width = diff(places, axis=0 if len(places.shape) == 1 else axis)
        if len(width.shape) == 1:
            width = reshape(width, tuple(-1 if index == axis else 1 for index in range(rank)))
    pairs = add(cut(values, axis, 1, extent), cut(values, axis, 0, max(extent - 1, 0)))
    return sum_of(multiply(multiply(pairs, width), 0.5), axis)
