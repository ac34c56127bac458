"""Class numbers as vectors: one for each number, or one for each sample."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.ops.core import dtype_of


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
    if mode == "multi_hot":
        return ops.multi_hot(indices, depth, dtype=dtype)
    vectors = ops.one_hot(indices, depth, dtype=dtype if weights is None else dtype_of(weights))
    if weights is not None:
        vectors = ops.multiply(vectors, ops.expand_dims(weights, -1))
    return ops.sum(vectors, axis=1 if len(indices.shape) > 1 else 0)


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
