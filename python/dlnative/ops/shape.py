"""Functions that move elements or give tensors another shape. The rows of their ops are in `movement.py`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS, size_of
from dlnative.graph.tensor import Tensor
from dlnative.ops import movement as movement
from dlnative.ops.core import (
    as_tensor,
    integer,
    invoke,
    normalize_axes,
    normalize_axis,
    operation,
    shape_of,
    shown,
    unknown,
)


def _extents(newshape: Any) -> tuple[Any, ...]:
    """Returns the extents that a shape to reshape to names: integers from 0 on, and -1 or `None` for what is not known."""
    listed = newshape if isinstance(newshape, (tuple, list, np.ndarray)) else (newshape,)
    extents = []
    for item in listed:
        try:
            extents.append(-1 if item is None else operator.index(item))
        except TypeError:
            raise TypeError(f"reshape: expected integers in newshape, got {shown(newshape)}") from None
    if min(extents, default=0) < -1:
        raise ValueError(
            f"reshape: expected each extent to be a non-negative integer or -1, got newshape={shown(newshape)}"
        )
    if extents.count(-1) > 1 + sum(item is None for item in listed):
        raise ValueError(f"reshape: expected at most one unknown dimension, -1, got newshape={shown(newshape)}")
    return tuple(extents)


def _other_size(x: Any, newshape: Any) -> ValueError:
    return ValueError(
        f"reshape: expected a shape of as many elements as {tuple(x.shape)}, got newshape={shown(newshape)}"
    )


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """Gives a tensor another shape with as many elements.

    Args:
        x: a tensor or array.
        newshape: the shape; one extent may be -1, which takes what remains.

    Raises:
        ValueError: if the number of elements differs.

    Example:
        >>> import numpy as np
        >>> reshape(np.arange(6), (2, -1)).tolist()
        [[0, 1, 2], [3, 4, 5]]
    """
    x = as_tensor(x)
    target = _extents(newshape)
    if None in x.shape:
        if target.count(-1) == 1 and x.shape.count(None) == 1:
            known, fixed = (size_of(tuple(e for e in shape if e not in (-1, None))) for shape in (x.shape, target))
            if fixed == 0 or (known % fixed and target[0] == -1 and x.shape[0] is None):
                raise _other_size(x, newshape)
        target = tuple(None if extent == -1 else extent for extent in target)
        return invoke(OPS["reshape"], (x,), (target,))
    total = size_of(x.shape)
    if -1 in target:
        fixed = size_of(tuple(extent for extent in target if extent != -1))
        if target.count(-1) > 1 or fixed == 0 or total % fixed:
            raise _other_size(x, newshape)
        target = tuple(total // fixed if extent == -1 else extent for extent in target)
    elif size_of(target) != total:
        raise _other_size(x, newshape)
    return invoke(OPS["reshape"], (x,), (target,))


@operation
def ravel(x: Any) -> Any:
    """Returns the elements in one axis, in row-major order."""
    x = as_tensor(x)
    return reshape(x, None if None in x.shape else size_of(x.shape))


@operation
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """Permutes the axes; without `axes`, reverses them.

    Args:
        x: a tensor or array.
        axes: for each axis of the result, the axis of `x` that it is.

    Raises:
        ValueError: if `axes` is no permutation of the axes of `x`.
    """
    x = as_tensor(x)
    rank = len(x.shape)
    order = tuple(range(rank))[::-1]
    if axes is not None:
        if len(axes) != rank:
            raise ValueError(
                f"transpose: `axes` must be a list of the same length as the input shape, {rank}, got axes={shown(axes)}"
            )
        order = tuple([axis % rank if -rank <= integer(axis, "transpose: axes") < rank else rank for axis in axes])
        if sorted(order) != list(range(rank)):
            raise ValueError(
                f"transpose: expected a valid permutation. Each axis in `axes` must be an integer in [{-rank}, {rank}), and "
                f"all axes must be there, got axes={shown(axes)}"
            )
    return invoke(OPS["transpose"], (x,), (order,))


@operation
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Moves axes to other places; the others keep their order.

    Args:
        x: a tensor or array.
        source, destination: an axis each, or as many axes.
    """
    x = as_tensor(x)
    rank = len(x.shape)
    sources = normalize_axes((source,) if source is None else source, rank, "moveaxis")
    places = normalize_axes((destination,) if destination is None else destination, rank, "moveaxis")
    if len(sources) != len(places):
        raise ValueError(f"moveaxis: expected as many destinations as sources, got {source} and {destination}")
    order = [axis for axis in range(rank) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, order)


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchanges two axes.

    Args:
        x: a tensor or array.
        axis1, axis2: the axes.
    """
    x = as_tensor(x)
    order = list(range(len(x.shape)))
    first, second = (normalize_axis(axis, len(order), "swapaxes") for axis in (axis1, axis2))
    order[first], order[second] = second, first
    return transpose(x, order)


@operation
def expand_dims(x: Any, axis: Any) -> Any:
    """Inserts axes of extent 1.

    Args:
        x: a tensor or array.
        axis: the place of the new axis in the result, or several.
    """
    x = as_tensor(x)
    rank = len(x.shape) + (len(axis) if isinstance(axis, (tuple, list)) else 1)
    new = normalize_axes((axis,) if axis is None else axis, rank, "expand_dims")
    extents = iter(x.shape)
    return invoke(OPS["reshape"], (x,), (tuple([1 if index in new else next(extents) for index in range(rank)]),))


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """Removes axes of extent 1: the given ones, or all.

    Args:
        x: a tensor or array.
        axis: the axis or axes of extent 1; `None` for all that are.

    Raises:
        ValueError: if a given axis has another extent, or one that is not known.
    """
    x = as_tensor(x)
    shape = x.shape
    if axis is None:
        chosen = tuple([index for index, extent in enumerate(shape) if extent == 1])
    else:
        chosen = normalize_axes(axis, len(shape), "squeeze")
    for index in chosen:
        if shape[index] != 1:
            raise ValueError(f"squeeze: expected extent 1 along axis {index}, got shape {tuple(shape)}")
    return invoke(OPS["reshape"], (x,), (tuple([e for index, e in enumerate(shape) if index not in chosen]),))


@operation
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeats a tensor along axes of extent 1 to reach a shape, by NumPy's rule.

    Args:
        x: a tensor or array.
        shape: a shape that it broadcasts to.
    """
    x = as_tensor(x)
    target = shape_of("broadcast_to", shape)
    return x if x.shape == target else invoke(OPS["broadcast_to"], (x,), (target,))


@operation
def stop_gradient(variable: Any) -> Any:
    """Returns the tensor itself, which differentiation takes for a constant."""
    x = as_tensor(variable)
    return invoke(OPS["stop_gradient"], (x,)) if isinstance(x, Tensor) else x


def shape(x: Any) -> tuple[Any, ...]:
    """Returns the shape as a tuple; `None` where an extent is not known."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x: Any) -> int:
    """Returns the number of axes."""
    return len(shape(x))


def size(x: Any) -> Any:
    """Returns the number of elements; where it is not known yet, a tensor of int32 and rank 0."""
    extents = shape(x)
    return _size_later(x) if None in extents else size_of(extents)


@operation
def _size_later(x: Any) -> Any:
    """Returns the number of elements once all extents are known."""
    return unknown((), x, "int32") if None in x.shape else np.asarray(size_of(x.shape), "int32")


_size_later.__name__ = "size"  # what configurations of models call it
