"""Finding values, and choosing among tensors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Tensor
from dlnative.ops.arithmetic import floor_divide, mod
from dlnative.ops.bins import searchsorted
from dlnative.ops.conversion import cast, promote
from dlnative.ops.core import (
    as_tensor,
    call,
    dtype_of,
    integer,
    invoke,
    operation,
    scalar,
    shape_of,
    shown,
)
from dlnative.ops.creation import type_of_numbers
from dlnative.ops.elementwise import (
    add,
    equal,
    exp,
    greater,
    isfinite,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    minimum,
    subtract,
    where,
)
from dlnative.ops.indexing import as_indices, get_item, take, take_along_axis
from dlnative.ops.numeric import isnan
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import narrowed, to_wide_float
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.shape import expand_dims, ravel, reshape
from dlnative.ops.slicing import scatter_update
from dlnative.ops.sorting import argsort, sort


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Returns for each element of x1 whether it is among those of x2.

    Args:
        x1, x2: tensors or arrays.
        assume_unique: whether neither has an element twice; it makes no difference.
        invert: whether to return the contrary.
    """
    x1, x2 = promote(x1, x2)
    if dtype_of(x1) == "bool":
        x1, x2 = cast(x1, "int32"), cast(x2, "int32")
    line = sort(ravel(x2))
    extent = line.shape[0]
    if extent is None:
        found = equal(x1, x1)
    elif extent == 0:
        found = logical_and(equal(x1, x1), False)
    else:
        found = equal(take(line, minimum(searchsorted(line, x1), extent - 1)), x1)
    return logical_not(found) if invert else found


@operation
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Returns indices (int32) that put the element of rank `kth` at its place, smaller ones before and larger ones behind.

    Args:
        x: a tensor or array.
        kth: the rank, from 0 on. All elements come sorted, so it makes no difference.
        axis: the axis; `None` takes the flattened tensor.
    """
    try:
        operator.index(kth)
    except TypeError:
        raise ValueError(f"argpartition: kth must be an integer, got {shown(kth)}") from None
    return argsort(x, axis)


@operation
def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Returns the places, along each axis of a shape, of elements that are numbered in row-major order.

    Args:
        indices: numbers of elements, in the order of rows.
        shape: the shape that they lie in.
    """
    rest = as_indices(indices, "unravel_index")
    dtype = dtype_of(as_tensor(indices))
    places = []
    for extent in reversed(shape_of("unravel_index", shape)):
        places.append(cast(mod(rest, extent), dtype))
        rest = floor_divide(rest, extent)
    return tuple(places[::-1])


@operation
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Returns, elementwise, the choice of the first condition that holds.

    Args:
        condlist: conditions, tensors or arrays.
        choicelist: as many tensors, arrays or numbers.
        default: what there is where no condition holds.
    """
    for name, items in (("condlist", condlist), ("choicelist", choicelist)):
        if not isinstance(items, (list, tuple)):
            raise TypeError(f"select: {name}: expected a list of tensors, got {shown(items)}")
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(f"select: expected as many choices as conditions, got {len(choicelist)} and {len(condlist)}")
    dtype = type_of_numbers(*choicelist, default)
    y = cast(default, dtype)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = where(condition, cast(choice, dtype), y)
    return y


def vectorize(pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None) -> Callable[..., Any]:
    """Returns a function of arrays that calls a function once for each element, or for each part that the signature names.

    Args:
        pyfunc: the function.
        excluded: numbers and names of arguments that are handed over whole.
        signature: the axes of arguments and results, for example `"(n,n)->()"`.
    """
    return np.vectorize(pyfunc, excluded=excluded, signature=signature)


@operation
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Returns whether the target is among the k largest predictions of each row; a prediction of NaN is never.

    Args:
        targets: class numbers, of the shape of `predictions` without its last axis.
        predictions: one for each class, along the last axis.
        k: how many count.
    """
    scores, rows = as_tensor(predictions), as_indices(targets, "in_top_k")
    if len(scores.shape) != len(rows.shape) + 1:
        raise ValueError(
            f"in_top_k: expected predictions of one rank more than targets, got shapes {tuple(scores.shape)} and "
            f"{tuple(rows.shape)}"
        )
    if isinstance(rows, np.ndarray) and scores.shape[-1] is not None:
        outside = (rows < 0) | (rows >= scores.shape[-1])
        rows = np.where(outside, 0, rows)
    else:
        outside = logical_or(less(rows, 0), less_equal(scores.shape[-1] or 0, rows))
        rows = where(outside, 0, rows)
    chosen = take_along_axis(scores, expand_dims(rows, -1), -1)
    larger = sum_of(cast(greater(scores, chosen), "int32"), -1)
    absent = logical_or(
        reshape(isnan(chosen), tuple(larger.shape)) if None not in larger.shape else less(larger, 0), outside
    )
    return logical_and(less(larger, integer(k, "in_top_k: k")), logical_not(absent))


