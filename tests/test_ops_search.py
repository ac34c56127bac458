"""Functions of `dlnative.ops` that find, choose, split into segments, normalise and reinterpret, against NumPy or formulas."""

from __future__ import annotations

import numpy as np
import pytest

from dlnative import KerasTensor, activations, ops, value_and_grad
from dlnative import backend as backends
from dlnative.graph.function import Function
from everywhere import check

X = np.random.RandomState(0).uniform(-3, 3, (3, 4)).astype("float32")


def test_isin(backend: str) -> None:
    for dtype in ("int32", "float32", "bool"):
        x, y = (np.array(values).astype(dtype) for values in ([[1, 2], [3, 0]], [2, 0, 7, 2]))
        check(ops.isin, np.isin(x, y), x, y)
    check(lambda x: ops.isin(x, [], invert=True), np.ones((3, 4), bool), X)
    assert not ops.isin(np.array([np.nan], "float32"), np.array([np.nan], "float32"))[0]


def test_choices(backend: str) -> None:
    check(
        lambda x: ops.select([x > 1, x < 0], [x, -1.0], 9.0),
        np.select([X > 1, X < 0], [X, np.float32(-1)], np.float32(9)),
        X,
    )
    for made, wanted in zip(
        ops.unravel_index(np.array([0, 7, 11]), (3, 4)), np.unravel_index([0, 7, 11], (3, 4)), strict=True
    ):
        np.testing.assert_array_equal(made, wanted)
    order = ops.argpartition(X, 2, 1)
    np.testing.assert_array_equal(np.take_along_axis(X, order, 1)[:, 2], np.sort(X, 1)[:, 2])
    with pytest.raises(ValueError, match="kth must be an integer"):
        ops.argpartition(X, (1, 2))
    with pytest.raises(ValueError, match="as many choices as conditions"):
        ops.select([X > 0], [])


def test_unique() -> None:
    x = np.array([[3, 1], [2, 1]])
    values, index, inverse, counts = ops.unique(x, return_index=True, return_inverse=True, return_counts=True)
    assert (values.tolist(), index.tolist(), inverse.tolist(), counts.tolist()) == (
        [1, 2, 3],
        [1, 2, 0],
        [[2, 0], [1, 0]],
        [2, 1, 1],
    )
    assert ops.unique(x, size=5).tolist() == [1, 2, 3, 1, 1]
    assert ops.unique(x, size=2).tolist() == [1, 2]
    assert ops.unique(x, size=4, fill_value=9).tolist() == [1, 2, 3, 9]
    assert ops.unique(np.array([[1, 2], [1, 2], [0, 5]]), axis=0).tolist() == [[0, 5], [1, 2]]
    with pytest.raises(ValueError, match="a traced function cannot know"):
        Function(ops.unique)(x)


def test_unique_elements_in_a_plan_when_it_is_said_how_many() -> None:
    x = np.array([[3.0, 1.0], [3.0, 2.0], [3.0, 1.0]])
    found = Function(lambda x: ops.unique(x, return_index=True, return_inverse=True, return_counts=True, size=4))(x)
    assert [item.tolist() for item in found] == [[1, 2, 3, 1], [1, 3, 0, 1], [[2, 0], [2, 1], [2, 0]], [2, 1, 3, 0]]
    rows = Function(lambda x: ops.unique(x, axis=0, size=3, fill_value=-1))(x)
    assert rows.tolist() == [[3, 1], [3, 2], [-1, -1]]
    _, gradient = value_and_grad(
        lambda x: ops.sum(ops.unique(x, size=4, fill_value=7) * np.array([1.0, 2.0, 4.0, 8.0]))
    )(x)
    assert gradient.tolist() == [[4, 1], [0, 2], [0, 0]]
    assert tuple(ops.unique(KerasTensor((2, 4)), axis=0, size=3).shape) == (3, 4)


def test_a_prediction_of_nan_is_not_among_the_largest(backend: str) -> None:
    scores = np.array([[0.1, 0.7, 0.7], [np.nan, 0.2, 0.1], [0.3, np.nan, 0.2]], "float32")
    assert ops.in_top_k(np.array([1, 0, 0]), scores, 1).tolist() == [True, False, True]
    assert ops.in_top_k(np.array([0, 1, 5]), scores, 2).tolist() == [False, True, False]
    assert Function(lambda t, p: ops.in_top_k(t, p, 3))(np.array([0, 0, -1]), scores).tolist() == [True, False, False]


