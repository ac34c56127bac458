"""Functional and sequential models: what they take, and what they are made of."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, models, ops

X = np.linspace(-1.0, 1.0, 24, dtype="float32").reshape(8, 3)


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
    with pytest.raises(ValueError, match="KerasTensor: expected sparse=False"):
        dlnative.KerasTensor((3,), sparse=True)
    assert not dlnative.KerasTensor((3,), sparse=False, ragged=False).sparse
    assert dlnative.KerasTensor((3,), np.dtype("int64")).dtype == "int64"  # type: ignore[arg-type]
    for wrong in ("complex64", "nonsense"):
        with pytest.raises(ValueError, match=f"dtype: expected one of .*{wrong}"):
            dlnative.KerasTensor((3,), wrong)
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
