"""Activations that Keras has not, as functions, by name and as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import activations, dtypes, layers, value_and_grad

X = np.array([[-3.0, -1.0, -0.25, 0.0], [0.25, 1.0, 2.0, 7.5]])
# The formula and its derivative.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], type[layers.Layer]]] = {
    "step": (lambda x: (x >= 0) * 1.0, lambda x: 0 * x, layers.Step),
    "arctan": (lambda x: np.arctan(x) * 2 / np.pi, lambda x: 2 / np.pi / (1 + x * x), layers.Arctan),
    "shifted_relu": (lambda x: np.maximum(x, -1), lambda x: (x > -1) * 1.0, layers.ShiftedReLU),
    "prelu": (lambda x: np.where(x > 0, x, x / 4), lambda x: np.where(x > 0, 1, (x < 0) / 4), layers.PReLU),
}


@pytest.mark.parametrize("name", CASES)
def test_value_gradient_name_and_layer(name: str, backend: str) -> None:
    function, (formula, derivative, layer) = activations.get(name), CASES[name]
    np.testing.assert_allclose(function(X), formula(X), rtol=1e-14)
    _, gradient = value_and_grad(lambda x: dlnative.ops.sum(function(x)))(X)
    np.testing.assert_allclose(gradient, derivative(X), rtol=1e-14)
    own = layer(alpha_initializer=dlnative.initializers.Constant(0.25)) if layer is layers.PReLU else layer()
    np.testing.assert_allclose(own(X.astype("float32")), formula(X), rtol=1e-6)
    assert layers.deserialize(layers.serialize(own)).get_config() == own.get_config()
    np.testing.assert_allclose(layers.Activation(name)(X.astype("float32")), formula(X), rtol=1e-6)


def test_arguments() -> None:
    np.testing.assert_array_equal(activations.step(X, at_zero=0.5)[0], [0, 0, 0, 0.5])
    np.testing.assert_array_equal(layers.Step(0.0)(X)[0], [0, 0, 0, 0])
    np.testing.assert_array_equal(layers.ShiftedReLU(1.0, 2.0)(X), np.maximum(X - 1, 0) + 2)
    np.testing.assert_array_equal(layers.ThresholdedReLU(1.0)(X), np.where(X > 1, X, 0))
    np.testing.assert_array_equal(layers.Sparsemax(axis=0)(X), activations.sparsemax(X.astype("float32"), axis=0))
    np.testing.assert_array_equal(layers.GLU(axis=0)(X), activations.glu(X.astype("float32"), axis=0)[:1])
    with pytest.raises(ValueError, match="at_zero"):
        layers.Step(2.0)


def test_maxout() -> None:
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    layer = layers.Maxout(4, num_pieces=3, bias_initializer="ones")
    y = layer(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, (x @ kernel + bias).reshape(5, 4, 3).max(axis=-1), rtol=1e-5)
    inputs = dlnative.Input((3,))
    assert layer(inputs).shape == (None, 4)
    again = layers.deserialize(layers.serialize(layer))
    again.set_weights([kernel, bias])
    np.testing.assert_array_equal(again(x), y)
    np.testing.assert_array_equal(activations.maxout(X, 2, axis=0), X.max(axis=0, keepdims=True))
    with pytest.raises(ValueError, match="3 divides"):
        activations.maxout(X, 3)
    with pytest.raises(ValueError, match="no activation"):
        layers.Maxout(4, activation="relu")


def test_maxout_learns_the_absolute_value() -> None:
    dlnative.utils.set_random_seed(0)
    x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    model = dlnative.Sequential([dlnative.Input((1,)), layers.Maxout(1, 2)])
    model.compile(dlnative.optimizers.Adam(0.05), "mse")
    history = model.fit(x, np.abs(x), epochs=100, verbose=0)
    assert history.history["loss"][-1] < 1e-4


def test_packages_list_what_is_imported_later() -> None:
    for package, name in (
        (layers, "Maxout"),
        (dlnative.losses, "Dice"),
        (dlnative.ops, "einsum"),
        (dlnative, "classic"),
    ):
        assert name in dir(package)
        assert "annotations" not in dir(package)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "bfloat16", "float32", "float64"])
def test_parameters_leave_the_type_alone(dtype: str) -> None:
    if not dtypes.is_available(dtype):
        pytest.skip("ml_dtypes is not installed")
    x = np.array([3, 0, 1]).astype(dtypes.NUMPY[dtype])
    expected = dtype if dtypes.is_float(dtype) else "float32"
    made = {
        "relu": activations.relu(x, negative_slope=0.5, max_value=2.0, threshold=2.0),
        "arctan": activations.arctan(x),
        "shifted_relu": activations.shifted_relu(x, shift_x=1.0),
        "prelu": activations.prelu(x, 0.5),
    }
    assert {dtypes.of_array(y) for y in made.values()} == {expected}
    assert made["relu"].astype("float32").tolist() == [2, -1, -0.5]
    assert made["shifted_relu"].astype("float32").tolist() == [1, -1, -1]
