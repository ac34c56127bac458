"""Softmax and log-softmax, over the last axis in the table and over any axis in the public functions."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Infer, Op, Sample, Spec, register, size_of
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import to_float
from dlnative.ops.core import call, invoke, normalize_axes, operation

_SHAPES = ((3,), (5, 1), (16, 3), (4, 3, 10), (3, 1031))


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, inputs[0].dtype)]


def _infer_classes(name: str) -> Infer:
    def infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
        if inputs[0].shape[-1] == 0:
            raise ValueError(f"{name}: expected at least one class, got shape {tuple(inputs[0].shape)}")
        return _infer(inputs, attributes)

    return infer


for _name in ("softmax", "log_softmax"):

    def _gradient(node: Node, grads: Sequence[Any], _name: str = _name) -> Sequence[Any]:
        return (call(f"{_name}_gradient", grads[0], node.outputs[0]),)

    register(
        Op(
            _name,
            "softmax",
            _infer_classes(_name),
            gradient=_gradient,
            inplace=True,
            flops=lambda ins, outs: 14 * math.prod(outs[0]),
            samples=lambda: [Sample(Arg(shape, low=-8.0, high=8.0)) for shape in _SHAPES],
            tolerance=16.0,
            size="element" if _name == "softmax" else "row",
        )
    )


def row_sum(x: Any) -> Any:
    """Returns the sums along the last axis, which stays with extent 1."""
    return call("sum", x, attributes=(len(x.shape) - 1, 1, True))


def _gradient_of_softmax_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """Of y (dy - sum(dy y)); the derivative of softmax is symmetric."""
    (dy, y), arriving = node.inputs, grads[0]
    by_y = arriving * (dy - row_sum(dy * y)) - dy * row_sum(arriving * y)
    return call("softmax_gradient", arriving, y), by_y


def _gradient_of_log_softmax_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """Of dy - exp(y) sum(dy)."""
    (dy, y), arriving = node.inputs, grads[0]
    scaled = arriving * call("exp", y)
    return arriving - row_sum(scaled), -scaled * row_sum(dy)


register(
    Op(
        "softmax_gradient",
        "softmax",
        _infer,
        gradient=_gradient_of_softmax_gradient,
        inplace=True,
        flops=lambda ins, outs: 4 * math.prod(outs[0]),
        samples=lambda: [Sample(Arg(shape), Arg(shape, "probability")) for shape in _SHAPES],
        tolerance=16.0,
        size="row",
    )
)
register(
    Op(
        "log_softmax_gradient",
        "softmax",
        _infer,
        gradient=_gradient_of_log_softmax_gradient,
        inplace=True,
        flops=lambda ins, outs: 13 * math.prod(outs[0]),
        samples=lambda: [Sample(Arg(shape), Arg(shape, low=-6.0, high=0.0)) for shape in _SHAPES],
        tolerance=32.0,
        size="row",
    )
)


def last_axis(x: Any, axis: int) -> Any:
    """Exchanges an axis with the last one."""
    rank = len(x.shape)
    if axis == rank - 1:
        return x
    permutation = list(range(rank))
    permutation[axis], permutation[-1] = rank - 1, axis
    return call("transpose", x, attributes=(tuple(permutation),))


def _along(name: str, x: Any, axis: Any) -> Any:
    x = to_float(x)
    rank = len(x.shape)
    axes = normalize_axes(axis, rank, name)
    if len(axes) != 1:  # as one axis, and the last
        kept = [index for index in range(rank) if index not in axes]
        order = (*kept, *axes)
        moved = call("transpose", x, attributes=(order,)) if order != tuple(range(rank)) else x
        rows = [x.shape[index] for index in kept]
        extents = [x.shape[index] for index in axes]
        row = call("reshape", moved, attributes=((*rows, None if None in extents else size_of(tuple(extents))),))
        y = call("reshape", invoke(OPS[name], (row,)), attributes=(tuple(moved.shape),))
        back = tuple(sorted(range(rank), key=order.__getitem__))
        return call("transpose", y, attributes=(back,)) if moved is not x else y
    if x.shape[axes[0]] == 1:
        warnings.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {tuple(x.shape)}. This axis has size 1: the "
            "result is always 1. A sigmoid gives the probability of one class",
            stacklevel=4,
        )
    return last_axis(invoke(OPS[name], (last_axis(x, axes[0]),)), axes[0])


@operation
def softmax(x: Any, axis: Any = -1) -> Any:
    """Returns `exp(x) / sum(exp(x))` along an axis, or several.

    Args:
        x: a tensor or array.
        axis: the axis over which the results sum to 1, a tuple of axes, or `None` for all.

    Example:
        >>> import numpy as np
        >>> softmax(np.log(np.array([[1.0, 3.0]]))).round(6).tolist()
        [[0.25, 0.75]]
    """
    return _along("softmax", x, axis)


@operation
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Returns `x - ln(sum(exp(x)))` along an axis, or several; see `softmax`."""
    return _along("log_softmax", x, axis)
