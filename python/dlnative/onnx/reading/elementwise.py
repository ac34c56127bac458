"""Elementwise operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.dtypes import is_float, is_integer
from dlnative.onnx.reading.operators import READERS, TAKES_IMAGES, Image, Node, reads
from dlnative.onnx.reading.tensors import type_name


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does not look at the node."""
    return lambda node, *xs: function(*xs)


def _unary(name: str, formula: Callable[[Node, Any], Any]) -> None:
    def read(node: Node, x: Any, *more: Any) -> Any:
        made = formula(node, x.last if isinstance(x, Image) else x, *more)
        return Image(made) if isinstance(x, Image) else made

    READERS[name] = read
    TAKES_IMAGES.add(name)


for _name, _function in {
    "Neg": ops.negative, "Abs": ops.abs, "Sign": ops.sign, "Sqrt": ops.sqrt, "Exp": ops.exp, "Log": ops.log, "Erf": ops.erf,
    "Reciprocal": ops.reciprocal, "Sin": ops.sin, "Cos": ops.cos, "Tan": ops.tan, "Asin": ops.arcsin, "Acos": ops.arccos,
    "Atan": ops.arctan, "Sinh": ops.sinh, "Cosh": ops.cosh, "Asinh": ops.arcsinh, "Acosh": ops.arccosh, "Atanh": ops.arctanh,
    "Floor": ops.floor, "Ceil": ops.ceil, "Round": ops.round, "Relu": ops.relu, "Sigmoid": ops.sigmoid, "Tanh": ops.tanh,
    "Softplus": ops.softplus, "Softsign": ops.softsign, "HardSwish": ops.hard_silu, "Not": ops.logical_not,
    "IsNaN": ops.isnan, "BitwiseNot": ops.bitwise_not,
}.items():  # fmt: skip
    _unary(_name, _plain(_function))


def _mish(x: Any) -> Any:
    return x * ops.tanh(ops.softplus(x))


def _thresholded(x: Any, alpha: float) -> Any:
    return ops.where(x > alpha, x, ops.zeros_like(x))


def _shrunk(node: Node, x: Any) -> Any:
    limit, bias = node.get("lambd", 0.5), node.get("bias", 0.0)
    return ops.where(x < -limit, x + bias, ops.where(x > limit, x - bias, ops.zeros_like(x)))


def _selu(node: Node, x: Any) -> Any:
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return gamma * ops.where(x > 0, x, alpha * ops.expm1(ops.minimum(x, 0.0)))


def _is_infinite(node: Node, x: Any) -> Any:
    found = ops.isinf(x)
    if not node.get("detect_negative", 1):
        found = ops.logical_and(found, x > 0)
    if not node.get("detect_positive", 1):
        found = ops.logical_and(found, x < 0)
    return found


def _cast(node: Node, x: Any) -> Any:
    dtype = type_name(node.get("to", 0))
    return ops.cast(ops.not_equal(x, 0), "bool") if dtype == "bool" and str(x.dtype) != "bool" else ops.cast(x, dtype)


_unary("Elu", lambda node, x: ops.elu(x, node.get("alpha", 1.0)))
_unary("Celu", lambda node, x: ops.celu(x, node.get("alpha", 1.0)))
_unary("Selu", _selu)
_unary("LeakyRelu", lambda node, x: ops.leaky_relu(x, node.get("alpha", 0.01)))
_unary("ThresholdedRelu", lambda node, x: _thresholded(x, node.get("alpha", 1.0)))
_unary("HardSigmoid", lambda node, x: ops.clip(node.get("alpha", 0.2) * x + node.get("beta", 0.5), 0.0, 1.0))
_unary("Mish", lambda node, x: _mish(x))
_unary("Swish", lambda node, x: x * ops.sigmoid(node.get("alpha", 1.0) * x))
_unary("Gelu", lambda node, x: ops.gelu(x, approximate=node.get("approximate", b"none") == b"tanh"))
_unary("Shrink", _shrunk)
_unary("IsInf", _is_infinite)
_unary("Cast", _cast)


@reads("Identity", images=True)
def _identity(node: Node, x: Any) -> Any:
    return x


@reads("Dropout", images=True)
def _dropout(node: Node, x: Any, *_: Any) -> Any:
    """What a network that does not train computes."""
    return x if len(node.outputs) == 1 else (x, np.ones(x.shape, bool))


@reads("CastLike")
def _cast_like(node: Node, x: Any, like: Any) -> Any:
    return ops.cast(x, str(like.dtype))


@reads("Clip", images=True)
def _clip(node: Node, x: Any, low: Any = None, high: Any = None) -> Any:
    y = x.last if isinstance(x, Image) else x
    low, high = (node.get(name, value) for name, value in (("min", low), ("max", high)))
    dtype = str(x.dtype)
    if low is not None:
        y = ops.maximum(y, ops.cast(low, dtype))
    if high is not None:
        y = ops.minimum(y, ops.cast(high, dtype))
    return Image(y) if isinstance(x, Image) else y


