"""Losses, metrics, targets and weights of models with several outputs, of losses that users write, and wrong arguments."""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, losses, ops

RNG = np.random.default_rng(5)
X = RNG.normal(size=(12, 3)).astype("float32")
ONE, TWO = RNG.normal(size=(12, 2)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")
WEIGHTS = np.linspace(0.0, 2.0, 12, dtype="float32")
Pair = namedtuple("Pair", ["one", "two"])


class Several(dlnative.Model):
    """Two outputs, nested in a way that is given."""

    def __init__(self, nest: Any) -> None:
        super().__init__()
        self.one, self.two = layers.Dense(2, name="first"), layers.Dense(1, name="second")
        self.nest = nest

    def call(self, x: Any) -> Any:
        return self.nest(self.one(x), self.two(x))


def functional(nest: Any) -> Any:
    inputs = dlnative.Input((3,))
    return dlnative.Model(inputs, nest(layers.Dense(2, name="first")(inputs), layers.Dense(1, name="second")(inputs)))


NESTS = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "dict": lambda a, b: {"first": a, "second": b},
    "named": Pair,
}


def parts(model: Any) -> tuple[float, float]:
    one, two = dlnative.tree.flatten(model.predict(X, verbose=0))
    return float(np.mean((one - ONE) ** 2)), float(np.mean(np.abs(two - TWO)))


def test_one_output_in_a_list_is_returned_as_itself() -> None:
    """As in Keras: `output` stays a list, what calls and `predict` return does not."""
    inputs = dlnative.Input((2,))
    model = dlnative.Model([inputs], [layers.Dense(1)(inputs)])
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    assert model.predict(x, verbose=0).shape == model(x).shape == (8, 1)
    assert (model.output_shape, len(model.output)) == ((None, 1), 1)
    assert dlnative.models.clone_model(model)(x).shape == (8, 1)
    assert dlnative.Model.from_config(model.get_config()).predict([x], verbose=0).shape == (8, 1)
    outer = layers.Dense(3)(model(inputs))
    assert dlnative.Model(inputs, outer)(x).shape == (8, 3)
    for loss, target in (("mse", y), (["mse"], [y]), ("mse", [y]), ({model.output_names[0]: "mse"}, y)):
        model.compile("sgd", loss, metrics=["mae"])
        history = model.fit(x, target, validation_data=(x, target), verbose=0)
        assert {"loss", "mae", "val_loss", "val_mae"} <= set(history.history)
        model.plan(4)


@pytest.mark.parametrize("make", [Several, functional])
@pytest.mark.parametrize("nest", NESTS)
def test_a_loss_for_each_output(make: Any, nest: str) -> None:
    model = make(NESTS[nest])
    pack = NESTS[nest]
    model.compile("sgd", pack("mse", "mae"), loss_weights=pack(2.0, 0.5), metrics=pack(["mae"], ["mse"]))
    model.fit(X, pack(ONE, TWO), verbose=0, epochs=2)
    logs = model.evaluate(X, pack(ONE, TWO), verbose=0, return_dict=True)
    one, two = parts(model)
    assert logs["loss"] == pytest.approx(2.0 * one + 0.5 * two, rel=1e-5)
    names = (
        ("first", "second") if nest == "dict" or make is functional else ("mean_squared_error", "mean_absolute_error")
    )
    if names[0] == "first":
        assert logs["first_loss"] == pytest.approx(one, rel=1e-5)
        assert logs["second_loss"] == pytest.approx(two, rel=1e-5)
        assert {"first_mae", "second_mse"} < set(logs)
    else:
        assert sum(name.endswith("_loss") for name in logs) == 2
    assert type(model.predict(X, verbose=0)) is type(pack(1, 2))


@pytest.mark.parametrize("make", [Several, functional])
def test_one_loss_for_all_outputs(make: Any) -> None:
    model = make(NESTS["dict"])
    model.compile("sgd", "mae")
    found = model.evaluate(X, {"first": ONE, "second": TWO}, verbose=0, return_dict=True)["loss"]
    one, two = dlnative.tree.flatten(model.predict(X, verbose=0))
    assert found == pytest.approx(np.abs(one - ONE).mean() + np.abs(two - TWO).mean(), rel=1e-5)


def test_losses_for_some_outputs() -> None:
    model = functional(NESTS["list"])
    model.compile("sgd", {"second": "mae"}, metrics={"second": ["mse"]})
    _, two = parts(model)
    assert model.evaluate(X, {"second": TWO}, verbose=0, return_dict=True)["loss"] == pytest.approx(two, rel=1e-5)
    assert model.evaluate(X, TWO, verbose=0, return_dict=True)["loss"] == pytest.approx(two, rel=1e-5)


