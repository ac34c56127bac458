"""Averages, order statistics and counts."""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, integer, normalize_axes, operation, scalar, shown, unknown
from dlnative.ops.cumulative import last_as_rows, with_kept_axes
from dlnative.ops.elementwise import (
    add,
    divide,
    equal,
    floor,
    greater,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    subtract,
    where,
)
from dlnative.ops.indexing import get_item, take, take_along_axis
from dlnative.ops.linalg import matmul
from dlnative.ops.numeric import isnan
from dlnative.ops.reduction import any as any_of
from dlnative.ops.reduction import argmax, argmin, mean, narrowed, reduce, to_wide_float
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import min as min_of
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.rounding import ceil, round
from dlnative.ops.shape import expand_dims, moveaxis, reshape, squeeze, transpose
from dlnative.ops.slicing import scatter
from dlnative.ops.sorting import sort

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@operation
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """Returns the mean over axes, or that of elements times weights.

    Args:
        x: a tensor or array.
        axis: an axis, a tuple of axes, or `None` for all.
        weights: of the shape of x, or a vector along the one axis.
    """
    x = to_float(x)
    if weights is None:
        return mean(x, axis)
    x, weights = promote(x, weights)
    if tuple(weights.shape) != tuple(x.shape):
        axes = normalize_axes(axis, len(x.shape), "average")
        if (
            axis is None
            or len(axes) != 1
            or len(weights.shape) != 1
            or weights.shape[0] not in (None, x.shape[axes[0]])
        ):
            raise ValueError(
                f"average: expected weights of shape {tuple(x.shape)}, or a vector along one axis, got {tuple(weights.shape)}"
            )
        shape = tuple(weights.shape[0] if index == axes[0] else 1 for index in range(len(x.shape)))
        weights = call("reshape", weights, attributes=(shape,))
    total = sum_of(add(weights, multiply(x, scalar(0, x))) if tuple(weights.shape) != tuple(x.shape) else weights, axis)
    return divide(sum_of(multiply(x, weights), axis), total)


@operation
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the largest element less the smallest, over axes."""
    return subtract(max_of(x, axis, keepdims), min_of(x, axis, keepdims))


@operation
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """Returns how many elements (int32) over axes are not zero."""
    return sum_of(cast(cast(x, "bool"), "int32"), axis)


def _quantiles(x: Any, q: Any, axis: Any, method: str, keepdims: bool, name: str, skips_nan: bool) -> Any:
    if method not in _METHODS:
        raise ValueError(f"{name}: expected method {', '.join(_METHODS[:-1])} or {_METHODS[-1]}, got {shown(method)}")
    x, q = as_tensor(x), as_tensor(q)
    if not isinstance(q, Tensor) and q.size and not (q.min() >= 0 and q.max() <= 1):
        raise ValueError(f"{name}: expected parts between 0 and 1, got {shown(q)}")
    rows, axes = last_as_rows(to_wide_float(x), axis, name)
    extent = rows.shape[-1]
    shape = tuple(q.shape) + tuple(rows.shape[:-1])
    if None in rows.shape:
        made = unknown(shape, rows)
    else:
        if extent == 0:
            raise ValueError(f"{name}: expected at least one element, got shape {tuple(x.shape)}")
        rows = sort(rows, -1)
        absent = isnan(rows)
        number = cast(sum_of(cast(logical_not(absent), "int32"), -1, keepdims=True), dtype_of(rows))
        parts = reshape(cast(q, dtype_of(rows)), (1,) * (len(rows.shape) - 1) + (-1,))
        last = maximum(subtract(number if skips_nan else scalar(float(extent), rows), 1.0), 0.0)
        made = _between(rows, multiply(parts, last), method)
        if not skips_nan:
            made = where(any_of(absent, -1, keepdims=True), math.nan, made)
        made = reshape(moveaxis(made, -1, 0), shape)
    made = cast(made, dtype_of(x)) if dtypes.is_float(dtype_of(x)) else made
    behind = len(q.shape)
    return with_kept_axes(made, tuple(behind + item for item in axes)) if keepdims else made


def _between(rows: Any, place: Any, method: str) -> Any:
    """Returns what lies at fractional places of sorted rows."""
    if method == "nearest":
        return take_along_axis(rows, cast(round(place), "int32"), -1)
    low, high = (take_along_axis(rows, cast(part, "int32"), -1) for part in (floor(place), ceil(place)))
    if method in ("lower", "higher"):
        return low if method == "lower" else high
    share = scalar(0.5, rows) if method == "midpoint" else subtract(place, floor(place))
    between = add(multiply(low, subtract(1.0, share)), multiply(high, share))
    return where(equal(low, high), low, between)  # infinities, too


@operation
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Returns the elements below which a part q of all elements over axes lies.

    Args:
        x: a tensor or array.
        q: parts between 0 and 1; their axes come first in the result.
        axis: an axis, a tuple of axes, or `None` for all.
        method: what lies between two elements: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` or `"nearest"`.
        keepdims: whether reduced axes stay, with extent 1.
    """
    return _quantiles(x, q, axis, method, keepdims, "quantile", False)


