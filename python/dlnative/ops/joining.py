"""Functions that join tensors along an axis, cut them apart again, and repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import promote
from dlnative.ops.core import as_tensor, call, integer, invoke, normalize_axis, operation, shown, unknown
from dlnative.ops.indexing import cut
from dlnative.ops.shape import expand_dims, ravel, reshape


def _infer_concatenate(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    axis = attributes[0]
    first = inputs[0].shape
    total: Any = 0
    for x in inputs:
        if len(x.shape) != len(first) or any(
            a != b and a is not None and b is not None
            for index, (a, b) in enumerate(zip(x.shape, first, strict=True))
            if index != axis
        ):
            shapes = ", ".join(str(tuple(item.shape)) for item in inputs)
            raise ValueError(f"concatenate: expected shapes that agree except along axis {axis}, got {shapes}")
        total = None if total is None or x.shape[axis] is None else total + x.shape[axis]
    return [((*first[:axis], total, *first[axis + 1 :]), inputs[0].dtype)]


def _concatenate_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    axis, dy, start, parts = node.attributes[0], grads[0], 0, []
    for x in node.inputs:
        starts = tuple(start if index == axis else 0 for index in range(len(x.shape)))
        parts.append(call("slice", dy, attributes=(starts, (1,) * len(x.shape), x.shape)))
        start += x.shape[axis]
    return parts


def _joined(shapes: Sequence[tuple[Any, ...]], attributes: tuple[Any, ...]) -> list[int] | None:
    """Returns where the parts begin, if each is one piece of memory."""
    axis = attributes[0]
    if any(extent != 1 for extent in shapes[0][:axis]):
        return None
    starts = [0]
    for shape in shapes:
        starts.append(starts[-1] + size_of(shape))
    return starts[:-1] if 0 not in map(size_of, shapes) else None


register(
    Op(
        "concatenate",
        "shape",
        _infer_concatenate,
        attributes=(("axis", "int"),),
        gradient=_concatenate_gradient,
        arity=(1, 2**31 - 1),
        flops=lambda ins, outs: 0,
        dtypes=dtypes.DTYPES,
        roles=Roles(joins=_joined),
        samples=lambda: [
            Sample((3, 2), (3, 5), axis=1),
            Sample((1, 4), (3, 4), (2, 4), axis=0),
            Sample((2, 1, 3), (2, 4, 3), axis=1),
        ],
    )
)


def _tensors(xs: Any, name: str) -> list[Any]:
    """Returns tensors of one dtype."""
    parts = list(xs)
    if not parts:
        raise ValueError(f"{name}: expected at least one tensor, got none")
    for index in range(1, len(parts)):
        parts[0], parts[index] = promote(parts[0], parts[index])
    return [promote(part, parts[0])[0] for part in parts]


@operation
def concatenate(xs: Sequence[Any], axis: int | None = 0) -> Any:
    """Joins tensors along an axis.

    Args:
        xs: tensors or arrays with equal shapes, except along the axis.
        axis: the axis; `None` joins their elements in one axis.

    Raises:
        ValueError: if the shapes differ elsewhere.

    Example:
        >>> import numpy as np
        >>> concatenate([np.ones((1, 2), "int32"), np.zeros((2, 2), "int32")]).tolist()
        [[1, 1], [0, 0], [0, 0]]
    """
    parts = _tensors(xs, "concatenate")
    if axis is None:
        parts, axis = [ravel(part) for part in parts], 0
    return invoke(OPS["concatenate"], parts, (normalize_axis(axis, len(parts[0].shape), "concatenate"),))


@operation
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """Joins two tensors along an axis, or (`None`) their elements in one axis; see `concatenate`."""
    return concatenate([x1, x2], axis)


@operation
def stack(x: Sequence[Any], axis: int = 0) -> Any:
    """Joins tensors of one shape along a new axis.

    Args:
        x: tensors or arrays.
        axis: the place of the new axis.
    """
    parts = _tensors(x, "stack")
    axis = normalize_axis(axis, len(parts[0].shape) + 1, "stack")
    for part in parts:
        if len(part.shape) != len(parts[0].shape) or any(
            a != b and None not in (a, b) for a, b in zip(part.shape, parts[0].shape, strict=True)
        ):
            raise ValueError(f"stack: expected tensors of one shape, got {[tuple(item.shape) for item in parts]}")
    return concatenate([expand_dims(part, axis) for part in parts], axis)


def _of_rank(x: Any, rank: int) -> Any:
    """Returns a tensor of at least so many axes, as `hstack` and its like take it."""
    if len(x.shape) == 0:
        x = reshape(x, (1,))
    if rank > 1 and len(x.shape) == 1:
        x = expand_dims(x, 0)
    if rank > 2 and len(x.shape) == 2:
        x = expand_dims(x, 2)
    return x


@operation
def vstack(xs: Sequence[Any]) -> Any:
    """Joins tensors along the first axis; vectors are rows."""
    return concatenate([_of_rank(x, 2) for x in _tensors(xs, "vstack")], 0)


@operation
def hstack(xs: Sequence[Any]) -> Any:
    """Joins tensors along the second axis, vectors along their only one."""
    parts = [_of_rank(x, 1) for x in _tensors(xs, "hstack")]
    return concatenate(parts, 0 if len(parts[0].shape) == 1 else 1)


@operation
def dstack(xs: Sequence[Any]) -> Any:
    """Joins tensors along the third axis; a matrix is one of extent 1 there."""
    return concatenate([_of_rank(x, 3) for x in _tensors(xs, "dstack")], 2)


_MOST_SECTIONS = 1 << 20  # each is an array of its own


def _split(name: str, x: Any, indices_or_sections: Any, axis: int, uneven: bool = False) -> list[Any]:
    x = as_tensor(x)
    axis = normalize_axis(axis, len(x.shape), name)
    extent = x.shape[axis]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)) and np.ndim(indices_or_sections) == 1:
        ends = [integer(item, f"{name}: indices_or_sections") for item in indices_or_sections]
        if extent is None:
            sizes = [after - before if 0 <= before <= after else None for before, after in pairwise([0, *ends])]
            return [_of_extent(x, axis, size) for size in [*sizes, None]]
        bounds = list(pairwise([0, *(np.s_[:end].indices(extent)[1] for end in ends), extent]))
    else:
        count = integer(indices_or_sections, f"{name}: indices_or_sections")
        if count < 1:
            raise ValueError(f"{name}: expected one section or more, got {indices_or_sections}")
        if count > _MOST_SECTIONS:
            raise ValueError(f"{name}: expected at most {_MOST_SECTIONS} sections, got {indices_or_sections}")
        if extent is None:
            return [_of_extent(x, axis, None)] * count
        if extent % count and not uneven:
            raise ValueError(
                f"{name}: expected an extent that {count} divides along axis {axis}, got shape {tuple(x.shape)}"
            )
        longer = extent % count
        bounds = list(pairwise([index * (extent // count) + min(index, longer) for index in range(count + 1)]))
    return [cut(x, axis, first, max(last, first)) for first, last in bounds]


def _of_extent(x: Any, axis: int, extent: int | None) -> Any:
    return unknown((*x.shape[:axis], extent, *x.shape[axis + 1 :]), x)


@operation
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cuts a tensor along an axis.

    Args:
        x: a tensor or array.
        indices_or_sections: the number of equal parts, or the indices at which to cut.
        axis: the axis.

    Returns:
        The parts.

    Raises:
        ValueError: if the extent is no multiple of the number of parts.

    Example:
        >>> import numpy as np
        >>> [part.tolist() for part in split(np.arange(5), [2, 3])]
        [[0, 1], [2], [3, 4]]
    """
    return _split("split", x, indices_or_sections, axis)


