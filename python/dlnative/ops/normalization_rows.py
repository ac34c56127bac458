"""The rows of normalisation: of the last axis by its own statistics, of channels by those of the batch or by given ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Shape, Spec, register, size_of
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import gradient_of
from dlnative.ops.core import call, invoke, scalar
from dlnative.ops.elementwise import square
from dlnative.ops.reduction import reduce

_SHAPES = ((3, 1), (5, 4), (2, 3, 10), (37, 33), (300, 16), (16, 70))
_RELU = ("relu",)


def _row_parameters(name: str, x: Tensor, parameters: Sequence[Tensor]) -> None:
    for parameter in parameters:
        if parameter.shape != x.shape[-1:]:
            raise ValueError(
                f"{name}: expected parameters of shape {tuple(x.shape[-1:])} for an input of shape {tuple(x.shape)}, "
                f"got {tuple(parameter.shape)}"
            )


def _infer_rows(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    _row_parameters("layer_normalization", inputs[0], inputs[1:])
    return [(inputs[0].shape, inputs[0].dtype)]


def _infer_rows_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    _, x, gamma = inputs
    return [(x.shape, x.dtype), (gamma.shape, x.dtype), (gamma.shape, x.dtype)]


def _mean(x: Any) -> Any:
    return reduce("mean", x, -1, True)


def _unit_rows(x: Any, centered: bool, epsilon: float) -> tuple[Any, Any]:
    """Returns (x - mean) rstd for each row, and rstd."""
    apart = x - _mean(x) if centered else x
    rstd = call("rsqrt", _mean(square(apart)) + scalar(epsilon, x))
    return apart * rstd, rstd


def _rows_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    x, gamma, _ = node.inputs
    return tuple(invoke(OPS["layer_normalization_gradient"], (grads[0], x, gamma), node.attributes))


def _composite_rows_gradient(dy: Any, x: Any, gamma: Any, centered: bool, epsilon: float) -> tuple[Any, Any, Any]:
    unit, rstd = _unit_rows(x, centered, epsilon)
    g = dy * gamma
    dx = g - unit * _mean(g * unit)
    if centered:
        dx = dx - _mean(g)
    rows = tuple(range(len(x.shape) - 1))
    return dx * rstd, reduce("sum", dy * unit, rows), reduce("sum", dy, rows)


_ROW_ATTRIBUTES = (("centered", "bool"), ("epsilon", "float"))
register(
    Op(
        "layer_normalization",
        "normalization",
        _infer_rows,
        attributes=_ROW_ATTRIBUTES,
        gradient=_rows_gradient,
        inplace=lambda attributes, output: (0,),
        flops=lambda ins, outs: 8 * math.prod(outs[0]),
        samples=lambda: [
            Sample(Arg(shape, low=1.0, high=3.0), shape[-1:], shape[-1:], centered=centered, epsilon=epsilon)
            for shape in _SHAPES
            for centered, epsilon in ((True, 1e-3), (False, 0.5))
        ],
        tolerance=64.0,
        size="row",
    )
)
register(
    Op(
        "layer_normalization_gradient",
        "normalization",
        _infer_rows_gradient,
        attributes=_ROW_ATTRIBUTES,
        gradient=gradient_of(_composite_rows_gradient),
        inplace=lambda attributes, output: (0, 1) if output == 0 else (),
        flops=lambda ins, outs: 20 * math.prod(outs[0]),
        samples=lambda: [
            Sample(shape, Arg(shape, low=1.0, high=3.0), shape[-1:], centered=centered, epsilon=epsilon)
            for shape in _SHAPES
            for centered, epsilon in ((True, 0.1), (False, 0.5))
        ],
        tolerance=64.0,
        size="column",
    )
)


def _takes(shapes: Sequence[Shape], attributes: tuple[Any, ...]) -> bool:
    """What follows that the kernels do as they write: a residual, a relu."""
    epilogue: Epilogue = attributes[-1]
    return epilogue._replace(residual=False, activation=()) == PLAIN and epilogue.activation in ((), _RELU)


def _infer_columns(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, rest = inputs[0], inputs[1 : len(inputs) - attributes[-1].operands]
    _row_parameters("batch_normalization", x, rest)
    return [(x.shape, x.dtype)]


def _infer_batch(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    specs = _infer_columns(inputs, attributes)
    shape, dtype = specs[0]
    if 0 in shape[:-1]:
        raise ValueError(f"batch_normalization: expected at least one row to take statistics of, got shape {shape}")
    return [*specs, (shape[-1:], dtype), (shape[-1:], dtype)]


def _columns(x: Any, mean: Any, variance: Any, gamma: Any, beta: Any, epsilon: float, epilogue: Any = PLAIN) -> Any:
    return (x - mean) * (call("rsqrt", variance + scalar(epsilon, x)) * gamma) + beta


def _batch(x: Any, gamma: Any, beta: Any, epsilon: float, epilogue: Any) -> tuple[Any, Any, Any]:
    rows = tuple(range(len(x.shape) - 1))
    mean = reduce("mean", x, rows)
    variance = reduce("mean", square(x - mean), rows)
    return _columns(x, mean, variance, gamma, beta, epsilon), mean, variance


_composite_batch = gradient_of(_batch)


def _batch_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    if grads[0] is None or grads[1] is not None or grads[2] is not None:
        return _composite_batch(node, grads)
    x, gamma, _ = node.inputs
    _, mean, variance = node.outputs
    inputs = (grads[0], x, gamma, mean, variance)
    return tuple(invoke(OPS["batch_normalization_gradient"], inputs, node.attributes[:1]))


def _composite_batch_gradient(
    dy: Any, x: Any, gamma: Any, mean: Any, variance: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    rows = tuple(range(len(x.shape) - 1))
    rstd = call("rsqrt", variance + scalar(epsilon, x))
    unit = (x - mean) * rstd
    dgamma, dbeta = reduce("sum", dy * unit, rows), reduce("sum", dy, rows)
    return (dy - (dbeta + unit * dgamma) * scalar(1.0 / size_of(x.shape[:-1]), x)) * (gamma * rstd), dgamma, dbeta


def _column_samples(given: bool) -> list[Sample]:
    samples = []
    for shape in (*_SHAPES, (2, 3, 3, 3), (600, 70), (2, 9, 9, 64)):
        channels = shape[-1:]
        statistics = [Arg(channels), Arg(channels, low=0.1, high=2.0)] if given else []
        for residual, activation in ((False, ()), (True, ()), (False, _RELU), (True, _RELU)):
            operands = [Arg(shape)] if residual else []
            inputs: list[Any] = [Arg(shape, low=0.0, high=3.0), *statistics, channels, channels, *operands]
            epilogue = Epilogue(residual=residual, activation=activation)
            samples.append(Sample(*inputs, epsilon=0.01, epilogue=epilogue))
    return samples


register(
    Op(
        "batch_normalization_training",
        "normalization",
        _infer_batch,
        attributes=(("epsilon", "float"), ("epilogue", "epilogue")),
        gradient=_batch_gradient,
        inplace=lambda attributes, output: (0,) if output == 0 else (),
        flops=lambda ins, outs: 8 * math.prod(outs[0]),
        samples=lambda: _column_samples(given=False),
        roles=Roles(takes=_takes),
        tolerance=64.0,
        size="row",
    )
)
register(
    Op(
        "batch_normalization_gradient",
        "normalization",
        lambda inputs, attributes: [
            (inputs[1].shape, inputs[1].dtype),
            *[(inputs[2].shape, inputs[1].dtype) for _ in range(2)],
        ],
        attributes=(("epsilon", "float"),),
        gradient=gradient_of(_composite_batch_gradient),
        inplace=lambda attributes, output: (0, 1) if output == 0 else (),
        flops=lambda ins, outs: 12 * math.prod(outs[0]),
        samples=lambda: [
            Sample(shape, shape, shape[-1:], shape[-1:], Arg(shape[-1:], low=0.1, high=2.0), epsilon=0.01)
            for shape in (*_SHAPES, (2, 9, 9, 64))
        ],
        tolerance=64.0,
        size="column",
    )
)
register(
    Op(
        "batch_normalization",
        "normalization",
        _infer_columns,
        attributes=(("epsilon", "float"), ("epilogue", "epilogue")),
        gradient=gradient_of(_columns),
        inplace=lambda attributes, output: (0,),
        flops=lambda ins, outs: 4 * math.prod(outs[0]),
        samples=lambda: _column_samples(given=True),
        roles=Roles(takes=_takes),
        tolerance=32.0,
        size="row",
    )
)