@operation
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns `ln(sum(e**x))` over axes, without overflow.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    wide = to_wide_float(x)
    most = max_of(wide, axis, keepdims=True, initial=-math.inf if 0 in wide.shape else None)
    most = call("stop_gradient", where(isfinite(most), most, scalar(0.0, wide)))
    total = log(sum_of(exp(subtract(wide, most)), axis, keepdims))
    return narrowed(add(total, most if keepdims else sum_of(most, axis)), x)


def _segments(name: str, data: Any, segment_ids: Any, num_segments: int | None, neutral: float, reduction: str) -> Any:
    data, numbers = as_tensor(data), as_tensor(segment_ids)
    if len(numbers.shape) != 1:
        raise ValueError(f"{name}: Argument `segment_ids` should be an 1-D vector, got shape {tuple(numbers.shape)}")
    if not data.shape or (None not in (data.shape[0], numbers.shape[0]) and data.shape[0] != numbers.shape[0]):
        raise ValueError(
            f"{name}: Argument `segment_ids` and `data` should have same leading dimension. Got shapes "
            f"{tuple(numbers.shape)} and {tuple(data.shape)}"
        )
    numbers = as_indices(numbers, name)
    if num_segments is None:
        if isinstance(numbers, Tensor):
            raise ValueError(f"{name}: expected num_segments where segment numbers are not known")
        num_segments = int(numbers.max(initial=-1)) + 1
    (count,) = shape_of(name, integer(num_segments, f"{name}: num_segments"))
    dtype = dtype_of(data)
    if not dtypes.is_float(dtype) and math.isinf(neutral):
        least, most = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        neutral = least if neutral < 0 else most
    start = invoke(OPS["broadcast_to"], (scalar(neutral, data),), ((count + 1, *data.shape[1:]),))
    if isinstance(numbers, np.ndarray):
        numbers = np.where((numbers < 0) | (numbers >= count), count, numbers)
    return get_item(scatter_update(start, expand_dims(numbers, 1), data, reduction), np.s_[:count])


@operation
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Returns the sums of those elements along the first axis that have one segment number.

    Args:
        data: a tensor or array.
        segment_ids: a number for each element along the first axis; one out of range is left out.
        num_segments: how many segments there are; by default as many as the largest number says.
        sorted: whether the numbers ascend; it makes no difference.
    """
    return _segments("segment_sum", data, segment_ids, num_segments, 0, "add")


@operation
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Returns the largest elements of segments, minus infinity (or the smallest integer) of empty ones; see `segment_sum`."""
    return _segments("segment_max", data, segment_ids, num_segments, -math.inf, "max")


@operation
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Returns the smallest elements of segments, infinity (or the largest integer) of empty ones; see `segment_sum`."""
    return _segments("segment_min", data, segment_ids, num_segments, math.inf, "min")


@operation
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Returns the products of segments; see `segment_sum`."""
    return _segments("segment_prod", data, segment_ids, num_segments, 1, "mul")
