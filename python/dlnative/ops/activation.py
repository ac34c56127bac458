"""Activations: ops of one argument, each with an op for its gradient, which matrix products take in (`graph/roles.py`).

`NAME_gradient` of `dy` is `dy` times the derivative, in terms of the result y or, where that does not tell it, of the
argument x. The formulas are in csrc/simd/activations.h; here are their derivatives, for gradients of gradients.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, register
from dlnative.graph.tensor import Node
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axis, operation, scalar
from dlnative.ops.elementwise import (
    absolute,
    add,
    exp,
    expm1,
    greater,
    greater_equal,
    less_equal,
    minimum,
    negative,
    reciprocal,
    rsqrt,
    sign,
    sqrt,
    square,
    subtract,
    unary_function,
    where,
)
from dlnative.ops.pointwise import FLOAT, POINTWISE, UNSIGNED, infer_same, unary
from dlnative.ops.reduction import to_wide_float

# The order is the order of the C++ enum Activation. In an epilogue, an activation is a tuple: one of these names, and the
# attributes of that op.
ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "softplus", "elu", "celu", "selu", "hard_sigmoid",
    "sparse_sigmoid", "hard_tanh", "log_sigmoid", "hard_shrink", "soft_shrink", "softsign", "silu", "hard_silu", "gelu",
    "gelu_tanh", "mish", "tanh_shrink", "squareplus", "sparse_plus",
)  # fmt: skip


def _activation(
    name: str,
    flops: int,
    gradient_flops: int,
    second: Callable[..., Any] | None,
    *,
    of_argument: bool = False,
    parameter: str | None = None,
    numbers: tuple[str, ...] = FLOAT,
    high: float = 4.0,
    size: str = "element",
) -> None:
    """Registers an activation and its gradient.

    Args:
        name: the name; that of its gradient is `NAME_gradient`.
        flops, gradient_flops: operations for each element.
        second: from what the gradient is a function of, beside dy, to the derivative by it, which may take the parameter,
            too; None where that is 0.
        of_argument: whether the gradient is one of the argument, not of the result.
        parameter: the name of the parameter, if it has one.
        numbers: types under test.
        high: the largest argument under test.
        size: what counts as the size of an element of the result; see `Op`.
    """

    def gradient(node: Node, dy: Any) -> Any:
        saved = node.inputs[0] if of_argument else node.outputs[0]
        return call(f"{name}_gradient", dy, saved, attributes=node.attributes)

    def gradient_of_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
        (dy, saved), arriving = node.inputs, grads[0]
        by_saved = None if second is None else arriving * dy * second(saved, *node.attributes)
        return call(f"{name}_gradient", arriving, saved, attributes=node.attributes), by_saved

    attributes = {} if parameter is None else {parameter: 0.3}  # under test
    roles = POINTWISE._replace(post_op="activation", activation=ACTIVATIONS.index(name))
    unary(name, gradient, attributes=attributes, numbers=numbers, high=high, flops=flops, size=size, roles=roles)
    low, most = (-4.0, high) if of_argument else (-0.9, high if high > 4.0 else 0.9)
    register(
        Op(
            f"{name}_gradient",
            "elementwise",
            infer_same,
            attributes=tuple((key, "float") for key in attributes),
            gradient=gradient_of_gradient,
            inplace=True,
            flops=lambda ins, outs: gradient_flops * math.prod(outs[0]),
            samples=lambda: [
                Sample(Arg(shape), Arg(shape, low=low, high=most), **attributes)
                for shape in ((), (7,), (3, 5), (1031,))
            ],
            roles=POINTWISE._replace(post_op="gradient", of=name),
            size="argument",  # dy times a slope that may be a difference, or cross zero
        )
    )


def _second_of_elu(y: Any, *alpha: float) -> Any:
    return where(greater(y, 0.0), scalar(0.0, y), scalar(1.0, y))


def _second_of_celu(y: Any, alpha: float) -> Any:
    return where(greater(y, 0.0), scalar(0.0, y), scalar(1.0 / alpha, y))


def _second_of_softsign(x: Any) -> Any:
    inverse = reciprocal(1.0 + absolute(x))
    return -2.0 * sign(x) * inverse * inverse * inverse


def _second_of_silu(x: Any) -> Any:
    s = sigmoid(x)
    return s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s))


def _second_of_hard_silu(x: Any) -> Any:
    return where(greater(3.0, absolute(x)), scalar(1.0 / 3.0, x), scalar(0.0, x))


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


def _second_of_tanh_shrink(x: Any) -> Any:
    t = tanh(x)
    return 2.0 * t * (1.0 - t * t)


def _second_of_squareplus(x: Any, b: float) -> Any:
    root = rsqrt(square(x) + b)
    return 0.5 * b * root * root * root


def _second_of_sparse_plus(x: Any) -> Any:
    return where(greater(1.0, absolute(x)), scalar(0.5, x), scalar(0.0, x))


_activation("relu", 1, 1, None, numbers=(*FLOAT, "int32", "int64"))
_activation("relu6", 2, 2, None, high=8.0)
_activation("leaky_relu", 1, 1, None, parameter="slope")
_activation("sigmoid", 12, 3, lambda y: 1.0 - 2.0 * y)
_activation("tanh", 12, 3, lambda y: -2.0 * y)
_activation("softplus", 20, 12, lambda y: exp(-y))
_activation("elu", 12, 3, _second_of_elu, parameter="alpha")
_activation("celu", 13, 3, _second_of_celu, parameter="alpha")
_activation("selu", 13, 3, _second_of_elu)
_activation("hard_sigmoid", 4, 2, None)
_activation("sparse_sigmoid", 4, 2, None)
_activation("hard_tanh", 2, 2, None)
_activation("log_sigmoid", 20, 12, lambda y: -exp(y))
_activation("hard_shrink", 2, 1, None, parameter="threshold")
_activation("soft_shrink", 5, 1, None, parameter="threshold", size="argument")
_activation("softsign", 3, 5, _second_of_softsign, of_argument=True)
_activation("silu", 13, 17, _second_of_silu, of_argument=True)
_activation("hard_silu", 5, 5, _second_of_hard_silu, of_argument=True)
_activation("gelu", 24, 36, _second_of_gelu, of_argument=True, size="argument")
_activation("gelu_tanh", 17, 25, _second_of_gelu_tanh, of_argument=True, size="argument")
_activation("mish", 16, 22, _second_of_mish, of_argument=True)
_activation("tanh_shrink", 13, 14, _second_of_tanh_shrink, of_argument=True, size="argument")
_activation("squareplus", 5, 6, _second_of_squareplus, of_argument=True, parameter="b", size="argument")
_activation("sparse_plus", 3, 4, _second_of_sparse_plus, of_argument=True)


# The public functions.

relu = unary_function("relu", "max(x, 0)", needs_float=False, of_booleans="int32", keeps=UNSIGNED)
relu6 = unary_function("relu6", "min(max(x, 0), 6)")
sigmoid = unary_function("sigmoid", "1 / (1 + e**-x)")
tanh = unary_function("tanh", "tanh(x)")
softplus = unary_function("softplus", "ln(1 + e**x)")
selu = unary_function("selu", "1.0507 x for x > 0, else 1.7581 (e**x - 1)", source="Klambauer et al., NeurIPS 2017")
softsign = unary_function("softsign", "x / (1 + |x|)")
silu = swish = unary_function("silu", "x sigmoid(x)", source="Hendrycks and Gimpel 2016")
mish = unary_function("mish", "x tanh(softplus(x))", source="Misra 2019")
hard_sigmoid = unary_function("hard_sigmoid", "relu6(x + 3) / 6")
sparse_sigmoid = unary_function("sparse_sigmoid", "min(max((x + 1) / 2, 0), 1)")
hard_tanh = unary_function("hard_tanh", "min(max(x, -1), 1)")
hard_silu = hard_swish = unary_function("hard_silu", "x hard_sigmoid(x)", source="Howard et al., ICCV 2019")
log_sigmoid = unary_function("log_sigmoid", "-ln(1 + e**-x)")
tanh_shrink = unary_function("tanh_shrink", "x - tanh(x)")
sparse_plus = unary_function("sparse_plus", "0 up to -1, (x + 1)**2 / 4 up to 1, x from there on")


def _with_parameter(name: str, x: Any, value: Any, formula: Callable[[Any, Any], Any], low: float = 0.0) -> Any:
    """Applies an activation with a parameter. One that is a tensor, or that the op's gradient does not cover, goes by a formula
    of other ops.

    Args:
        name: the name of the op.
        x: the argument.
        value: the parameter.
        formula: from x and the parameter to the result.
        low: the smallest parameter that the op covers.
    """
    x = to_float(x)
    if isinstance(value, numbers.Real) and low <= float(value) < math.inf:
        return invoke(OPS[name], (x,), (float(value),))
    result = dtype_of(x)
    wide = to_wide_float(x)
    if isinstance(value, numbers.Real):
        return call("cast", formula(wide, float(value)), attributes=(result,))
    value = as_tensor(value)
    result = dtypes.result_type(result, dtype_of(value))
    return call("cast", formula(*promote(wide, to_wide_float(value))), attributes=(result,))


@operation
def leaky_relu(x: Any, negative_slope: Any = 0.2) -> Any:
    """Returns x where it is positive, `negative_slope * x` elsewhere (Maas et al., ICML 2013).

    Args:
        x: a tensor or array of any shape.
        negative_slope: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are not negative.

    Example:
        >>> import numpy as np
        >>> leaky_relu(np.array([-2.0, 3.0])).tolist()
        [-0.4, 3.0]
    """
    return _with_parameter("leaky_relu", x, negative_slope, lambda x, slope: where(greater(x, 0.0), x, slope * x))


@operation
def elu(x: Any, alpha: Any = 1.0) -> Any:
    """Returns x where it is positive, `alpha * (e**x - 1)` elsewhere (Clevert et al., ICLR 2016).

    Args:
        x: a tensor or array of any shape.
        alpha: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are not negative.

    Example:
        >>> import numpy as np
        >>> elu(np.array([-1.0, 3.0]), 2.0).round(4).tolist()
        [-1.2642, 3.0]
    """
    return _with_parameter("elu", x, alpha, lambda x, alpha: where(greater(x, 0.0), x, alpha * expm1(minimum(x, 0.0))))


@operation
def celu(x: Any, alpha: Any = 1.0) -> Any:
    """Returns x where it is positive, `alpha * (e**(x / alpha) - 1)` elsewhere (Barron 2017).

    Args:
        x: a tensor or array of any shape.
        alpha: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are positive.

    Example:
        >>> import numpy as np
        >>> celu(np.array([-1.0, 3.0]), 2.0).round(4).tolist()
        [-0.7869, 3.0]
    """
    return _with_parameter(
        "celu",
        x,
        alpha,
        lambda x, alpha: where(greater(x, 0.0), x, alpha * expm1(minimum(x, 0.0) / alpha)),
        low=1e-30,
    )


@operation
def gelu(x: Any, approximate: bool = True) -> Any:
    """Returns `x P(X <= x)` for a standard normal X (Hendrycks and Gimpel 2016): nearly, by a tanh, or exactly.

    Args:
        x: a tensor or array.
        approximate: whether the normal distribution is approximated by a hyperbolic tangent.
    """
    return invoke(OPS["gelu_tanh" if approximate else "gelu"], (to_float(x),))


@operation
def hard_shrink(x: Any, threshold: Any = 0.5) -> Any:
    """Returns x where `|x| > threshold`, 0 elsewhere.

    Args:
        x: a tensor or array of any shape.
        threshold: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are not negative.

    Example:
        >>> import numpy as np
        >>> hard_shrink(np.array([-2.0, 0.4, 3.0])).tolist()
        [-2.0, 0.0, 3.0]
    """
    return _with_parameter(
        "hard_shrink", x, threshold, lambda x, threshold: where(less_equal(absolute(x), threshold), 0.0, x)
    )


@operation
def soft_shrink(x: Any, threshold: Any = 0.5) -> Any:
    """Returns x moved towards 0 by `threshold`, but not past it.

    Args:
        x: a tensor or array of any shape.
        threshold: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are not negative.

    Example:
        >>> import numpy as np
        >>> soft_shrink(np.array([-2.0, 0.4, 3.0])).tolist()
        [-1.5, 0.0, 2.5]
    """

    def formula(x: Any, threshold: Any) -> Any:
        inside = where(greater_equal(x, negative(threshold)), 0.0, add(x, threshold))
        return where(greater(x, threshold), subtract(x, threshold), inside)

    return _with_parameter("soft_shrink", x, threshold, formula)


@operation
def squareplus(x: Any, b: Any = 4) -> Any:
    """Returns `(x + sqrt(x**2 + b)) / 2` (Barron 2021).

    Args:
        x: a tensor or array of any shape.
        b: a number, or a tensor that broadcasts with x. Matrix products take in numbers that are not negative.

    Example:
        >>> import numpy as np
        >>> squareplus(np.array([-1.5, 0.0, 1.5])).tolist()
        [0.5, 1.0, 2.0]
    """
    return _with_parameter("squareplus", x, b, lambda x, b: 0.5 * (x + sqrt(square(x) + b)))


@operation
def threshold(x: Any, threshold: Any, default_value: Any) -> Any:
    """Returns x where it is larger than `threshold`, `default_value` elsewhere.

    Args:
        x: a tensor or array of any shape.
        threshold, default_value: numbers, or tensors that broadcast with x.

    Example:
        >>> import numpy as np
        >>> threshold(np.array([-2.0, 3.0]), 1.0, 0.5).tolist()
        [0.5, 3.0]
    """
    return where(greater(x, threshold), x, default_value)


@operation
def glu(x: Any, axis: int = -1) -> Any:
    """Returns the first half of x along an axis times the sigmoid of the second (Dauphin et al., ICML 2017).

    Args:
        x: a tensor or array of rank 1 or more.
        axis: an axis of even extent.

    Raises:
        ValueError: if there is no such axis, or it cannot be halved.

    Example:
        >>> import numpy as np
        >>> glu(np.array([2.0, 6.0, 0.0, 0.0])).tolist()
        [1.0, 3.0]
    """
    x = to_float(x)
    shape = x.shape
    axis = normalize_axis(axis, len(shape), "glu")
    if shape[axis] is None or shape[axis] % 2:
        raise ValueError(f"glu: expected an even extent of axis {axis}, got input of shape {tuple(shape)}")
    half = shape[axis] // 2
    whole = (slice(None),) * axis
    first, second = (*whole, slice(0, half)), (*whole, slice(half, shape[axis]))
    return x[first] * sigmoid(x[second])