def test_logsumexp(backend: str) -> None:
    for axis in (None, 0, -1):
        check(lambda x, axis=axis: ops.logsumexp(x, axis), np.log(np.exp(X).sum(axis)), X)
    assert ops.logsumexp(np.array([1000.0, 1000.0], "float32")).item() == pytest.approx(1000 + np.log(2))
    assert ops.logsumexp(np.array([-np.inf, -np.inf], "float32")).item() == -np.inf
    gradient = value_and_grad(ops.logsumexp)(X)[1]
    np.testing.assert_allclose(gradient, np.exp(X) / np.exp(X).sum(), 1e-5)


def test_segments(backend: str) -> None:
    numbers = np.array([2, 0, 2])
    check(lambda x: ops.segment_sum(x, numbers), np.stack([X[1], 0 * X[0], X[0] + X[2]]), X)
    low = np.full_like(X[0], -np.inf)
    check(lambda x: ops.segment_max(x, numbers, 4), np.stack([X[1], low, np.maximum(X[0], X[2]), low]), X)
    check(lambda x: ops.segment_min(x, numbers, 1), X[1:2], X)
    check(lambda x: ops.segment_prod(x, numbers, 3), np.stack([X[1], 0 * X[0] + 1, X[0] * X[2]]), X)
    gradient = value_and_grad(lambda x: ops.sum(ops.segment_sum(x, numbers, 3)[2]))(X)[1]
    assert gradient.tolist() == [[1] * 4, [0] * 4, [1] * 4]


def test_normalisation(backend: str) -> None:
    check(lambda x: ops.normalize(x), X / np.linalg.norm(X, axis=-1, keepdims=True), X)
    check(lambda x: ops.normalize(x, 0, 1), X / np.abs(X).sum(0), X)
    check(lambda x: ops.normalize(x, 0, 3), X / (np.abs(X) ** 3).sum(0) ** (1 / 3), X)
    assert ops.normalize(np.zeros(3, "float32")).tolist() == [0, 0, 0]
    check(lambda x: ops.normalize(x, epsilon=0), X / np.linalg.norm(X, axis=-1, keepdims=True), X)
    check(lambda x: ops.moments(x, (0,), True), [X.mean(0, keepdims=True), X.var(0, keepdims=True)], X)
    half = np.full(70000, 300, "float16")
    assert [float(item) for item in ops.moments(half, 0)] == [300, 0]
    check(
        lambda a, b: ops.psnr(a, b, 2.0),
        20 * np.log10(2) - 10 * np.log10(((X - X[::-1]) ** 2).mean()),
        X,
        X[::-1].copy(),
    )
    with pytest.raises(ValueError, match="must be an int >= 1"):
        ops.normalize(X, order=0)
    with pytest.raises(ValueError, match=r"normalize: .*epsilon"):
        ops.normalize(X, epsilon=-1.0)


def test_sparsemax_is_the_nearest_point_of_the_simplex(backend: str) -> None:
    x = np.array([[0.5, 0.3, -1.0], [3.0, 0.0, 0.0]], "float32")
    check(ops.sparsemax, np.array([[0.6, 0.4, 0], [1, 0, 0]]), x)
    check(lambda x: activations.get("sparsemax")(x, 0), np.array([[0.0, 0.65, 0], [1, 0.35, 1]]), x, atol=1e-6)


def test_blocks_of_pixels(backend: str) -> None:
    x = np.arange(2 * 2 * 3 * 8, dtype="float32").reshape(2, 2, 3, 8)
    y = ops.depth_to_space(x, 2)
    assert y.shape == (2, 4, 6, 2)
    np.testing.assert_array_equal(y[0, 0, 1], x[0, 0, 0, 2:4])
    np.testing.assert_array_equal(y[0, 1, 0], x[0, 0, 0, 4:6])
    check(lambda y: ops.space_to_depth(y, 2), x, y)
    first = np.moveaxis(x, -1, 1).copy()
    np.testing.assert_array_equal(
        ops.space_to_depth(ops.depth_to_space(first, 2, "channels_first"), 2, "channels_first"), first
    )
    assert ops.depth_to_space(KerasTensor((None, 2, None, 8)), 2).shape == (None, 4, None, 2)
    with pytest.raises(ValueError, match="that 4 divides, got 6"):
        ops.depth_to_space(np.ones((1, 2, 2, 6)), 2)


