"""Functions of `dlnative.ops` that give elements another shape, join and cut tensors, against NumPy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import Input, ops
from dlnative.symbolic import KerasTensor
from everywhere import check

X = np.arange(24, dtype="float32").reshape(2, 3, 4)
Y = np.arange(12, dtype="int32").reshape(3, 4)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: ops.reshape(x, -1), X.reshape(-1)),
        (lambda x: ops.reshape(x, np.array([4, -1])), X.reshape(4, 6)),
        (lambda x: ops.reshape(x, (np.int64(6), 4)), X.reshape(6, 4)),
        (ops.ravel, X.ravel()),
        (lambda x: ops.transpose(x, (1, -1, 0)), X.transpose(1, 2, 0)),
        (lambda x: ops.moveaxis(x, 0, -1), np.moveaxis(X, 0, -1)),
        (lambda x: ops.moveaxis(x, (0, 1), (-1, 0)), np.moveaxis(X, (0, 1), (-1, 0))),
        (lambda x: ops.swapaxes(x, 0, -1), np.swapaxes(X, 0, -1)),
        (lambda x: ops.expand_dims(x, (1, 2)), np.expand_dims(X, (1, 2))),
        (lambda x: ops.expand_dims(x, -1), np.expand_dims(X, -1)),
        (lambda x: ops.squeeze(x[:1, :, 2:3]), X[0, :, 2]),
        (lambda x: ops.squeeze(x[:1, :, 2:3], (0, -1)), X[0, :, 2]),
        (lambda x: ops.broadcast_to(x, (2, 2, 3, 4)), np.broadcast_to(X, (2, 2, 3, 4))),
        (lambda x: ops.concatenate([x, x]), np.concatenate([X, X])),
        (lambda x: ops.concatenate([x, x], axis=None), np.concatenate([X, X], axis=None)),
        (lambda x: ops.append(x, 7.0), np.append(X, 7)),
        (lambda x: ops.stack([x, x], -1), np.stack([X, X], -1)),
        (lambda x: ops.stack(x), X),
        (lambda x: ops.split(x, 3, 1), np.split(X, 3, 1)),
        (lambda x: ops.split(x, [1, 1, 9, 2], -1), np.split(X, [1, 1, 9, 2], -1)),
        (lambda x: ops.array_split(x, 3, -1), np.array_split(X, 3, -1)),
        (lambda x: ops.hsplit(x, [-1]), np.hsplit(X, [-1])),
        (lambda x: ops.vsplit(x, 2), np.vsplit(X, 2)),
        (lambda x: ops.dsplit(x, 2), np.dsplit(X, 2)),
        (lambda x: ops.unstack(x, axis=1), [X[:, index] for index in range(3)]),
        (lambda x: ops.repeat(x, 2, 1), np.repeat(X, 2, 1)),
        (lambda x: ops.repeat(x, [2, 0, 1], 1), np.repeat(X, [2, 0, 1], 1)),
        (lambda x: ops.repeat(x, 2), np.repeat(X, 2)),
        (lambda x: ops.tile(x, (2, 1, 1, 3)), np.tile(X, (2, 1, 1, 3))),
        (lambda x: ops.tile(x, 2), np.tile(X, 2)),
        (lambda x: ops.vstack([x[0], x[1]]), np.vstack([X[0], X[1]])),
        (lambda x: ops.hstack([x[0, 0], x[1, 0]]), np.hstack([X[0, 0], X[1, 0]])),
        (lambda x: ops.dstack([x[0], x[1]]), np.dstack([X[0], X[1]])),
        (lambda x: ops.meshgrid(x[0, 0], x[0, :, 0]), np.meshgrid(X[0, 0], X[0, :, 0])),
        (lambda x: ops.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"), np.meshgrid(X[0, 0], X[0, :, 0], indexing="ij")),
    ],
)
def test_shapes_as_numpy(function: Callable[..., Any], expected: Any, backend: str) -> None:
    check(function, expected, X)


def test_concatenate_joins_along_the_first_axis_unless_told_otherwise() -> None:
    assert ops.concatenate([Y, Y]).shape == (6, 4)
    assert ops.concatenate([KerasTensor((None, 3)), KerasTensor((None, 3))]).shape == (None, 3)


def test_unknown_extents_stay_unknown() -> None:
    x = KerasTensor((None, 3, 1))
    assert ops.reshape(x, (-1, 1)).shape == (None, 1)
    assert ops.reshape(x, (3, -1)).shape == (3, None)
    assert ops.squeeze(x).shape == (None, 3)
    assert ops.expand_dims(x, (0, -1)).shape == (1, None, 3, 1, 1)
    assert ops.ravel(x).shape == (None,)
    assert [part.shape for part in ops.split(x, [1, 3])] == [(1, 3, 1), (2, 3, 1), (None, 3, 1)]
    assert [part.shape for part in ops.array_split(x, 2)] == [(None, 3, 1)] * 2
    assert ops.tile(x, (2, 1, 2)).shape == (None, 3, 2)
    assert ops.repeat(x, 2, 0).shape == (None, 3, 1)
    assert ops.broadcast_to(KerasTensor((None, 3)), (2, 5, 3)).shape == (2, 5, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.reshape(np.ones(20), (-2, 5)), ValueError, r"non-negative integer or -1, got newshape=\(-2, 5\)"),
        (lambda: ops.reshape(np.ones(20), (-1, -1, 5)), ValueError, "at most one unknown dimension"),
        (lambda: ops.reshape(np.ones((0, 3)), (0, -1)), ValueError, r"as many elements as \(0, 3\)"),
        (lambda: ops.reshape(np.ones(6), (4, -1)), ValueError, r"as many elements as \(6,\)"),
        (lambda: ops.reshape(np.ones(6), (2.0, 3)), TypeError, "expected integers in newshape"),
        (lambda: ops.transpose(np.ones((2, 3)), (0, 0)), ValueError, r"valid permutation.*got axes=\(0, 0\)"),
        (lambda: ops.squeeze(np.ones((2, 1)), 0), ValueError, "expected extent 1 along axis 0"),
        (lambda: ops.squeeze(np.ones((2, 1)), 5), ValueError, "axis 5 is out of bounds"),
        (lambda: ops.squeeze(KerasTensor((None, 1)), 0), ValueError, "expected extent 1 along axis 0"),
        (lambda: ops.squeeze(np.ones((1, 1)), 0.5), TypeError, "expected an integer for an axis, got 0.5"),
        (lambda: ops.expand_dims(np.ones(2), (0, 0)), ValueError, "distinct axes"),
        (lambda: ops.moveaxis(Y, (0, 1), 0), ValueError, "as many destinations as sources"),
        (lambda: ops.broadcast_to(Y, (2, 4)), ValueError, r"broadcasts to \(2, 4\)"),
        (lambda: ops.concatenate([]), ValueError, "at least one tensor"),
        (lambda: ops.concatenate([Y, Y[0]]), ValueError, "agree except along axis 0"),
        (lambda: ops.stack([Y, Y[:2]]), ValueError, "tensors of one shape"),
        (lambda: ops.split(Y, 2), ValueError, "that 2 divides along axis 0"),
        (lambda: ops.split(Y, 0), ValueError, "one section or more"),
        (lambda: ops.unstack(KerasTensor((None, 2))), ValueError, "Cannot infer argument `num`"),
        (lambda: ops.repeat(Y, [1, 2], 0), ValueError, "expected 3 repeats, got 2"),
        (lambda: ops.repeat(Y, -1), ValueError, "non-negative integers"),
        (lambda: ops.meshgrid(Y[0], indexing="yx"), ValueError, '"xy" or "ij"'),
        (lambda: ops.zeros((2, -1)), ValueError, "non-negative extents"),
        (lambda: ops.ones("ab"), TypeError, "a shape of integers"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_size_that_is_not_known_yet() -> None:
    """It is a tensor in a recorded model, which the run knows; a Python number everywhere else."""
    x = Input((3,))
    size = ops.size(x)
    assert (size.shape, size.dtype) == ((), "int32")
    mean = dlnative.Function(x, [ops.sum(x) / ops.cast(size, "float32"), ops.sum(x) / size])
    for rows in (2, 5):
        values = np.arange(rows * 3, dtype="float32").reshape(rows, 3)
        np.testing.assert_allclose(mean(values), [values.mean()] * 2, rtol=1e-6)
    assert (ops.size(KerasTensor((2, 3))), ops.size(np.ones((4, 0)))) == (6, 0)

    class Mean(dlnative.layers.Layer):
        def call(self, x: Any) -> Any:
            return ops.sum(x) / ops.size(x)

    model = dlnative.Model(x, x / Mean()(x))
    np.testing.assert_allclose(model(np.full((2, 3), 2.0)), np.ones((2, 3)), rtol=1e-6)
    scaled = dlnative.Model(x, x / ops.size(x))
    for same in (dlnative.Model.from_config(scaled.get_config()), copy.deepcopy(scaled)):
        np.testing.assert_allclose(same(np.ones((4, 3))), np.full((4, 3), 1 / 12), rtol=1e-6)


_MODES = ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean", "median", "minimum"]


@pytest.mark.parametrize("mode", _MODES)
def test_padding(mode: str, backend: str) -> None:
    check(lambda x: ops.pad(x, ((2, 0), (3, 5), (0, 1)), mode), np.pad(X, ((2, 0), (3, 5), (0, 1)), mode), X)
    check(lambda x: ops.pad(x, 7, mode), np.pad(X, 7, mode), X)
    integers = np.array([[3, -7, 5], [2, 8, -1]])
    check(lambda x: ops.pad(x, ((1, 2), (3, 2)), mode), np.pad(integers, ((1, 2), (3, 2)), mode), integers)
    if mode == "constant":
        check(lambda x: ops.pad(x, (1, 2), constant_values=9), np.pad(X, (1, 2), constant_values=9), X)
        assert ops.pad(KerasTensor((None, 3)), ((0, 0), (1, 1))).shape == (None, 5)
        with pytest.raises(ValueError, match="same length as the shape"):
            ops.pad(X, ((1, 1), (1, 1)))


def test_padding_by_other_names() -> None:
    assert ops.pad(np.array([1, 2, 3]), 1, "circular").tolist() == [3, 1, 2, 3, 1]
    assert ops.pad(np.array([1, 2, 3]), 1, "empty").shape == (5,)
    with pytest.raises(ValueError, match="pad: expected a mode of constant, edge"):
        ops.pad(X, 1, "mirror")
