"""Values that are parts of others: what needs no instruction, and that it changes no result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.graph.function import Function

ROWS = np.arange(24, dtype="float32").reshape(6, 4) / 8 - 1


def names(function: Any, *args: Any) -> list[str]:
    return [step.op for step in Function(function).compiled(args, {})[0].program.instructions]


@pytest.mark.parametrize(
    ("key", "is_part"),
    [
        (np.s_[2], True), (np.s_[1:4], True), (np.s_[3, 1:3], True), (np.s_[2, 3], True), (np.s_[2:3, 1:], True),
        (np.s_[:, 1:3], False), (np.s_[::2], False), (np.s_[4::3], True), (np.s_[1:3, :2], False), (np.s_[5:], True),
    ],
)  # fmt: skip
def test_a_slice_that_is_one_piece_is_no_instruction(key: Any, is_part: bool, backend: str) -> None:
    def formula(x: Any) -> Any:
        return (x * 2.0)[key]

    assert names(formula, ROWS) == (["multiply"] if is_part else ["multiply", "slice"])
    assert names(lambda x: x[key], ROWS) == ([] if is_part else ["slice"])
    np.testing.assert_array_equal(Function(formula)(ROWS), (ROWS * 2)[key])
    np.testing.assert_array_equal(Function(lambda x: x[key])(ROWS), ROWS[key])


def test_a_part_of_a_part(backend: str) -> None:
    def formula(x: Any) -> Any:
        y = ops.exp(x)
        middle = ops.reshape(y[1:5], (2, 8))
        return middle[1, 2:6] + y[0], y

    part, whole = Function(formula)(ROWS)
    np.testing.assert_allclose(part, np.exp(ROWS)[1:5].reshape(2, 8)[1, 2:6] + np.exp(ROWS)[0], rtol=1e-6)
    np.testing.assert_allclose(whole, np.exp(ROWS), rtol=1e-6)
    assert names(formula, ROWS) == ["exp", "add"]


def test_nothing_is_written_over_memory_that_a_part_still_reads(backend: str) -> None:
    def formula(x: Any) -> Any:
        y = ops.exp(x)
        squares = ops.square(y)  # would lie where y does
        first = ops.exp(y[0])
        return ops.negative(squares) + first, ops.tanh(y[1:3])

    values, part = Function(formula)(ROWS)
    y = np.exp(ROWS)
    np.testing.assert_allclose(values, -np.square(y) + np.exp(y[0]), rtol=1e-5)
    np.testing.assert_allclose(part, np.tanh(y[1:3]), rtol=1e-6)


def test_a_step_that_reads_a_value_and_a_part_of_it(backend: str) -> None:
    np.testing.assert_allclose(
        Function(lambda x: (y := ops.exp(x)) * y[3])(ROWS), np.exp(ROWS) * np.exp(ROWS)[3], rtol=1e-6
    )


def test_a_part_of_what_a_chain_makes(random: np.random.RandomState, backend: str) -> None:
    """One element of a large value is none of the chain's: all of it has to be there before."""
    x = random.uniform(-1, 1, (200, 200)).astype("float32")

    def formula(a: Any) -> Any:
        y = ops.exp(a) + 1.0
        return y * y[150, 7] + y[3]

    y = np.exp(x) + 1
    np.testing.assert_allclose(Function(formula)(x), y * y[150, 7] + y[3], rtol=1e-5)

    def halves(a: Any) -> Any:
        y = ops.exp(a)
        return ops.tanh(y[:100]) * y[100:] + y[:100]

    wanted = np.tanh(np.exp(x[:100])) * np.exp(x[100:]) + np.exp(x[:100])
    np.testing.assert_allclose(Function(halves)(x), wanted, rtol=1e-5)


def test_parts_of_variables_as_they_were_before_the_assignment(backend: str) -> None:
    v = dlnative.Variable(ROWS)

    def step(x: Any) -> Any:
        first = v[0]
        v.assign(v * 2.0 + x)
        return first, v[1], v[2:4] + first

    run = Function(step)
    value = ROWS
    for _ in range(3):
        before, after, both = run(ROWS)
        np.testing.assert_array_equal(before, value[0])
        new = value * 2 + ROWS
        np.testing.assert_allclose(after, new[1])
        np.testing.assert_allclose(both, new[2:4] + value[0])
        np.testing.assert_allclose(v.numpy(), new)
        value = new


def test_a_part_becomes_a_variables_new_value(backend: str) -> None:
    v = dlnative.Variable(np.zeros(4, "float32"))

    def step(x: Any) -> Any:
        y = ops.exp(x)
        v.assign(y[2])
        return ops.sum(y)

    np.testing.assert_allclose(Function(step)(ROWS), np.exp(ROWS).sum(), rtol=1e-6)
    np.testing.assert_allclose(v.numpy(), np.exp(ROWS)[2], rtol=1e-6)


def test_sums_of_one_part_are_not_those_of_another(backend: str) -> None:
    def formula(x: Any, dy: Any) -> Any:
        dy = dy * 1.5
        return ops.transpose(x) @ dy[:3], ops.sum(dy[3:], axis=0)

    product, total = Function(formula)(ROWS[:3], ROWS)
    np.testing.assert_allclose(product, ROWS[:3].T @ (1.5 * ROWS[:3]), rtol=1e-6)
    np.testing.assert_allclose(total, (1.5 * ROWS[3:]).sum(axis=0), rtol=1e-6)


def test_a_part_of_one_number_repeated(backend: str) -> None:
    def formula(x: Any) -> Any:
        return x * ops.ones_like(x)[1, 2] + ops.broadcast_to(ops.max(x), (5, 3))[2:4, 0:3][1, 1]

    np.testing.assert_allclose(Function(formula)(ROWS), ROWS + ROWS.max())