@operation
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Returns quantiles of the elements that are not NaN; see `quantile`."""
    return _quantiles(x, q, axis, method, keepdims, "nanquantile", True)


@operation
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Returns the elements below which q per cent of all elements lie; see `quantile`."""
    return _quantiles(x, divide(q, 100.0), axis, method, keepdims, "percentile", False)


@operation
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Returns percentiles of the elements that are not NaN; see `percentile`."""
    return _quantiles(x, divide(q, 100.0), axis, method, keepdims, "nanpercentile", True)


@operation
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the middle element over axes, or the mean of the two in the middle."""
    return _quantiles(x, 0.5, axis, "linear", keepdims, "median", False)


@operation
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the median of the elements that are not NaN; see `median`."""
    return _quantiles(x, 0.5, axis, "linear", keepdims, "nanmedian", True)


def _numbers(x: Any, axis: Any) -> tuple[Any, Any]:
    """Returns a tensor with 0 for NaN, and how many elements over the axes are not NaN, with extent 1 there."""
    absent = isnan(x)
    number = sum_of(cast(logical_not(absent), dtype_of(x)), axis, keepdims=True)
    return where(absent, scalar(0, x), x), number


@operation
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the sum over axes, in which NaN counts as 0."""
    x = as_tensor(x)
    return sum_of(where(isnan(x), scalar(0, x), x) if dtypes.is_float(dtype_of(x)) else x, axis, keepdims)


@operation
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the mean over axes of the elements that are not NaN; NaN where there are none."""
    wide = to_wide_float(x)
    known, number = _numbers(wide, axis)
    y = divide(sum_of(known, axis, keepdims=True), number)
    return narrowed(y if keepdims else squeeze(y, normalize_axes(axis, len(wide.shape), "nanmean")), x)


@operation
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the variance over axes of the elements that are not NaN; see `nanmean`."""
    wide = to_wide_float(x)
    centred = subtract(wide, nanmean(wide, axis, keepdims=True))
    return narrowed(nanmean(multiply(centred, centred), axis, keepdims), x)


@operation
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the standard deviation over axes of the elements that are not NaN; see `nanmean`."""
    return narrowed(call("sqrt", nanvar(to_wide_float(x), axis, keepdims)), x)


def _nan_extreme(function: Callable[..., Any], x: Any, axis: Any, keepdims: bool, neutral: float) -> Any:
    x = as_tensor(x)
    if not dtypes.is_float(dtype_of(x)):
        return function(x, axis, keepdims)
    absent = isnan(x)
    y = function(where(absent, scalar(neutral, x), x), axis, keepdims)
    nothing = equal(sum_of(cast(logical_not(absent), "int32"), axis, keepdims), 0)
    return where(nothing, scalar(math.nan, y), y)


@operation
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the largest element over axes that is not NaN; NaN where there is none."""
    return _nan_extreme(max_of, x, axis, keepdims, -math.inf)


@operation
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the smallest element over axes that is not NaN; NaN where there is none."""
    return _nan_extreme(min_of, x, axis, keepdims, math.inf)


def _nan_place(function: Callable[..., Any], x: Any, axis: Any, keepdims: bool, neutral: float) -> Any:
    x = as_tensor(x)
    if not dtypes.is_float(dtype_of(x)):
        return function(x, axis, keepdims)
    absent = isnan(x)
    place = function(where(absent, scalar(neutral, x), x), axis, keepdims)
    nothing = equal(sum_of(cast(logical_not(absent), "int32"), axis, keepdims), 0)
    return where(nothing, scalar(-1, place), place)


@operation
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index (int32) of the largest element that is not NaN along an axis; -1 where there is none."""
    return _nan_place(argmax, x, axis, keepdims, -math.inf)


