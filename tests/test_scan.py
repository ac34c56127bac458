"""Scans: a function that is traced once and runs for row after row, and its gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad
from dlnative.graph.function import Function

B, D, U = 3, 4, 5


def lstm_step(carry: Any, x: Any, w: Any, r: Any, b: Any) -> Any:
    h, c = carry
    z = x @ w + h @ r + b
    i, f, g, o = (z[:, k * U : (k + 1) * U] for k in range(4))
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    h = ops.sigmoid(o) * ops.tanh(c)
    return (h, c), h


def lstm_loss(unroll: Any, reverse: bool = False) -> Any:
    def loss(x: Any, w: Any, r: Any, b: Any, h: Any) -> Any:
        (last, cell), ys = ops.scan(
            lambda carry, row: lstm_step(carry, row, w, r, b), (h, h * 0.5), x, reverse=reverse, unroll=unroll
        )
        return ops.mean(ops.square(ys)) + ops.sum(cell * last) * 0.1

    return loss


def operands(random: np.random.RandomState, turns: int) -> list[np.ndarray]:
    shapes = ((turns, B, D), (D, 4 * U), (U, 4 * U), (4 * U,), (B, U))
    return [random.uniform(-1, 1, shape) for shape in shapes]


@pytest.mark.parametrize("turns", [1, 2, 7])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_gradient_agrees_with_that_of_the_unrolled_function(
    random: np.random.RandomState, backend: str, turns: int, reverse: bool
) -> None:
    args = operands(random, turns)
    value, gradients = value_and_grad(lstm_loss(1, reverse), (0, 1, 2, 3, 4))(*args)
    wanted, by_unrolled = value_and_grad(lstm_loss(True, reverse), (0, 1, 2, 3, 4))(*args)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for found, expected in zip(gradients, by_unrolled, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_gradient_agrees_with_finite_differences(random: np.random.RandomState) -> None:
    args = operands(random, 4)
    loss = Function(lstm_loss(1))
    _, gradients = value_and_grad(lstm_loss(1), (0, 1, 2, 3, 4))(*args)
    for place, gradient in enumerate(gradients):
        direction = random.uniform(-1, 1, gradient.shape)
        ends = [loss(*args[:place], args[place] + step * direction, *args[place + 1 :]) for step in (1e-6, -1e-6)]
        np.testing.assert_allclose(np.sum(gradient * direction), (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-9)


def test_a_plan_grows_in_memory_and_not_in_instructions(random: np.random.RandomState) -> None:
    programs = {}
    for turns in (64, 128, 192):
        run = Function(value_and_grad(lstm_loss(1), (1, 2, 3)))
        programs[turns] = run.compiled(tuple(operands(random, turns)), {})[0].program
    assert len({len(program.instructions) for program in programs.values()}) == 1
    assert len(programs[64].instructions) < 80
    sizes = [program.arena_bytes for program in programs.values()]
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], rel=0.05)


def test_rows_and_results_in_both_directions(backend: str) -> None:
    xs = np.array([1.0, 2, 3, 4, 10, 20], "float32")

    def running(total: Any, x: Any) -> Any:
        return total + x, total + x

    for unroll in (1, 2, 4, 5, 6, 50, True, False):
        total, sums = ops.scan(running, 0.0, xs, unroll=unroll)
        assert float(total) == 40
        np.testing.assert_array_equal(sums, np.cumsum(xs))
        total, sums = ops.scan(running, 0.0, xs, reverse=True, unroll=unroll)
        np.testing.assert_array_equal(sums, np.cumsum(xs[::-1])[::-1])


def test_nested_carries_and_rows_of_several_types(backend: str) -> None:
    xs = {"a": np.arange(8, dtype="float32").reshape(4, 2), "b": (np.array([1, 2, 3, 4], "int32"), None)}

    def turn(carry: Any, row: Any) -> Any:
        count, (total, seen) = carry
        assert row["b"][1] is None
        total = total + row["a"] * ops.cast(row["b"][0], "float32")
        seen = ops.logical_or(seen, row["b"][0] > 2)
        return [count + row["b"][0], (total, seen)], {"total": total, "seen": seen, "count": count}

    (count, (total, seen)), ys = ops.scan(turn, [0, (np.zeros(2, "float32"), False)], xs)
    weighted = np.cumsum(xs["a"] * np.array([[1], [2], [3], [4]], "float32"), axis=0)
    assert (int(count), bool(seen)) == (10, True)
    np.testing.assert_array_equal(total, weighted[-1])
    np.testing.assert_array_equal(ys["total"], weighted)
    np.testing.assert_array_equal(ys["seen"], [False, False, True, True])
    np.testing.assert_array_equal(ys["count"], [0, 1, 3, 6])
    assert ys["count"].dtype == np.int32


def test_carries_that_change_places(backend: str) -> None:
    (a, b), none = ops.scan(lambda c, _: ((c[1], c[0] + c[1]), None), (0.0, 1.0), length=6)
    assert (float(a), float(b), none) == (8.0, 13.0, None)
    (a, b, c), _ = ops.scan(lambda c, _: ((c[1], c[0], c[2]), None), (1.0, 2.0, 3.0), length=5)
    assert (float(a), float(b), float(c)) == (2.0, 1.0, 3.0)


def test_no_turns_and_one(backend: str) -> None:
    def turn(carry: Any, x: Any) -> Any:
        return carry * x, (carry + x, carry)

    init = np.array([2.0, 3.0], "float32")
    for turns in (0, 1):
        xs = np.full((turns, 2), 5, "float32")
        carry, (sums, before) = ops.scan(turn, init, xs)
        np.testing.assert_array_equal(carry, init * 5**turns)
        np.testing.assert_array_equal(sums, np.array([[7.0, 8.0]] * turns).reshape(turns, 2))
        assert before.shape == (turns, 2)
        value, gradients = value_and_grad(lambda init, xs: ops.sum(ops.scan(turn, init, xs)[0]), (0, 1))(init, xs)
        assert value == 5.0 * 5**turns
        np.testing.assert_array_equal(gradients[0], [5**turns] * 2)
        np.testing.assert_array_equal(gradients[1], np.array([[2.0, 3.0]] * turns).reshape(turns, 2))


def test_what_does_not_change_is_computed_once() -> None:
    def function(xs: Any, w: Any) -> Any:
        return ops.scan(lambda c, x: (c + x @ ops.exp(ops.transpose(w)), None), ops.zeros((2, 4)), xs)[0]

    random = np.random.RandomState(1)
    xs, w = random.uniform(-1, 1, (3, 2, 5)).astype("float32"), random.uniform(-1, 1, (4, 5)).astype("float32")
    program = Function(function).compiled((xs, w), {})[0].program
    place = next(number for number, step in enumerate(program.instructions) if step.region is not None)
    inside = [step.op for step in program.instructions[place + 1 :]]
    assert "matmul" in inside
    assert not {"exp", "transpose"} & set(inside)
    np.testing.assert_allclose(Function(function)(xs, w), (xs @ np.exp(w.T)).sum(axis=0), rtol=1e-5)


def test_a_scan_in_a_scan(random: np.random.RandomState, backend: str) -> None:
    xs, w = random.uniform(-1, 1, (3, 4, 2)), random.uniform(-1, 1, (2, 2))

    def outer(unroll: Any) -> Any:
        def function(xs: Any, w: Any) -> Any:
            def inner(h: Any, x: Any) -> Any:
                h = ops.tanh(h @ w + x)
                return h, h * x

            def row(h: Any, rows: Any) -> Any:
                after, ys = ops.scan(inner, h, rows, reverse=True, unroll=unroll)
                return after + h, ops.sum(ys, axis=0) + h

            h, ys = ops.scan(row, ops.zeros((1, 2), "float64") + 0.3, ops.reshape(xs, (3, 4, 1, 2)), unroll=unroll)
            return ops.sum(h) + ops.sum(ops.square(ys))

        return value_and_grad(function, (0, 1))

    value, gradients = outer(1)(xs, w)
    wanted, expected = outer(True)(xs, w)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for found, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-10)


def test_gradients_of_gradients(random: np.random.RandomState) -> None:
    x, w = random.uniform(-1, 1, (4, 3)), random.uniform(-1, 1, (3, 3))

    def twice(unroll: Any) -> Any:
        def once(w: Any) -> Any:
            h, ys = ops.scan(
                lambda h, row: (ops.tanh(h @ w + row), ops.sum(h)), ops.ones((1, 3), "float64"), x, unroll=unroll
            )
            return ops.sum(h) + ops.sum(ys)

        return value_and_grad(lambda w: ops.sum(ops.square(value_and_grad(once)(w)[1])))

    (value, gradient), (wanted, expected) = twice(1)(w), twice(True)(w)
    np.testing.assert_allclose(value, wanted, rtol=1e-10)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def test_variables_that_the_function_reads_and_assigns(backend: str) -> None:
    weight = dlnative.Variable(np.array([2.0], "float32"))
    count = dlnative.Variable(np.zeros((), "float32"), trainable=False)

    def turn(carry: Any, x: Any) -> Any:
        before = count + 0.0
        count.assign(count + 1.0)
        return carry * weight + x * count, before

    def loss(x: Any) -> Any:
        count.assign(10.0)
        carry, counts = ops.scan(turn, ops.zeros(1), x)
        return ops.sum(carry) + 0.0 * ops.sum(counts)

    x = np.array([[1.0], [1.0], [1.0]], "float32")
    value, (gradient,) = value_and_grad(loss, variables=[weight])(x)
    assert float(value) == (11 * 2 + 12) * 2 + 13
    assert float(gradient[0]) == 2 * 2 * 11 + 12
    assert float(count.value) == 13
    np.testing.assert_array_equal(ops.scan(turn, np.zeros(1, "float32"), x)[1], [13, 14, 15])
    assert float(count.value) == 16


def test_random_ops_go_on_from_turn_to_turn() -> None:
    drop = layers.Dropout(0.5, seed=3)
    ones = np.ones((6, 50), "float32")
    run = Function(lambda x: ops.scan(lambda c, row: (c, drop(row, training=True)), 0.0, x)[1])
    drawn = np.concatenate([run(ones), run(ones)])
    assert len({row.tobytes() for row in drawn}) == 12
    other = layers.Dropout(0.5, seed=3)
    np.testing.assert_array_equal(drawn, [other(ones[0], training=True) for _ in range(12)])


class Recurrent(layers.Layer):
    """A cell that a user wrote."""

    def __init__(self, units: int, unroll: Any) -> None:
        super().__init__()
        self.units, self.unroll = units, unroll
        self.dense = layers.Dense(units, use_bias=True, kernel_regularizer="l2")

    def build(self, shape: Any) -> None:
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="orthogonal", name="recurrent")

    def call(self, x: Any) -> Any:
        rows = ops.transpose(x, (1, 0, 2))

        def turn(h: Any, row: Any) -> Any:
            h = ops.tanh(self.dense(row) + h @ self.recurrent)
            return h, None

        return ops.scan(turn, ops.zeros_like(self.dense(rows[0])), rows, unroll=self.unroll)[0]


def test_a_layer_of_a_user_in_fit(random: np.random.RandomState, backend: str) -> None:
    x, y = random.uniform(-1, 1, (32, 6, 3)).astype("float32"), random.uniform(-1, 1, (32, 1)).astype("float32")
    weights = {}
    for unroll in (1, True):
        dlnative.utils.set_random_seed(3)
        model = dlnative.Sequential([Recurrent(4, unroll), layers.Dense(1)])
        model.compile(dlnative.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights[unroll] = model.get_weights()
    for found, expected in zip(weights[1], weights[True], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_recorded_in_a_functional_model(backend: str) -> None:
    inputs = dlnative.Input((3,), batch_size=4)
    total, sums = ops.scan(lambda c, x: (c + x, c + x), ops.zeros(3), inputs)
    assert (total.shape, sums.shape) == ((3,), (4, 3))
    model = dlnative.Model(inputs, sums)
    x = np.arange(12, dtype="float32").reshape(4, 3)
    np.testing.assert_array_equal(model(x), np.cumsum(x, axis=0))


def test_recorded_for_any_number_of_rows(backend: str) -> None:
    inputs = dlnative.Input((3,))
    total, sums = ops.scan(lambda c, x: (c + x, c + x), ops.zeros(3), inputs)
    assert (total.shape, sums.shape) == ((3,), (None, 3))
    model = dlnative.Model(inputs, [sums, ops.map(lambda x: x * 2.0, inputs)])
    for rows in (1, 4):
        x = np.arange(rows * 3, dtype="float32").reshape(rows, 3)
        found, doubled = model(x)
        np.testing.assert_array_equal(found, np.cumsum(x, axis=0))
        np.testing.assert_array_equal(doubled, x * 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((5, 0.0, np.ones(3, "float32")), TypeError, "scan: f should be a callable, got 5"),
        ((lambda c, x: (c, x), 0.0), ValueError, "expected `xs` to scan over and"),
        ((lambda c, x: (c, x), 0.0, np.ones(3, "float32"), 4), ValueError, "first axes of one extent"),
        ((lambda c, x: (c, x), 0.0, np.float32(3)), ValueError, "with a first axis"),
        ((lambda c, x: c, 0.0, np.ones(3, "float32")), ValueError, "returns a carry and a result"),
        ((lambda c, x: ((c, c), x), 0.0, np.ones(3, "float32")), ValueError, "a carry nested as"),
        (
            (lambda c, x: (ops.cast(c, "int32"), x), 0.0, np.ones(3, "float32")),
            ValueError,
            r"float32.*got \(\) and int32",
        ),
        ((lambda c, x: (c + x, x), 0.0, np.ones((3, 2), "float32")), ValueError, r"shape \(\).*got \(2,\)"),
        ((lambda c, x: (c, x), 0.0, None, -1), ValueError, "length of 0 or more"),
        ((lambda c, x: (c, x), 0.0, np.ones(3, "float32"), None, False, 0), ValueError, "positive integer or boolean"),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ops.scan(*arguments)


def test_threads_change_no_bit(random: np.random.RandomState) -> None:
    args = [array.astype("float32") for array in operands(random, 20)]
    run = value_and_grad(lstm_loss(1), (1, 2))
    before = dlnative.num_threads()
    try:
        results = []
        for threads in (1, 2):
            dlnative.set_num_threads(threads)
            results.append(run(*args))
    finally:
        dlnative.set_num_threads(before)
    for first, other in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_array_equal(first, other)


def test_profile_counts_a_scan() -> None:
    compiled, feeds = Function(lstm_loss(1)).compiled(tuple(operands(np.random.RandomState(0), 9)), {})
    times = compiled.executor.profile(feeds, 2)
    assert len(times) == len(compiled.program.instructions)
    assert sum(times) > 0


class Pair(NamedTuple):
    a: Any
    b: Any


def test_carries_keep_their_kind_and_the_order_of_their_keys() -> None:
    rows = np.ones(3, "float32")
    carry, ys = ops.scan(lambda c, x: (Pair(c.a + x, c.b), Pair(x, None)), Pair(0.0, 1.0), rows)
    assert type(carry) is Pair
    assert (float(carry.a), float(carry.b)) == (3.0, 1.0)
    assert type(ys) is Pair
    assert ys.a.tolist() == [1, 1, 1]
    assert ys.b is None
    seen = []

    def body(carry: Any, x: Any) -> Any:
        seen.append(list(carry))
        return {"b": carry["b"] + x, 1: carry[1] * 2}, x

    carry, _ = ops.scan(body, {"b": 0.0, 1: 1.0}, rows)
    assert list(carry) == ["b", 1]
    assert float(carry["b"]) == 3.0
    assert float(carry[1]) == 8.0
    assert seen == [["b", 1]]
