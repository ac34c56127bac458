"""Gradients of fused ops as those of the ops that they are fused from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph.autodiff import pull_back
from dlnative.graph.op import Gradient
from dlnative.graph.tensor import Node, next_serial
from dlnative.ops.core import call


def gradient_of(function: Callable[..., Any]) -> Gradient:
    """Returns a gradient rule: that of a function of an op's inputs and attributes which gives what the op gives.

    Args:
        function: computes the outputs with other ops that have gradients.
    """

    def rule(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
        since = next_serial()
        inputs = list(node.inputs)
        if len({id(x) for x in inputs}) < len(inputs):  # one that comes twice has a gradient in each place
            inputs = [call("reshape", x, attributes=(tuple(x.shape),)) for x in inputs]
        made = function(*inputs, *node.attributes)
        outputs = made if isinstance(made, tuple) else (made,)
        arriving = [(y, dy) for y, dy in zip(outputs, grads, strict=True) if dy is not None]
        targets, seeds = zip(*arriving, strict=True)
        return pull_back(targets, seeds, inputs, lambda a, b: call("add", a, b), since=since)

    return rule


def or_zeros(node: Node, grads: Sequence[Any]) -> list[Any]:
    """Returns the gradients of a node's results, zeros where none arrives."""
    from dlnative.ops.creation import zeros_like

    return [zeros_like(y) if dy is None else dy for y, dy in zip(node.outputs, grads, strict=True)]
