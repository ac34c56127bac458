"""Shapes, types and arithmetic of tensors by the older names of `keras.backend`: `K.int_shape`, `K.dot`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes, ops

__all__ = [
    "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "cast", "cast_to_floatx", "concatenate", "dot",
    "dtype", "expand_dims", "flatten", "gather", "in_top_k", "int_shape", "is_sparse", "map_fn", "ndim", "one_hot",
    "permute_dimensions", "pow", "repeat", "repeat_elements", "reverse", "stop_gradient", "switch", "to_dense",
]  # fmt: skip


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Returns `start`, `start + step`, ... up to `stop`."""
    return ops.arange(start, stop, step, dtype=dtype)


def argmax(x: Any, axis: int = -1) -> Any:
    """Returns where the largest elements along an axis are."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Returns where the smallest elements along an axis are."""
    return ops.argmin(x, axis)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Returns the products of each sample of `x` with that of `y`, along an axis of each.

    Args:
        x, y: tensors of rank 2 or more.
        axes: the axes; by default the last one of `x`, and the one before the last of `y` (of a matrix, the last).
    """
    from dlnative.layers.merging import Dot

    if axes is None:
        axes = (len(x.shape) - 1, 1 if len(y.shape) == 2 else len(y.shape) - 2)
    return Dot(axes)([x, y])


def batch_flatten(x: Any) -> Any:
    """Returns each sample as a row."""
    return ops.reshape(x, (x.shape[0] or -1, -1 if x.shape[0] else math.prod(x.shape[1:])))


def cast(x: Any, dtype: Any) -> Any:
    """Returns `x` in another type."""
    return ops.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """Returns `x` in the default float type, as an array if it is one."""
    return ops.cast(x, dtypes.floatx())


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Returns tensors joined along an axis."""
    return ops.concatenate(tensors, axis)


def dot(x: Any, y: Any) -> Any:
    """Returns the product along the last axis of `x` and the one before the last of `y`."""
    return ops.dot(x, y)


def dtype(x: Any) -> str:
    """Returns the name of the type."""
    return dtypes.standardize(x.dtype)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Returns `x` with an axis of extent 1."""
    return ops.expand_dims(x, axis)


def flatten(x: Any) -> Any:
    """Returns all elements in one row."""
    return ops.reshape(x, (-1,))


def gather(reference: Any, indices: Any) -> Any:
    """Returns rows by their numbers."""
    return ops.take(reference, indices, axis=0)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Tells of each row whether the target is among its `k` largest."""
    return ops.in_top_k(targets, predictions, k)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """Returns the shape as a tuple, `None` where an extent is not known; `None` for what has none."""
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


def is_sparse(tensor: Any) -> bool:
    """Tells whether a tensor is sparse: none is."""
    del tensor
    return False


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Returns what a function makes of each row."""
    del name
    found = ops.map(fn, elems)
    return found if dtype is None else ops.cast(found, dtype)


def ndim(x: Any) -> int:
    """Returns the rank."""
    return len(x.shape)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Returns numbers as rows with a 1 in their place."""
    return ops.one_hot(indices, num_classes)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Returns `x` with its axes in another order."""
    return ops.transpose(x, pattern)


def pow(x: Any, a: Any) -> Any:
    """Returns `x**a`."""
    return ops.power(x, a)


def repeat(x: Any, n: int) -> Any:
    """Returns each row of a matrix `n` times, along a new axis."""
    return ops.tile(ops.expand_dims(x, 1), (1, n, 1))


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Returns `x` with each slice along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


def reverse(x: Any, axes: Any) -> Any:
    """Returns `x` in reverse order along axes."""
    return ops.flip(x, axes)


def stop_gradient(variables: Any) -> Any:
    """Returns tensors that gradients do not go through."""
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(x) for x in variables]
    return ops.stop_gradient(variables)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Returns one of two tensors, or of what two functions return; of a condition with axes, element by element."""
    if len(getattr(condition, "shape", ())) == 0 and callable(then_expression) and callable(else_expression):
        return ops.cond(condition, then_expression, else_expression)
    chosen, other = (item() if callable(item) else item for item in (then_expression, else_expression))
    missing = len(chosen.shape) - len(getattr(condition, "shape", ()))
    for _ in range(missing):
        condition = ops.expand_dims(condition, -1)
    return ops.where(ops.cast(condition, "bool"), chosen, other)


def to_dense(tensor: Any) -> Any:
    """Returns a tensor as it is: none is sparse."""
    return tensor
