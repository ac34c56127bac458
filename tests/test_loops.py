"""Loops as long as a condition holds, branches, and what is made of scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad
from dlnative.graph.function import Function


def test_a_loop_as_long_as_a_condition_holds(backend: str) -> None:
    assert int(ops.while_loop(lambda n: n < 100, lambda n: 3 * n, 1)) == 243
    assert int(ops.while_loop(lambda n: n < 0, lambda n: 3 * n, 1)) == 1
    assert int(ops.while_loop(lambda n: n < 100, lambda n: 3 * n, 1, maximum_iterations=2)) == 9
    assert int(ops.while_loop(lambda n: n < 100, lambda n: 3 * n, 1, maximum_iterations=0)) == 1
    count, (total,) = ops.while_loop(
        lambda i, _: i < 5, lambda i, state: (i + 1, [state[0] + ops.cast(i, "float32")]), (0, [np.ones(2, "float32")])
    )
    assert int(count) == 5
    np.testing.assert_array_equal(total, [11, 11])


def test_how_many_turns_is_found_out_when_the_plan_runs(backend: str) -> None:
    run = Function(lambda x: ops.while_loop(lambda y: ops.sum(y) < 100.0, lambda y: y * 2.0, x))
    for start in (1.0, 30.0, 200.0):
        x = np.full(4, start, "float32")
        expected = x
        while expected.sum() < 100:
            expected = expected * 2
        np.testing.assert_array_equal(run(x), expected)


def test_the_gradient_of_a_loop_with_a_most_of_turns(backend: str) -> None:
    def function(x: Any, w: Any) -> Any:
        return ops.sum(ops.while_loop(lambda y: ops.max(y) < 50.0, lambda y: y * y + w, x, maximum_iterations=6))

    x, w = np.array([1.5, 2.0]), np.array([0.5, 0.25])
    value, (by_x, by_w) = value_and_grad(function, (0, 1))(x, w)
    y, dx, dw = x, np.ones(2), np.zeros(2)
    turns = 0
    while y.max() < 50 and turns < 6:
        dx, dw, y = 2 * y * dx, 2 * y * dw + 1, y * y + w
        turns += 1
    assert 1 < turns < 6
    np.testing.assert_allclose(value, y.sum())
    np.testing.assert_allclose(by_x, dx)
    np.testing.assert_allclose(by_w, dw)
    with pytest.raises(NotImplementedError, match="maximum_iterations"):
        value_and_grad(lambda x: ops.sum(ops.while_loop(lambda y: ops.max(y) < 50.0, lambda y: y * y, x)))(x)


def test_variables_of_a_loop(backend: str) -> None:
    total = dlnative.Variable(np.zeros((), "float32"))

    def body(i: Any) -> Any:
        total.assign(total + ops.cast(i, "float32"))
        return i + 1

    assert int(ops.while_loop(lambda i: total < 10.0, body, 0)) == 5
    assert float(total.value) == 10


def test_a_range(backend: str) -> None:
    assert int(ops.fori_loop(0, 10, lambda i, total: total + i, 0)) == 45
    assert int(ops.fori_loop(3, 3, lambda i, total: total + i, 7)) == 7
    run = Function(lambda n: ops.fori_loop(1, n, lambda i, state: (state[0] * i, state[1] + 1), (1, 0)))
    assert [int(run(np.array(n, "int32"))[0]) for n in (1, 2, 6)] == [1, 1, 120]


def test_a_function_of_each_row(backend: str) -> None:
    xs = np.arange(6, dtype="float32").reshape(3, 2)
    np.testing.assert_array_equal(ops.map(lambda x: x * x, xs), xs * xs)
    double, total = ops.vectorized_map(lambda e: (e[0] * 2.0, ops.sum(e[1])), [xs, xs])
    np.testing.assert_array_equal(double, xs * 2)
    np.testing.assert_array_equal(total, xs.sum(axis=1))
    _, gradient = value_and_grad(lambda xs: ops.sum(ops.map(lambda x: ops.sum(x) ** 2, xs)))(xs)
    np.testing.assert_allclose(gradient, np.repeat(2 * xs.sum(axis=1, keepdims=True), 2, axis=1))


def test_one_of_two_functions(backend: str) -> None:
    run = Function(lambda x, w: ops.cond(ops.sum(x) > 0.0, lambda: (x * w, x), lambda: (w - x, w)))
    w = np.array([3.0, 4.0], "float32")
    for x in (np.array([1.0, 2.0], "float32"), np.array([-1.0, -2.0], "float32")):
        first, second = run(x, w)
        np.testing.assert_array_equal(first, x * w if x.sum() > 0 else w - x)
        np.testing.assert_array_equal(second, x if x.sum() > 0 else w)


def test_the_other_function_does_not_run() -> None:
    """A loop without end, or a value that is none: only if it is taken."""
    run = Function(lambda x: ops.cond(x > 0.0, lambda: x, lambda: ops.while_loop(lambda y: y < 0.0, lambda y: y, x)))
    assert float(run(np.float32(2))) == 2


def test_the_gradient_of_a_branch_is_that_of_the_function_that_ran(backend: str) -> None:
    def function(x: Any, w: Any) -> Any:
        y = x * 1.0
        return ops.sum(ops.cond(ops.sum(y) > 0.0, lambda: ops.square(y) * w, lambda: ops.exp(y) + w) * y)

    gradients = value_and_grad(function, (0, 1))
    w = np.array([3.0, 4.0])
    x = np.array([1.0, 2.0])
    _, (by_x, by_w) = gradients(x, w)
    np.testing.assert_allclose(by_x, 3 * x**2 * w)
    np.testing.assert_allclose(by_w, x**3)
    _, (by_x, by_w) = gradients(-x, w)
    np.testing.assert_allclose(by_x, np.exp(-x) * (1 - x) + w)
    np.testing.assert_allclose(by_w, -x)


def test_variables_of_branches_and_branches_in_scans(backend: str) -> None:
    hits = dlnative.Variable(np.zeros(2, "float32"))

    def turn(total: Any, x: Any) -> Any:
        def hit() -> Any:
            hits.assign(hits + 1.0)
            return total + x

        total = ops.cond(x > 0.0, hit, lambda: total)
        return total, total

    x = np.array([1.0, -2.0, 3.0], "float32")
    total, totals = ops.scan(turn, 0.0, x)
    assert float(total) == 4
    np.testing.assert_array_equal(totals, [1, 1, 4])
    np.testing.assert_array_equal(hits.value, [2, 2])
    _, gradient = value_and_grad(lambda x: ops.sum(ops.scan(turn, 0.0, x)[1]))(x)
    np.testing.assert_array_equal(gradient, [3, 0, 1])


def test_a_condition_that_is_known(backend: str) -> None:
    assert ops.cond(True, lambda: 0, lambda: 1) == 0
    assert ops.cond(np.bool_(False), lambda: None, lambda: None) is None

    class Doubling(layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            return ops.cond(training, lambda: x * 2.0, lambda: x)

    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(Doubling()(x, training=True), x * 2)
    np.testing.assert_array_equal(Doubling()(x), x)


@pytest.mark.parametrize("wrap", [int, lambda n: np.array(n, "int32")])
def test_one_of_several_functions(wrap: Callable[[int], Any], backend: str) -> None:
    branches = [lambda x: x + 1.0, lambda x: x * 10.0, lambda x: -x]
    x = np.array([7.0], "float32")
    run = Function(lambda n, x: ops.switch(n, branches, x)) if wrap is not int else None
    for index, expected in ((-3, 8), (0, 8), (1, 70), (2, -7), (9, -7)):
        found = ops.switch(wrap(index), branches, x) if run is None else run(wrap(index), x)
        np.testing.assert_array_equal(found, [expected])


@pytest.mark.parametrize("count", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("reverse", [False, True])
def test_an_associative_scan(count: int, reverse: bool) -> None:
    random = np.random.RandomState(count)
    x = random.uniform(-1, 1, (2, count, 2, 2))
    products = ops.associative_scan(lambda a, b: ops.matmul(a, b), x, reverse=reverse, axis=1)
    parts = x[:, ::-1] if reverse else x
    expected = [parts[:, 0]]
    for index in range(1, count):
        expected.append(expected[-1] @ parts[:, index])
    expected = np.stack(expected, axis=1)
    np.testing.assert_allclose(products, expected[:, ::-1] if reverse else expected, rtol=1e-10)


def test_what_is_refused() -> None:
    x = np.ones(3, "float32")
    with pytest.raises(ValueError, match="of the same nesting"):
        Function(lambda x: ops.cond(ops.sum(x) > 0.0, lambda: x, lambda: x[:2]))(x)
    with pytest.raises(ValueError, match="condition of one element"):
        Function(lambda x: ops.cond(x > 0.0, lambda: x, lambda: x))(x)
    with pytest.raises(ValueError, match=r"values of shape \(\) and dtype int32"):
        ops.while_loop(lambda n: n < 3, lambda n: n * 1.5, 1)
    with pytest.raises(TypeError, match="while_loop: body should be a callable"):
        ops.while_loop(lambda n: n < 3, 5, 1)
    with pytest.raises(ValueError, match="maximum_iterations of 0 or more"):
        ops.while_loop(lambda n: n < 3, lambda n: n, 1, maximum_iterations=-1)
    with pytest.raises(ValueError, match="at least one branch"):
        ops.switch(0, [])
    with pytest.raises(ValueError, match=" first dimension"):
        ops.associative_scan(lambda a, b: a, (np.ones(2), np.ones(3)))


def test_numbers_of_turns_are_integers() -> None:
    for run in (
        lambda: ops.while_loop(lambda n: n < 9, lambda n: n + 1, 0, 2.5),
        lambda: ops.fori_loop(0.5, 3, lambda _, n: n + 1, 0),
        lambda: ops.fori_loop(0, 3.9, lambda _, n: n + 1, 0),
        lambda: Function(lambda upper: ops.fori_loop(0, upper, lambda _, n: n + 1, 0))(np.float32(3.9)),
        lambda: ops.scan(lambda carry, _: (carry, carry), 0, length=2.5),
        lambda: ops.associative_scan(lambda a, b: a + b, np.ones((2, 2)), axis=0.5),
    ):
        with pytest.raises(TypeError, match=r"expected (an integer|integers)"):
            run()
