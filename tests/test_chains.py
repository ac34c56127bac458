"""Chains of elementwise ops: what is put together, and that it changes no result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import _native, ops
from dlnative.backends import cpu, selection
from dlnative.backends.program import Program
from dlnative.graph.function import Function

SIZE = 33000


def program(function: Any, *args: Any) -> Program:
    return Function(function).compiled(args, {})[0].program


def names(function: Any, *args: Any) -> list[str]:
    return [step.op for step in program(function, *args).instructions]


@pytest.fixture
def x(random: np.random.RandomState) -> np.ndarray:
    return random.uniform(-1, 1, SIZE).astype("float32")


def test_one_instruction_for_a_formula(x: np.ndarray, backend: str) -> None:
    def formula(a: Any, b: Any) -> Any:
        d = a - b
        return ops.where(d > 0.1, ops.tanh(d) * 2.0, ops.sqrt(ops.abs(d)) + a)

    d = x - x[::-1]
    expected = np.where(d > np.float32(0.1), np.tanh(d) * 2, np.sqrt(np.abs(d)) + x)
    other = np.ascontiguousarray(x[::-1])
    assert names(formula, x, other) == ["elementwise_chain"]
    with selection.use_backend(backend):
        np.testing.assert_allclose(Function(formula)(x, other), expected, rtol=1e-6, atol=1e-6)


def test_values_of_other_types_and_a_temporary_in_their_place(x: np.ndarray, backend: str) -> None:
    def formula(a: Any) -> Any:
        mask = ops.cast(a > 0.0, "float64")
        return ops.cast(mask * 3.0 + ops.cast(a, "float64"), "float32") + ops.cast(a < 0.5, "float32")

    assert names(formula, x) == ["elementwise_chain"]
    with selection.use_backend(backend):
        np.testing.assert_allclose(
            Function(formula)(x), (x > 0) * 3.0 + x + (x < 0.5).astype("float32"), rtol=1e-6, atol=1e-6
        )


def test_a_value_that_something_between_needs_ends_the_chain(x: np.ndarray) -> None:
    def formula(a: Any) -> Any:
        b = ops.exp(a)
        total = ops.sum(b)
        return ops.tanh(b * total)

    assert [step.fused for step in program(formula, x).instructions] == [("exp", "sum"), ("multiply", "tanh")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_what_a_chain_makes(x: np.ndarray, backend: str, dtype: str) -> None:
    x = x.astype(dtype)

    def penalty(a: Any) -> Any:
        squares = ops.square(a)
        total, mean = ops.sum(squares), ops.mean(squares, keepdims=True)
        return total * 0.01 + mean

    assert program(penalty, x).instructions[0].fused == ("square", "sum", "mean")
    squares = x.astype("float64") ** 2
    expected = [0.01 * np.sum(squares) + np.mean(squares)]
    with selection.use_backend(backend):
        found = Function(penalty)(x)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-13)


def test_nothing_in_a_chain_reads_its_sum(x: np.ndarray, backend: str) -> None:
    def normalised(a: Any) -> Any:
        squares = ops.square(a)
        return squares / ops.sum(squares)

    assert names(normalised, x) == ["elementwise_chain", "divide"]
    with selection.use_backend(backend):
        np.testing.assert_allclose(Function(normalised)(x), x**2 / np.sum(x**2), rtol=1e-5)


def test_broadcast_rows_and_small_values_stay_outside(x: np.ndarray) -> None:
    rows = x.reshape(100, 330)
    assert names(lambda a, b: ops.exp(a + b), rows, x[:330]) == ["add", "exp"]
    assert names(lambda a: ops.exp(a + 1.0), x[:500]) == ["add", "exp"]


def test_results_may_lie_where_inputs_lay(x: np.ndarray, backend: str) -> None:
    """Each new value goes right into a variable whose old value a later step of the chain reads."""
    first, second = (dlnative.Variable(np.full(SIZE, start, "float32")) for start in (1.0, 2.0))

    def exchange(a: Any) -> Any:
        old_first, old_second = first + 0.0, second + 0.0
        first.assign(old_second * a + old_first)
        second.assign(old_first - old_second)
        return old_first + old_second

    with selection.use_backend(backend):
        run = Function(exchange)
        one, two = np.full(SIZE, 1.0, "float32"), np.full(SIZE, 2.0, "float32")
        for _ in range(3):
            np.testing.assert_allclose(run(x), one + two, rtol=1e-5, atol=1e-5)
            one, two = two * x + one, one - two
            np.testing.assert_allclose(first.numpy(), one, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(second.numpy(), two, rtol=1e-5, atol=1e-5)


def test_long_chains_are_cut(x: np.ndarray, backend: str) -> None:
    def formula(a: Any) -> Any:
        for step in range(60):
            a = ops.tanh(a + 0.01 * step)
        return a

    expected = x
    for step in range(60):
        expected = np.tanh(expected + np.float32(0.01 * step))
    kinds = names(formula, x)
    assert set(kinds) == {"elementwise_chain"}
    assert len(kinds) == 8
    with selection.use_backend(backend):
        np.testing.assert_allclose(Function(formula)(x), expected, rtol=1e-5, atol=1e-6)


def test_threads_change_no_bit(random: np.random.RandomState) -> None:
    wide = random.uniform(-1, 1, 300_001).astype("float32")

    def formula(a: Any) -> Any:
        y = ops.tanh(a * 1.5) + ops.exp(a) / (ops.square(a) + 1.0)
        return y, ops.sum(y), ops.mean(a * a)

    before = dlnative.num_threads()
    try:
        results = []
        for threads in (1, 2, 3):
            dlnative.set_num_threads(threads)
            results.append(Function(formula)(wide))
    finally:
        dlnative.set_num_threads(before)
    for others in results[1:]:
        for first, other in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("reduce", [ops.sum, ops.mean, ops.max, ops.min])
@pytest.mark.parametrize("shape", [(11000, 3), (330, 100), (20, 1650), (11, 3000), (4, 2, 4125)])
def test_rows_of_what_a_chain_makes(
    x: np.ndarray, backend: str, reduce: Callable[..., Any], shape: tuple[int, ...]
) -> None:
    rows = x.reshape(shape)

    def formula(a: Any) -> Any:
        squares = ops.square(a) - 0.5
        return reduce(squares, axis=-1), squares

    fits = shape[-1] <= 4096
    assert names(formula, rows)[0] == "elementwise_chain"
    assert len(names(formula, rows)) == (1 if fits else 2)
    expected = rows.astype("float64") ** 2 - 0.5
    with selection.use_backend(backend):
        reduced, squares = Function(formula)(rows)
        np.testing.assert_allclose(squares, expected, rtol=1e-5, atol=1e-7)
        wanted = getattr(np, reduce.__name__)(expected, axis=-1)
        np.testing.assert_allclose(reduced, wanted, rtol=1e-5, atol=1e-5)


def test_rows_and_all_elements_are_not_reduced_together(x: np.ndarray) -> None:
    def formula(a: Any) -> Any:
        squares = ops.square(a)
        return ops.sum(squares, axis=1), ops.sum(squares)

    fused = [step.fused for step in program(formula, x.reshape(100, 330)).instructions]
    assert fused == [("square", "sum"), ()]


def test_the_squared_error_reads_the_predictions_twice(x: np.ndarray) -> None:
    """Once for the loss and once for its gradient, though the weight of a sample is a number that all share."""
    model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(330)])
    model.compile("sgd", "mse")
    rows = x.reshape(100, 330)
    model.fit(rows[:, :4].copy(), rows, batch_size=100, verbose=0)
    (compiled,) = model._steps.plans
    large = [step.fused for step in compiled.program.instructions if step.op == "elementwise_chain"]
    assert large == [("subtract", "square", "mean"), ("multiply", "multiply", "negative")]
    assert not any(step.op == "broadcast_to" for step in compiled.program.instructions)


def test_a_sum_may_lie_where_a_number_lay_that_a_later_step_reads(x: np.ndarray) -> None:
    codes = cpu.OP_CODES
    steps = [("square", (0,), 4), ("sum", (4,), 2), ("multiply", (0, 1), 3)]
    program = [value for name, operands, to in steps for value in (codes[name], len(operands), *operands, to, 0, 0)]
    room = np.full(64, 3.0, "float32")  # the number, and what lies behind it
    number, product = room[:1].reshape(()), np.empty_like(x)
    _native.call_op(codes["elementwise_chain"], [x, number], [number, product], (2, 0, len(steps), *program), ())
    np.testing.assert_array_equal(product, x * np.float32(3))
    np.testing.assert_allclose(number, np.sum(x.astype("float64") ** 2), rtol=1e-6)
    np.testing.assert_array_equal(room[1:], 3)


@pytest.mark.parametrize(
    "program",
    [
        [("square", (2,), 1, 0)],  # of a value that nothing has made
        [("square", (3,), 3, 0), ("square", (3,), 1, 0)],
        [("sum", (0,), 1, 0), ("square", (1,), 1, 0)],
        [("square", (0,), 2, 77), ("square", (2,), 1, 0)],  # in no type
        [("square", (0,), 2, -1), ("square", (2,), 1, 0)],
        [("square", (0,), 0, 0)],  # over an input
        [("square", (0,), 48, 0)],
        [("square", (-1,), 1, 0)],
    ],
)
def test_a_program_of_a_chain_that_is_none(program: list[Any], x: np.ndarray) -> None:
    codes = cpu.OP_CODES
    steps = [value for name, operands, to, dtype in program for value in (codes[name], 1, *operands, to, dtype, 0)]
    with pytest.raises(TypeError, match="elementwise_chain"):
        _native.call_op(codes["elementwise_chain"], [x], [np.empty_like(x)], (1, 0, len(program), *steps), ())
