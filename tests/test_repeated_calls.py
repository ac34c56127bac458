"""A call like an earlier one takes a short way to its plan: it must see all that has changed since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.graph import function as compiled


@pytest.fixture
def model() -> dlnative.Sequential:
    dlnative.utils.set_random_seed(0)  # by chance, all four units might be off
    made = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(2)])
    made.compile("sgd", "mse")
    return made


def by_hand(model: dlnative.Sequential, x: np.ndarray) -> np.ndarray:
    w1, b1, w2, b2 = model.get_weights()[:4]
    return np.maximum(x @ w1 + b1, 0) @ w2 + b2


@pytest.mark.parametrize("how", ["call", "predict"])
def test_sees_what_changed(model: dlnative.Sequential, random: np.random.RandomState, how: str) -> None:
    def run(x: np.ndarray) -> np.ndarray:
        return model(x) if how == "call" else model.predict(x, verbose=0)

    x = random.uniform(-1, 1, (5, 3)).astype("float32")
    for _ in range(2):
        np.testing.assert_allclose(run(x), by_hand(model, x), rtol=1e-5, atol=1e-6)
    x *= 2  # the same array with other numbers in it
    np.testing.assert_allclose(run(x), by_hand(model, x), rtol=1e-5, atol=1e-6)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    np.testing.assert_allclose(run(x), by_hand(model, x), rtol=1e-5, atol=1e-6)
    model.fit(x, np.ones((5, 2), "float32"), verbose=0)
    np.testing.assert_allclose(run(x), by_hand(model, x), rtol=1e-5, atol=1e-6)
    with dlnative.backend.use_backend("reference"):
        np.testing.assert_allclose(run(x), by_hand(model, x), rtol=1e-5, atol=1e-6)
    for other in (x.astype(">f4"), x.astype(float), np.asfortranarray(x), x[::2], np.ones((5, 3), "int32")):
        np.testing.assert_allclose(run(other), by_hand(model, other), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="shape"):
        run(x[:, :2])
    before = run(x)
    model.add(layers.Activation("sigmoid"))
    np.testing.assert_allclose(run(x), 1 / (1 + np.exp(-before)), rtol=1e-5, atol=1e-6)


def test_training_and_inference_have_their_own(model: dlnative.Sequential) -> None:
    x = np.ones((64, 3), "float32")
    for _ in range(2):
        assert np.ptp(model(x), axis=0).max() == 0
        assert np.ptp(model(x, training=True), axis=0).max() > 0


def test_results_are_their_own_memory(model: dlnative.Sequential) -> None:
    x = np.ones((2, 3), "float32")
    first = model(x)
    kept = first.copy()
    model(-x)
    np.testing.assert_array_equal(first, kept)


def test_a_call_on_an_array_while_tracing_is_traced(model: dlnative.Sequential) -> None:
    x = np.ones((2, 3), "float32")
    for _ in range(3):
        model(x)
    shifted = compiled.Function(lambda s: s + model(x))
    zero = np.zeros((2, 2), "float32")
    np.testing.assert_allclose(shifted(zero), by_hand(model, x), rtol=1e-5)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    np.testing.assert_allclose(shifted(zero), by_hand(model, x), rtol=1e-5)
    np.testing.assert_allclose(model(x), by_hand(model, x), rtol=1e-5)


def test_freezing_is_seen(model: dlnative.Sequential) -> None:
    class Told(layers.Layer):
        def call(self, inputs: object) -> object:
            return inputs * (2.0 if self.trainable else 3.0)  # type: ignore[operator]

    layer, x = Told(), np.ones((1, 2), "float32")
    for factor, trainable in ((2.0, True), (3.0, False), (2.0, True)):
        layer.trainable = trainable
        for _ in range(3):
            np.testing.assert_array_equal(layer(x), factor * x)


def test_scalars_stay_scalars_in_a_traced_function(backend: str) -> None:
    """Both what is assigned to a variable and what is returned."""
    variable = dlnative.Variable(1.0)

    def function(x: Any) -> Any:
        variable.assign(3.0)
        return np.float32(3), np.float32(2) * x

    constant, product = compiled.Function(function)(np.float32(4))
    assert constant.shape == product.shape == variable.value.shape == ()
    assert (float(constant), float(product), float(variable)) == (3.0, 8.0, 3.0)


class Scaled(dlnative.Model):
    """Everything that may be changed after it has run."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(4)
        self.dropout = layers.Dropout(0.5, seed=1)
        self.scale = 2.0
        self.rest = [layers.Activation("linear")]
        self.options = {"shift": 0.0}

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = self.dropout(self.inner(inputs), training=training) * self.scale + self.options["shift"]
        for layer in self.rest:
            x = layer(x)
        return x


