"""Elementwise operations; inputs broadcast as in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_erf = np.vectorize(math.erf, otypes=[np.float64])


def negative(x: Array) -> Array:
    return -x


def absolute(x: Array) -> Array:
    return np.abs(x)


def sign(x: Array) -> Array:
    return np.sign(x)


def square(x: Array) -> Array:
    return x * x


def relu(x: Array) -> Array:
    return np.maximum(x, x.dtype.type(0))


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


def tanh(x: Array) -> Array:
    return np.tanh(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); for negative x written as exp(x) / (1 + exp(x)), so that exp never overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def softplus(x: Array) -> Array:
    """ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


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


def relu_gradient(dy: Array, y: Array) -> Array:
    return dy * (y > 0)


def sigmoid_gradient(dy: Array, y: Array) -> Array:
    return dy * y * (1 - y)


def tanh_gradient(dy: Array, y: Array) -> Array:
    return dy * (1 - y * y)


def where(condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition, a, b)


def cast(x: Array, dtype: str) -> Array:
    return x.astype(dtype)


def copy(x: Array) -> Array:
    return x.copy()
