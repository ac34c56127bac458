"""Elementwise functions that are rare: no vector kernels, no place in chains (`csrc/ops/arithmetic.cpp` has the rules)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import zero_gradient
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, dtype_of, operation, scalar
from dlnative.ops.elementwise import binary_function, unary_function
from dlnative.ops.pointwise import binary, mul, unary

_INTEGERS = ("int32", "int64")
_FAMILY = "arithmetic"
_RARE = Roles(pointwise=True)


def _div(a: Any, b: Any) -> Any:
    return call("divide", a, b)


def _one_plus(x: Any, sign: float = 1.0) -> Any:
    """Returns `1 + sign x`."""
    return call("add" if sign > 0 else "subtract", scalar(1.0, x), x)


def _squared(node: Node) -> Any:
    return call("square", node.inputs[0])


def _flat(node: Node, dy: Any) -> Any:
    return None


unary(
    "tan",
    lambda node, dy: mul(dy, _one_plus(call("square", node.outputs[0]))),
    roles=_RARE,
    family=_FAMILY,
    low=-1.4,
    high=1.4,
)
unary(
    "arcsin",
    lambda node, dy: mul(dy, call("rsqrt", _one_plus(_squared(node), -1.0))),
    roles=_RARE, family=_FAMILY, low=-0.9, high=0.9,
)  # fmt: skip
unary(
    "arccos",
    lambda node, dy: call("negative", mul(dy, call("rsqrt", _one_plus(_squared(node), -1.0)))),
    roles=_RARE, family=_FAMILY, low=-0.9, high=0.9,
)  # fmt: skip
unary("arctan", lambda node, dy: _div(dy, _one_plus(_squared(node))), roles=_RARE, family=_FAMILY)
unary("sinh", lambda node, dy: mul(dy, call("cosh", node.inputs[0])), roles=_RARE, family=_FAMILY)
unary("cosh", lambda node, dy: mul(dy, call("sinh", node.inputs[0])), roles=_RARE, family=_FAMILY)
unary("arcsinh", lambda node, dy: mul(dy, call("rsqrt", _one_plus(_squared(node)))), roles=_RARE, family=_FAMILY)
unary(
    "arccosh",
    lambda node, dy: mul(dy, call("rsqrt", call("subtract", _squared(node), scalar(1.0, dy)))),
    roles=_RARE, family=_FAMILY, low=1.1, high=6.0,
)  # fmt: skip
unary(
    "arctanh",
    lambda node, dy: _div(dy, _one_plus(_squared(node), -1.0)),
    roles=_RARE,
    family=_FAMILY,
    low=-0.9,
    high=0.9,
)
unary(
    "log2",
    lambda node, dy: mul(_div(dy, node.inputs[0]), scalar(1 / math.log(2), dy)),
    roles=_RARE,
    family=_FAMILY,
    low=0.01,
)
unary(
    "log10",
    lambda node, dy: mul(_div(dy, node.inputs[0]), scalar(1 / math.log(10), dy)),
    roles=_RARE,
    family=_FAMILY,
    low=0.01,
)
unary(
    "cbrt",
    lambda node, dy: mul(_div(dy, call("square", node.outputs[0])), scalar(1 / 3, dy)),
    roles=_RARE, family=_FAMILY, low=0.1,
)  # fmt: skip
unary("trunc", _flat, roles=_RARE, family=_FAMILY)
unary("round", _flat, roles=_RARE, family=_FAMILY)


def _arctan2_gradient(node: Node, dy: Any) -> tuple[Any, Any]:
    a, b = node.inputs
    rate = _div(dy, call("add", call("square", a), call("square", b)))
    return mul(rate, b), call("negative", mul(rate, a))


def _hypot_gradient(node: Node, dy: Any) -> tuple[Any, Any]:
    rate = _div(dy, node.outputs[0])
    return mul(rate, node.inputs[0]), mul(rate, node.inputs[1])


def _rest_gradient(rounding: str) -> Any:
    """The rest of a division is a - b q, and the quotient q has a zero gradient."""

    def gradient(node: Node, dy: Any) -> tuple[Any, Any]:
        quotient = call(rounding, _div(node.inputs[0], node.inputs[1]))
        return dy, call("negative", mul(dy, quotient))

    return gradient


binary("arctan2", _arctan2_gradient, numbers=("float32", "float64"), roles=_RARE, family=_FAMILY, low=0.2)
binary("hypot", _hypot_gradient, numbers=("float32", "float64"), roles=_RARE, family=_FAMILY, low=0.2)
binary("nextafter", zero_gradient, numbers=("float32", "float64"), roles=_RARE, family=_FAMILY, tolerance=2.0)
binary("fmod", _rest_gradient("trunc"), roles=_RARE, family=_FAMILY, low=0.3)
binary("remainder", _rest_gradient("floor"), roles=_RARE, family=_FAMILY, low=0.3)
binary("floor_divide", zero_gradient, roles=_RARE, family=_FAMILY, tolerance=0.0)
for _name in ("integer_power", "left_shift", "right_shift"):
    binary(_name, zero_gradient, numbers=_INTEGERS, roles=_RARE, family=_FAMILY, tolerance=0.0)
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    binary(_name, zero_gradient, numbers=_INTEGERS, roles=_RARE, family=_FAMILY, uint64="modulo", tolerance=0.0)


# The public functions.

tan = unary_function("tan", "tan(x)")
arcsin = unary_function("arcsin", "the angle in [-pi/2, pi/2] whose sine is x")
arccos = unary_function("arccos", "the angle in [0, pi] whose cosine is x")
arctan = unary_function("arctan", "the angle in [-pi/2, pi/2] whose tangent is x")
sinh = unary_function("sinh", "(e**x - e**-x) / 2")
cosh = unary_function("cosh", "(e**x + e**-x) / 2")
arcsinh = unary_function("arcsinh", "the number whose sinh is x")
arccosh = unary_function("arccosh", "the number from 0 on whose cosh is x")
arctanh = unary_function("arctanh", "the number whose tanh is x")
log2 = unary_function("log2", "the logarithm of x to the base 2")
log10 = unary_function("log10", "the logarithm of x to the base 10")
cbrt = unary_function("cbrt", "the cube root of x")
arctan2 = binary_function("arctan2", "the angle of the point (x2, x1), in [-pi, pi]", needs_float=True)
hypot = binary_function("hypot", "sqrt(x1**2 + x2**2)", needs_float=True)
nextafter = binary_function("nextafter", "the next number of the type after x1 towards x2", needs_float=True)
fmod = binary_function("fmod", "x1 - x2 trunc(x1 / x2)", counts=True)
mod = binary_function("remainder", "x1 - x2 floor(x1 / x2)", counts=True, public="mod")
floor_divide = binary_function("floor_divide", "floor(x1 / x2)", counts=True)
bitwise_and = binary_function("bitwise_and", "x1 & x2", integers=True)
bitwise_or = binary_function("bitwise_or", "x1 | x2", integers=True)
bitwise_xor = binary_function("bitwise_xor", "x1 ^ x2", integers=True)
bitwise_left_shift = binary_function("left_shift", "x1 << x2", integers=True, public="bitwise_left_shift")
bitwise_right_shift = binary_function("right_shift", "x1 >> x2", integers=True, public="bitwise_right_shift")
left_shift, right_shift = bitwise_left_shift, bitwise_right_shift


@operation
def bitwise_invert(x: Any) -> Any:
    """Returns `~x`, elementwise: every bit of integers turned over, `not x` of booleans."""
    x = as_tensor(x)
    dtype = dtype_of(x)
    if dtype == "bool":
        return call("logical_not", x)
    if dtypes.is_float(dtype):
        raise TypeError(f"bitwise_invert: expected integers, got {dtype}")
    return cast(call("subtract", np.asarray(-1, "int64"), cast(x, "int64")), dtype)


bitwise_not = bitwise_invert