def test_what_is_joined_is_computed_in_its_place(backend: str) -> None:
    def formula(x: Any) -> Any:
        y = ops.exp(x)
        both = ops.concatenate([y, ops.tanh(y), x], axis=0)
        return ops.square(both) + 1.0, y[2] * 2.0

    whole, row = Function(formula)(ROWS)
    y = np.exp(ROWS)
    np.testing.assert_allclose(whole, np.concatenate([y, np.tanh(y), ROWS]) ** 2 + 1, rtol=1e-5)
    np.testing.assert_allclose(row, y[2] * 2, rtol=1e-6)
    assert names(formula, ROWS) == ["exp", "tanh", "copy", "square", "add", "multiply"]


def test_joins_of_joins_and_of_one_value_twice(backend: str) -> None:
    def formula(x: Any) -> Any:
        y = ops.exp(x)
        pair = ops.stack([y, ops.negative(y)])
        more = ops.concatenate([pair, ops.reshape(pair * 2.0, (2, 6, 4))])
        return more, ops.concatenate([y, y]), pair[1, 3], ops.concatenate([x, ops.reshape(pair, (12, 4))]), y[1]

    y = np.exp(ROWS)
    more, twice, row, behind, second = Function(formula)(ROWS)
    pair = np.stack([y, -y])
    np.testing.assert_allclose(more, np.concatenate([pair, pair * 2]), rtol=1e-6)
    np.testing.assert_allclose(twice, np.concatenate([y, y]), rtol=1e-6)
    np.testing.assert_allclose(row, pair[1, 3], rtol=1e-6)
    np.testing.assert_allclose(second, y[1], rtol=1e-6)
    np.testing.assert_allclose(behind, np.concatenate([ROWS, y, -y]), rtol=1e-6)


def test_joins_of_large_values_and_chains(random: np.random.RandomState, backend: str) -> None:
    x = random.uniform(-1, 1, (200, 200)).astype("float32")

    def formula(a: Any) -> Any:
        first = ops.exp(a) * 2.0
        second = ops.tanh(first) + a
        both = ops.concatenate([first, second])
        return ops.square(both) - both, first + second

    first = np.exp(x) * 2
    second = np.tanh(first) + x
    both = np.concatenate([first, second])
    found = Function(formula)(x)
    np.testing.assert_allclose(found[0], both**2 - both, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], first + second, rtol=1e-5)


def test_a_joined_value_that_becomes_a_variables(backend: str) -> None:
    v = dlnative.Variable(np.zeros((12, 4), "float32"))

    def step(x: Any) -> Any:
        y = ops.exp(x)
        v.assign(ops.concatenate([y, ops.negative(y)]) + 0.0)
        return ops.sum(v)

    def shift(x: Any) -> Any:
        v.assign(ops.concatenate([v[6:] * 1.0, ops.exp(x)]))
        return v + 0.0

    Function(step)(ROWS)
    value = np.concatenate([np.exp(ROWS), -np.exp(ROWS)])
    np.testing.assert_allclose(v.numpy(), value, rtol=1e-6)
    value = np.concatenate([value[6:], np.exp(ROWS)])
    np.testing.assert_allclose(Function(shift)(ROWS), value, rtol=1e-6)
    np.testing.assert_allclose(v.numpy(), value, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_the_gradient_of_parts_is_put_together(random: np.random.RandomState, backend: str, axis: int) -> None:
    x = random.uniform(-1, 1, (6, 6))

    def cut(x: Any, first: int, last: int) -> Any:
        return x[first:last] if axis == 0 else x[:, first:last]

    def split(x: Any) -> Any:
        y = x * 2.0
        return ops.sum(ops.exp(cut(y, 0, 2))) + ops.sum(cut(y, 2, 4) ** 2) + ops.sum(3.0 * cut(y, 4, 6))

    def gaps(x: Any) -> Any:
        y = x * 2.0
        return ops.sum(ops.exp(cut(y, 1, 2))) + ops.sum(cut(y, 4, 5) ** 2) + ops.sum(cut(y, 4, 5)) + ops.sum(y)

    def overlapping(x: Any) -> Any:
        y = x * 2.0
        return ops.sum(ops.exp(cut(y, 1, 4))) + ops.sum(cut(y, 3, 6) ** 2)

    for function, pads in ((split, 0), (gaps, 0), (overlapping, 2)):
        gradient = dlnative.value_and_grad(function)
        found = gradient(x)[1]
        for index in np.ndindex(x.shape):
            above, below = x.copy(), x.copy()
            above[index] += 1e-6
            below[index] -= 1e-6
            quotient = (Function(function)(above) - Function(function)(below)) / 2e-6
            np.testing.assert_allclose(found[index], quotient, rtol=1e-6, atol=1e-8)
        assert names(gradient, x).count("pad") == pads


def test_a_part_of_what_is_joined_and_then_joined_again(backend: str) -> None:
    def formula(x: Any) -> Any:
        first, second = ops.exp(x), ops.tanh(x)
        pair = ops.concatenate([first, second])
        return ops.concatenate([ops.sqrt(first), pair]), first[1], second[2:4], ops.negative(pair)

    joined, row, rows, negative = Function(formula)(ROWS)
    np.testing.assert_allclose(negative, -np.concatenate([np.exp(ROWS), np.tanh(ROWS)]), rtol=1e-6)
    np.testing.assert_allclose(joined, np.concatenate([np.exp(ROWS / 2), np.exp(ROWS), np.tanh(ROWS)]), rtol=1e-6)
    np.testing.assert_allclose(row, np.exp(ROWS)[1], rtol=1e-6)
    np.testing.assert_allclose(rows, np.tanh(ROWS)[2:4], rtol=1e-6)
