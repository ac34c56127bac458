"""Functional and sequential models made again: of their configurations, by `clone_model`, as copies."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, models, ops

X = np.linspace(-1.0, 1.0, 24, dtype="float32").reshape(8, 3)


def shared() -> Any:
    """Two inputs, a layer that both go through, a nested model, functions between layers."""
    a, b = dlnative.Input((3,), name="a"), dlnative.Input((3,), name="b")
    dense = layers.Dense(4, "relu", name="shared")
    inner = dlnative.Sequential([dlnative.Input((4,)), layers.Dense(5, name="inside")], name="inner")
    joined = ops.concatenate([dense(a), dense(b)[:, :2], inner(dense(a) * 2.0)], axis=1)
    return dlnative.Model({"a": a, "b": b}, [layers.Dense(2, name="left")(joined), ops.tanh(joined)], name="outer")


def same(first: Any, second: Any, x: Any) -> None:
    second.set_weights(first.get_weights())
    for one, two in zip(dlnative.tree.flatten(first(x)), dlnative.tree.flatten(second(x)), strict=True):
        np.testing.assert_array_equal(one, two)


class OwnCompile(dlnative.Model):
    def compile(self, strength: float) -> None:
        super().compile("sgd", "mse", loss_weights=strength)


class Scored(dlnative.Model):
    def __init__(self, *args: Any, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scale = scale

    def get_config(self) -> Any:
        return {**super().get_config(), "scale": self.scale}

    def scaled(self, x: Any) -> Any:
        return self.scale * self(x)


class Fixed(dlnative.Model):
    def __init__(self) -> None:
        inputs = dlnative.Input((3,))
        super().__init__(inputs=inputs, outputs=layers.Dense(1, name="last")(inputs))


def test_subclasses_of_functional_models() -> None:
    inputs = dlnative.Input((3,))
    model = Scored(inputs, layers.Dense(2)(inputs), scale=3.0)
    assert isinstance(model, Scored)
    assert isinstance(model, models.Functional)
    np.testing.assert_allclose(model.scaled(X), 3.0 * model(X))
    again = Scored.from_config(model.get_config())
    assert (type(again), again.scale) == (Scored, 3.0)
    same(model, again, X)
    fixed = Fixed()
    assert [layer.name for layer in fixed.layers][1:] == ["last"]
    fixed.compile("sgd", "mse")
    fixed.fit(X, X[:, :1], verbose=0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fixed))(X), fixed(X))


def test_a_model_made_again_of_its_configuration() -> None:
    model = shared()
    config = model.get_config()
    again = dlnative.Model.from_config(json.loads(json.dumps(config)))
    assert json.dumps(again.get_config()) == json.dumps(config)
    assert again.count_params() == model.count_params()
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    same(model, again, {"a": X, "b": X[::-1]})
    entry = next(layer for layer in config["layers"] if layer["name"] == "shared")
    assert (entry["module"], entry["class_name"], entry["registered_name"]) == ("keras.layers", "Dense", None)
    assert entry["build_config"] == {"input_shape": (None, 3)}
    assert len(entry["inbound_nodes"]) == 3
    history = entry["inbound_nodes"][1]["args"][0]
    assert history == {
        "class_name": "__keras_tensor__",
        "config": {"shape": (None, 3), "dtype": "float32", "keras_history": ["b", 0, 0]},
    }
    text = model.to_json()
    assert models.model_from_json(text).to_json() == text


@pytest.mark.parametrize("built", [False, True])
def test_a_sequential_model_made_again(built: bool) -> None:
    parts = [dlnative.Input((3,))] if built else []
    model = dlnative.Sequential([*parts, layers.Dense(4, "relu", name="one"), layers.Dense(2, name="two")], name="line")
    again = dlnative.Sequential.from_config(json.loads(json.dumps(model.get_config())))
    assert [layer.name for layer in again.layers] == ["one", "two"]
    assert (again.name, again.built) == ("line", built)
    model.build((None, 3))
    again.build((None, 3))
    same(model, again, X)
    later = dlnative.Sequential.from_config(model.get_config())
    assert later.built
    same(model, later, X)


def test_layers_of_the_users() -> None:
    class Twice(layers.Layer):
        def call(self, x: Any) -> Any:
            return 2.0 * x

    inputs = dlnative.Input((3,))
    model = dlnative.Model(inputs, Twice(name="twice")(inputs))
    again = dlnative.Model.from_config(model.get_config(), custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(again(X), 2.0 * X)
    with pytest.raises(TypeError, match="custom_objects"):
        dlnative.Model.from_config(model.get_config())


@pytest.mark.parametrize("broken", ["missing", "loop"])
def test_configurations_that_cannot_be(broken: str) -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(3, name="one"), layers.Dense(3, name="two")])
    functional = dlnative.Model(model.inputs, model.outputs)
    text = json.dumps(functional.get_config())
    first = next(layer for layer in functional.layers if layer.name.startswith("input")).name
    config = json.loads(text)
    node = config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]
    assert node["keras_history"][0] == first
    node["keras_history"][0] = "nobody" if broken == "missing" else "two"
    with pytest.raises(ValueError, match="Missing node: nobody" if broken == "missing" else "loop"):
        dlnative.Model.from_config(config)


def test_clones() -> None:
    model = shared()
    mean = dlnative.metrics.MeanSquaredError()
    model.compile(
        "adam", [lambda y_true, y_pred: y_pred - y_true, "mae"], metrics=[["mae"], [mean]], steps_per_execution=3
    )
    clone = models.clone_model(model)
    assert (clone.compiled, clone.steps_per_execution) == (True, 3)
    assert clone.optimizer is not model.optimizer
    assert mean not in clone.metrics
    assert clone.get_layer("shared") is not model.get_layer("shared")
    assert clone.count_params() == model.count_params()
    same(model, clone, {"a": X, "b": X[::-1]})

    def renamed(layer: Any) -> Any:
        return type(layer).from_config({**layer.get_config(), "name": layer.name + "_new"})

    assert models.clone_model(model, clone_function=renamed).get_layer("left_new").units == 2
    deep = models.clone_model(model, clone_function=renamed, recursive=True)
    assert deep.get_layer("inner").layers[0].name == "inside_new"
    line = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2)])
    other = models.clone_model(line, input_tensors=dlnative.Input((3,), batch_size=8))
    assert other.inputs[0].shape == (8, 3)
    with pytest.raises(ValueError, match="same structure"):
        models.clone_model(model, input_tensors=[dlnative.Input((3,)), dlnative.Input((3,))])
    with pytest.raises(ValueError, match="call_function"):
        models.clone_model(line, call_function=print)


def test_what_compile_was_given_is_given_again() -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2)])
    assert model.get_compile_config() == {}
    model.compile(dlnative.optimizers.Adam(0.25), dlnative.losses.Huber(delta=2.0), metrics=["mae"], loss_weights=0.5)
    config = json.loads(json.dumps(model.get_compile_config()))
    again = models.clone_model(model)
    again.compile_from_config(config)
    assert float(again.optimizer.learning_rate.numpy()) == 0.25
    assert again.optimizer.built
    again.set_weights(model.get_weights())
    with pytest.warns(UserWarning, match="compile_from_config"):
        OwnCompile().compile_from_config(config)
    assert again.evaluate(X, X[:, :2], verbose=0) == model.evaluate(X, X[:, :2], verbose=0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_of_deep_models(copied: Any) -> None:
    inputs = x = dlnative.Input((3,))
    for number in range(300):
        x = layers.Dense(3, kernel_initializer="identity", name=f"d{number}")(x)
    model = dlnative.Model(inputs, x)
    made = copied(model)
    np.testing.assert_array_equal(made(X), model(X))
    assert made.get_layer("d7").output.shape == (None, 3)
    assert made.input is made.layers[0].output
    made.set_weights([w + 1 for w in made.get_weights()])
    assert not np.array_equal(made.get_weights()[0], model.get_weights()[0])
    line = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2)])
    line.compile("sgd", "mse")
    twin = copied(line)
    assert (
        twin.fit(X, X[:, :2], shuffle=False, verbose=0).history
        == line.fit(X, X[:, :2], shuffle=False, verbose=0).history
    )


def test_copies_share_what_was_shared() -> None:
    model = shared()
    made = pickle.loads(pickle.dumps(model))
    assert made.count_params() == model.count_params()
    x = {"a": X, "b": X[::-1]}
    for one, two in zip(model(x), made(x), strict=True):
        np.testing.assert_array_equal(one, two)


def test_state_trees() -> None:
    model = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2, name="last")], name="line")
    model.compile("sgd", "mse")
    tree = model.get_state_tree()
    assert sorted(tree) == [
        "metrics_variables",
        "non_trainable_variables",
        "optimizer_variables",
        "trainable_variables",
    ]
    np.testing.assert_array_equal(tree["metrics_variables"]["loss"]["total"], 0.0)
    before = model.get_weights()
    path = model.weights[0].path.split("/")
    wanted: Any = np.ones((3, 2))
    for part in reversed(path):
        wanted = {part: wanted}
    model.set_state_tree({"trainable_variables": wanted})
    np.testing.assert_array_equal(model.get_weights()[0], np.ones((3, 2)))
    np.testing.assert_array_equal(model.get_weights()[1], before[1])
    with pytest.raises(ValueError, match="nothing"):
        model.set_state_tree({"trainable_variables": {"nothing": 1.0}})
