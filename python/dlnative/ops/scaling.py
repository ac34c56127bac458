"""Moments, what is divided by a norm, and what else is computed from sums over axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.arithmetic import log10
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import (
    as_tensor,
    call,
    dtype_of,
    normalize_axes,
    normalize_axis,
    operation,
    scalar,
    shown,
    unknown,
)
from dlnative.ops.cumulative import cumsum
from dlnative.ops.elementwise import (
    absolute,
    divide,
    greater,
    maximum,
    minimum,
    multiply,
    power,
    square,
    subtract,
    where,
)
from dlnative.ops.padding import flip
from dlnative.ops.reduction import mean, narrowed, to_wide_float, var
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.shape import moveaxis, reshape
from dlnative.ops.sorting import sort
from dlnative.utils.checks import number

_LARGEST_HALF = 65504.0


@operation
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Any, Any]:
    """Returns mean and variance over axes.

    Args:
        x: a tensor or array.
        axes: an axis or several.
        keepdims: whether reduced axes stay, with extent 1.
        synchronized: only False: there are no replicas to average over.
    """
    if synchronized:
        raise NotImplementedError("moments: expected synchronized=False, there are no replicas to average over")
    wide = to_wide_float(x)
    made = mean(wide, axes, keepdims), var(wide, axes, keepdims)
    if dtype_of(as_tensor(x)) in ("float16", "bfloat16"):
        made = tuple(minimum(maximum(item, -_LARGEST_HALF), _LARGEST_HALF) for item in made)
    return narrowed(made[0], x), narrowed(made[1], x)


@operation
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:
    """Returns x divided by its norm over axes.

    Args:
        x: a tensor or array.
        axis: an axis or several.
        order: the order p of the norm `sum(|x|**p)**(1/p)`, an integer from 1 on.
        epsilon: what the norm is at smallest, by default 1e-7.

    Raises:
        ValueError: if the order is no integer from 1 on, or epsilon is below 0.
    """
    if not isinstance(order, (int, np.integer)) or order < 1:
        raise ValueError(f"normalize: Argument `order` must be an int >= 1, got order={shown(order)}")
    given, x = x, to_wide_float(x)
    if not x.shape:
        x = reshape(x, (1,))
    smallest = dtypes.epsilon() if epsilon is None else number("normalize", "epsilon", epsilon, 0.0)
    normalize_axes(axis, len(x.shape), "normalize")
    if order == 2:
        inverse = call("rsqrt", sum_of(square(x), axis, keepdims=True))
        return narrowed(multiply(x, minimum(inverse, 1.0 / smallest if smallest else math.inf)), given)
    size = absolute(x)
    total = sum_of(size if order == 1 else power(size, float(order)), axis, keepdims=True)
    return narrowed(divide(x, maximum(total if order == 1 else power(total, 1.0 / order), smallest)), given)


@operation
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """Returns the peak signal-to-noise ratio in decibels: `20 log10(max_val) - 10 log10(mean((x1 - x2)**2))`.

    Args:
        x1, x2: tensors or arrays of one shape.
        max_val: the largest value that there may be.
    """
    x1, x2 = (to_float(x) for x in promote(x1, x2))
    if tuple(x1.shape) != tuple(x2.shape):
        raise ValueError(f"psnr: expected two tensors of one shape, got {tuple(x1.shape)} and {tuple(x2.shape)}")
    noise = mean(square(subtract(x1, x2)))
    return subtract(20.0 * math.log10(max_val), multiply(log10(noise), 10.0))


@operation
def sparsemax(x: Any, axis: int = -1) -> Any:
    """Returns the probabilities nearest to x, of which many are 0 (Martins and Astudillo, ICML 2016).

    Args:
        x: a tensor or array.
        axis: the axis over which the results sum to 1.
    """
    logits = to_float(x)
    axis = normalize_axis(axis, len(logits.shape), "sparsemax")
    rows = moveaxis(logits, axis, -1)
    extent = rows.shape[-1]
    if extent is None:
        return unknown(logits.shape, logits)
    descending = flip(sort(rows, -1), -1)
    total = subtract(cumsum(descending, -1), 1.0)
    rank = cast(np.arange(1, extent + 1, dtype="int32"), dtype_of(rows))
    support = greater(descending, divide(total, rank))
    count = sum_of(cast(support, dtype_of(rows)), -1, keepdims=True)
    chosen = sum_of(where(support, descending, scalar(0.0, rows)), -1, keepdims=True)
    y = maximum(subtract(rows, divide(subtract(chosen, 1.0), count)), 0.0)
    return moveaxis(y, -1, axis)