def test_several_losses_for_one_output_and_for_a_nest() -> None:
    model = functional(NESTS["list"])

    def both(y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.square(y_true[0] - y_pred[0])) + ops.mean(ops.absolute(y_true[1] - y_pred[1]))

    one, two = parts(model)
    model.compile("sgd", (both, ["mse", "mae"]))
    logs = model.evaluate(X, [ONE, TWO], verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(2 * (one + two), rel=1e-5)
    assert logs["first_second_loss"] == pytest.approx(one + two, rel=1e-5)
    assert logs["first_loss"] == pytest.approx(one, rel=1e-5)
    single = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
    single.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 3.0])
    error = single.predict(X, verbose=0) - TWO
    expected = np.mean(error**2) + 3 * np.mean(np.abs(error))
    assert single.evaluate(X, TWO, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_two_outputs_of_one_layer_have_names_of_their_own() -> None:
    class Split(layers.Layer):
        def call(self, x: Any) -> Any:
            return x[:, :2], x[:, 2:]

    inputs = dlnative.Input((3,))
    model = dlnative.Model(inputs, list(Split(name="split")(inputs)))
    assert model.output_names == ["split", "split_1"]
    model.compile("sgd", ["mse", "mae"], metrics=[["mse"], ["mse"]])
    logs = model.evaluate(X, [ONE, TWO], verbose=0, return_dict=True)
    assert logs["split_loss"] == pytest.approx(np.mean((X[:, :2] - ONE) ** 2), rel=1e-5)
    assert logs["split_1_loss"] == pytest.approx(np.mean(np.abs(X[:, 2:] - TWO)), rel=1e-5)
    assert {"split_mse", "split_1_mse"} < set(logs)


def test_deeply_nested_outputs() -> None:
    inputs = dlnative.Input((3,))
    one, two = layers.Dense(2)(inputs), layers.Dense(1)(inputs)
    model = dlnative.Model(inputs, {"a": (one, {"b": two}), "c": two})
    model.compile("sgd", {"a": ("mse", {"b": "mae"}), "c": None}, metrics={"a": (["mae"], {"b": ["mse"]}), "c": []})
    logs = model.evaluate(X, {"a": (ONE, {"b": TWO}), "c": TWO}, verbose=0, return_dict=True)
    assert {"a/1/b_loss", "loss"} < set(logs)
    assert logs["a/1/b_loss"] == pytest.approx(parts(dlnative.Model(inputs, [one, two]))[1], rel=1e-5)


@pytest.mark.parametrize("nest", ["list", "dict"])
def test_weights_for_each_output(nest: str) -> None:
    model = functional(NESTS[nest])
    pack = NESTS[nest]
    model.compile("sgd", pack("mse", "mae"))
    both = model.evaluate(X, pack(ONE, TWO), sample_weight=pack(WEIGHTS, 2.0 - WEIGHTS), verbose=0, return_dict=True)
    one, two = dlnative.tree.flatten(model.predict(X, verbose=0))
    first, second = ((one - ONE) ** 2).mean(1) * WEIGHTS, np.abs(two - TWO).mean(1) * (2.0 - WEIGHTS)
    assert both["loss"] == pytest.approx(first.mean() + second.mean(), rel=1e-5)
    model.fit(X, pack(ONE, TWO), sample_weight=WEIGHTS, verbose=0)


# Losses that users write.


def square(y_true: Any, y_pred: Any) -> Any:
    return ops.square(y_true - y_pred)


def scaled(y_true: Any, y_pred: Any, scale: float) -> Any:
    return scale * square(y_true, y_pred)


class Square(losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return square(y_true, y_pred)


OWN = {
    "function": square,
    "lambda": lambda y_true, y_pred: ops.square(y_true - y_pred),
    "partial": functools.partial(scaled, scale=1.0),
    "wrapper": losses.LossFunctionWrapper(square),
    "class": Square(),
}


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("weighted", [False, True])
def test_targets_and_predictions_of_one_rank_too_many(kind: str, weighted: bool) -> None:
    """In Keras, a class of one's own broadcasts (N,) and (N, 1) to a table; here nothing does."""
    vector = TWO[:, 0]
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
    model.compile("sgd", OWN[kind])
    weights = WEIGHTS if weighted else None
    error = (model.predict(X, verbose=0)[:, 0] - vector) ** 2
    expected = (error * WEIGHTS).mean() if weighted else error.mean()
    assert model.evaluate(X, vector, sample_weight=weights, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(X, TWO, sample_weight=weights, verbose=0) == pytest.approx(expected, rel=1e-5)
    model.fit(X, vector, sample_weight=weights, verbose=0)


def test_ranks_of_sequences_and_their_weights() -> None:
    sequences = RNG.normal(size=(4, 5, 3)).astype("float32")
    targets, weights = RNG.normal(size=(4, 5)).astype("float32"), RNG.uniform(size=(4, 5)).astype("float32")
    model = dlnative.Sequential([dlnative.Input((5, 3)), layers.Dense(1)])
    model.compile("sgd", square)
    error = (model.predict(sequences, verbose=0)[..., 0] - targets) ** 2
    assert model.evaluate(sequences, targets, verbose=0) == pytest.approx(error.mean(), rel=1e-5)
    found = model.evaluate(sequences, targets, sample_weight=weights, verbose=0)
    assert found == pytest.approx((error * weights).mean(), rel=1e-5)


def test_a_loss_that_is_a_number_is_weighted() -> None:
    """As Keras 3.15 does: the number times the mean of the weights."""
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
    model.compile("sgd", lambda y_true, y_pred: ops.mean(ops.square(y_true - y_pred)))
    plain = model.evaluate(X, TWO, verbose=0)
    weighted = model.evaluate(X, TWO, sample_weight=3.0 * WEIGHTS, verbose=0)
    assert weighted == pytest.approx(plain * 3.0 * WEIGHTS.mean(), rel=1e-5)
    model.fit(X, TWO, sample_weight=WEIGHTS, verbose=0)


# Wrong arguments, before any work.

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "validation_freq": ({"validation_data": (X, TWO), "validation_freq": 0}, "validation_freq"),
    "validation_freq_list": ({"validation_data": (X, TWO), "validation_freq": [0]}, "validation_freq"),
    "validation_steps": ({"validation_data": (X, TWO), "validation_steps": 0}, "validation_steps"),
    "validation_batch_size": ({"validation_data": (X, TWO), "validation_batch_size": 0}, "validation_batch_size"),
    "initial_epoch": ({"initial_epoch": -1}, "initial_epoch"),
    "steps_per_epoch": ({"steps_per_epoch": 0}, "steps_per_epoch"),
    "verbose": ({"verbose": "bad"}, "verbose"),
    "shuffle": ({"shuffle": "nonsense"}, "shuffle"),
    "class_weight_nan": ({"class_weight": {0: float("nan")}}, "class_weight"),
    "class_weight_infinite": ({"class_weight": {0: float("inf")}}, "class_weight"),
    "sample_weight_wide": ({"sample_weight": np.full(12, 1e300)}, "sample_weight"),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_that_cannot_be(name: str) -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    before = model.get_weights()
    arguments, word = WRONG[name]
    epochs: list[int] = []
    watch = dlnative.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(ValueError, match=word):
        model.fit(X, TWO, **{"verbose": 0, "epochs": 3, "callbacks": [watch]} | arguments)
    assert epochs == []
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(np.asarray(model.optimizer.iterations)) == 0


@pytest.mark.parametrize("call", ["evaluate", "predict"])
def test_a_verbosity_that_cannot_be(call: str) -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=f"{call}: .*verbose"):
        getattr(model, call)(X, verbose=3)


@pytest.mark.parametrize(
    ("call", "run"),
    [
        ("fit", lambda m: m.fit(X, verbose=0)), ("evaluate", lambda m: m.evaluate(X, verbose=0)),
        ("train_on_batch", lambda m: m.train_on_batch(X)), ("test_on_batch", lambda m: m.test_on_batch(X)),
        ("fit: validation_data", lambda m: m.fit(X, TWO, validation_data=(X, None), verbose=0)),
    ],
)  # fmt: skip
def test_a_missing_target_is_missed_by_who_was_asked(call: str, run: Any) -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(1, name="last")])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f'^{call}: expected a target y for the output "last"'):
        run(model)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"loss": {"first": "mse", "third": "mae"}}, "third"), ({"loss": ["mse"]}, "2 outputs, got 1"),
        ({"loss": "mse", "loss_weights": [1.0, 2.0, 3.0]}, "2 losses, got 3"),
        ({"loss": "mse", "metrics": {"third": ["mae"]}}, "third"),
        ({"loss": "mse", "loss_weights": {"third": 1.0}}, "third"),
    ],
)  # fmt: skip
def test_losses_for_other_outputs(arguments: dict[str, Any], words: str) -> None:
    model = functional(NESTS["list"])
    model.compile("sgd", **arguments)
    with pytest.raises(ValueError, match=words):
        model.fit(X, [ONE, TWO], verbose=0)
    with pytest.raises(ValueError, match="loss_weights"):
        model.compile("sgd", "mse", loss_weights=["much", "little"])
