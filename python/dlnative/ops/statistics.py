"""Averages, order statistics, and statistics that leave NaN out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, normalize_axes, operation, scalar, shown, unknown
from dlnative.ops.cumulative import last_as_rows, with_kept_axes
from dlnative.ops.elementwise import (
    add,
    divide,
    equal,
    floor,
    logical_not,
    maximum,
    minimum,
    multiply,
    subtract,
    where,
)
from dlnative.ops.indexing import take_along_axis
from dlnative.ops.numeric import isnan
from dlnative.ops.product import matmul
from dlnative.ops.reduction import any as any_of
from dlnative.ops.reduction import argmax, argmin, mean, narrowed, to_wide_float
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import min as min_of
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.rounding import ceil, round
from dlnative.ops.shape import expand_dims, moveaxis, reshape, squeeze, transpose
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
    if weights is None:
        return mean(to_float(x), axis)
    x, weights = map(to_float, promote(x, weights))
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
    """Returns the largest element less the smallest, over axes.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    return subtract(max_of(x, axis, keepdims), min_of(x, axis, keepdims))


@operation
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """Returns how many elements (int32) over axes are not zero.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
    """
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
            if name in ("quantile", "percentile"):  # as in NumPy, whose medians of nothing are NaN
                raise ValueError(f"{name}: expected at least one element, got shape {tuple(x.shape)}")
            rows, extent = call("broadcast_to", scalar(math.nan, rows), attributes=((*rows.shape[:-1], 1),)), 1
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
    """Returns the middle element over axes, or the mean of the two in the middle.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
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
    """Returns the sum over axes, in which NaN counts as 0.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    x = as_tensor(x)
    return sum_of(where(isnan(x), scalar(0, x), x) if dtypes.is_float(dtype_of(x)) else x, axis, keepdims)


@operation
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the mean over axes of the elements that are not NaN; NaN where there are none.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    wide = to_wide_float(x)
    known, number = _numbers(wide, axis)
    y = divide(sum_of(known, axis, keepdims=True), number)
    return narrowed(y if keepdims else squeeze(y, normalize_axes(axis, len(wide.shape), "nanmean")), x)


@operation
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the variance over axes of the elements that are not NaN; see `nanmean`."""
    wide = to_wide_float(x)
    known, number = _numbers(wide, axis)
    middle = divide(sum_of(known, axis, keepdims=True), number)
    # Where it is NaN for an infinity, which is an element, it stays so.
    centred = where(isnan(wide), scalar(0.0, wide), subtract(wide, middle))
    y = divide(sum_of(multiply(centred, centred), axis, keepdims=True), number)
    return narrowed(y if keepdims else squeeze(y, normalize_axes(axis, len(wide.shape), "nanvar")), x)


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
    """Returns the largest element over axes that is not NaN; NaN where there is none.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    return _nan_extreme(max_of, x, axis, keepdims, -math.inf)


@operation
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the smallest element over axes that is not NaN; NaN where there is none.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
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
    """Returns the index (int32) of the largest element that is not NaN along an axis; -1 where there is none.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
        keepdims: whether the axis stays, with extent 1.
    """
    return _nan_place(argmax, x, axis, keepdims, -math.inf)


@operation
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index (int32) of the smallest element that is not NaN along an axis; -1 where there is none.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
        keepdims: whether the axis stays, with extent 1.
    """
    return _nan_place(argmin, x, axis, keepdims, math.inf)


@operation
def corrcoef(x: Any) -> Any:
    """Returns the correlations of a matrix's rows; of a single row, a scalar."""
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
    return narrowed(squeeze(y) if rows.shape[0] == 1 else y, x)