def test_views_and_saturation(backend: str) -> None:
    for dtype in ("uint8", "int16", "float64", "float32"):
        check(lambda x, dtype=dtype: ops.view(x, dtype), X.view(dtype), X)
    check(lambda x: ops.view(x, "int32"), X.view("int32"), X)
    with pytest.raises(ValueError, match="whole float64"):
        ops.view(np.ones(3, "float32"), "float64")
    x = np.array([-300.0, 12.7, 300.0, np.inf, 1e30], "float32")
    assert ops.saturate_cast(x, "uint8").tolist() == [0, 12, 255, 255, 255]
    assert ops.saturate_cast(x, "int8").tolist() == [-128, 12, 127, 127, 127]
    assert ops.saturate_cast(x[3:], "int32").tolist() == [2147483520] * 2  # the largest float below 2**31
    assert ops.saturate_cast(np.array([-5, 300], "int32"), "uint8").tolist() == [0, 255]
    assert ops.saturate_cast(x[-1:], "float16").tolist() == [65504.0]


def test_names_of_types() -> None:
    assert [backends.standardize_dtype(item) for item in (None, float, "int8", np.uint16, np.dtype("float64"))] == [
        "float32", "float32", "int8", "uint16", "float64",
    ]  # fmt: skip
    assert backends.result_type("int8", "uint8") == "int16"
    assert backends.result_type("int32", float) == "float32"
    assert backends.result_type("float16", int) == "float16"
    assert backends.result_type(int, float) == "float32"
    with pytest.raises(ValueError, match="expected one of"):
        backends.standardize_dtype("complex64")


@pytest.mark.parametrize("threshold", [0.0, 1.5, -1.0])
@pytest.mark.parametrize("negative_slope", [0.0, 0.25])
@pytest.mark.parametrize("max_value", [None, 6.0, 2.0])
def test_relu_with_all_arguments(
    threshold: float, negative_slope: float, max_value: float | None, backend: str
) -> None:
    x = np.array([-3.0, -1.0, -0.5, 0.0, 1.0, 1.5, 1.75, 4.0, 9.0], "float32")
    above = np.where(x > threshold, x, 0) if threshold else np.maximum(x, 0)
    above = above if max_value is None else np.clip(above, 0, max_value)
    expected = above - negative_slope * np.maximum(threshold - x, 0)
    function = lambda x: activations.relu(x, negative_slope, max_value, threshold)  # noqa: E731
    check(function, expected, x)
    inner = np.array([-2.7, -0.4, 0.3, 1.2, 1.7, 4.2, 7.0])
    gradient = value_and_grad(lambda x: ops.sum(function(x)))(inner)[1]
    np.testing.assert_allclose(gradient, (function(inner + 1e-6) - function(inner - 1e-6)) / 2e-6, 1e-6, 1e-9)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_nan_is_the_largest_of_the_top(backend: str) -> None:
    x = np.array([[0.5, np.nan, np.inf, 2.0, np.nan, 2.0], [3.0, 1.0, -np.inf, 1.0, 2.0, np.nan]], "float32")
    with backends.use_backend(backend):
        values, places = ops.top_k(x, 5)
    np.testing.assert_array_equal(places, [[1, 4, 2, 3, 5], [5, 0, 4, 1, 3]])
    np.testing.assert_array_equal(values, np.take_along_axis(x, places, -1))


def test_booleans_are_numbers_where_they_are_counted() -> None:
    np.testing.assert_array_equal(ops.bincount(np.array([True, False, True])), [1, 2])
    bits, rows = np.array([[True, False], [False, False], [True, True]]), np.array([0, 0, 2])
    np.testing.assert_array_equal(ops.segment_max(bits, rows, 3), [[True, False], [False, False], [True, True]])
    np.testing.assert_array_equal(ops.segment_min(bits, rows, 3), [[False, False], [True, True], [True, True]])
