"""What tests of element types share: values of each type, and the rules that functions of `dlnative.ops` follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes, ops

Array = np.ndarray[Any, Any]

TYPES = [dtype for dtype in dtypes.DTYPES if dtypes.is_available(dtype)]
INTEGERS = [dtype for dtype in TYPES if dtypes.is_integer(dtype)]
UNSIGNED = [dtype for dtype in INTEGERS if dtype.startswith("uint")]
FLOATS = [dtype for dtype in TYPES if dtypes.is_float(dtype)]
EPSILONS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def values(dtype: str, shape: tuple[int, ...] = (3, 4)) -> Array:
    """Small numbers: 0 to 3, and halves between them where the type has them."""
    numbers = (np.arange(np.prod(shape)) * 7 % 4).reshape(shape)
    if dtype == "bool":
        return numbers > 1
    return (numbers + (0.5 if dtypes.is_float(dtype) else 0)).astype(dtypes.NUMPY[dtype])


def exact(array: Array) -> Array:
    """An array in the widest type of its kind."""
    dtype = dtypes.of_array(array)
    if dtypes.is_float(dtype):
        return array.astype("float64")
    return array if dtype in ("bool", "uint64") else array.astype("int64")


def floating(dtype: str) -> str:
    return dtype if dtypes.is_float(dtype) else "float32"


def summed(dtype: str) -> str:
    narrow = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}
    return narrow.get(dtype, dtype)


def numeric(dtype: str) -> str:
    return "int32" if dtype == "bool" else dtype


# The type of the result: a rule, or one type.
SAME, FLOATING, SUMMED, NUMERIC = (lambda dtype: dtype), floating, summed, numeric


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=["float64"])(x)


# Function, NumPy's function of the same values in a wide type, the rule of the result's type, types that it refuses.
UNARY: dict[str, tuple[Callable[[Array], Any], Any, list[str]]] = {
    "absolute": (np.abs, SAME, []),
    "negative": (np.negative, SAME, ["bool"]),
    "sign": (np.sign, SAME, ["bool", "uint64"]),
    "square": (lambda x: x.astype("int64") ** 2 if x.dtype == bool else x * x, NUMERIC, []),
    "relu": (lambda x: np.maximum(x, 0), NUMERIC, []),
    "logical_not": (np.logical_not, "bool", []),
    "isfinite": (np.isfinite, "bool", []),
    "bitwise_invert": (np.invert, SAME, FLOATS),
    "round": (np.round, SAME, []),
    "trunc": (np.trunc, SAME, []),
    "ravel": (np.ravel, SAME, []),
    "transpose": (np.transpose, SAME, []),
    "zeros_like": (np.zeros_like, SAME, []),
    "ones_like": (np.ones_like, SAME, []),
    "sort": (lambda x: np.sort(x, axis=-1), SAME, []),
    "argsort": (lambda x: np.argsort(x, axis=-1, kind="stable"), "int32", []),
    "sum": (np.sum, SUMMED, []),
    "max": (np.max, SAME, []),
    "min": (np.min, SAME, []),
    "any": (np.any, "bool", []),
    "all": (np.all, "bool", []),
    "argmax": (np.argmax, "int32", []),
    "argmin": (np.argmin, "int32", []),
    "mean": (np.mean, FLOATING, []),
    "var": (np.var, FLOATING, []),
    "std": (np.std, FLOATING, []),
    "sqrt": (np.sqrt, FLOATING, []),
    "exp": (np.exp, FLOATING, []),
    "expm1": (np.expm1, FLOATING, []),
    "log": (np.log, FLOATING, []),
    "log1p": (np.log1p, FLOATING, []),
    "erf": (_erf, FLOATING, []),
    "reciprocal": (lambda x: 1 / x, FLOATING, []),
    "sin": (np.sin, FLOATING, []),
    "cos": (np.cos, FLOATING, []),
    "tanh": (np.tanh, FLOATING, []),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), FLOATING, []),
    "softplus": (lambda x: np.log1p(np.exp(x)), FLOATING, []),
    "silu": (lambda x: x / (1 + np.exp(-x)), FLOATING, []),
    "relu6": (lambda x: np.clip(x, 0, 6), FLOATING, []),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), FLOATING, []),
    "softsign": (lambda x: x / (1 + np.abs(x)), FLOATING, []),
    "softmax": (lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True), FLOATING, []),
    "log_softmax": (lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True)), FLOATING, []),
    "glu": (lambda x: x[:, :2] / (1 + np.exp(-x[:, 2:])), FLOATING, []),
}
_LOGICAL = {"logical_and": np.logical_and, "logical_or": np.logical_or}
COMPARED = {
    "equal": np.equal, "not_equal": np.not_equal, "less": np.less, "less_equal": np.less_equal,
    "greater": np.greater, "greater_equal": np.greater_equal,
}  # fmt: skip
BINARY: dict[str, tuple[Callable[[Array, Array], Any], Any, list[str]]] = {
    **{name: (function, "bool", []) for name, function in (_LOGICAL | COMPARED).items()},
    "add": (np.add, SAME, []),
    "subtract": (np.subtract, SAME, ["bool"]),
    "multiply": (np.multiply, SAME, []),
    "maximum": (np.maximum, SAME, []),
    "minimum": (np.minimum, SAME, []),
    "divide": (lambda a, b: a / b, FLOATING, []),
    "power": (lambda a, b: a.astype("int64") ** b if a.dtype == bool else a**b, NUMERIC, ["uint64"]),
    "arctan2": (np.arctan2, FLOATING, []),
    "bitwise_and": (np.bitwise_and, SAME, FLOATS),
    "bitwise_xor": (np.bitwise_xor, SAME, FLOATS),
    "append": (lambda a, b: np.append(a, b), SAME, []),
    "matmul": (lambda a, b: a @ b.T, lambda dtype: "int32" if dtype == "int8" else dtype, []),
    "where": (lambda a, b: np.where(a, a, b), SAME, []),
    "concatenate": (lambda a, b: np.concatenate([a, b]), SAME, []),
    "stack": (lambda a, b: np.stack([a, b]), SAME, []),
}
CALLS: dict[str, Callable[..., Any]] = {
    "matmul": lambda a, b: ops.matmul(a, ops.transpose(b)),
    "where": lambda a, b: ops.where(a, a, b),
    "concatenate": lambda a, b: ops.concatenate([a, b]),
    "stack": lambda a, b: ops.stack([a, b]),
}


def agree(found: Any, wanted: Any, dtype: str) -> None:
    """Compares a result with NumPy's in a wide type, by the rounding error of the result's type."""
    found = np.asarray(found)
    assert dtypes.of_array(found) == dtype
    with np.errstate(all="ignore"):
        wanted = np.asarray(wanted).astype(dtypes.NUMPY[dtype])
    assert found.shape == wanted.shape
    if dtypes.is_float(dtype):
        tolerance = 4 * EPSILONS[dtype]
        np.testing.assert_allclose(found.astype("float64"), wanted.astype("float64"), rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(found, wanted)
