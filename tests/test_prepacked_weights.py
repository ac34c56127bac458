"""Prepacked weights: whoever changes a weight, the next prediction knows."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import dlnative
from dlnative import Sequential, layers, ops
from dlnative.backends.selection import use_backend
from dlnative.graph.function import Function

WIDTH = 768  # of a layer whose weights are worth prepacking


@pytest.fixture
def model() -> Iterator[Sequential]:
    dlnative.utils.set_random_seed(5)
    made = Sequential([dlnative.Input((WIDTH,)), layers.Dense(WIDTH, activation="tanh"), layers.Dense(4)])
    made.compile(dlnative.optimizers.SGD(0.1), "mse")
    with use_backend("cpu"):
        yield made


def features(rows: int) -> np.ndarray:
    return np.random.RandomState(rows).uniform(-1, 1, (rows, WIDTH)).astype("float32")


def expected(model: Sequential, x: np.ndarray) -> np.ndarray:
    first, first_bias, last, last_bias = model.get_weights()
    return np.asarray(np.tanh(x.astype("float64") @ first + first_bias) @ last + last_bias)


def prepacked_bytes(model: Sequential) -> int:
    return max(compiled.executor.prepacked_bytes for compiled in model._steps.plans)  # type: ignore[attr-defined]


def follows(model: Sequential) -> None:
    """Compares predictions with the weights as they are, by every way to a prediction."""
    x = features(40)
    wanted = expected(model, x)
    for rows in (2, 16, 40):
        np.testing.assert_allclose(model(x[:rows]), wanted[:rows], atol=2e-5)
        np.testing.assert_allclose(model.predict(x, batch_size=rows, verbose=0), wanted, atol=2e-5)


def fit(model: Sequential) -> None:
    model.fit(features(32), features(32)[:, :4], batch_size=16, epochs=2, verbose=0)


def fit_on_the_reference(model: Sequential) -> None:
    with use_backend("reference"):
        fit(model)


def add(model: Sequential) -> None:
    model.layers[0].kernel.assign_add(np.full((WIDTH, WIDTH), 0.01))


def subtract(model: Sequential) -> None:
    model.layers[0].kernel.assign_sub(np.full((WIDTH, WIDTH), 0.01))


CHANGES: dict[str, Callable[[Sequential], object]] = {
    "fit": fit,
    "fit_on_the_reference": fit_on_the_reference,
    "train_on_batch": lambda model: model.train_on_batch(features(16), features(16)[:, :4]),
    "set_weights": lambda model: model.set_weights([weights * 0.5 for weights in model.get_weights()]),
    "assign": lambda model: model.layers[0].kernel.assign(np.eye(WIDTH)),
    "assign_add": add,
    "assign_sub": subtract,
    "fill": lambda model: model.layers[0].kernel.fill(0.001),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_predictions_follow_the_weights(model: Sequential, change: Callable[[Sequential], object]) -> None:
    follows(model)
    assert prepacked_bytes(model) >= WIDTH * WIDTH * 4
    before = model.predict(features(16), verbose=0)
    for _ in range(2):
        change(model)
        follows(model)
    assert not np.allclose(before, model.predict(features(16), verbose=0))


def test_the_value_cannot_be_changed_unnoticed(model: Sequential) -> None:
    kernel = model.layers[0].kernel
    with pytest.raises(ValueError, match="read-only"):
        kernel.value[...] = 0
    with pytest.raises(ValueError, match="read-only"):
        kernel.__array__(copy=False).fill(0)
    kernel.assign(np.zeros((WIDTH, WIDTH)))
    assert not kernel.value.any()


def test_a_copy_has_weights_of_its_own(model: Sequential) -> None:
    follows(model)
    twin = copy.deepcopy(model)
    follows(twin)
    add(twin)
    follows(twin)
    follows(model)


def test_training_prepacks_nothing(model: Sequential) -> None:
    fit(model)
    assert prepacked_bytes(model) == 0


def test_plans_share_prepacked_weights(model: Sequential) -> None:
    follows(model)
    plans = [compiled.executor for compiled in model._steps.plans]
    assert len(plans) > 1
    assert len({plan.prepacked_bytes for plan in plans}) == 1  # type: ignore[attr-defined]


def test_transposed_and_constant_weights() -> None:
    weights = dlnative.Variable(features(WIDTH))
    constant = features(WIDTH + 1)[1:]
    tied = Function(lambda x: ops.matmul(ops.matmul(x, ops.transpose(weights)), constant))
    x = features(24)
    for _ in range(2):
        wanted = x.astype("float64") @ weights.numpy().T @ constant
        np.testing.assert_allclose(tied(x), wanted, atol=1e-3)
        weights.assign(weights.numpy()[::-1])


def test_predicting_while_another_thread_trains(model: Sequential) -> None:
    """What is prepacked during training may be of an earlier step, but not afterwards."""
    follows(model)
    training = threading.Thread(target=lambda: [fit(model) for _ in range(10)])
    training.start()
    x = features(16)
    while training.is_alive():
        assert np.isfinite(model(x)).all()
    follows(model)
