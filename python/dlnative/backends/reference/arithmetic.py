"""Elementwise functions that are rare; inputs broadcast as in NumPy. Integers wrap around, and divided by zero give 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _silent(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arrays: Array) -> Array:
        with np.errstate(all="ignore"):
            y: Array = function(*arrays)
        return y

    return call


tan = _silent(np.tan)
arcsin = _silent(np.arcsin)
arccos = _silent(np.arccos)
arctan = _silent(np.arctan)
sinh = _silent(np.sinh)
cosh = _silent(np.cosh)
arcsinh = _silent(np.arcsinh)
arccosh = _silent(np.arccosh)
arctanh = _silent(np.arctanh)
log2 = _silent(np.log2)
log10 = _silent(np.log10)
cbrt = _silent(np.cbrt)
trunc = _silent(np.trunc)
round = _silent(np.rint)
arctan2 = _silent(np.arctan2)
hypot = _silent(np.hypot)
nextafter = _silent(np.nextafter)
fmod = _silent(np.fmod)
remainder = _silent(np.remainder)
floor_divide = _silent(np.floor_divide)
bitwise_and = _silent(np.bitwise_and)
bitwise_or = _silent(np.bitwise_or)
bitwise_xor = _silent(np.bitwise_xor)


def integer_power(a: Array, b: Array) -> Array:
    inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b % 2 == 0, 1, -1), 0))
    return np.where(b < 0, inverse, _silent(np.power)(a, np.maximum(b, 0))).astype(a.dtype)


def left_shift(a: Array, b: Array) -> Array:
    width = 8 * a.dtype.itemsize
    return np.where((b < 0) | (b >= width), 0, np.left_shift(a, np.clip(b, 0, width - 1))).astype(a.dtype)


def right_shift(a: Array, b: Array) -> Array:
    width = 8 * a.dtype.itemsize
    return np.right_shift(a, np.where((b < 0) | (b >= width), width - 1, b)).astype(a.dtype)
