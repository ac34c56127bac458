"""What calls of layers leave behind, and calls that leave nothing: losses and `stateless_call`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops
from plain_layers import Outer, X


class Adding(layers.Layer):
    def call(self, inputs: Any) -> Any:
        self.add_loss(ops.sum(inputs))
        return inputs


def test_losses_after_a_call_on_arrays() -> None:
    layer = Adding(activity_regularizer="l2")
    model = dlnative.Sequential([dlnative.Sequential([layer])])
    for factor in (1.0, 2.0, 2.0):
        x = np.full((2, 3), factor, "float32")
        model(x)
        for holder in (model, layer):
            # the sum, and 0.01 * sum(x**2) / 2 samples
            np.testing.assert_allclose(holder.losses, [6 * factor, 0.03 * factor**2], rtol=1e-6)
    inputs = dlnative.Input((3,))
    layer = Adding()
    layer(inputs)
    assert layer.losses == []


def test_a_later_call_forgets_the_losses_of_layers_inside() -> None:
    class While(layers.Layer):
        def call(self, inputs: Any, training: Any = None) -> Any:
            if training:
                self.add_loss(ops.sum(inputs))
            return inputs

    inner = While()
    outer = Outer(inner)
    for _ in range(3):
        outer(X)
    inner(X, training=True)
    assert len(outer.losses) == 1
    outer(X)
    assert outer.losses == []


def test_only_tensors_are_losses() -> None:
    with pytest.raises(ValueError, match="add_loss"):
        layers.Layer().add_loss("much")


def test_stateless_call() -> None:
    class Counting(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.factor = self.add_weight(shape=(), initializer="ones", regularizer="l1")

        def call(self, inputs: Any) -> Any:
            self.count.assign(self.count + 1.0)
            self.add_loss(ops.sum(inputs))
            return inputs * self.factor

    layer = Counting()
    layer.build(None)
    outputs, state, losses = layer.stateless_call([np.float32(3)], [np.float32(4)], X, return_losses=True)
    np.testing.assert_array_equal(outputs, 3 * X)
    assert state == [5]
    np.testing.assert_allclose(losses, [15.0, 0.03])
    assert (float(layer.count), float(layer.factor)) == (0, 1)
    outputs, state = layer.stateless_call(layer.trainable_variables, layer.non_trainable_variables, X)
    np.testing.assert_array_equal(outputs, X)
    with pytest.raises(ValueError, match="1 trainable"):
        layer.stateless_call([], [np.float32(4)], X)


def test_stateless_calls_are_compiled_once_and_differentiable() -> None:
    layer = layers.Dense(1)
    layer.build((None, 3))
    traced = []

    class Counting(Outer):
        def call(self, inputs: Any, training: Any = None) -> Any:
            traced.append(training)
            return self.inner(inputs)

    outer = Counting(layer)
    outer(X)
    traced.clear()
    values = [np.ones((3, 1), "float32"), np.zeros(1, "float32")]
    for factor in (1.0, 2.0):
        outputs, _ = outer.stateless_call([factor * values[0], values[1]], [], X, training=True)
        np.testing.assert_allclose(outputs, factor * X.sum(1, keepdims=True))
    assert traced == [True]

    def loss(kernel: Any) -> Any:
        return ops.sum(outer.stateless_call([kernel, layer.bias], [], X)[0])

    _, gradient = dlnative.value_and_grad(loss)(values[0])
    np.testing.assert_allclose(gradient[:, 0], X.sum(0))


def test_losses_of_a_layer_that_is_gone() -> None:
    class Passing(layers.Layer):
        def call(self, inputs: Any) -> Any:
            return layers.ActivityRegularization(l2=1.0)(inputs)

    layer, x = Passing(), np.ones((2, 3), "float32")
    for _ in range(2):
        assert layer(x).tolist() == x.tolist()
    assert layer.losses == []
