"""Python's operators on variables, on tensors of a traced function and on `KerasTensor`s."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlnative import Input, Model, Variable, ops, value_and_grad
from dlnative.graph.function import Function
from dlnative.symbolic import KerasTensor
from everywhere import check

FLOATS = np.array([[1.5, -2.0, 3.25], [0.5, 4.0, -7.0]], "float32")
INTEGERS = np.array([[5, -7, 12], [1, 0, 9]], "int32")

BINARY: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.lt,
    operator.le, operator.gt, operator.ge, operator.ne,
]  # fmt: skip
SHIFTS: list[Callable[[Any, Any], Any]] = [operator.lshift, operator.rshift]
LOGICAL: dict[Callable[..., Any], Callable[..., Any]] = {
    operator.and_: np.logical_and, operator.or_: np.logical_or, operator.xor: np.logical_xor
}  # fmt: skip


def everywhere(function: Callable[..., Any], *arrays: Any) -> None:
    """Checks a function of arrays against NumPy, with each of them as a variable in turn, too."""
    expected = function(*arrays)
    check(function, expected, *arrays)
    for place, array in enumerate(arrays):
        given = [*arrays[:place], Variable(array, dtype=array.dtype), *arrays[place + 1 :]]
        np.testing.assert_allclose(function(*given), expected, 1e-6)


@pytest.mark.parametrize("function", BINARY)
def test_operators_of_two_tensors(function: Callable[[Any, Any], Any]) -> None:
    everywhere(function, FLOATS, FLOATS[:1] + 0.75)
    everywhere(function, INTEGERS, INTEGERS[:1] + 20)
    for number in (3, np.int32(3)):
        everywhere(lambda x, number=number: function(x, number), INTEGERS)
        everywhere(lambda x, number=number: function(number, x + 50), INTEGERS)
    everywhere(lambda x: function(x, np.float32(2.5)), FLOATS)
    everywhere(lambda x: function(2.5, x), FLOATS)


@pytest.mark.parametrize("function", SHIFTS)
def test_shifts_of_integers(function: Callable[[Any, Any], Any]) -> None:
    everywhere(function, INTEGERS, np.array([3, 1, 2], "int32"))
    everywhere(lambda x: function(x, 2), INTEGERS)
    everywhere(lambda x: function(2, x), np.abs(INTEGERS))


@pytest.mark.parametrize("function", LOGICAL)
def test_logical_operators(function: Callable[[Any, Any], Any]) -> None:
    """Of bits on tensors of a trace, as on arrays; of truth values on variables and in recorded models, as in Keras."""
    everywhere(function, INTEGERS > 0, INTEGERS > 5)
    other = np.array([3, 1, 2], "int32")
    np.testing.assert_array_equal(Function(function)(INTEGERS, other), function(INTEGERS, other))
    np.testing.assert_array_equal(Function(lambda x: function(2, x))(INTEGERS), function(2, INTEGERS))
    for of_numbers in (INTEGERS, FLOATS):
        variable, truth = Variable(of_numbers, dtype=of_numbers.dtype), LOGICAL[function]
        np.testing.assert_array_equal(function(variable, other), truth(of_numbers, other), strict=True)
        np.testing.assert_array_equal(function(2, variable), truth(2, of_numbers), strict=True)
        symbol = Input((3,), dtype=of_numbers.dtype)
        model = Model(symbol, [function(symbol, other), function(2, symbol)])
        for found, expected in zip(model(of_numbers), [truth(of_numbers, other), truth(2, of_numbers)], strict=True):
            np.testing.assert_array_equal(found, expected, strict=True)
    assert (~KerasTensor((2,), "int32")).dtype == "bool"


def test_operators_of_one_tensor() -> None:
    for function in (operator.neg, operator.pos, abs):
        everywhere(function, FLOATS)
        everywhere(function, INTEGERS)
    everywhere(operator.invert, INTEGERS > 0)
    np.testing.assert_array_equal(Function(operator.invert)(INTEGERS), ~INTEGERS)
    np.testing.assert_array_equal(~Variable(INTEGERS, dtype="int32"), ~INTEGERS)
    for x in (FLOATS, INTEGERS):
        np.testing.assert_array_equal(Function(lambda x: round(x, 1))(x), np.round(x, 1))
        np.testing.assert_array_equal(Function(round)(x), np.round(x))
    everywhere(lambda x: x**2, FLOATS)
    everywhere(lambda x: 2**x, FLOATS)
    everywhere(lambda x: divmod(x, 4)[1], INTEGERS)
    everywhere(lambda a, b: a @ b, FLOATS, FLOATS.T.copy())
    np.testing.assert_array_equal(round(Variable(FLOATS), 1), np.round(FLOATS, 1))


def test_an_array_on_the_left_leaves_the_operation_to_the_tensor() -> None:
    variable, symbol = Variable(FLOATS), KerasTensor((None, 3))
    np.testing.assert_allclose(FLOATS * variable, FLOATS**2)
    np.testing.assert_allclose(np.float32(2) - variable, 2 - FLOATS)
    assert isinstance(FLOATS[0] + symbol, KerasTensor)
    assert (FLOATS[0] // symbol).shape == (None, 3)
    assert (symbol == symbol) is True
    assert symbol in [symbol]


def test_variables_compare_elementwise_and_stay_keys() -> None:
    a, b = Variable(FLOATS), Variable(FLOATS + 1)
    assert (a == FLOATS).all()
    assert not (a == b).any()
    assert {a: 1, b: 2}[b] == 2


@pytest.mark.parametrize(
    "function",
    [ops.add, ops.subtract, ops.multiply, ops.divide, ops.maximum, ops.less, ops.where, ops.matmul, ops.concatenate],
    ids=lambda f: f.__name__,
)
def test_shapes_that_do_not_fit_are_refused_before_any_work(function: Callable[..., Any]) -> None:
    for make in (np.ones, KerasTensor):
        x, y = make((2, 3)), make((4, 5))
        with pytest.raises(ValueError, match="expected") as caught:
            function([x, y], 1) if function is ops.concatenate else function(
                x, y, y
            ) if function is ops.where else function(x, y)
        assert "\n" not in str(caught.value)


def test_numpy_takes_variables_and_leaves_arithmetic_to_them() -> None:
    v, x = Variable(np.array([1.0, 2.0, 4.0])), np.array([1.0, 2.0, 3.0], "float32")
    assert (float(np.sum(v)), float(np.max(v)), np.sqrt(v).tolist()) == (7.0, 4.0, np.sqrt(v.value).tolist())
    for made in (x + v, x * v, np.float32(2) * v, 2 / v, x - v, x**v, x < v):
        assert isinstance(made, np.ndarray)

    def inside(y: Any) -> Any:
        with pytest.raises(TypeError, match="no value while tracing"):
            np.sum(v)
        return ops.sum(x * v * y + np.float32(2) * v)

    value, _ = value_and_grad(inside)(x)
    assert float(value) == float(np.sum(x * x * v.numpy() + 2 * v.numpy()))


def test_no_variable_is_equal_to_none() -> None:
    variable = Variable([1.0, 2.0])
    assert (variable == None) is False  # noqa: E711
    assert (variable != None) is True  # noqa: E711


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_division_with_a_rest_of_infinities_and_zeros(dtype: str, backend: str) -> None:
    numbers = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1.0, -1.0, 2.5, -7.0], dtype)
    a, b = (grid.ravel() for grid in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ops.floor_divide(a, b), np.floor_divide(a, b))
        np.testing.assert_array_equal(ops.mod(a, b), np.mod(a, b))


@pytest.mark.parametrize("function", [ops.floor_divide, ops.mod])
def test_quotients_of_booleans_are_integers(function: Any) -> None:
    a, b = np.array([True, False, True]), np.array([True, True, True])
    made = function(a, b)
    assert made.dtype == "int32"
    np.testing.assert_array_equal(made, function(a.astype("int32"), b.astype("int32")))