@reads("PRelu", images=True)
def _prelu(node: Node, x: Any, slope: Any) -> Any:
    return _together(lambda a, b: ops.where(a > 0, a, a * b), x, slope)


# Operators of two operands, of which images stay images.


def _together(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if isinstance(a, Image) or isinstance(b, Image):
        rank = len((a if isinstance(a, Image) else b).shape)
        if all(isinstance(x, Image) or len(x.shape) in (0, rank - 1, rank) for x in (a, b)):
            return Image(function(_last(a, rank), _last(b, rank)))
        a, b = (x.first if isinstance(x, Image) else x for x in (a, b))
    return function(a, b)


def _last(x: Any, rank: int) -> Any:
    """An operand of an image, channels last."""
    if isinstance(x, Image):
        return x.last
    if len(x.shape) == 0:
        return x
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(np.moveaxis(x, 1 - rank, -1))
    return ops.moveaxis(x, 1 - rank, -1)


def _binary(name: str, function: Callable[[Node, Any, Any], Any]) -> None:
    READERS[name] = lambda node, a, b: _together(lambda left, right: function(node, left, right), a, b)
    TAKES_IMAGES.add(name)


def _divide(a: Any, b: Any) -> Any:
    """Integers are cut off towards zero."""
    if is_float(str(a.dtype)):
        return ops.divide(a, b)
    quotient = ops.floor_divide(ops.abs(a), ops.abs(b))
    return ops.cast(ops.where(ops.equal(ops.less(a, 0), ops.less(b, 0)), quotient, -quotient), str(a.dtype))


def _mod(node: Node, a: Any, b: Any) -> Any:
    return ops.fmod(a, b) if node.get("fmod", 0) else ops.mod(a, b)


def _power(a: Any, b: Any) -> Any:
    """The result has the type of the base."""
    dtype = str(a.dtype)
    if isinstance(b, np.ndarray) and b.size == 1 and b.item() == 2:
        return ops.square(a)
    if is_integer(dtype) and is_float(str(b.dtype)):
        return ops.cast(ops.power(ops.cast(a, str(b.dtype)), b), dtype)
    return ops.power(a, ops.cast(b, dtype))


def _shift(node: Node, a: Any, b: Any) -> Any:
    left = node.get("direction", b"LEFT") == b"LEFT"
    return ops.left_shift(a, b) if left else ops.right_shift(a, b)


for _name, _pair in {
    "Add": ops.add, "Sub": ops.subtract, "Mul": ops.multiply, "Div": _divide, "Pow": _power, "Equal": ops.equal,
    "Less": ops.less, "LessOrEqual": ops.less_equal, "Greater": ops.greater, "GreaterOrEqual": ops.greater_equal,
    "And": ops.logical_and, "Or": ops.logical_or, "Xor": ops.logical_xor, "BitwiseAnd": ops.bitwise_and,
    "BitwiseOr": ops.bitwise_or, "BitwiseXor": ops.bitwise_xor,
}.items():  # fmt: skip
    _binary(_name, _plain(_pair))
_binary("Mod", _mod)
_binary("BitShift", _shift)


def _many(name: str, function: Callable[[Any, Any], Any]) -> None:
    READERS[name] = lambda node, *xs: reduce(lambda a, b: _together(function, a, b), xs)
    TAKES_IMAGES.add(name)


_many("Max", ops.maximum)
_many("Min", ops.minimum)
_many("Sum", ops.add)


@reads("Mean")
def _mean(node: Node, *xs: Any) -> Any:
    return reduce(ops.add, xs) / float(len(xs))


@reads("Where")
def _where(node: Node, condition: Any, a: Any, b: Any) -> Any:
    return ops.where(condition, a, b)


# Rows.


def _rows(node: Node, x: Any, function: Callable[..., Any]) -> Any:
    """Along one axis; before version 13 along all axes from one on."""
    axis = node.get("axis", -1 if node.opset >= 13 else 1)
    if node.opset >= 13 or axis % len(x.shape) == len(x.shape) - 1:
        return function(x, axis=axis)
    shape = tuple(x.shape)
    axis %= len(shape)
    return ops.reshape(function(ops.reshape(x, (math.prod(shape[:axis]), -1)), axis=-1), shape)


@reads("Softmax")
def _softmax(node: Node, x: Any) -> Any:
    return _rows(node, x, ops.softmax)


@reads("LogSoftmax")
def _log_softmax(node: Node, x: Any) -> Any:
    return _rows(node, x, ops.log_softmax)


@reads("Hardmax")
def _hardmax(node: Node, x: Any) -> Any:
    axis = node.get("axis", -1 if node.opset >= 13 else 1)
    return ops.one_hot(ops.argmax(x, axis=axis), x.shape[axis], axis=axis, dtype=str(x.dtype))


@reads("LpNormalization")
def _lp_normalization(node: Node, x: Any) -> Any:
    axis, order = node.get("axis", -1), node.get("p", 2)
    size = (
        ops.sum(ops.abs(x), axis, keepdims=True)
        if order == 1
        else ops.sqrt(ops.sum(ops.square(x), axis, keepdims=True))
    )
    return x / size
