"""The rows of ops that move elements or give them another shape. The functions are in `shape.py` and `slicing.py`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import Op, Sample, Spec, register, zero_gradient
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import call, scalar
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


def _infer_broadcast(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    shape, target = inputs[0].shape, attributes[0]
    own = (1,) * (len(target) - len(shape)) + tuple(shape)
    if len(own) != len(target) or any(a not in (b, 1) and None not in (a, b) for a, b in zip(own, target, strict=True)):
        raise ValueError(f"broadcast_to: expected a shape that broadcasts to {target}, got {shape}")
    return [(target, inputs[0].dtype)]


register(
    Op(
        "broadcast_to",
        "shape",
        _infer_broadcast,
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
