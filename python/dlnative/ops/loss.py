"""Crossentropies. Those on logits give the loss and its gradient in one pass over the logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative.dtypes import epsilon
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import cast, to_float, to_index
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axis, operation, scalar
from dlnative.ops.elementwise import clip, log
from dlnative.ops.reduction import reduce
from dlnative.ops.shape import squeeze
from dlnative.ops.softmax import row_sum


def _infer_rows(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    logits = inputs[0]
    if logits.shape[-1] == 0:
        raise ValueError(f"crossentropy: expected at least one class, got an output of shape {tuple(logits.shape)}")
    return [(logits.shape[:-1], logits.dtype), (logits.shape, logits.dtype)]


def _rows_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """The second output is dloss/dlogits for each row, times the scale: s (sum(t) p - t) with p = softmax(z).

    Its own gradient, when v arrives there, is s sum(t) p (v - sum(v p)) by z and s (sum(v p) - v) by t.
    """
    (scale,) = node.attributes
    (logits, target), (dloss, v) = node.inputs, grads
    sparse = target.shape != logits.shape
    dlogits, dtarget = [], []  # what nobody needs of them the plan leaves out
    if dloss is not None:
        dloss = call("reshape", dloss, attributes=((*dloss.shape, 1),))
        dlogits.append(node.outputs[1] * (dloss / scalar(scale, dloss) if scale != 1.0 else dloss))
        dtarget.append(-call("log_softmax", logits) * dloss)
    if v is not None:
        p = call("softmax", logits)
        by_logits = call("softmax_gradient", v, p) * scalar(scale, v)
        dlogits.append(by_logits if sparse else by_logits * row_sum(target))
        dtarget.append((row_sum(v * p) - v) * scalar(scale, v))
    return sum(dlogits[1:], dlogits[0]), None if sparse else sum(dtarget[1:], dtarget[0])


register(
    Op(
        "categorical_crossentropy_with_logits",
        "loss",
        _infer_rows,
        attributes=(("scale", "float"),),
        gradient=_rows_gradient,
        roles=Roles(scales=(1, 0)),
        flops=lambda ins, outs: 18 * math.prod(outs[1]),
        samples=lambda: [
            Sample(Arg(shape, low=-6.0, high=6.0), Arg(shape, "probability"), scale=scale)
            for scale in (1.0, 0.03125)
            for shape in ((1, 1), (16, 3), (5, 10), (2, 3, 33))
        ],
        tolerance=32.0,
        size="row",
    )
)
register(
    Op(
        "sparse_categorical_crossentropy_with_logits",
        "loss",
        _infer_rows,
        attributes=(("scale", "float"),),
        gradient=_rows_gradient,
        roles=Roles(scales=(1, 0)),
        operands={1: ("int32", "int64")},
        inplace=lambda attributes, output: (0,) if output == 1 else (),  # the gradient in the place of the logits
        flops=lambda ins, outs: 16 * math.prod(outs[1]),
        samples=lambda: [
            Sample(Arg(shape, low=-6.0, high=6.0), Arg(shape[:-1], "integer", 0, shape[-1], dtype), scale=scale)
            for scale in (1.0, 0.03125)
            for shape in ((1, 1), (16, 3), (5, 10), (2, 3, 33))
            for dtype in ("int32", "int64")
        ],
        tolerance=32.0,
        size="row",
    )
)


def _infer_elementwise(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    logits, target = inputs
    if logits.shape != target.shape:
        raise ValueError(
            f"binary_crossentropy: expected target and output of one shape, got {tuple(target.shape)} and "
            f"{tuple(logits.shape)}"
        )
    return [(logits.shape, logits.dtype)]


def _binary_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    logits, target = node.inputs
    return (call("sigmoid", logits) - target) * grads[0], -logits * grads[0]


register(
    Op(
        "binary_crossentropy_with_logits",
        "loss",
        _infer_elementwise,
        gradient=_binary_gradient,
        inplace=True,
        flops=lambda ins, outs: 24 * math.prod(outs[0]),
        samples=lambda: [
            Sample(Arg(shape, low=-8.0, high=8.0), Arg(shape, low=0.0, high=1.0))
            for shape in ((), (7,), (16, 3), (1031,))
        ],
        tolerance=16.0,
        size="argument",
    )
)


def _logits_behind(output: Any, activation: str) -> Any:
    """Returns the logits if `output` is `activation(logits)` in this trace: the loss of logits is exact and cheaper."""
    if isinstance(output, Tensor) and output.node is not None and output.node.op.name == activation:
        return output.node.inputs[0]
    return None


def _same_shape(name: str, target: Any, output: Any) -> None:
    for expected, found in zip(output.shape, target.shape, strict=False):
        if len(target.shape) != len(output.shape) or (found != expected and None not in (found, expected)):
            raise ValueError(
                f"{name}: target and output must have the same shape, got {tuple(target.shape)} and {tuple(output.shape)}"
            )


def _classes_last(x: Any, axis: int) -> Any:
    """Moves the axis of the classes behind the others, which keep their order."""
    rank = len(x.shape)
    if axis == rank - 1:
        return x
    return call("transpose", x, attributes=((*range(axis), *range(axis + 1, rank), axis),))


@operation
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """Returns `-sum(target * ln(p))` along an axis.

    Args:
        target: probabilities, of the shape of `output`.
        output: probabilities p, or logits z with `p = softmax(z)`.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        The loss, without that axis.
    """
    target, output = as_tensor(target), to_float(output)
    target = cast(target, dtype_of(output))
    _same_shape("categorical_crossentropy", target, output)
    axis = normalize_axis(axis, len(output.shape), "categorical_crossentropy")
    logits = output if from_logits else _logits_behind(output, "softmax")
    if logits is not None and (from_logits or axis == len(output.shape) - 1):
        rows = _classes_last(logits, axis), _classes_last(target, axis)
        return invoke(OPS["categorical_crossentropy_with_logits"], rows, (1.0,))[0]
    if output.shape[axis] == 0:
        raise ValueError(
            f"categorical_crossentropy: expected at least one class, got an output of shape {tuple(output.shape)}"
        )
    p = clip(call("divide", output, reduce("sum", output, axis, True)), epsilon(), 1.0 - epsilon())
    return call("negative", reduce("sum", call("multiply", target, log(p)), axis))


@operation
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """Returns `-ln(p[target])` along an axis.

    Args:
        target: class numbers, of the shape of `output` without that axis (or with extent 1 there).
        output: probabilities p, or logits z with `p = softmax(z)`.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        The loss, without that axis.
    """
    target, output = as_tensor(target), to_float(output)
    axis = normalize_axis(axis, len(output.shape), "sparse_categorical_crossentropy")
    if len(target.shape) == len(output.shape) and target.shape[axis] == 1:
        target = squeeze(target, axis)
    target = to_index(target)
    rest = output.shape[:axis] + output.shape[axis + 1 :]
    if len(target.shape) != len(rest) or any(
        a != b and None not in (a, b) for a, b in zip(target.shape, rest, strict=True)
    ):
        raise ValueError(
            f"sparse_categorical_crossentropy: expected a target of shape {tuple(rest)} for an output of shape "
            f"{tuple(output.shape)}, got {tuple(target.shape)}"
        )
    logits = output if from_logits else _logits_behind(output, "softmax")
    if logits is not None and (from_logits or axis == len(output.shape) - 1):
        return invoke(
            OPS["sparse_categorical_crossentropy_with_logits"], (_classes_last(logits, axis), target), (1.0,)
        )[0]
    if output.shape[axis] == 0:
        raise ValueError(
            f"sparse_categorical_crossentropy: expected at least one class, got an output of shape {tuple(output.shape)}"
        )
    p = _classes_last(output, axis)
    p = clip(call("divide", p, reduce("sum", p, -1, True)), epsilon(), 1.0 - epsilon())
    from dlnative.ops.encoding import one_hot

    chosen = one_hot(target, output.shape[axis], dtype=dtype_of(p))
    return call("negative", reduce("sum", call("multiply", chosen, log(p)), -1))


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Returns `-(target * ln(p) + (1 - target) * ln(1 - p))`, elementwise.

    Args:
        target: probabilities, of the shape of `output`.
        output: probabilities p, or logits z with `p = sigmoid(z)`.
        from_logits: whether `output` holds logits.
    """
    target, output = as_tensor(target), to_float(output)
    target = cast(target, dtype_of(output))
    _same_shape("binary_crossentropy", target, output)
    logits = output if from_logits else _logits_behind(output, "sigmoid")
    if logits is not None:
        return invoke(OPS["binary_crossentropy_with_logits"], (logits, target))
    p = clip(output, epsilon(), 1.0 - epsilon())
    one = scalar(1.0, p)
    other = call("multiply", call("subtract", one, target), log(call("subtract", one, p)))
    return call("negative", call("add", call("multiply", target, log(p)), other))