@operation
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index (int32) of the smallest element that is not NaN along an axis; -1 where there is none."""
    return _nan_place(argmin, x, axis, keepdims, math.inf)


@operation
def corrcoef(x: Any) -> Any:
    """Returns the correlations of a matrix's rows."""
    rows = to_wide_float(x)
    if len(rows.shape) == 1:
        rows = expand_dims(rows, 0)
    if len(rows.shape) != 2:
        raise ValueError(f"corrcoef: expected a vector or matrix, got shape {tuple(rows.shape)}")
    centred = subtract(rows, mean(rows, 1, keepdims=True))
    products = matmul(centred, transpose(centred))
    scale = call("rsqrt", sum_of(multiply(centred, centred), 1))
    y = multiply(multiply(products, expand_dims(scale, 0)), expand_dims(scale, 1))
    y = where(isnan(y), y, minimum(maximum(y, -1.0), 1.0))
    y = squeeze(y) if len(as_tensor(x).shape) == 1 else y
    return narrowed(y, x)


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Returns the indices (int32) where values would go into a sorted vector, by binary search.

    Args:
        sorted_sequence: a vector in ascending order.
        values: a tensor or array.
        side: `"left"` for the first such place, `"right"` for the last.
    """
    if side not in ("left", "right"):
        raise ValueError(f'searchsorted: expected side "left" or "right", got {shown(side)}')
    line, values = promote(sorted_sequence, values)
    if len(line.shape) != 1:
        raise ValueError(f"searchsorted: only supports 1-D sorted sequences, got shape {tuple(line.shape)}")
    extent = line.shape[0]
    if None in values.shape or extent is None:
        return unknown(values.shape, values, "int32")
    below = less if side == "left" else less_equal
    place: Any = np.zeros(values.shape, "int32")
    step = 1 << max(extent.bit_length() - 1, 0)
    while step and extent:
        further = add(place, np.asarray(step, "int32"))
        inside = less_equal(further, extent)
        before = take(line, where(inside, subtract(further, 1), 0))
        known = below(before, values)
        if dtypes.is_float(dtype_of(values)):  # NaN is the largest
            known = where(isnan(values), logical_not(isnan(before)) if side == "left" else True, known)
        place = where(logical_and(inside, known), further, place)
        step >>= 1
    return place


@operation
def digitize(x: Any, bins: Any) -> Any:
    """Returns the number (int32) of the interval that each element falls into.

    Args:
        x: a tensor or array.
        bins: a vector of bounds, ascending or descending; an interval begins with its lower bound.
    """
    x, bins = as_tensor(x), as_tensor(bins)
    if len(bins.shape) != 1:
        raise ValueError(f"digitize: expected a vector of bins, got shape {tuple(bins.shape)}")
    ascending = searchsorted(bins, x, "right")
    if not bins.shape[0] or (not isinstance(bins, Tensor) and bins[-1] >= bins[0]):
        return ascending
    descending = subtract(bins.shape[0], searchsorted(get_item(bins, np.s_[::-1]), x, "left"))
    return where(greater(get_item(bins, 0), get_item(bins, -1)), descending, ascending)


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """Returns how often each number from 0 on occurs, along the last axis; not in a traced function.

    Args:
        x: non-negative integers, a vector or a matrix of rows.
        weights: what each counts, by default 1.
        minlength: the smallest extent of the result.
        sparse: only False: there are no sparse tensors.
    """
    if sparse:
        raise ValueError("bincount: expected sparse=False, there are no sparse tensors")
    x = as_tensor(x)
    if isinstance(x, Tensor):
        raise ValueError("bincount: the largest number would be a shape, which a traced function cannot know")
    if not dtypes.is_integer(dtype_of(x)) or not 1 <= x.ndim <= 2 or (x.size and x.min() < 0):
        raise ValueError("bincount: expected non-negative integers in a vector or matrix")
    values = np.ones(x.shape, "int32") if weights is None else as_tensor(weights)
    if tuple(values.shape) != x.shape:
        raise ValueError(f"bincount: expected weights of shape {x.shape}, got {tuple(values.shape)}")
    extent = builtins.max(int(x.max()) + 1 if x.size else 0, integer(minlength, "bincount: minlength"))
    if x.ndim == 1:
        return scatter(expand_dims(x, 1), values, (extent,))
    rows = np.broadcast_to(np.arange(x.shape[0])[:, None], x.shape)
    return scatter(np.stack([rows, x.astype("int64")], -1), values, (x.shape[0], extent))


@operation
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Any, Any]:
    """Returns how many elements (int32) fall into intervals of one width, and the bounds of the intervals.

    Args:
        x: a vector.
        bins: the number of intervals.
        range: the lowest and highest bound, by default the smallest and largest element. What lies outside does not count.
    """
    try:
        count = operator.index(bins)
    except TypeError:
        raise ValueError(f"histogram: expected an integer for bins, got {shown(bins)}") from None
    if count < 1:
        raise ValueError(f"histogram: Argument `bins` should be a non-negative integer above 0, got {bins}")
    if range is not None and len(range) != 2:
        raise ValueError(f"histogram: Argument `range` must be a tuple of two elements, got {range}")
    if range is not None and range[0] > range[1]:
        raise ValueError(f"histogram: The second element of `range` must be greater than the first, got {range}")
    flat = to_float(x)
    if len(flat.shape) != 1:
        raise ValueError(f"histogram: Input tensor must be 1-dimensional, got shape {tuple(flat.shape)}")
    if flat.shape[0] is None:
        return unknown((count,), flat, "int32"), unknown((count + 1,), flat)
    dtype = dtype_of(flat)
    if range is None or range[0] == range[1]:
        low, high = (min_of(flat), max_of(flat)) if range is None else (scalar(range[0], flat), scalar(range[1], flat))
        one = equal(low, high)
        low, high = where(one, subtract(low, 0.5), low), where(one, add(high, 0.5), high)
    else:
        low, high = (scalar(bound, flat) for bound in range)
    share = np.linspace(0.0, 1.0, count + 1).astype(dtypes.NUMPY[dtype])
    edges = add(multiply(low, share[::-1]), multiply(high, share))
    place = subtract(searchsorted(edges, flat, "right"), 1)
    place = where(equal(flat, get_item(edges, -1)), count - 1, place)  # the last interval has both its bounds
    place = where(logical_or(less(place, 0), isnan(flat)), count, place)
    counts = reduce("sum", cast(equal(expand_dims(place, 1), np.arange(count, dtype="int32")), "int32"), 0)
    return counts, edges
