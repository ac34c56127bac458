"""What else a subclass may write, or `compile` may ask for: functions of steps, losses, metrics, executions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops

X = np.linspace(-1.0, 1.0, 48, dtype="float32").reshape(16, 3)


Y = (X[:, :1] - 2.0 * X[:, 1:2]).astype("float32")


class Plain(dlnative.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")

    def call(self, x: Any) -> Any:
        return self.dense(x)


def compiled(cls: type, optimizer: Any = "adam", **arguments: Any) -> Any:
    model = cls()
    model(X)
    model.compile(optimizer, "mse", metrics=["mae"], **arguments)
    return model


def test_a_step_written_as_a_function_of_the_state() -> None:
    """As Keras's programs on JAX are written: `train_step(self, state, data)` returns the logs and the new state."""

    class Stateless(Plain):
        def train_step(self, state: Any, data: Any) -> Any:
            logs, state = super().train_step(state, data)
            trainable, others, optimizer, metrics = state
            return {**logs, "ten": 10.0}, ([ops.clip(w, -0.9, 0.9) for w in trainable], others, optimizer, metrics)

        def test_step(self, state: Any, data: Any) -> Any:
            logs, state = super().test_step(state, data)
            return {**logs, "five": 5.0}, state

        def predict_step(self, state: Any, data: Any) -> Any:
            outputs, others = super().predict_step(state, data)
            return -outputs, others

    model, plain = compiled(Stateless), compiled(Plain)
    assert model.train_on_batch(X, Y, return_dict=True) == {**plain.train_on_batch(X, Y, return_dict=True), "ten": 10.0}
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, np.clip(b, -0.9, 0.9), rtol=1e-6)
    plain.set_weights(model.get_weights())
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {
        **plain.evaluate(X, Y, verbose=0, return_dict=True), "five": 5.0,
    }  # fmt: skip
    np.testing.assert_array_equal(model.predict(X, verbose=0), -plain.predict(X, verbose=0))


def test_functions_that_a_subclass_makes() -> None:
    class Counting(Plain):
        calls = 0

        def make_train_function(self, force: bool = False) -> Any:
            own = super().make_train_function(force)

            def function(iterator: Any) -> Any:
                self.calls += 1
                return {**own(iterator), "calls": self.calls}

            self.train_function = function
            return function

        def make_predict_function(self, force: bool = False) -> Any:
            self.predict_function = lambda iterator: next(iterator)[:, :1] * 0.0 + 7.0

    model, plain = compiled(Counting), compiled(Plain)
    found = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert found.pop("calls") == [4.0, 8.0]
    assert found == plain.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_array_equal(model.predict(X, batch_size=5, verbose=0), np.full((16, 1), 7.0))


def test_own_functions_can_be_called() -> None:
    model, plain = compiled(Plain), compiled(Plain)
    step = model.make_train_function()
    assert model.make_train_function() is step
    assert step(iter([(X, Y)])) == plain.train_on_batch(X, Y, return_dict=True)
    np.testing.assert_array_equal(model.make_predict_function()(iter([X])), model(X))


def test_what_compute_metrics_returns_is_shown() -> None:
    class Scored(Plain):
        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            found = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**found, "largest": ops.max(y_pred)}

    class Alone(Plain):
        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            return {"largest": ops.max(y_pred)}

    model = compiled(Scored)
    logs = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True)
    assert sorted(logs) == ["largest", "loss", "mae"]
    assert logs["largest"] == pytest.approx(float(model(X).max()))
    assert logs["mae"] == pytest.approx(float(np.abs(model(X) - Y).mean()))
    assert sorted(model.fit(X, Y, verbose=0).history) == ["largest", "loss", "mae"]

    model = compiled(Alone)
    assert sorted(model.evaluate(X, Y, verbose=0, return_dict=True)) == ["largest"]
    assert sorted(model.fit(X, Y, validation_split=0.5, verbose=0).history) == ["largest", "val_largest"]
    assert sorted(model.train_on_batch(X, Y, return_dict=True)) == ["largest"]


def test_compute_loss_without_training() -> None:
    class Doubled(Plain):
        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
            return 2.0 * super().compute_loss(x, y, y_pred, sample_weight)

    model, plain = compiled(Doubled), compiled(Plain)
    assert model.evaluate(X, Y, verbose=0)[0] == pytest.approx(2.0 * plain.evaluate(X, Y, verbose=0)[0])
    model.fit(X, Y, verbose=0)


def test_nothing_to_train() -> None:
    model = compiled(Plain)
    model.trainable = False
    before = model.get_weights()
    loss = model.evaluate(X, Y, verbose=0)
    assert model.fit(X, Y, batch_size=16, shuffle=False, verbose=0).history["loss"] == [loss[0]]
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("together", [1, 3, 10])
def test_steps_per_execution(together: int) -> None:
    """As in Keras: callbacks hear of the first and the last batch of each group, which may reach beyond the data."""
    begun, ended = [], []

    class Watch(dlnative.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            begun.append(batch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            ended.append(batch)

    model, plain = compiled(Plain, "sgd", steps_per_execution=together), compiled(Plain, "sgd")
    found = model.fit(X, Y, batch_size=3, shuffle=False, verbose=0, callbacks=[Watch()]).history
    assert begun == list(range(0, 6, together))
    assert ended == [number + together - 1 for number in begun]
    assert found == plain.fit(X, Y, batch_size=3, shuffle=False, verbose=0).history


def test_float16_has_a_scaled_loss() -> None:
    class Half(Plain):
        def __init__(self) -> None:
            dlnative.Model.__init__(self, dtype="mixed_float16")
            self.dense = layers.Dense(1)

    for optimizer, auto in ((dlnative.optimizers.SGD(0.01, loss_scale_factor=8.0), False), ("sgd", True)):
        model = Half()
        model.compile(optimizer, "mse", auto_scale_loss=auto)
        assert hasattr(model.optimizer, "dynamic_scale") is auto
        losses = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
        assert losses[-1] < losses[0]


def test_runs_are_stopped() -> None:
    for flag, hook, run in (
        ("stop_training", "on_train_batch_end", lambda m, c: m.fit(X, Y, batch_size=4, verbose=0, callbacks=[c])),
        ("stop_evaluating", "on_test_batch_end", lambda m, c: m.evaluate(X, Y, batch_size=4, verbose=0, callbacks=[c])),
        ("stop_predicting", "on_predict_batch_end", lambda m, c: m.predict(X, batch_size=4, verbose=0, callbacks=[c])),
    ):
        count = []

        class Stop(dlnative.callbacks.Callback):
            pass

        def stop(self: Any, batch: int, logs: Any = None, flag: str = flag, count: list[int] = count) -> None:
            count.append(batch)
            setattr(self.model, flag, batch == 1)

        setattr(Stop, hook, stop)
        result = run(compiled(Plain), Stop())
        assert count == [0, 1]
    assert len(result) == 8
