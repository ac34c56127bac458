"""Functional and sequential models: what they take, what they are made of, and how they are made again."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path
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


# Subclasses.


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


def test_one_of_inputs_and_outputs_is_refused() -> None:
    inputs = dlnative.Input((3,))
    with pytest.raises(ValueError, match="both inputs and outputs"):
        dlnative.Model(inputs=inputs)
    with pytest.raises(ValueError, match="KerasTensors"):
        dlnative.Model(inputs, "outputs")
    with pytest.raises(ValueError, match="`1` is not connected"):
        dlnative.Model(inputs, [inputs * 2, dlnative.Input((3,), name="other") + 1])


# Inputs.


def test_a_batch_of_any_size_goes_through_an_input_of_a_fixed_one() -> None:
    inputs = dlnative.Input((3,), batch_size=4)
    model = dlnative.Model(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    assert model(X).shape == (8, 1)
    assert model.predict(X, verbose=0).shape == (8, 1)
    model.fit(X, X[:, :1], batch_size=4, verbose=0)


def test_an_optional_input() -> None:
    class Maybe(layers.Layer):
        def call(self, x: Any, shift: Any = None) -> Any:
            return x if shift is None else x + shift

    x, shift = dlnative.Input((3,), name="x"), dlnative.Input((3,), name="shift", optional=True)
    model = dlnative.Model({"x": x, "shift": shift}, layers.Dense(1, kernel_initializer="ones")(Maybe()(x, shift)))
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model({"x": X, "shift": None}), X.sum(1, keepdims=True), rtol=1e-5)
    without, with_ones = {"x": X, "shift": None}, {"x": X, "shift": np.ones_like(X)}
    np.testing.assert_allclose(model.predict(without, verbose=0), X.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(model.predict(with_ones, verbose=0), X.sum(1, keepdims=True) + 3, rtol=1e-5)
    model.fit(without, X[:, :1], verbose=0)
    with pytest.raises(ValueError, match="'x' is not optional"):
        model.fit({"x": None, "shift": X}, X[:, :1], verbose=0)
    required = dlnative.Model(x, layers.Dense(1)(x))
    required.compile("sgd", "mse")
    with pytest.raises(ValueError, match="'x' is not optional"):
        required.fit([None], X[:, :1], verbose=0)


def test_inputs_by_name_in_a_list_and_nested() -> None:
    a, b = dlnative.Input((3,), name="a"), dlnative.Input((3,), name="b")
    outputs = a - 2.0 * b
    expected = X - 2.0 * X[::-1]
    for structure in ([a, b], (a, b), {"a": a, "b": b}, {"one": a, "two": {"b": b}}):
        model = dlnative.Model(structure, outputs)
        given = {"one": X, "two": {"b": X[::-1]}} if "two" in structure else {"a": X, "b": X[::-1]}
        np.testing.assert_allclose(model(given), expected, rtol=1e-6)
        np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-6)
    model = dlnative.Model([a, b], outputs)
    np.testing.assert_allclose(model((X, X[::-1])), expected, rtol=1e-6)
    named = dlnative.Model({"a": a, "b": b}, outputs)
    with pytest.warns(UserWarning, match="structure of `inputs`"):
        np.testing.assert_allclose(named.predict([X, X[::-1]], verbose=0), expected, rtol=1e-6)
    with pytest.warns(UserWarning, match="structure of `inputs`"):
        dlnative.Model({"a": a, "b": b}, outputs)({"a": X, "b": X, "c": X})
    with pytest.raises(ValueError, match="structure of `inputs`"):  # which is which?
        dlnative.Model({"b": b, "a": a}, outputs)([X, X])
    with pytest.raises(ValueError, match="invalid input structure: expects 2 inputs, got 3"):
        model([X, X, X])
    with pytest.raises(ValueError, match=r"name 'a' and path '0': expected shape=\(None, 3\), found shape=\(8, 2\)"):
        model([X[:, :2], X])


def test_the_middle_of_a_model_is_a_model() -> None:
    inputs = dlnative.Input((3,))
    hidden = layers.Dense(4, name="first")(inputs)
    outputs = layers.Dense(2, name="second")(hidden)
    whole, end = dlnative.Model(inputs, outputs), dlnative.Model(hidden, outputs)
    assert [type(layer).__name__ for layer in end.layers] == ["InputLayer", "Dense"]
    begin = dlnative.Model(whole.input, whole.get_layer("first").output)
    np.testing.assert_allclose(end(begin(X)), whole(X), rtol=1e-6)


def test_a_function_between_tensors() -> None:
    a, b = dlnative.KerasTensor((None, 3)), dlnative.KerasTensor((None, 3))
    function = dlnative.Function([a, b], {"sum": a + b, "dense": layers.Dense(2)(a)})
    found = function([X, 2 * X])
    np.testing.assert_allclose(found["sum"], 3 * X, rtol=1e-6)
    assert found["dense"].shape == (8, 2)
    assert function.compute_output_shape([(5, 3), (5, 3)]) == {"sum": (5, 3), "dense": (5, 2)}
    assert len(function.operations) == 2


# Configurations and copies.


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


# Sequential models.


def test_sequential_models_of_nested_inputs() -> None:
    class Parts(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs["a"] + 2.0 * inputs["b"]

    model = dlnative.Sequential([Parts(), layers.Dense(1, kernel_initializer="ones")])
    data = {"a": X, "b": X}
    np.testing.assert_allclose(model(data), 3.0 * X.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(model.predict(data, verbose=0), 3.0 * X.sum(1, keepdims=True), rtol=1e-5)
    model.compile("sgd", "mse")
    model.fit(data, X[:, :1], verbose=0)


def test_a_layer_that_does_not_say_its_shape() -> None:
    class Silent(layers.Layer):
        def call(self, x: Any) -> Any:
            return x + 1.0

        def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    model = dlnative.Sequential([Silent(), layers.Dense(1, kernel_initializer="ones")])
    expected = (X + 1.0).sum(1, keepdims=True)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)


def test_what_a_sequential_model_refuses() -> None:
    class Needy(layers.Layer):
        def call(self, x: Any, y: Any) -> Any:
            return x + y

    model = dlnative.Sequential()
    assert not hasattr(model, "inputs")
    assert not hasattr(model, "output_shape")
    with pytest.raises(ValueError, match="no layers"):
        model(X)
    with pytest.raises(AttributeError, match=r"add\(\).*pop\(\)"):
        model.layers = []
    with pytest.raises(ValueError, match="single positional"):
        dlnative.Sequential([Needy()]).build((None, 3))
    built = dlnative.Sequential([dlnative.Input((3,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="already been configured"):
        built.build((None, 4))
    built.build((5, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        built(X)


def test_a_configuration_that_keras_wrote() -> None:
    """Written by `to_json`, and computed by `predict`, of Keras 3.15: inputs by name, a shared layer, a nested model."""
    text = (Path(__file__).parent / "keras" / "functional_model.json").read_text()
    model = models.model_from_json(text)
    model.set_weights([np.linspace(-1, 1, w.size, dtype="float32").reshape(w.shape) for w in model.get_weights()])
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    inner, last = model.predict({"a": x, "b": x[::-1]}, verbose=0)
    np.testing.assert_allclose(inner, [[0.52808082, 3.26989889], [-0.44161612, 2.30020189]], rtol=1e-5)
    np.testing.assert_allclose(last, [[1.03463197], [-0.00432891]], rtol=1e-5, atol=1e-6)
    assert [weight.path for weight in model.weights] == [
        "d/kernel", "d/bias", "in/kernel", "in/bias", "o/kernel", "o/bias",
    ]  # fmt: skip
    written = json.loads(model.to_json())
    assert (written["module"], written["registered_name"]) == ("keras.src.models.functional", "Functional")


def test_a_shape_is_no_number_and_ops_have_names() -> None:
    with pytest.raises(ValueError, match="KerasTensor: expected a shape, a tuple of extents, got 3"):
        dlnative.KerasTensor(3)  # type: ignore[arg-type]
    x = dlnative.Input((3,))
    function = dlnative.Function(x, (x + 1.0) ** 2)
    assert [operation.name for operation in function.operations][1:] == ["add", "power"]


def test_the_operations_of_a_function_begin_behind_its_inputs() -> None:
    y = ops.square(dlnative.Input((3,)))
    function = dlnative.Function(y, ops.exp(y))
    assert function.operations == [ops.exp]
    np.testing.assert_allclose(function(np.zeros((1, 3), "float32")), np.ones((1, 3)))


def test_methods_of_symbolic_tensors() -> None:
    x = dlnative.Input((6,))
    assert x.reshape((-1, 3, 1)).shape == (None, 3, 1)
    assert x.reshape(-1, 2).shape == (None, 2)
    assert x.reshape((-1, 6, 1)).squeeze(2).shape == (None, 6)
    model = dlnative.Model(x, x.reshape((-1, 2, 3)))
    np.testing.assert_array_equal(model(np.arange(12.0).reshape(2, 6)), np.arange(12.0).reshape(2, 2, 3))


def test_a_function_refuses_other_shapes_than_those_of_its_inputs() -> None:
    a, b = dlnative.KerasTensor((None, 3)), dlnative.KerasTensor((2, 3))
    add = dlnative.Function([a, b], a + b, name="add")
    np.testing.assert_array_equal(add([np.ones((1, 3)), np.ones((2, 3))]), np.full((2, 3), 2.0))
    for first, second, index in (((2, 3, 3), (2, 3), 0), ((2, 4), (2, 3), 0), ((4, 3), (4, 3), 1), ((2, 3), (3,), 1)):
        line = rf'Function "add": incompatible inputs: expected shape .* for input {index}, got'
        with pytest.raises(ValueError, match=line):
            add([np.ones(first), np.ones(second)])
        with pytest.raises(ValueError, match=line):
            add([dlnative.KerasTensor(first), dlnative.KerasTensor(second)])


def test_a_function_of_an_input_that_need_not_be_there() -> None:
    class Sum(layers.Layer):
        def call(self, x: Any, y: Any = None) -> Any:
            return x if y is None else x + y

    a, b = dlnative.Input((2,)), dlnative.Input((2,), optional=True)
    add = dlnative.Function([a, b], Sum()(a, b))
    x = np.ones((1, 2), "float32")
    assert add([x, x]).tolist() == [[2.0, 2.0]]
    assert add([x, None]).tolist() == [[1.0, 1.0]]
    with pytest.raises(ValueError, match=r"expected shape \(None, 2\) for input 0, got \(\)"):
        add([None, x])


def test_a_sequential_that_begins_with_a_model_is_built_at_once() -> None:
    symbol = dlnative.Input((5,), dtype="int32")
    whole = dlnative.Model(symbol, dlnative.ops.cast(symbol % 2, "float32"))
    for first in (whole, dlnative.Sequential([dlnative.Input((5,), dtype="int32"), layers.Embedding(4, 2)])):
        model = dlnative.Sequential([first, layers.Flatten(), layers.Dense(1)])
        assert model.built
        assert model.layers[-1].built
        assert (model.input_shape, model.output_shape, model.inputs[0].dtype) == ((None, 5), (None, 1), "int32")
    large = np.array([[2**24 + 1, 2**24 + 2, 1, 2, 3]])
    parity = dlnative.Sequential([whole, layers.Flatten()])
    np.testing.assert_array_equal(parity.predict(large, verbose=0), [[1.0, 0.0, 1.0, 0.0, 1.0]])
    assert not dlnative.Sequential([dlnative.Sequential([layers.Dense(1)]), layers.Dense(1)]).built


def test_a_symbolic_loss_is_computed_anew_in_each_step() -> None:
    """A variational autoencoder as books write it; by the same losses, written as a layer."""
    layers, ops = dlnative.layers, dlnative.ops
    x = np.random.default_rng(0).random((32, 6)).astype("float32")

    class Divergence(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(ops.square(inputs)))
            return inputs

    def network(by_layer, whole=False):
        inputs = dlnative.Input((6,))
        code = layers.Dense(2)(inputs)
        outputs = layers.Dense(6)(Divergence()(code) if by_layer else code)
        model = dlnative.Model(inputs, outputs)
        if not by_layer:
            aside = layers.Dense(1, use_bias=False, kernel_initializer="ones")(code)
            model.add_loss([ops.mean(ops.square(code)), 0.0 * aside])
            assert len(model.trainable_weights) == 5  # the loss has a layer of its own
            if whole:
                model.add_loss(ops.mean(ops.square(outputs - inputs), axis=-1))
        return model

    losses, start = [], network(True).get_weights()
    for by_layer, loss in ((True, "mse"), (False, "mse"), (False, None)):
        model = network(by_layer, loss is None)
        for weight, value in zip([w for w in model.weights if w.shape != (2, 1)], start, strict=True):
            weight.assign(value)
        model.compile("sgd", loss)
        losses.append(model.fit(x, x if loss else None, epochs=3, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-6)
    assert losses[0][-1] < losses[0][0]
    with pytest.raises(ValueError, match="inputs"):
        network(False).add_loss(ops.mean(dlnative.Input((2,))))