CHANGES: dict[str, Callable[[Scaled], object]] = {
    "an attribute": lambda model: setattr(model, "scale", 5.0),
    "a layer": lambda model: setattr(model.dropout, "rate", 0.9),
    "an activation": lambda model: setattr(model.inner, "activation", dlnative.activations.tanh),
    "a list": lambda model: model.rest.append(layers.Activation("tanh")),
    "a dict": lambda model: model.options.update(shift=7.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_plans_follow_the_object_as_it_is(change: Callable[[Scaled], object], random: np.random.RandomState) -> None:
    """A model that was changed after it ran gives what one that never ran gives, in calls and in training."""
    x, y = random.uniform(-1, 1, (2, 32, 4)).astype("float32")
    found = []
    for runs_before in (False, True):
        dlnative.utils.set_random_seed(3)
        model = Scaled()
        model(x)  # builds it
        model.compile("sgd", "mse")
        weights = model.get_weights()
        if runs_before:
            for _ in range(2):
                model.fit(x, y, verbose=0)
                model.evaluate(x, y, verbose=0)
                model.predict(x, verbose=0)
                model(x)
            model.set_weights(weights)
        model.dropout.seed_generator.state.assign(np.array([5, 0]))
        change(model)
        loss = model.evaluate(x, y, verbose=0)
        called, predicted = model(x), model.predict(x, verbose=0)
        model.fit(x, y, shuffle=False, verbose=0)
        found.append([loss, called, predicted, *model.get_weights()])
    for first, second in zip(*found, strict=True):
        np.testing.assert_array_equal(first, second)


def test_what_was_called_between_two_runs_follows_the_next(random: np.random.RandomState) -> None:
    """A dict that is at a run what it was at the run before, but was something else in a call between them."""
    x, y = random.uniform(-1, 1, (2, 8, 4)).astype("float32")
    model = Scaled()
    model.compile("sgd", "mse")
    model.evaluate(x, y, verbose=0)
    first = model(x)
    model.evaluate(x, y, verbose=0)
    for size, shift in ((3, 7.0), (8, 7.0), (5, 2.0)):  # sizes that were called and that were not
        model.options["shift"] = shift
        model(x[:size])
        model.predict(x[:size], verbose=0)
        model.options["shift"] = 0.0
        model.evaluate(x, y, verbose=0)
        np.testing.assert_array_equal(model(x[:size]), first[:size])
        np.testing.assert_array_equal(model.predict(x[:size], verbose=0), first[:size])


def test_a_frozen_variable_stays_and_thaws(random: np.random.RandomState) -> None:
    x, y = random.uniform(-1, 1, (2, 32, 4)).astype("float32")
    model = Scaled()
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    plans = model._steps.plans
    for _ in range(3):  # as in the training of a GAN: no plan is made twice
        for trainable in (False, True):
            model.inner.kernel.trainable = trainable
            before = model.inner.kernel.numpy()
            model.fit(x, y, verbose=0)
            assert np.array_equal(before, model.inner.kernel.numpy()) is not trainable
    assert len(plans) == 2


def test_a_view_of_a_weight_stays_one(random: np.random.RandomState) -> None:
    """The first fit moves weights into one block, but not those that somebody looks at."""
    x, y = random.uniform(-1, 1, (2, 32, 4)).astype("float32")
    model = Scaled()
    model(x)
    model.compile("adam", "mse")
    view = model.inner.kernel.value
    part = model.inner.bias.value[1:]
    for _ in range(2):
        model.fit(x, y, verbose=0)
        np.testing.assert_array_equal(view, model.inner.kernel.numpy())
        np.testing.assert_array_equal(part, model.inner.bias.numpy()[1:])


def test_predictions_of_several_arrays_go_straight_to_their_plan() -> None:
    """Arrays of other shapes, types or layouts, frozen weights and new ones are seen; a list is not mistaken for another."""
    a, b = dlnative.Input((4,)), dlnative.Input((3,))
    model = dlnative.Model([a, b], dlnative.layers.Dense(2)(dlnative.layers.Concatenate()([a, b])))
    generator = np.random.default_rng(0)
    x = [generator.normal(size=(n, 4)).astype("float32") for n in (2, 5)]
    y = [generator.normal(size=(n, 3)).astype("float32") for n in (2, 5)]

    def expected(x: Any, y: Any) -> Any:
        kernel, bias = model.get_weights()
        return np.concatenate([x, y], axis=1) @ kernel + bias

    for _ in range(3):
        for first, second in zip(x, y, strict=True):
            np.testing.assert_allclose(model.predict([first, second], verbose=0), expected(first, second), rtol=1e-5)
            found = model.predict([first.astype("float64"), np.asfortranarray(second)], verbose=0)
            np.testing.assert_allclose(found, expected(first, second), rtol=1e-5)
        model.set_weights([2 * w for w in model.get_weights()])
    for wrong in ([x[0]], [x[0], y[1]], [y[0], x[0]], [x[0], y[0], x[0]]):
        with pytest.raises(ValueError, match="predict"):
            model.predict(wrong, verbose=0)
