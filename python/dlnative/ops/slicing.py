"""Blocks of tensors, cut out and replaced, and values put to places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS
from dlnative.graph.tensor import Tensor
from dlnative.graph.variable import Variable
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, operation, scalar, shape_of, shown, unknown
from dlnative.ops.elementwise import add, less, where
from dlnative.ops.indexing import (
    REDUCTIONS,
    as_indices,
    from_the_front,
    gather_all,
    get_item,
    linear_index,
)
from dlnative.ops.shape import broadcast_to, ravel, reshape


@operation
def slice(inputs: Any, start_indices: Any, shape: Sequence[int]) -> Any:
    """Cuts a block of the given shape out of a tensor.

    Args:
        inputs: a tensor or array.
        start_indices: where the block begins along each axis: integers, or a tensor of them. Those of a tensor that are
            known only when the plan runs are moved so that the block lies inside.
        shape: the shape of the block; -1 reaches to the end.

    Raises:
        ValueError: if the block does not lie inside the tensor.
    """
    x = as_tensor(inputs)
    rank = len(x.shape)
    if not isinstance(shape, (tuple, list, np.ndarray)) or np.ndim(shape) != 1:
        raise TypeError(f"slice: shape: expected integers in a tuple or list, got {shown(shape)}")
    extents: list[Any] = [integer(extent, "slice: shape") for extent in shape]
    if len(extents) != rank:
        raise ValueError(
            f"slice: the dimensions in `inputs` must match the dimensions in `shape`, got inputs of shape "
            f"{tuple(x.shape)} and shape={tuple(shape)}"
        )
    starts = _starts("slice", start_indices, rank)
    if isinstance(starts, Tensor):
        if -1 in extents:
            raise ValueError("slice: expected a shape without -1 beside start indices that are not known")
        _check_block("slice", x.shape, (0,) * rank, extents)
        if None in x.shape:
            return unknown(tuple(extents), x)
        return gather_all(x, [_open_mesh(starts, axis, extents, x.shape) for axis in range(rank)], "slice")
    extents = [
        (None if whole is None else whole - start) if extent == -1 else extent
        for start, extent, whole in zip(starts, extents, x.shape, strict=True)
    ]
    _check_block("slice", x.shape, starts, extents)
    return invoke(OPS["slice"], (x,), (tuple(starts), (1,) * rank, tuple(extents)))


def _starts(name: str, start_indices: Any, rank: int) -> Any:
    """Returns start indices as integers, or as a tensor where they are not known."""
    if isinstance(start_indices, (tuple, list)) and any(isinstance(item, Tensor) for item in start_indices):
        start_indices = invoke(OPS["concatenate"], [cast(reshape(item, (1,)), "int32") for item in start_indices], (0,))
    if isinstance(start_indices, Variable):
        start_indices = as_tensor(start_indices)
    if not isinstance(start_indices, (tuple, list, np.ndarray, Tensor)) or np.ndim(start_indices) != 1:
        raise TypeError(f"{name}: start_indices: expected a vector of integers, got {shown(start_indices)}")
    count = start_indices.shape[0] if isinstance(start_indices, Tensor) else len(start_indices)
    if count != rank:
        raise ValueError(
            f"{name}: the dimensions in `start_indices` must match the dimensions in `inputs`, got {count} for {rank} axes"
        )
    if isinstance(start_indices, Tensor):
        return start_indices if start_indices.constant is None else start_indices.constant.tolist()
    return [integer(start, f"{name}: start_indices") for start in start_indices]


def _check_block(name: str, shape: Sequence[Any], starts: Sequence[int], extents: Sequence[Any]) -> None:
    for start, extent, whole in zip(starts, extents, shape, strict=True):
        if (
            start < 0
            or (extent is not None and extent < 0)
            or (whole is not None and extent is not None and start + extent > whole)
        ):
            raise ValueError(
                f"{name}: expected a block inside shape {tuple(shape)}, got {tuple(starts)} and {tuple(extents)}"
            )


def _open_mesh(starts: Tensor, axis: int, extents: Sequence[int], whole: Sequence[int]) -> Any:
    """Returns the indices of a block along an axis, shaped to broadcast with those along the others."""
    start = _clipped(get_item(starts, axis), whole[axis] - extents[axis])
    places = np.arange(extents[axis], dtype="int32")
    return reshape(add(start, places), tuple(e if index == axis else 1 for index, e in enumerate(extents)))


def _clipped(start: Any, most: int) -> Any:
    """Returns a start index moved into `[0, most]`."""
    start = where(less(start, 0), 0, start)
    return where(less(start, most), start, most)


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """Returns a tensor with a block of it replaced.

    Args:
        inputs: a tensor or array.
        start_indices: where the block begins; see `slice`.
        updates: the block.

    Raises:
        ValueError: if the block does not lie inside the tensor.
    """
    x, updates = as_tensor(inputs), as_tensor(updates)
    updates = cast(updates, dtype_of(x))
    rank, extents = len(x.shape), tuple(updates.shape)
    if len(extents) != rank:
        raise ValueError(f"slice_update: expected updates of rank {rank}, got shape {extents}")
    starts = _starts("slice_update", start_indices, rank)
    known = not isinstance(starts, Tensor)
    _check_block("slice_update", x.shape, starts if known else (0,) * rank, extents)
    if not rank:
        return updates
    if None in x.shape:
        return unknown(x.shape, x)
    if known:
        keys: list[Any] = [
            (start + np.arange(extent)).reshape(tuple(extent if index == axis else 1 for index in range(rank)))
            for axis, (start, extent) in enumerate(zip(starts, extents, strict=True))
        ]
    else:
        keys = [_open_mesh(starts, axis, extents, x.shape) for axis in range(rank)]
    number = broadcast_to(linear_index(keys, x.shape), extents)
    return (
        scatter_update(x, reshape(number, (*extents, 1)), updates)
        if rank == 1
        else reshape(scatter_update(ravel(x), reshape(number, (-1, 1)), ravel(updates)), x.shape)
    )


def _places(name: str, indices: Any, shape: Sequence[int]) -> tuple[Any, int]:
    """Returns the row-major numbers of places given by index vectors, and how many axes these count."""
    indices = as_indices(indices, name)
    if not indices.shape or indices.shape[-1] is None or not 1 <= indices.shape[-1] <= len(shape):
        raise ValueError(
            f"{name}: expected indices of shape (..., K) with K from 1 to {len(shape)}, got {tuple(indices.shape)}"
        )
    depth = indices.shape[-1]
    keys = []
    for axis in range(depth):
        key = get_item(indices, (Ellipsis, axis))
        keys.append(from_the_front(key if isinstance(key, Tensor) else np.asarray(key), shape[axis], name))
    return (linear_index(keys, shape[:depth]) if depth > 1 else keys[0]), depth


@operation
def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Any:
    """Returns zeros of a shape with values added at places; those of one place add up.

    Args:
        indices: integers of shape `(..., K)`: the place of each value along the first K axes.
        values: a tensor of shape `(..., *shape[K:])`.
        shape: the shape of the result.
    """
    values = as_tensor(values)
    zeros = call("broadcast_to", scalar(0, values), attributes=(shape_of("scatter", shape),))
    return scatter_update(zeros, indices, values, "add")


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """Returns a tensor with some places replaced.

    Args:
        inputs: a tensor or array.
        indices: integers of shape `(..., K)`: the place of each update along the first K axes.
        updates: a tensor of shape `(..., *inputs.shape[K:])`.
        reduction: `None` (the last update of a place counts), or `"add"`, `"max"`, `"min"` or `"mul"`, which join updates
            and what was there.

    Raises:
        ValueError: if shapes do not fit, or for another reduction.
        IndexError: if an index is out of range; one that is known only when the plan runs is left out.
    """
    name = "scatter_update"
    kind = reduction.lower() if isinstance(reduction, str) else reduction
    if kind not in REDUCTIONS:
        raise ValueError(f'{name}: expected reduction None, "add", "max", "min" or "mul", got {shown(reduction)}')
    x, updates = as_tensor(inputs), as_tensor(updates)
    dtype = dtype_of(x)
    updates = cast(updates, dtype)
    if None in x.shape:
        return unknown(x.shape, x)
    number, depth = _places(name, indices, x.shape)
    expected = (*number.shape, *x.shape[depth:])
    if len(updates.shape) != len(expected) or any(
        a != b and None not in (a, b) for a, b in zip(updates.shape, expected, strict=True)
    ):
        raise ValueError(f"{name}: expected updates of shape {tuple(expected)}, got {tuple(updates.shape)}")
    if None in expected:
        return unknown(x.shape, x)
    rest = tuple(x.shape[depth:])
    rows = reshape(x, (math.prod(x.shape[:depth]), *rest))
    number, updates = ravel(number), reshape(updates, (math.prod(number.shape), *rest))
    if dtype == "bool":
        rows, updates = cast(rows, "int32"), cast(updates, "int32")
    made = invoke(OPS["scatter"], (rows, number, updates), (0, REDUCTIONS[kind]))
    return cast(reshape(made, x.shape), dtype)
