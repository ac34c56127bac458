"""Numbers that courses work out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import backend, layers, losses, ops, optimizers, value_and_grad

Y = np.array([[0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]])
SWAPPED = Y[:, [0, 1, 7, 3, 4, 5, 6, 2, 8, 9]]
TARGET = np.eye(10)[[2]]


def test_losses_of_a_digit() -> None:
    assert losses.half_sum_of_squares(TARGET, Y)[0] == pytest.approx(0.0975, rel=1e-12)
    assert losses.half_sum_of_squares(TARGET, SWAPPED)[0] == pytest.approx(0.5975, rel=1e-12)
    assert losses.cross_entropy_error(TARGET, Y)[0] == pytest.approx(0.510825457099338, rel=1e-14)
    assert losses.cross_entropy_error(TARGET, SWAPPED)[0] == pytest.approx(2.302584092994546, rel=1e-14)


def test_classes_and_names_of_these_losses() -> None:
    both = np.concatenate([Y, SWAPPED]), np.concatenate([TARGET, TARGET])
    assert losses.HalfSumOfSquares()(both[1], both[0]) == pytest.approx(0.3475, rel=1e-6)
    assert losses.get("cross_entropy_error") is losses.cross_entropy_error
    again = losses.deserialize(losses.serialize(losses.CrossEntropyError(1e-3, name="c")))
    assert (again.delta, again.name) == (1e-3, "c")
    root = losses.RootMeanSquaredError()
    assert float(root(*both)) == pytest.approx(np.sqrt(np.mean((both[0] - both[1]) ** 2)), rel=1e-6)
    weights = np.array([1.0, 3.0])
    rows = np.mean((both[0] - both[1]) ** 2, axis=1)
    assert float(root(*both, sample_weight=weights)) == pytest.approx(np.sqrt(np.mean(rows * weights)), rel=1e-6)
    value, gradient = value_and_grad(lambda y: root(TARGET, y))(TARGET)
    assert value == 0
    assert (gradient == 0).all()


X = np.array([[0.1, 0.2]])
T = np.array([[0.4, 0.6]])
W1 = np.array([[0.3, 0.4], [0.25, 0.35]])
W2 = np.array([[0.45, 0.7], [0.4, 0.6]])
AFTER1 = [[0.29959556, 0.39964496], [0.24919112, 0.34928991]]
AFTER2 = [[0.43703857, 0.69629578], [0.38685205, 0.59624247]]


def network() -> Any:
    model = dlnative.Sequential(
        [
            dlnative.Input((2,), dtype="float64"),
            layers.Dense(2, "sigmoid", use_bias=False, dtype="float64"),
            layers.Dense(2, "sigmoid", use_bias=False, dtype="float64"),
        ]
    )
    model.set_weights([W1, W2])
    model.compile(optimizers.SGD(0.5), losses.HalfSumOfSquares(dtype="float64"))
    return model


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_backpropagation_by_hand(name: str) -> None:
    with backend.use_backend(name):
        model = network()
        hidden = model.layers[0](X)
        np.testing.assert_allclose(hidden, [[0.51998934, 0.52747230]], atol=5e-9)
        np.testing.assert_allclose(model(X), [[0.60944600, 0.66384491]], atol=5e-9)
        assert model.evaluate(X, T, verbose=0) == pytest.approx(0.02397190, abs=5e-9)
        history = model.fit(X, T, epochs=2, verbose=0)
        np.testing.assert_allclose(history.history["loss"], [0.02397190, 0.02323634], atol=5e-9)
        model = network()
        model.train_on_batch(X, T)
        np.testing.assert_allclose(model.get_weights()[0], AFTER1, atol=5e-9)
        np.testing.assert_allclose(model.get_weights()[1], AFTER2, atol=5e-9)


def test_backpropagation_in_the_classic_form() -> None:
    """delta = (o - t) o (1 - o) for the output, and (W2 delta) h (1 - h) for the hidden layer."""
    w1, w2 = W1, W2
    errors = []
    for _ in range(2):
        h = ops.sigmoid(ops.matmul(X, w1))
        o = ops.sigmoid(ops.matmul(h, w2))
        errors.append(float(losses.half_sum_of_squares(T, o)[0]))
        delta2 = (o - T) * o * (1 - o)
        delta1 = ops.matmul(delta2, w2.T) * h * (1 - h)
        w1, w2 = w1 - 0.5 * ops.matmul(X.T, delta1), w2 - 0.5 * ops.matmul(h.T, delta2)
        if len(errors) == 1:
            np.testing.assert_allclose(w1, AFTER1, atol=5e-9)
            np.testing.assert_allclose(w2, AFTER2, atol=5e-9)
    np.testing.assert_allclose(errors, [0.02397190, 0.02323634], atol=5e-9)


def test_norms_of_rows() -> None:
    rows = np.array([[9.0, 9, 1], [5, 9, 5], [8, 4, 3], [3, 8, 5], [5, 3, 4]])
    np.testing.assert_array_equal(ops.sum(ops.abs(rows), axis=1), [19, 19, 15, 16, 12])
    euclidean = [12.76714533, 11.44552314, 9.43398113, 9.89949494, 7.07106781]
    np.testing.assert_allclose(ops.sqrt(ops.sum(rows**2, axis=1)), euclidean, atol=5e-9)