@operation
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cuts a tensor along an axis, into parts that are equal or one element longer; see `split`."""
    return _split("array_split", x, indices_or_sections, axis, uneven=True)


@operation
def vsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Cuts a tensor of rank 2 or more along the first axis; see `split`."""
    x = as_tensor(x)
    if len(x.shape) < 2:
        raise ValueError(f"vsplit: expected a tensor of rank 2 or more, got shape {tuple(x.shape)}")
    return _split("vsplit", x, indices_or_sections, 0)


@operation
def hsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Cuts a tensor along the second axis, a vector along its only one; see `split`."""
    x = as_tensor(x)
    if len(x.shape) < 1:
        raise ValueError("hsplit: expected a tensor of rank 1 or more, got a scalar")
    return _split("hsplit", x, indices_or_sections, 0 if len(x.shape) == 1 else 1)


@operation
def dsplit(x: Any, indices_or_sections: Any) -> list[Any]:
    """Cuts a tensor of rank 3 or more along the third axis; see `split`."""
    x = as_tensor(x)
    if len(x.shape) < 3:
        raise ValueError(f"dsplit: expected a tensor of rank 3 or more, got shape {tuple(x.shape)}")
    return _split("dsplit", x, indices_or_sections, 2)


@operation
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """Cuts a tensor along an axis into its slices, without that axis.

    Args:
        x: a tensor or array.
        num: how many there are; needed where the extent is not known.
        axis: the axis.
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, len(x.shape), "unstack")
    extent = x.shape[axis]
    if extent is None and num is None:
        raise ValueError(
            f"unstack: Cannot infer argument `num` from shape {tuple(x.shape)}: expected it beside axis {axis}"
        )
    count = extent if num is None else integer(num, "unstack: num")
    if extent is not None and count != extent:
        raise ValueError(f"unstack: expected {count} along axis {axis}, got shape {tuple(x.shape)}")
    rest = x.shape[:axis] + x.shape[axis + 1 :]
    return [invoke(OPS["reshape"], (cut(x, axis, index, index + 1),), (rest,)) for index in range(count)]


