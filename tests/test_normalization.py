"""What of normalisation Keras's numbers do not show: second derivatives, fusion, extremes, errors. Values: tests/keras."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad
from dlnative.gradient import grad


def batch(x: Any) -> Any:
    layer = layers.BatchNormalization(epsilon=0.1)
    layer.build(x.shape)
    return lambda x: ops.sum(ops.sin(layer(x, training=True)))


def rows(x: Any) -> Any:
    return lambda x: ops.sum(ops.sin(ops.layer_normalization(x, epsilon=0.1)))


def root_mean_square(x: Any) -> Any:
    return lambda x: ops.sum(ops.sin(ops.rms_normalization(x, epsilon=0.1)))


@pytest.mark.parametrize("make", [batch, rows, root_mean_square])
def test_gradients_of_gradients(make: Any) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3))
    with dlnative.backend.use_backend("reference"):
        dlnative.config.set_floatx("float64")
        try:
            function = make(x)
            direction = np.random.default_rng(1).normal(size=x.shape)
            _, second = value_and_grad(lambda x: ops.sum(grad(function)(x) * direction))(x)
            step = 1e-6
            expected = (grad(function)(x + step * direction) - grad(function)(x - step * direction)) / (2 * step)
        finally:
            dlnative.config.set_floatx("float32")
    np.testing.assert_allclose(second, expected, rtol=1e-6, atol=1e-8)


def test_what_follows_is_done_as_the_result_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A residual and a relu, though the moving statistics are read between: one instruction each way."""
    inputs = dlnative.Input((8, 8, 16))
    normal = layers.BatchNormalization()(inputs)
    model = dlnative.Model(inputs, layers.Flatten()(layers.ReLU()(layers.Add()([normal, inputs]))))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 16)).astype("float32")
    model.fit(x, np.zeros((4, 1024), "float32"), verbose=0)
    model.plan()
    text = capsys.readouterr().out
    assert "batch_normalization_training + add + relu" in text
    assert len([line for line in text.splitlines() if " batch_normalization" in line]) == 2, text  # there and back


