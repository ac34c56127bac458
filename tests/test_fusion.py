"""Fusion: what products take in, and that it changes no result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import activations, layers, ops
from dlnative.backends import selection
from dlnative.gradient import grad, value_and_grad
from dlnative.graph.function import Function
from dlnative.graph.op import OPS
from dlnative.ops.activation import ACTIVATIONS
from dlnative.ops.core import invoke


def fused(function: Any, *args: Any) -> list[tuple[str, ...]]:
    return [step.fused for step in Function(function).compiled(args, {})[0].program.instructions]


def apply(activation: str, x: Any) -> Any:
    if activation == "linear":
        return x
    op = OPS[activation]
    return invoke(op, (x,), tuple(op.samples[0].attributes.values()))


@pytest.fixture
def operands(random: np.random.RandomState) -> tuple[np.ndarray, ...]:
    return tuple(random.uniform(-1, 1, shape) for shape in ((5, 7), (7, 7), (7,), (7, 7)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_products_take_in_a_bias_a_residual_and_an_activation(
    activation: str, operands: tuple[np.ndarray, ...], backend: str
) -> None:
    x, w, b, _ = operands
    parts = (activation,) if activation != "linear" else ()

    def layer(x: Any, w: Any, b: Any) -> Any:
        return apply(activation, x @ w + b + x)

    def without_bias(x: Any, w: Any) -> Any:
        return apply(activation, x + x @ w)

    assert fused(layer, x, w, b) == [("matmul", "add", "add", *parts)]
    assert fused(without_bias, x, w) == [("matmul", "add", *parts)]
    with selection.use_backend(backend):
        for function, args, total in ((layer, (x, w, b), x @ w + b + x), (without_bias, (x, w), x @ w + x)):
            alone = Function(lambda z: apply(activation, z) + 0.0)(total)
            np.testing.assert_allclose(Function(function)(*args), alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_through_residuals(activation: str, operands: tuple[np.ndarray, ...], backend: str) -> None:
    x, w, b, second = operands

    def loss(x: Any, w: Any, b: Any, second: Any) -> Any:
        y = apply(activation, x @ w + b)
        return ops.sum(ops.square(y + ops.tanh(y @ second)))

    with selection.use_backend(backend):
        gradients = grad(loss, argnums=(0, 1, 2, 3))(x, w, b, second)
        for place, (operand, gradient) in enumerate(zip(operands, gradients, strict=True)):
            step = np.random.default_rng(place).uniform(-1, 1, operand.shape) * 1e-6
            moved = [list(operands) for _ in range(2)]
            moved[0][place], moved[1][place] = operand + step, operand - step
            difference = Function(loss)(*moved[0]) - Function(loss)(*moved[1])
            np.testing.assert_allclose(2 * np.sum(gradient * step), difference, rtol=1e-5, atol=1e-13)


def test_a_gradient_takes_in_what_arrives_from_elsewhere(operands: tuple[np.ndarray, ...]) -> None:
    def loss(x: Any, w: Any, second: Any) -> Any:
        y = ops.gelu(x @ w, approximate=False)
        return ops.sum(ops.square(y + y @ second))

    x, w, _, second = operands
    names = fused(value_and_grad(loss, argnums=(0, 1)), x, w, second)
    assert ("matmul", "add") in names  # y + y @ second
    assert ("matmul", "add", "gelu_gradient") in names


def test_each_product_has_its_own_parameter(operands: tuple[np.ndarray, ...]) -> None:
    x, w, b, second = operands

    def loss(x: Any, w: Any, b: Any, second: Any) -> Any:
        y = activations.leaky_relu(x @ w + b, 0.25)
        return ops.sum(ops.square(activations.elu(activations.leaky_relu(y @ second, 0.5) @ second, 2.0)))

    names = fused(value_and_grad(loss, argnums=(0, 1, 2, 3)), *operands)
    assert sum("leaky_relu" in name for name in names) == 2
    assert sum(name == ("matmul", "leaky_relu_gradient") for name in names) == 2
    value, gradients = value_and_grad(loss, argnums=(0, 1, 2, 3))(*operands)
    first = x @ w + b
    first = np.where(first > 0, first, 0.25 * first)
    last = first @ second
    last = np.where(last > 0, last, 0.5 * last) @ second
    np.testing.assert_allclose(value, np.sum(np.where(last > 0, last, 2 * np.expm1(last)) ** 2), rtol=1e-12)
    with selection.use_backend("reference"):
        wanted = value_and_grad(loss, argnums=(0, 1, 2, 3))(*operands)[1]
    for gradient, expected in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-13)


def test_weight_gradients_are_computed_once(operands: tuple[np.ndarray, ...]) -> None:
    def loss(x: Any, w: Any, b: Any) -> Any:
        return ops.sum(ops.square(ops.tanh(x @ w + b))) + 0.01 * ops.sum(ops.square(w))

    names = fused(value_and_grad(loss, argnums=(1, 2)), *operands[:3])
    assert [name for name in names if "matmul" in name] == [("matmul", "add", "tanh"), ("matmul", "sum")]


def test_what_is_read_elsewhere_is_not_taken_in(operands: tuple[np.ndarray, ...]) -> None:
    x, w, b, second = operands
    assert fused(lambda x, w: (x @ w, x @ w + x), x, w) == [(), ()]
    assert fused(lambda x, w: (x @ w) + (x @ w), x, w) == [(), ()]
    assert fused(lambda x, w, b: ops.relu(x @ w + b) + x, x, w, b) == [("matmul", "add", "relu"), ()]
    assert fused(lambda x, w, b: ops.relu(x @ w + b + x + x), x, w, b) == [("matmul", "add", "add"), (), ()]
    assert fused(lambda x, w, b: x @ w + b[:1], x, w, b[:1]) == [(), ()]  # neither a bias nor a residual
    assert fused(lambda x, w, v: x @ w + x @ v, x, w, second) == [(), ("matmul", "add")]


def test_residual_blocks_with_normalisation() -> None:
    """An op with several results takes in an addition, and then a relu."""

    def block(x: Any, filters: int, strides: int) -> Any:
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, strides, padding="same")(x)))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
        x = x if strides == 1 else layers.Conv2D(filters, 1, strides)(x)
        return layers.ReLU()(layers.Add()([y, x]))

    x = np.random.default_rng(0).normal(size=(3, 4, 4, 2)).astype("float32")
    results = []
    for backend in ("cpu", "reference"):
        with selection.use_backend(backend):
            dlnative.utils.set_random_seed(0)
            inputs = dlnative.Input((4, 4, 2))
            outputs = layers.GlobalAveragePooling2D()(block(block(inputs, 2, 1), 3, 2))
            model = dlnative.Model(inputs, outputs)
            model.compile(dlnative.optimizers.SGD(0.1), "mse")
            results.append(model.fit(x, np.ones((3, 3)), epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*results, rtol=1e-5)
