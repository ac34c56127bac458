"""Places in sorted sequences, and counts of elements by value or interval."""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import as_tensor, dtype_of, integer, operation, scalar, shown, unknown
from dlnative.ops.elementwise import (
    add,
    equal,
    greater,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    multiply,
    subtract,
    where,
)
from dlnative.ops.indexing import get_item, take
from dlnative.ops.numeric import isnan
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import min as min_of
from dlnative.ops.shape import broadcast_to, expand_dims
from dlnative.ops.slicing import scatter


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
        raise ValueError(f"searchsorted: expected a vector as sorted_sequence, got shape {tuple(line.shape)}")
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
    if dtype_of(x) == "bool":
        x = x.astype("int32")
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
    ones = broadcast_to(np.asarray(1, "int32"), place.shape)
    return get_item(scatter(expand_dims(place, 1), ones, (count + 1,)), np.s_[:count]), edges