def test_statistics_far_from_zero_and_large() -> None:
    """Ten thousand rows around 1000 with a deviation of 1: nothing cancels."""
    x = np.random.default_rng(0).normal(1000, 1, (10000, 33)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    y = layer(x, training=True)
    exact = x.astype("float64")
    np.testing.assert_allclose(layer.moving_mean.numpy(), exact.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(layer.moving_variance.numpy(), exact.var(axis=0), rtol=2e-5)
    np.testing.assert_allclose(y, (exact - exact.mean(axis=0)) / exact.std(axis=0), atol=2e-4)
    rows = ops.layer_normalization(x[:100], epsilon=0.0)
    expected = exact[:100] - exact[:100].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(rows, expected / expected.std(axis=1, keepdims=True), atol=4e-4)
    assert (layers.BatchNormalization()(np.full((8, 3), 7.0, "float32"), training=True) == 0).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_for_any_number_of_threads(threads: int) -> None:
    x = np.random.default_rng(0).normal(size=(64, 20, 20, 40)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.0)
    before = dlnative.num_threads()
    dlnative.set_num_threads(threads)
    try:
        value, gradient = value_and_grad(lambda x: ops.sum(ops.square(layer(x, training=True) + x)))(x)
    finally:
        dlnative.set_num_threads(before)
    results = (value, gradient, layer.moving_variance.numpy().copy())
    first = _seen.setdefault("first", results)
    for found, expected in zip(results, first, strict=True):
        np.testing.assert_array_equal(found, expected)


_seen: dict[str, Any] = {}


def test_frozen_and_replaced() -> None:
    """A frozen layer takes its moving statistics, also in a model that trained before."""
    x = np.random.default_rng(0).normal(3, 2, (64, 4)).astype("float32")
    model = dlnative.Sequential([dlnative.Input((4,)), layers.BatchNormalization(momentum=0.5), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    layer = model.layers[0]
    moved = layer.moving_mean.numpy().copy()
    assert (moved != 0).all()
    layer.trainable = False
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), moved)


def test_half_precision_has_wide_statistics() -> None:
    x = np.random.default_rng(0).normal(300, 1, (512, 8)).astype("float16")
    layer = layers.BatchNormalization(dtype="mixed_float16", epsilon=0.0)
    y = layer(x, training=True)
    assert y.dtype == np.float16
    exact = x.astype("float64")
    np.testing.assert_allclose(y, (exact - exact.mean(axis=0)) / exact.std(axis=0), atol=5e-3)


def test_spectral_normalization() -> None:
    """As Keras on PyTorch and TensorFlow; on JAX it forgets what it has assigned to the kernel."""
    generator = np.random.default_rng(0)
    x, kernel, u = generator.normal(size=(5, 4)), generator.normal(size=(4, 3)), generator.normal(size=(1, 3))
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False), power_iterations=2)
    model = dlnative.Sequential([dlnative.Input((4,)), layer])
    layer.layer.kernel.assign(kernel)
    layer.vector_u.assign(u)
    model.compile(dlnative.optimizers.SGD(0.1), "mse")
    model.train_on_batch(x, np.zeros((5, 3)))
    for _ in range(2):
        v = u @ kernel.T
        v /= np.linalg.norm(v)
        u = v @ kernel
        u /= np.linalg.norm(u)
    kernel = kernel / (v @ kernel @ u.T)
    gradient = x.T @ (x @ kernel) * 2 / 15
    np.testing.assert_allclose(layer.layer.kernel.numpy(), kernel - 0.1 * gradient, rtol=1e-5)
    np.testing.assert_allclose(layer.vector_u.numpy(), u, rtol=1e-5)
    layer.layer.kernel.assign(np.zeros((4, 3)))
    assert (model(x, training=True) == 0).all()
    with pytest.raises(ValueError, match="greater than zero"):
        layers.SpectralNormalization(layers.Dense(3), power_iterations=0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: ops.layer_normalization(x, gamma=np.ones(4)), "`gamma` must be a vector of length 3"),
        (lambda x: ops.rms_normalization(x, scale=np.ones((1, 4))), "`scale` must be a vector of length 3"),
        (lambda x: ops.batch_normalization(x, np.zeros(4), np.ones(3), -1), "`mean` must be a vector of length 3"),
        (lambda x: ops.batch_normalization(x, np.zeros(3), np.ones(3), 5), "axis 5"),
        (lambda x: ops.layer_normalization(x, epsilon=-1.0), "epsilon"),
        (lambda x: layers.BatchNormalization(momentum=1.5)(x), "momentum"),
        (lambda x: layers.BatchNormalization(axis=4)(x), "out of bounds"),
        (lambda x: layers.BatchNormalization()(x[:0], training=True), "at least one row"),
        (lambda x: layers.GroupNormalization(2)(x), "divide the channels"),
        (lambda x: layers.SpectralNormalization(layers.ReLU())(x), "no attribute 'kernel'"),
        (lambda x: layers.BatchNormalization(synchronized=True), "no replicas"),
    ],
)
def test_refuses(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(np.ones((2, 3), "float32"))


def test_empty_inputs() -> None:
    x = np.ones((0, 3), "float32")
    assert layers.BatchNormalization()(x).shape == (0, 3)
    assert layers.LayerNormalization()(x).shape == (0, 3)
    assert layers.GroupNormalization(-1)(x).shape == (0, 3)


def test_scaling_by_the_variance_is_warned_of() -> None:
    """Once: where the function is called, or the layer is made."""
    x = np.array([[0.0, 2.0, 4.0]], "float32")
    expected = x / np.sqrt(np.var(x) + 1e-3)
    with pytest.warns(UserWarning, match="layer_normalization: `rms_scaling=True` divides .* `ops.rms_normalization`"):
        y = ops.layer_normalization(x, epsilon=1e-3, rms_scaling=True)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    with pytest.warns(UserWarning, match="LayerNormalization: .* `layers.RMSNormalization`"):
        layer = layers.LayerNormalization(rms_scaling=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(layer(x), expected, rtol=1e-6)
