"""Sorting along an axis, and what follows from the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, dtype_of, integer, invoke, normalize_axis, operation, unknown
from dlnative.ops.indexing import get_item, take_along_axis
from dlnative.ops.shape import moveaxis, ravel, reshape


def _sorted(x: Any, axis: int | None, name: str, descending: bool = False) -> tuple[Any, Any, Callable[[Any], Any]]:
    """Returns a tensor with an axis last, its order along it, and what moves the axis back."""
    x = as_tensor(x)
    if axis is None or not x.shape:
        if not x.shape:
            normalize_axis(axis or 0, 1, name)
            rows, order, _ = _sorted(ravel(x), 0, name)
            return rows, order, lambda made: reshape(made, ())
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, len(x.shape), name)
    rows = moveaxis(x, axis, -1)
    order = invoke(OPS["argsort"], (cast(rows, "int32") if dtype_of(rows) == "bool" else rows,), (descending,))
    return rows, order, lambda made: moveaxis(made, -1, axis)


@operation
def argsort(x: Any, axis: int | None = -1) -> Any:
    """Returns the indices (int32) that sort along an axis, or the flattened tensor; equal elements keep their order.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
    """
    _, order, back = _sorted(x, axis, "argsort")
    return back(order)


@operation
def sort(x: Any, axis: int | None = -1) -> Any:
    """Returns the elements in ascending order along an axis, or of the flattened tensor; NaN comes last.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
    """
    rows, order, back = _sorted(x, axis, "sort")
    return back(take_along_axis(rows, order, -1))


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Any, Any]:
    """Returns the k largest elements along the last axis, largest first, and their indices (int32); NaN is largest.

    Args:
        x: a tensor or array of rank 1 or more.
        k: how many.
        sorted: whether their order matters; they come sorted in any case.

    Raises:
        ValueError: if there are fewer.
    """
    count = integer(k, "top_k: k")
    x = as_tensor(x)
    if not x.shape or count < 0 or (x.shape[-1] is not None and count > x.shape[-1]):
        raise ValueError(f"top_k: expected k within the last axis, got k={k} for shape {tuple(x.shape)}")
    rows, order, _ = _sorted(x, -1, "top_k", descending=True)
    chosen = get_item(order, (Ellipsis, np.s_[:count]))
    if x.shape[-1] is None:
        chosen = unknown((*x.shape[:-1], count), chosen)
    return take_along_axis(rows, chosen, -1), chosen
