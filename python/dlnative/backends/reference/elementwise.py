"""Elementwise operations; inputs broadcast as in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative.dtypes import NUMPY

Array = np.ndarray[Any, Any]

_SELU_SCALE, _SELU_LIMIT = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123  # Klambauer et al. 2017
_GELU_FACTOR, _GELU_CUBE = 2 * math.sqrt(2 / math.pi), 0.044715  # Hendrycks and Gimpel 2016

_erf = np.vectorize(math.erf, otypes=[np.float64])


def negative(x: Array) -> Array:
    return -x


def absolute(x: Array) -> Array:
    return np.abs(x)


def sign(x: Array) -> Array:
    return np.sign(x)


def square(x: Array) -> Array:
    return x * x


def sqrt(x: Array) -> Array:
    return np.sqrt(x)


def rsqrt(x: Array) -> Array:
    return x.dtype.type(1) / np.sqrt(x)


def exp(x: Array) -> Array:
    return np.exp(x)


def expm1(x: Array) -> Array:
    return np.expm1(x)


def log(x: Array) -> Array:
    return np.log(x)


def log1p(x: Array) -> Array:
    return np.log1p(x)


def erf(x: Array) -> Array:
    return _erf(x).astype(x.dtype)


def reciprocal(x: Array) -> Array:
    return x.dtype.type(1) / x


def sin(x: Array) -> Array:
    return np.sin(x)


def cos(x: Array) -> Array:
    return np.cos(x)


def floor(x: Array) -> Array:
    return np.floor(x)


def logical_not(x: Array) -> Array:
    return np.logical_not(x)


def isfinite(x: Array) -> Array:
    return np.isfinite(x)


def add(a: Array, b: Array) -> Array:
    return a + b


def subtract(a: Array, b: Array) -> Array:
    return a - b


def multiply(a: Array, b: Array) -> Array:
    return a * b


def divide(a: Array, b: Array) -> Array:
    return a / b


def power(a: Array, b: Array) -> Array:
    return np.power(a, b)


def maximum(a: Array, b: Array) -> Array:
    return np.maximum(a, b)


def minimum(a: Array, b: Array) -> Array:
    return np.minimum(a, b)


def equal(a: Array, b: Array) -> Array:
    return np.equal(a, b)


def not_equal(a: Array, b: Array) -> Array:
    return np.not_equal(a, b)


def less(a: Array, b: Array) -> Array:
    return np.less(a, b)


def less_equal(a: Array, b: Array) -> Array:
    return np.less_equal(a, b)


def greater(a: Array, b: Array) -> Array:
    return np.greater(a, b)


def greater_equal(a: Array, b: Array) -> Array:
    return np.greater_equal(a, b)


def logical_and(a: Array, b: Array) -> Array:
    return np.logical_and(a, b)


def logical_or(a: Array, b: Array) -> Array:
    return np.logical_or(a, b)


def where(condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition, a, b)


def cast(x: Array, dtype: str) -> Array:
    return x.astype(NUMPY[dtype])


def copy(x: Array) -> Array:
    return x.copy()


# Activations, and dy times their derivatives: in terms of the result y or, from softsign on, of the argument x.


def relu(x: Array) -> Array:
    return np.maximum(x, x.dtype.type(0))


def relu_gradient(dy: Array, y: Array) -> Array:
    return dy * (y > 0)


def relu6(x: Array) -> Array:
    return np.minimum(relu(x), x.dtype.type(6))


def relu6_gradient(dy: Array, y: Array) -> Array:
    return dy * ((y > 0) & (y < 6))


def leaky_relu(x: Array, slope: float) -> Array:
    return np.where(x > 0, x, x * x.dtype.type(slope))


def leaky_relu_gradient(dy: Array, y: Array, slope: float) -> Array:
    return np.where(y > 0, dy, dy * dy.dtype.type(slope))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); for negative x written as exp(x) / (1 + exp(x)), so that exp never overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def sigmoid_gradient(dy: Array, y: Array) -> Array:
    return dy * y * (1 - y)


def tanh(x: Array) -> Array:
    return np.tanh(x)


def tanh_gradient(dy: Array, y: Array) -> Array:
    return dy * (1 - y * y)


def softplus(x: Array) -> Array:
    """ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_gradient(dy: Array, y: Array) -> Array:
    return -dy * np.expm1(-y)


def elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def elu_gradient(dy: Array, y: Array, alpha: float) -> Array:
    return dy * np.where(y > 0, y.dtype.type(1), y + y.dtype.type(alpha))