@operation
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Repeats each element.

    Args:
        x: a tensor or array.
        repeats: how often, one number or a number for each element along the axis.
        axis: the axis; `None` repeats all elements in one axis.

    Example:
        >>> import numpy as np
        >>> repeat(np.array([1, 2]), [1, 3]).tolist()
        [1, 2, 2, 2]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, len(x.shape), "repeat")
    extent = x.shape[axis]
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or counts.ndim > 1 or (counts.size and counts.min() < 0):
        raise ValueError(f"repeat: expected non-negative integers for repeats, got {shown(repeats)}")
    if counts.size != 1:
        if extent is not None and counts.shape != (extent,):
            raise ValueError(f"repeat: expected {extent} repeats, got {counts.size}")
        parts = [repeat(cut(x, axis, index, index + 1), int(count), axis) for index, count in enumerate(counts)]
        return concatenate(parts, axis) if parts else x
    count = int(counts.reshape(()))
    before, behind = tuple(x.shape[:axis]), tuple(x.shape[axis + 1 :])
    x = invoke(OPS["reshape"], (x,), ((*before, extent, 1, *behind),))
    x = broadcast_to_extents(x, (*before, extent, count, *behind))
    return invoke(OPS["reshape"], (x,), ((*before, None if extent is None else extent * count, *behind),))


def broadcast_to_extents(x: Any, target: tuple[Any, ...]) -> Any:
    """Broadcasts to a shape that may have unknown extents."""
    if tuple(x.shape) == target:
        return x
    return unknown(target, x) if None in target else invoke(OPS["broadcast_to"], (x,), (target,))


@operation
def tile(x: Any, repeats: Any) -> Any:
    """Lays copies of a tensor side by side.

    Args:
        x: a tensor or array.
        repeats: how many along each axis, or along the last ones; more than the rank of `x` make new axes in front.

    Example:
        >>> import numpy as np
        >>> tile(np.array([1, 2]), (2, 2)).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    x = as_tensor(x)
    counts = [
        integer(item, "tile: repeats")
        for item in (repeats if isinstance(repeats, (tuple, list, np.ndarray)) else (repeats,))
    ]
    if min(counts, default=0) < 0:
        raise ValueError(f"tile: expected non-negative repeats, got {repeats}")
    rank = max(len(counts), len(x.shape))
    counts = [1] * (rank - len(counts)) + counts
    own = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    spread: list[Any] = []
    for count, extent in zip(counts, own, strict=True):
        spread += [count, extent]
    x = invoke(OPS["reshape"], (x,), (tuple(item for extent in own for item in (1, extent)),))
    x = broadcast_to_extents(x, tuple(spread))
    target = tuple(None if extent is None else count * extent for count, extent in zip(counts, own, strict=True))
    return invoke(OPS["reshape"], (x,), (target,))


@operation
def meshgrid(*x: Any, indexing: str = "xy") -> list[Any]:
    """Returns the coordinates of a grid: each vector, broadcast along the axes of the others.

    Args:
        *x: vectors or scalars.
        indexing: `"xy"` puts the second vector along the first axis, `"ij"` keeps their order.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: expected indexing "xy" or "ij", got {shown(indexing)}')
    vectors = [ravel(item) for item in x]
    count = len(vectors)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = [1, 0]
    extents = [0] * count
    for vector, place in zip(vectors, places, strict=True):
        extents[place] = vector.shape[0]
    made = []
    for vector, place in zip(vectors, places, strict=True):
        shape = tuple(vector.shape[0] if index == place else 1 for index in range(count))
        made.append(broadcast_to_extents(invoke(OPS["reshape"], (vector,), (shape,)), tuple(extents)))
    return made
