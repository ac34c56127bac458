"""Steps, losses and metrics that a subclass writes: traced once, run natively, with the values of plain training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad

X = np.linspace(-1.0, 1.0, 48, dtype="float32").reshape(16, 3)


Y = (X[:, :1] - 2.0 * X[:, 1:2]).astype("float32")


class Plain(dlnative.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")

    def call(self, x: Any) -> Any:
        return self.dense(x)


class ByHand(Plain):
    """Keras's usual custom step, with `value_and_grad` for the gradients."""

    traced = 0

    def train_step(self, data: Any) -> Any:
        type(self).traced += 1
        x, y, weights = dlnative.utils.unpack_x_y_sample_weight(data)

        def loss_of() -> Any:
            y_pred = self(x, training=True)
            return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights), y_pred

        compute = value_and_grad(loss_of, variables=self.trainable_variables, has_aux=True)
        (loss, y_pred), gradients = compute()
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=x.shape[0])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data: Any) -> Any:
        x, y = data
        y_pred = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        return {"loss": loss, "twice": 2.0 * loss, "constant": 5.0, "largest": ops.max(y_pred)}

    def predict_step(self, data: Any) -> Any:
        return 3.0 * self(data, training=False)


def compiled(cls: type, optimizer: Any = "adam", **arguments: Any) -> Any:
    model = cls()
    model(X)
    model.compile(optimizer, "mse", metrics=["mae"], **arguments)
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_a_train_step_by_hand_trains_as_the_own_one(optimizer: str) -> None:
    results = []
    for cls in (Plain, ByHand):
        dlnative.utils.set_random_seed(3)
        model = compiled(cls, optimizer)
        history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0).history
        results.append((history, model.get_weights()))
    assert sorted(results[1][0]) == ["loss", "mae"]
    for name in results[0][0]:
        np.testing.assert_allclose(results[1][0][name], results[0][0][name], rtol=1e-6)
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-6)


def test_a_step_is_traced_once_for_each_shape() -> None:
    model = compiled(ByHand)
    ByHand.traced = 0
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0)
    assert ByHand.traced == 1
    model.fit(X, Y, batch_size=8, epochs=4, verbose=0)
    assert ByHand.traced == 1


def test_run_eagerly_runs_python_for_every_batch() -> None:
    model = compiled(ByHand, "sgd", run_eagerly=True)
    other = compiled(ByHand, "sgd")
    ByHand.traced = 0
    eager = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert ByHand.traced >= 8
    assert eager == other.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history


def test_a_test_step_says_what_evaluate_returns() -> None:
    model = compiled(ByHand)
    loss = float(np.mean((model(X) - Y) ** 2))
    logs = model.evaluate(X, Y, batch_size=16, verbose=0, return_dict=True)
    assert sorted(logs) == ["constant", "largest", "loss", "twice"]
    np.testing.assert_allclose([logs["loss"], logs["twice"]], [loss, 2 * loss], rtol=1e-6)
    assert logs["constant"] == 5.0
    assert logs["largest"] == pytest.approx(float(model(X).max()))
    assert model.evaluate(X, Y, batch_size=16, verbose=0) == [
        logs[name] for name in ("loss", "constant", "largest", "twice")
    ]
    history = model.fit(X, Y, epochs=1, verbose=0, validation_data=(X, Y)).history
    assert "val_twice" in history
    assert "twice" not in history


def test_a_predict_step_says_what_predict_returns() -> None:
    model = compiled(ByHand)
    np.testing.assert_allclose(model.predict(X, batch_size=7, verbose=0), 3.0 * model(X), rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(X[:1]), 3.0 * model(X[:1]), rtol=1e-6)


def test_what_a_step_returns_is_seen_at_each_batch() -> None:
    class Numbered(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.number = dlnative.Variable(0.0, trainable=False)

        def train_step(self, data: Any) -> Any:
            logs = super().train_step(data)
            self.number.assign_add(1.0)
            return {**logs, "number": self.number, "nested": {"inner": 2.0}}

    seen: list[Any] = []

    class Watch(dlnative.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(logs["number"])

    model = compiled(Numbered)
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[Watch()]).history
    assert seen == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert (history["number"], history["inner"]) == ([4.0, 8.0], [2.0, 2.0])
    assert sorted(history) == ["inner", "loss", "mae", "number"]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_an_update_is_seen_by_what_follows_it(optimizer: str) -> None:
    """Two steps on one batch in one `train_step` are two steps: the second one sees the weights that the first one made."""

    class Twice(Plain):
        def train_step(self, data: Any) -> Any:
            x, y = data
            losses = []
            for _ in range(2):
                compute = value_and_grad(
                    lambda: self.compute_loss(y=y, y_pred=self(x, training=True)), variables=self.trainable_variables
                )
                loss, gradients = compute()
                self.optimizer.apply(gradients, self.trainable_variables)
                losses.append(loss)
            return {"first": losses[0], "second": losses[1]}

    twice, plain = compiled(Twice, optimizer), compiled(Plain, optimizer)
    logs = [twice.train_on_batch(X, Y, return_dict=True) for _ in range(3)]
    expected = [plain.train_on_batch(X, Y)[0] for _ in range(6)]
    found = [log[name] for log in logs for name in ("first", "second")]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    for a, b in zip(twice.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert int(twice.optimizer.iterations.numpy()) == 6


def test_weights_are_clipped_after_their_update() -> None:
    class Clipped(Plain):
        def train_step(self, data: Any) -> Any:
            logs = super().train_step(data)
            for variable in self.trainable_variables:
                variable.assign(ops.clip(variable, -0.5, 0.5))
            return logs

    model = compiled(Clipped, "sgd")
    model.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    assert max(np.abs(weight).max() for weight in model.get_weights()) <= 0.5
    unclipped = compiled(Plain, "sgd")
    unclipped.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), unclipped.get_weights(), strict=True):
        np.testing.assert_allclose(a, np.clip(b, -0.5, 0.5), rtol=1e-6)


