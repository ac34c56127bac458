"""Class numbers as vectors: one for each number, or one for each sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.ops.core import call, dtype_of, operation
from dlnative.ops.indexing import ADD, MAX


def encoded(indices: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Any:
    """Returns class numbers as a layer's `output_mode` asks for; a number out of range counts for nothing.

    Args:
        indices: integers of any shape.
        mode: `"int"`: as they are; `"one_hot"`: a vector for each, where a last axis of extent 1 is taken away;
            `"multi_hot"`: a vector for each row, with ones; `"count"`: a vector for each row, with counts.
        depth: the length of the vectors.
        dtype: the type of the result.
        weights: what each number counts in mode `"count"`.
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    if not len(indices.shape):
        indices = ops.expand_dims(indices, -1)
    if mode == "one_hot":
        if len(indices.shape) > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    axis = 1 if len(indices.shape) > 1 else 0
    kind = dtype if weights is None else dtype_of(weights)
    if None in indices.shape:
        vectors = ops.one_hot(indices, depth, dtype=kind)
        return ops.max(vectors, axis) if mode == "multi_hot" else ops.sum(vectors, axis)
    return _scattered(indices, axis, depth, kind, weights, MAX if mode == "multi_hot" else ADD)


@operation
def _scattered(indices: Any, axis: int, depth: int, dtype: str, weights: Any, reduction: int) -> Any:
    """Returns a vector for each row of class numbers, by writing each number to its place: vectors are mostly zeros, and a
    vector for each number would need many times the memory."""
    rows = ops.moveaxis(ops.cast(indices, "int64"), axis, -1)
    *outer, width = rows.shape
    count = math.prod(outer)
    rows = ops.reshape(rows, (count, width))
    begins = np.arange(count, dtype=np.int64)[:, None] * depth
    inside = ops.logical_and(ops.greater_equal(rows, 0), ops.less(rows, depth))
    places = ops.reshape(ops.where(inside, rows + begins, np.int64(-1)), (count * width,))  # -1 is left out
    if weights is None:
        values: Any = np.ones(count * width, dtypes.NUMPY[dtype])
    else:
        values = ops.reshape(ops.moveaxis(weights, axis, -1), (count * width,))
    zeros = call("broadcast_to", np.zeros((), dtypes.NUMPY[dtype]), attributes=((count * depth,),))
    made = call("scatter", zeros, places, values, attributes=(0, reduction))
    return ops.reshape(made, (*outer, depth))


def encoded_shape(shape: Any, mode: str, depth: int) -> tuple[Any, ...]:
    """Returns the shape of what `encoded` gives for numbers of a shape."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if not shape:
        return (depth,) if mode != "one_hot" else (1, depth)
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (shape[0], *shape[2:], depth) if len(shape) > 1 else (depth,)
