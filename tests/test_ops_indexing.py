"""Indexing, gathering, scattering, sorting and encoding, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlnative import Variable, ops, value_and_grad
from dlnative.graph.function import Function
from dlnative.symbolic import KerasTensor
from everywhere import check

X = np.arange(120, dtype="float32").reshape(2, 3, 4, 5)
ROWS, COLUMNS = np.array([[1, 0], [-1, 1]]), np.array([2, -3])
MASK = np.arange(12).reshape(3, 4) % 5 < 2


@pytest.mark.parametrize(
    "key",
    [
        1, -1, np.int64(1), (0, -1), (..., 2), (None, 1), (slice(None), None, ..., None), slice(None, None, -1),
        (0, slice(2, None, -2), slice(-1, 0, -1)), (slice(1, 1), 0), (slice(-9, 9), slice(5, 2)), ROWS, [1, 0, 1],
        (ROWS, COLUMNS), (slice(None), ROWS, slice(None), COLUMNS), (slice(None), ROWS, COLUMNS), (ROWS, 1), (1, ROWS),
        (0, slice(None), ROWS), (slice(None), COLUMNS, ..., COLUMNS), (..., COLUMNS, None), (0, None, COLUMNS),
        (slice(None), MASK), (1, ..., np.arange(5) % 2 == 0), (slice(None), COLUMNS, slice(None, None, -1), COLUMNS),
        (np.array(1), slice(None), np.array(2)), (), ...,
    ],
    ids=repr,
)  # fmt: skip
def test_items_as_numpy(key: Any, backend: str) -> None:
    check(lambda x: ops.get_item(x, key), X[key], X)
    check(lambda x: x[key] * 1, X[key], X)
    np.testing.assert_array_equal(Variable(X)[key], X[key])


@pytest.mark.parametrize(
    "key", [(slice(None, None, -2), 1), (slice(None), ROWS, COLUMNS), (ROWS, slice(2, 0, -1))], ids=repr
)
def test_gradients_of_items_add_up_where_they_come_from(key: Any, backend: str) -> None:
    weights = np.random.RandomState(0).rand(*X[key].shape).astype("float32")
    _, gradient = value_and_grad(lambda x: ops.sum(x[key] * weights))(X)
    expected = np.zeros_like(X)
    np.add.at(expected, key, weights)
    np.testing.assert_allclose(gradient, expected, 1e-6)


def test_indices_may_be_tensors(backend: str) -> None:
    rows, columns = np.array([1, -2], "int32"), np.array([[3], [0]], "int32")
    check(lambda x, a, b: x[a, :, b], X[rows, :, columns], X, rows, columns)
    check(lambda x, a: ops.take(x, a, axis=-1), np.take(X, columns, -1), X, columns)
    y = np.arange(6).reshape(2, 3)
    check(
        lambda x, a: ops.take_along_axis(x, a, 0),
        np.take_along_axis(X, y[:1, :, None, None] % 2, 0),
        X,
        y[:1, :, None, None] % 2,
    )
    check(lambda x: ops.take(x, [[0, 100]]), np.take(X, [[0, 100]]), X)
    check(lambda x: ops.take_along_axis(x, np.array([5, -1]), None), np.take_along_axis(X, np.array([5, -1]), None), X)


def test_an_index_out_of_range_is_refused_or_shows(backend: str) -> None:
    for call in (
        lambda: ops.take(X, [0, 2], 0),
        lambda: ops.get_item(KerasTensor((2, 3)), (0, 3)),
        lambda: ops.get_item(KerasTensor((2, 3)), [0, -3]),
        lambda: ops.get_item(KerasTensor((2, 3)), (0, 0, 0)),
        lambda: ops.get_item(KerasTensor((2, 3)), (..., 0, ...)),
    ):
        with pytest.raises(IndexError):
            call()
        with pytest.raises(ValueError):  # as Keras has it
            call()
    traced = Function(lambda x, index: ops.take(x, index, axis=0))
    assert np.isnan(traced(np.ones(3, "float32"), np.array([0, 3, -4]))).tolist() == [False, True, True]
    assert traced(np.ones(3, "int32"), np.array([0, 3, -4])).tolist() == [1, 0, 0]
    with pytest.raises(TypeError, match="expected integers for indices"):
        ops.take(X, [0.5])
    with pytest.raises(TypeError, match="how many elements it chooses"):
        Function(lambda x: x[x > 1])(X)


def test_slices_and_updates(backend: str) -> None:
    block = -np.ones((1, 2, 4, 1), "float32")
    expected = X.copy()
    expected[1:, 1:3, :, 2:3] = block
    check(lambda x: ops.slice(x, (1, 0, 2, 3), (1, 3, 2, -1)), X[1:, :, 2:4, 3:], X)
    check(lambda x, b: ops.slice_update(x, (1, 1, 0, 2), b), expected, X, block)
    start = np.array([1, 1, 0, 2], "int32")
    check(lambda x, s: ops.slice(x, s, (1, 2, 4, 1)), X[1:, 1:3, :, 2:3], X, start)
    traced = Function(lambda x, s, b: ops.slice_update(x, s, b))
    np.testing.assert_array_equal(traced(X, start, block), expected)
    np.testing.assert_array_equal(traced(X, start + 9, block)[-1, -2:, :, -1:], block[0])  # moved until it fits
    for wrong in (lambda: ops.slice(X, (2, 0, 0, 0), (1, 1, 1, 1)), lambda: ops.slice(X, (0, 0), (1, 1))):
        with pytest.raises(ValueError, match="slice: "):
            wrong()


@pytest.mark.parametrize("reduction", [None, "add", "max", "min", "mul"])
def test_scatter_update(reduction: str | None, backend: str) -> None:
    x = np.arange(12, dtype="float32").reshape(4, 3)
    indices, updates = np.array([[0, 1], [3, 2], [0, 1]]), np.array([5.0, -2.0, 3.0], "float32")
    expected = x.copy()
    join = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}
    for place, update in zip(map(tuple, indices), updates, strict=True):
        expected[place] = update if reduction is None else join[reduction](expected[place], update)
    check(lambda x, u: ops.scatter_update(x, indices, u, reduction), expected, x, updates)
    weights = np.random.RandomState(1).rand(4, 3).astype("float32")
    function = lambda x, u: ops.sum(ops.scatter_update(x, indices, u, reduction) * weights)  # noqa: E731
    if reduction == "mul":
        with pytest.raises(NotImplementedError):
            value_and_grad(function, 1)(x, updates)
        return
    _, gradients = value_and_grad(function, (0, 1))(x, updates)
    at = weights[tuple(indices.T)]
    of_x = weights.copy()
    if reduction in (None, "max"):
        of_x[0, 1] = 0
    if reduction is None or reduction == "min":
        of_x[3, 2] = 0
    kept = {None: [0, 1, 1], "add": [1, 1, 1], "max": [1, 0, 0], "min": [0, 1, 0]}[reduction]
    np.testing.assert_allclose(gradients[0], of_x, 1e-6)
    np.testing.assert_allclose(gradients[1], at * kept, 1e-6)


def test_scatter_adds_rows(backend: str) -> None:
    values = np.array([[1, 2], [3, 4]], "float32")
    check(lambda v: ops.scatter([[1], [1]], v, (3, 2)), np.array([[0, 0], [4, 6], [0, 0]]), values)


def test_sorting(backend: str, random: np.random.RandomState) -> None:
    for dtype in ("float32", "int32", "float64"):
        x = random.randint(-9, 9, (3, 50, 2)).astype(dtype)
        for axis in (0, 1, -1, None):
            check(lambda x, axis=axis: ops.sort(x, axis), np.sort(x, axis), x)
            check(lambda x, axis=axis: ops.argsort(x, axis), np.argsort(x, axis, kind="stable"), x)
    x = np.array([3.0, np.nan, -np.inf, 3.0, 7.0], "float32")
    assert ops.argsort(x).tolist() == [2, 0, 3, 4, 1]
    values, indices = ops.top_k(x, 4)
    np.testing.assert_array_equal(values, np.array([np.nan, 7.0, 3.0, 3.0], "float32"))
    assert indices.tolist() == [1, 4, 0, 3]
    assert [part.shape for part in ops.top_k(KerasTensor((None, 5)), 2)] == [(None, 2)] * 2
    _, gradient = value_and_grad(lambda x: ops.sum(ops.top_k(x, 2)[0] * np.array([2.0, 3.0], "float32")))(x[2:])
    assert gradient.tolist() == [0.0, 3.0, 2.0]
    with pytest.raises(ValueError, match="k within the last axis"):
        ops.top_k(x, 6)


def test_one_hot_and_multi_hot(backend: str) -> None:
    x = np.array([[0, 2, 5], [-1, 1, 1]], "int32")
    rows = (x[..., None] == np.arange(4)).astype("float32")
    check(lambda x: ops.one_hot(x, 4), rows, x)
    check(lambda x: ops.one_hot(x, 4, axis=0, dtype="int32"), np.moveaxis(rows, -1, 0), x)
    check(lambda x: ops.one_hot(x, 4, axis=1), np.moveaxis(rows, -1, 1), x)
    check(lambda x: ops.multi_hot(x, 4), rows.max(1), x)
    assert ops.one_hot(np.array([1.5, 1.0]), 2).tolist() == [[0, 0], [0, 1]]
    assert ops.one_hot(np.array([2**32], "int64"), 3).tolist() == [[0, 0, 0]]
    with pytest.raises(ValueError, match="no sparse tensors"):
        ops.one_hot(x, 4, sparse=True)
    with pytest.raises(TypeError, match="num_classes: expected an integer"):
        ops.one_hot(x, 2.5)


@pytest.mark.parametrize("axis", [0, 1, None])
def test_argmax_sees_what_counts_as_zero_elsewhere(axis: int | None, backend: str) -> None:
    x = np.array([[-1.0, -0.0, 1e-45, 0.0], [-1.0, 0.0, -0.0, 1e-45]], "float32")
    np.testing.assert_array_equal(ops.argmax(x, axis), np.argmax(x, axis))
    np.testing.assert_array_equal(ops.argmin(-x, axis), np.argmin(-x, axis))
