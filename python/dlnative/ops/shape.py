"""Operations that move elements or give them another shape."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Op, Sample, Spec, register, size_of, zero_gradient
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import (
    as_tensor,
    call,
    integer,
    invoke,
    normalize_axes,
    normalize_axis,
    operation,
    scalar,
    shape_of,
    shown,
)
from dlnative.ops.reduction import sum_to_shape


def _no_flops(ins: Sequence[Any], outs: Sequence[Any]) -> int:
    return 0


def _infer_target(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(attributes[0], inputs[0].dtype)]


# reshape shares the memory of its input, so it is no instruction; where memory cannot be shared it becomes a copy.
register(
    Op(
        "reshape",
        "shape",
        _infer_target,
        attributes=(("shape", "shape"),),
        gradient=lambda node, grads: (call("reshape", grads[0], attributes=(node.inputs[0].shape,)),),
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        roles=Roles(view=lambda shape, attributes: 0),
    )
)
# stop_gradient is its input to the plan and a constant to differentiation.
register(
    Op(
        "stop_gradient",
        "shape",
        lambda inputs, attributes: [(inputs[0].shape, inputs[0].dtype)],
        gradient=zero_gradient,
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        roles=Roles(view=lambda shape, attributes: 0),
    )
)

register(
    Op(
        "broadcast_to",
        "shape",
        _infer_target,
        attributes=(("shape", "shape"),),
        gradient=lambda node, grads: (sum_to_shape(grads[0], node.inputs[0].shape),),
        flops=_no_flops,
        roles=Roles(repeats=True, serves="repeating"),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((3, 1), shape=(3, 5)), Sample((), shape=(2, 3)), Sample((4,), shape=(2, 3, 4)),
            Sample((2, 1, 3), shape=(2, 7, 3)),
        ],
    )
)  # fmt: skip


def _infer_transpose(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    shape = inputs[0].shape
    return [(tuple(shape[axis] for axis in attributes[0]), inputs[0].dtype)]


def _inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


register(
    Op(
        "transpose",
        "shape",
        _infer_transpose,
        attributes=(("permutation", "ints"),),
        gradient=lambda node, grads: (call("transpose", grads[0], attributes=(_inverse(node.attributes[0]),)),),
        flops=_no_flops,
        roles=Roles(permutes=True),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((3, 5), permutation=(1, 0)), Sample((2, 3, 4), permutation=(2, 0, 1)), Sample((70, 33), permutation=(1, 0)),
            Sample((2, 3, 4, 5), permutation=(0, 2, 1, 3)), Sample((4,), permutation=(0,)),
        ],
    )
)  # fmt: skip


def _infer_slice(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(attributes[2], inputs[0].dtype)]


def _part(shape: tuple[Any, ...], attributes: tuple[Any, ...]) -> int | None:
    """Returns the element that a slice begins with, if it is one piece of memory."""
    starts, steps, extents = attributes
    first, whole, split = 0, 1, False  # split: along some axis behind, not all is taken
    for axis in reversed(range(len(shape))):
        start, step, extent, size = starts[axis], steps[axis], extents[axis], shape[axis]
        if extent == 0 or (extent > 1 and (split or step != 1)):
            return None
        first += start * whole
        whole *= size
        split = split or extent < size
    return first


def _slice_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    starts, steps, extents = node.attributes
    dy, rank = grads[0], len(steps)
    if min(steps, default=1) < 0:  # the elements forwards, from the last one on
        last = tuple(extent - 1 if step < 0 else 0 for extent, step in zip(extents, steps, strict=True))
        if 0 not in extents:
            dy = call("slice", dy, attributes=(last, tuple(-1 if step < 0 else 1 for step in steps), extents))
        starts = tuple(max(a + e * s, 0) for a, e, s in zip(starts, last, steps, strict=True))
    if 0 in extents:
        starts = (0,) * rank
    for axis, step in enumerate(steps):
        if abs(step) > 1:
            dy = _spaced(dy, axis, abs(step))
    return (call("pad", dy, attributes=(starts, node.inputs[0].shape)),)


def _merged(x: Tensor, parts: list[tuple[Node, Tensor]]) -> Any:
    """Returns the gradient of a tensor that slices are taken of: where they lie one behind the other, in one piece."""
    cuts: dict[tuple[int, int], Any] = {}  # by the first and the last row along an axis
    axes: set[int] = set()
    for node, dy in parts:
        starts, steps, extents = node.attributes
        cut = [axis for axis, extent in enumerate(extents) if extent != x.shape[axis] or steps[axis] != 1]
        if len(cut) != 1 or steps[cut[0]] != 1 or not extents[cut[0]]:
            return _added(parts)
        axes.add(cut[0])
        rows = starts[cut[0]], starts[cut[0]] + extents[cut[0]]
        cuts[rows] = dy if rows not in cuts else call("add", cuts[rows], dy)
    (axis, *others), ends = axes, sorted(cuts)
    if others or len(ends) < 2 or any(first[1] > second[0] for first, second in pairwise(ends)):
        return _added(parts)
    pieces, behind = [], 0
    for first, last in (*ends, (x.shape[axis], x.shape[axis])):
        if first > behind:
            gap = (*x.shape[:axis], first - behind, *x.shape[axis + 1 :])
            pieces.append(call("broadcast_to", scalar(0.0, x), attributes=(gap,)))
        if last > first:
            pieces.append(cuts[first, last])
        behind = last
    return call("concatenate", *pieces, attributes=(axis,))


def _added(parts: list[tuple[Node, Tensor]]) -> Any:
    gradients = [_slice_gradient(node, [dy])[0] for node, dy in parts]
    result = gradients[0]
    for gradient in gradients[1:]:
        result = call("add", result, gradient)
    return result


def _spaced(x: Any, axis: int, step: int) -> Any:
    """Puts `step - 1` zeros between neighbours along an axis: pads each to a group of `step`, and cuts off the last zeros."""
    shape, rank = tuple(x.shape), len(x.shape)
    before, behind = shape[: axis + 1], shape[axis + 1 :]
    x = call("reshape", x, attributes=((*before, 1, *behind),))
    x = call("pad", x, attributes=((0,) * (rank + 1), (*before, step, *behind)))
    x = call("reshape", x, attributes=((*shape[:axis], shape[axis] * step, *behind),))
    kept = (*shape[:axis], max((shape[axis] - 1) * step + 1, 0), *behind)
    return call("slice", x, attributes=((0,) * rank, (1,) * rank, kept))


register(
    Op(
        "slice",
        "shape",
        _infer_slice,
        attributes=(("starts", "ints"), ("steps", "ints"), ("shape", "shape")),
        gradient=_slice_gradient,
        flops=_no_flops,
        roles=Roles(view=_part, merge=_merged),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((5, 7), starts=(1, 2), steps=(1, 1), shape=(3, 4)),
            Sample((9,), starts=(1,), steps=(3,), shape=(3,)),
            Sample((9,), starts=(8,), steps=(-1,), shape=(9,)),
            Sample((5, 7), starts=(4, 1), steps=(-2, 2), shape=(2, 3)),
        ],
    )
)
register(
    Op(
        "pad",
        "shape",
        lambda inputs, attributes: [(attributes[1], inputs[0].dtype)],
        attributes=(("before", "ints"), ("shape", "shape")),
        gradient=lambda node, grads: (
            call("slice", grads[0], attributes=(node.attributes[0], (1,) * len(node.attributes[0]), node.inputs[0].shape)),
        ),
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        samples=lambda: [Sample((3, 4), before=(1, 2), shape=(5, 7)), Sample((3,), before=(0,), shape=(3,))],
    )
)  # fmt: skip
# The public functions.


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
    """Exchanges two axes."""
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
    """Repeats a tensor along axes of extent 1 to reach a shape, by NumPy's rule."""
    x = as_tensor(x)
    target = shape_of("broadcast_to", shape)
    own = (1,) * (len(target) - len(x.shape)) + tuple(x.shape)
    if len(own) != len(target) or any(
        a != b and a != 1 and None not in (a, b) for a, b in zip(own, target, strict=True)
    ):
        raise ValueError(f"broadcast_to: expected a shape that broadcasts to {target}, got {tuple(x.shape)}")
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
    """Returns the number of elements; `None` where it is not known."""
    extents = shape(x)
    return None if None in extents else size_of(extents)