def celu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0) / x.dtype.type(alpha)))


def celu_gradient(dy: Array, y: Array, alpha: float) -> Array:
    return dy * np.where(y > 0, y.dtype.type(1), y / y.dtype.type(alpha) + 1)


def selu(x: Array) -> Array:
    return np.where(x > 0, _SELU_SCALE * x, _SELU_LIMIT * np.expm1(np.minimum(x, 0))).astype(x.dtype)


def selu_gradient(dy: Array, y: Array) -> Array:
    return (dy * np.where(y > 0, _SELU_SCALE, y + _SELU_LIMIT)).astype(y.dtype)


def hard_sigmoid(x: Array) -> Array:
    return relu6(x + 3) / 6


def hard_sigmoid_gradient(dy: Array, y: Array) -> Array:
    return dy * ((y > 0) & (y < 1)) / 6


def sparse_sigmoid(x: Array) -> Array:
    return np.clip((x + 1) / 2, 0, 1)


def sparse_sigmoid_gradient(dy: Array, y: Array) -> Array:
    return dy * ((y > 0) & (y < 1)) / 2


def hard_tanh(x: Array) -> Array:
    return np.clip(x, -1, 1)


def hard_tanh_gradient(dy: Array, y: Array) -> Array:
    return dy * (np.abs(y) < 1)


def log_sigmoid(x: Array) -> Array:
    return -softplus(-x)


def log_sigmoid_gradient(dy: Array, y: Array) -> Array:
    return -dy * np.expm1(y)


def hard_shrink(x: Array, threshold: float) -> Array:
    return np.where(np.abs(x) <= threshold, x.dtype.type(0), x)


def hard_shrink_gradient(dy: Array, y: Array, threshold: float) -> Array:
    return dy * (y != 0)


def soft_shrink(x: Array, threshold: float) -> Array:
    return np.sign(x) * relu(np.abs(x) - x.dtype.type(threshold))


def soft_shrink_gradient(dy: Array, y: Array, threshold: float) -> Array:
    return dy * (y != 0)


def softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def softsign_gradient(dy: Array, x: Array) -> Array:
    return dy / np.square(1 + np.abs(x))


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def silu_gradient(dy: Array, x: Array) -> Array:
    s = sigmoid(x)
    return dy * (s + x * s * (1 - s))


def hard_silu(x: Array) -> Array:
    return x * hard_sigmoid(x)


def hard_silu_gradient(dy: Array, x: Array) -> Array:
    return dy * np.where(np.abs(x) < 3, (2 * x + 3) / 6, x > 0).astype(x.dtype)


def gelu(x: Array) -> Array:
    """x P(X <= x), X standard normal."""
    return (x * 0.5 * (1 + erf(x * math.sqrt(0.5)))).astype(x.dtype)


def gelu_gradient(dy: Array, x: Array) -> Array:
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return (dy * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * density)).astype(x.dtype)


def gelu_tanh(x: Array) -> Array:
    return x * sigmoid(_GELU_FACTOR * (x + _GELU_CUBE * x**3))


def gelu_tanh_gradient(dy: Array, x: Array) -> Array:
    x = np.clip(x, -30, 30)  # beyond, the derivative is 0 or 1
    s = sigmoid(_GELU_FACTOR * (x + _GELU_CUBE * x**3))
    return dy * (s + x * s * (1 - s) * _GELU_FACTOR * (1 + 3 * _GELU_CUBE * x * x))


def mish(x: Array) -> Array:
    return x * np.tanh(softplus(x))


def mish_gradient(dy: Array, x: Array) -> Array:
    x = np.minimum(x, 20)  # beyond, the derivative is 1
    t = np.tanh(softplus(x))
    return dy * (t + x * (1 - t * t) * sigmoid(x))


def tanh_shrink(x: Array) -> Array:
    return x - np.tanh(x)


def tanh_shrink_gradient(dy: Array, x: Array) -> Array:
    return dy * np.square(np.tanh(x))


def squareplus(x: Array, b: float) -> Array:
    return (x + np.hypot(x, x.dtype.type(math.sqrt(b)))) / 2


def squareplus_gradient(dy: Array, x: Array, b: float) -> Array:
    return dy * (1 + x / np.hypot(x, x.dtype.type(math.sqrt(b)))) / 2


def sparse_plus(x: Array) -> Array:
    return np.where(x < 1, np.square(np.maximum(x + 1, 0)) / 4, x)


def sparse_plus_gradient(dy: Array, x: Array) -> Array:
    return dy * np.clip((x + 1) / 2, 0, 1)
