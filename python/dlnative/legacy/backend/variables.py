"""Variables by the older names of `keras.backend`: `K.variable`, `K.update`, `K.get_value`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes, ops, random
from dlnative.graph.variable import Variable

__all__ = [
    "batch_get_value", "batch_set_value", "constant", "count_params", "eval", "eye", "get_value",
    "moving_average_update", "ones", "random_normal_variable", "random_uniform_variable", "set_value", "update",
    "update_add", "update_sub", "variable", "zeros",
]  # fmt: skip


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Returns tensors as arrays."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Sets variables, given as pairs of a variable and a value."""
    for x, value in tuples:
        set_value(x, value)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Returns a value as a tensor, spread to a shape if one is given."""
    del name
    tensor = ops.convert_to_tensor(value, dtype or dtypes.floatx())
    return tensor if shape is None else ops.broadcast_to(tensor, shape)


def count_params(x: Any) -> int:
    """Returns the number of elements."""
    return math.prod(x.shape)


def eval(x: Any) -> Any:
    """Returns a tensor as an array."""
    return get_value(x)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable that holds an identity matrix."""
    return variable(ops.eye(size, dtype=dtype or dtypes.floatx()), dtype, name)


def get_value(x: Any) -> Any:
    """Returns a tensor as an array."""
    return np.array(ops.convert_to_numpy(x))


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """Sets a variable to `x * momentum + value * (1 - momentum)`."""
    return x.assign(x * momentum + value * (1.0 - momentum))


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable of ones."""
    return variable(ops.ones(shape, dtype or dtypes.floatx()), dtype, name)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """Returns a variable drawn from a normal distribution."""
    return variable(random.normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """Returns a variable drawn from `[low, high)`."""
    return variable(random.uniform(shape, low, high, dtype, seed), dtype, name)


def set_value(x: Variable, value: Any) -> None:
    """Sets a variable."""
    x.assign(value)


def update(x: Variable, new_x: Any) -> Any:
    """Sets a variable."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds to a variable."""
    return x.assign(x + increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtracts from a variable."""
    return x.assign(x - decrement)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """Returns a variable."""
    made = Variable(ops.convert_to_tensor(value, dtype or dtypes.floatx()), name=name)
    made.constraint = constraint
    return made


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable of zeros."""
    return variable(ops.zeros(shape, dtype or dtypes.floatx()), dtype, name)