def test_an_adversarial_pair_of_models() -> None:
    """A discriminator and a generator with an optimizer each; the generator's loss sees the new discriminator."""

    class Pair(dlnative.Model):
        def __init__(self) -> None:
            super().__init__()
            self.critic = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
            self.maker = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(3, kernel_initializer="ones")])
            self.seen = dlnative.metrics.Mean(name="seen")

        def compile(self, first: Any, second: Any) -> None:
            super().compile()
            self.first, self.second = first, second

        @property
        def metrics(self) -> list[Any]:
            return [self.seen]

        def train_step(self, data: Any) -> Any:
            def critic_loss() -> Any:
                return ops.mean(ops.square(self.critic(data) - 1.0)) + ops.mean(
                    ops.square(self.critic(self.maker(data)))
                )

            def maker_loss() -> Any:
                return ops.mean(ops.square(self.critic(self.maker(data)) - 1.0))

            _, gradients = value_and_grad(critic_loss, variables=self.critic.trainable_variables)()
            self.first.apply(gradients, self.critic.trainable_variables)
            loss, gradients = value_and_grad(maker_loss, variables=self.maker.trainable_variables)()
            self.second.apply(gradients, self.maker.trainable_variables)
            self.seen.update_state(loss)
            return {"maker": self.seen.result()}

    pair = Pair()
    pair.compile(dlnative.optimizers.SGD(0.01), dlnative.optimizers.SGD(0.02))
    history = pair.fit(X, batch_size=16, epochs=1, shuffle=False, verbose=0).history

    c, b = np.ones((3, 1)), np.zeros(1)
    m, d = np.ones((3, 3)), np.zeros(3)
    x = X.astype("float64")
    made = x @ m + d
    real, fake = 2 * (x @ c + b - 1) / 16, 2 * (made @ c + b) / 16
    c, b = c - 0.01 * (x.T @ real + made.T @ fake), b - 0.01 * (real + fake).sum(0)
    error = made @ c + b - 1
    np.testing.assert_allclose(history["maker"], [(error**2).mean()], rtol=1e-5)
    upstream = (2 * error / 16) @ c.T
    np.testing.assert_allclose(pair.maker.get_weights()[0], m - 0.02 * x.T @ upstream, rtol=1e-4)
    np.testing.assert_allclose(pair.critic.get_weights()[0], c, rtol=1e-5)


@pytest.mark.parametrize("known", [False, True])
def test_a_model_that_is_built_by_its_step(known: bool) -> None:
    """Without a `call`, the layers are built where the step calls them: their variables are asked for after that."""

    class Autoencoder(dlnative.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = layers.Dense(2, kernel_initializer="ones")
            self.decoder = layers.Dense(3, kernel_initializer="ones")

        def train_step(self, data: Any) -> Any:
            compute = value_and_grad(
                lambda: ops.mean(ops.square(self.decoder(self.encoder(data)) - data)),
                variables=lambda: self.trainable_variables,
            )
            loss, gradients = compute()
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    model = Autoencoder()
    if known:
        model.encoder.build((None, 3))
        model.decoder.build((None, 2))
    model.compile(dlnative.optimizers.SGD(0.01))
    losses = model.fit(X, epochs=2, batch_size=16, shuffle=False, verbose=0).history["loss"]
    plain = dlnative.Sequential([dlnative.Input((3,)), *[layers.Dense(n, kernel_initializer="ones") for n in (2, 3)]])
    plain.compile(dlnative.optimizers.SGD(0.01), "mse")
    np.testing.assert_allclose(losses, [plain.train_on_batch(X, X) for _ in range(2)], rtol=1e-6)
    assert len(model.trainable_variables) == 4


def test_a_step_that_returns_nothing_to_show() -> None:
    class Silent(Plain):
        def train_step(self, data: Any) -> Any:
            super().train_step(data)
            return {}

    assert compiled(Silent).fit(X, Y, epochs=2, verbose=0).history == {}


def test_wrong_steps_are_named() -> None:
    class Nothing(Plain):
        def train_step(self, data: Any) -> Any:
            return None

    with pytest.raises(ValueError, match=r'Nothing "nothing.*train_step to return a dict'):
        compiled(Nothing).fit(X, Y, verbose=0)
    with pytest.raises(ValueError, match="steps_per_execution"):
        Plain().compile("sgd", "mse", steps_per_execution=0)
