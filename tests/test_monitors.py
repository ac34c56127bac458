"""Callbacks that watch a metric: which way it improves, when they stop, and which weights they put back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import callbacks

LOSSES = [1.0, 0.9, 0.95, 0.93, 0.91, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1]


X = np.arange(20, dtype="float32").reshape(10, 2) / 20


Y = X.sum(axis=1, keepdims=True)


def network() -> Any:
    model = dlnative.Sequential([dlnative.Input((2,)), dlnative.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(dlnative.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return model


class Weights:
    """A model whose weight is the number of the epoch."""

    def __init__(self) -> None:
        self.stop_training = False
        self.weight = 0

    def get_weights(self) -> int:
        return self.weight

    def set_weights(self, weight: int) -> None:
        self.weight = weight


def run(callback: Any, values: list[float], name: str = "val_loss") -> tuple[int | None, int]:
    """Runs a callback over epochs with these values; returns the epoch that stopped, and whose weights are left."""
    model = Weights()
    callback.set_model(model)
    callback.on_train_begin({})
    stopped = None
    for epoch, value in enumerate(values):
        model.weight = epoch
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            stopped = epoch
            break
    callback.on_train_end({})
    return stopped, model.weight


# Arguments, the epoch that stops, the epoch whose weights are left; the last two as Keras gives them.
STOPPING: list[tuple[dict[str, Any], int | None, int]] = [
    ({}, 2, 2),
    ({"patience": 2}, 3, 3),
    ({"patience": 3, "restore_best_weights": True}, 4, 1),
    ({"patience": 2, "min_delta": 0.08}, 3, 3),
    ({"patience": 2, "baseline": 0.5}, 2, 2),
    ({"patience": 2, "baseline": 0.92, "restore_best_weights": True}, 3, 1),
    ({"patience": 1, "start_from_epoch": 4, "restore_best_weights": True}, 6, 5),
    ({"mode": "max", "patience": 2, "restore_best_weights": True}, 2, 0),
    ({"patience": 20, "restore_best_weights": True}, None, 5),
]


@pytest.mark.parametrize(("arguments", "stopped", "left"), STOPPING, ids=lambda value: str(value)[:60])
def test_early_stopping(arguments: dict[str, Any], stopped: int | None, left: int) -> None:
    assert run(callbacks.EarlyStopping(**arguments), LOSSES) == (stopped, left)


def test_early_stopping_with_nan_keeps_the_first_weights() -> None:
    assert run(callbacks.EarlyStopping(patience=2, restore_best_weights=True), [float("nan")] * 5) == (2, 0)


def test_early_stopping_says_when(capsys: pytest.CaptureFixture[str]) -> None:
    run(callbacks.EarlyStopping(patience=3, restore_best_weights=True, verbose=1), LOSSES)
    assert capsys.readouterr().out == ("Epoch 5: early stopping\nEarlyStopping: the weights of epoch 2 are put back\n")


def test_which_way_a_metric_improves() -> None:
    """A loss is to be small, a metric says it itself, for any other the mode does; nothing is guessed from a name."""
    model = network()
    metrics = [dlnative.metrics.MeanAbsoluteError(name="distance"), dlnative.metrics.CosineSimilarity(name="angle")]
    model.compile("sgd", "mse", metrics=metrics)
    model.evaluate(X, Y, verbose=0)
    for name, up in (("val_distance", False), ("angle", True)):
        stopping = callbacks.EarlyStopping(name)
        stopping.set_model(model)
        stopping.on_train_begin()
        assert stopping._is_improvement(2.0, 1.0) is up
    with pytest.raises(ValueError, match='expected mode "min" or "max" for the metric "score", got "auto"'):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("score")])


@pytest.mark.parametrize("name", ["acceleration_loss", "f1_error", "precision_gap"])
def test_a_name_says_nothing_about_the_direction(name: str) -> None:
    """Neither "acc" nor "f1" in the name of a metric makes it one to be maximised."""
    model = network()
    model.compile("sgd", "mse", metrics=[dlnative.metrics.MeanAbsoluteError(name=name)])
    model.evaluate(X, Y, verbose=0)
    for kind in (callbacks.EarlyStopping, callbacks.ReduceLROnPlateau, callbacks.MonitorCallback):
        watching: Any = kind(f"val_{name}")
        watching.set_model(model)
        assert watching._is_improvement(1.0, 2.0)
        assert not watching._is_improvement(2.0, 1.0)


def test_the_loss_of_an_output_is_to_be_small() -> None:
    inputs = dlnative.Input((2,))
    heads = [dlnative.layers.Dense(1, name=name)(inputs) for name in ("acceleration", "score")]
    model = dlnative.Model(inputs, heads)
    model.compile("sgd", "mse", metrics=[["mae"], [dlnative.metrics.CosineSimilarity(name="angle")]])
    model.evaluate(X, [Y, Y], verbose=0)
    for name, up in (("acceleration_loss", False), ("acceleration_mae", False), ("score_angle", True)):
        watching = callbacks.MonitorCallback(f"val_{name}")
        watching.set_model(model)
        assert watching._is_improvement(2.0, 1.0) is up


def test_the_least_change_counts_both_ways() -> None:
    for mode, better in (("max", 0.6), ("min", -0.6)):
        watching = callbacks.MonitorCallback("x", mode, min_delta=np.float32(0.5))
        assert watching._is_improvement(0.0, None)
        assert watching._is_improvement(better, 0.0)
        assert not watching._is_improvement(better / 2, 0.0)


def test_a_vector_cannot_be_watched() -> None:
    with pytest.raises(ValueError, match='EarlyStopping: expected the metric "x" to be a number'):
        run(callbacks.EarlyStopping("x", mode="min"), [np.ones(2)], "x")  # type: ignore[list-item]


def test_a_metric_that_is_not_there_is_warned_of() -> None:
    with pytest.warns(UserWarning, match='expected the metric "val_loss", got only loss, mae'):
        network().fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping()])


def test_restored_weights_are_those_of_the_best_epoch(backend: str) -> None:
    model = network()
    seen: list[Any] = []
    keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()))
    stopping = callbacks.EarlyStopping("loss", mode="max", patience=3, restore_best_weights=True)
    model.fit(X, Y, epochs=10, verbose=0, callbacks=[keep, stopping])
    assert len(seen) == 4
    for left, right in zip(model.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(left, right)
