"""Activations: ops of one argument, each with an op for its gradient, which matrix products take in (`graph/fusion.py`).

`NAME_gradient` of `dy` is `dy` times the derivative, in terms of the result y or, where that does not tell it, of the
argument x. The formulas are in csrc/simd/activations.h; here are their derivatives, for gradients of gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, register
from dlnative.graph.tensor import Node
from dlnative.ops.conversion import to_float
from dlnative.ops.core import call, invoke, operation, scalar
from dlnative.ops.elementwise import (
    FLOAT,
    absolute,
    exp,
    expm1,
    greater,
    infer_same,
    minimum,
    reciprocal,
    sign,
    square,
    unary,
    unary_function,
    where,
)


def _activation(
    name: str,
    flops: int,
    gradient_flops: int,
    second: Callable[[Any], Any] | None,
    *,
    of_argument: bool = False,
    numbers: tuple[str, ...] = FLOAT,
    high: float = 4.0,
) -> None:
    """Registers an activation and its gradient.

    Args:
        name: the name; that of its gradient is `NAME_gradient`.
        flops, gradient_flops: operations for each element.
        second: from what the gradient is a function of, beside dy, to the derivative by it; None where that is 0.
        of_argument: whether the gradient is one of the argument, not of the result.
        numbers: types under test.
        high: the largest argument under test.
    """

    def gradient(node: Node, dy: Any) -> Any:
        return call(f"{name}_gradient", dy, node.inputs[0] if of_argument else node.outputs[0])

    def gradient_of_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
        (dy, saved), arriving = node.inputs, grads[0]
        by_saved = None if second is None else arriving * dy * second(saved)
        return call(f"{name}_gradient", arriving, saved), by_saved

    unary(name, gradient, numbers=numbers, high=high, flops=flops)
    least, most = (-4.0, high) if of_argument else (-0.9, high if high > 4.0 else 0.9)
    register(
        Op(
            f"{name}_gradient",
            "elementwise",
            infer_same,
            gradient=gradient_of_gradient,
            inplace=True,
            flops=lambda ins, outs: gradient_flops * math.prod(outs[0]),
            samples=lambda: [
                Sample(Arg(shape), Arg(shape, low=least, high=most)) for shape in ((), (7,), (3, 5), (1031,))
            ],
        )
    )


def _one_below_zero(y: Any) -> Any:
    return where(greater(y, 0.0), scalar(0.0, y), scalar(1.0, y))


def _second_of_softsign(x: Any) -> Any:
    inverse = reciprocal(1.0 + absolute(x))
    return -2.0 * sign(x) * inverse * inverse * inverse


def _second_of_silu(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s))


def _second_of_gelu(x: Any) -> Any:
    density = exp(-0.5 * square(x)) * (1.0 / math.sqrt(2.0 * math.pi))
    return density * (2.0 - square(x))


def _second_of_gelu_tanh(x: Any) -> Any:
    factor, cube = 2.0 * math.sqrt(2.0 / math.pi), 0.044715
    s = sigmoid(factor * (x + cube * x * x * x))
    slope, bend = factor * (1.0 + 3.0 * cube * x * x), 6.0 * factor * cube * x
    return s * (1.0 - s) * (2.0 * slope + x * (bend + (1.0 - 2.0 * s) * slope * slope))


def _second_of_mish(x: Any) -> Any:
    t, s = tanh(softplus(x)), sigmoid(x)
    slope = (1.0 - t * t) * s
    return 2.0 * slope + x * ((1.0 - t * t) * s * (1.0 - s) - 2.0 * t * slope * s)


_activation("relu", 1, 1, None, numbers=(*FLOAT, "int32", "int64"))
_activation("relu6", 2, 2, None, high=8.0)
_activation("sigmoid", 12, 3, lambda y: 1.0 - 2.0 * y)
_activation("tanh", 12, 3, lambda y: -2.0 * y)
_activation("softplus", 20, 12, lambda y: exp(-y))
_activation("elu", 12, 3, _one_below_zero)
_activation("selu", 13, 3, _one_below_zero)
_activation("softsign", 3, 5, _second_of_softsign, of_argument=True)
_activation("silu", 13, 17, _second_of_silu, of_argument=True)
_activation("gelu", 24, 36, _second_of_gelu, of_argument=True)
_activation("gelu_tanh", 17, 25, _second_of_gelu_tanh, of_argument=True)
_activation("mish", 16, 22, _second_of_mish, of_argument=True)


# The public functions.

relu = unary_function("relu", "max(x, 0)", needs_float=False)
relu6 = unary_function("relu6", "min(max(x, 0), 6)")
sigmoid = unary_function("sigmoid", "1 / (1 + e**-x)")
tanh = unary_function("tanh", "tanh(x)")
softplus = unary_function("softplus", "ln(1 + e**x)")
selu = unary_function("selu", "1.0507 x for x > 0, else 1.7581 (e**x - 1)")
softsign = unary_function("softsign", "x / (1 + |x|)")
silu = unary_function("silu", "x sigmoid(x)")
mish = unary_function("mish", "x tanh(softplus(x))")


@operation
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """Returns x where it is positive, `alpha * (e**x - 1)` elsewhere."""
    if isinstance(alpha, (int, float)) and alpha == 1:
        return invoke(OPS["elu"], (to_float(x),))
    return where(greater(x, 0.0), x, alpha * expm1(minimum(x, 0.0)))


@operation
def gelu(x: Any, approximate: bool = True) -> Any:
    """Returns `x P(X <= x)` for a standard normal X: nearly, by a tanh, or exactly."""
    return invoke(OPS["gelu_tanh" if approximate else "gelu"], (to_float(x),))
