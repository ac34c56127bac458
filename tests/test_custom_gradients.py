"""Functions whose gradient another function says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad

X = np.array([0.5, -1.0, 2.0], "float32")


@ops.custom_gradient
def softplus(x: Any) -> Any:
    e = ops.exp(x)

    def gradient(*args: Any, upstream: Any = None) -> Any:
        if upstream is None:
            (upstream,) = args
        return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

    return ops.log(1 + e), gradient


@ops.custom_gradient
def scaled(x: Any, parts: dict[str, Any]) -> Any:
    """Two results, nested arguments, and gradients that are not the derivatives."""

    def gradient(upstream: Any) -> Any:
        first, second = upstream["first"], upstream["second"]
        return first * 10.0, {"a": second * 100.0, "n": None}

    return {"first": x * 2.0, "second": parts["a"] * 3.0 + ops.cast(parts["n"], "float32")}, gradient


def test_values_and_gradients(backend: str) -> None:
    sigmoid = 1 / (1 + np.exp(-X))
    with dlnative.backend.use_backend(backend):
        np.testing.assert_allclose(softplus(X), np.log1p(np.exp(X)), rtol=1e-6)
        value, dx = value_and_grad(lambda x: ops.sum(softplus(x) * x))(X)
        np.testing.assert_allclose(value, np.sum(np.log1p(np.exp(X)) * X), rtol=1e-5)
        np.testing.assert_allclose(dx, np.log1p(np.exp(X)) + X * sigmoid, rtol=1e-5)
        _, dx = value_and_grad(lambda x: softplus(x))(np.float32(100.0))
        assert float(dx) == 1.0


def test_nested_arguments_and_results() -> None:
    n = np.array([1, 2, 3], "int32")

    def function(x: Any, a: Any) -> Any:
        made = scaled(x, {"a": a, "n": n})
        return ops.sum(made["first"]) + ops.sum(made["second"] * 2.0)

    value, (dx, da) = value_and_grad(function, argnums=(0, 1))(X, X)
    np.testing.assert_allclose(value, np.sum(2 * X) + np.sum(2 * (3 * X + n)), rtol=1e-6)
    np.testing.assert_array_equal(dx, [10.0] * 3)
    np.testing.assert_array_equal(da, [200.0] * 3)
    only_first = value_and_grad(lambda a: ops.sum(scaled(X, {"a": a, "n": n})["first"]))
    np.testing.assert_array_equal(only_first(X)[1], [0.0] * 3)


def test_the_ways_of_jax_tensorflow_and_pytorch() -> None:
    def jax(upstream: Any) -> Any:
        return upstream[0] * 2.0 + upstream[1]

    def tensorflow(first: Any, second: Any) -> Any:
        return first * 2.0 + second

    def pytorch(x: Any, *, upstream: Any) -> Any:
        return upstream[0] * 2.0 + upstream[1] * (x * 0.0 + 1.0)

    for gradient in (jax, tensorflow, pytorch):
        function = ops.custom_gradient(lambda x, gradient=gradient: ((x, x * x), gradient))
        _, dx = value_and_grad(lambda x, f=function: ops.sum(f(x)[0] + 3.0 * f(x)[1]))(X)
        np.testing.assert_array_equal(dx, [5.0] * 3)


def test_in_loops_branches_and_a_second_time() -> None:
    sigmoid = 1 / (1 + np.exp(-X))

    def looped(x: Any) -> Any:
        carry, _ = ops.scan(lambda c, row: (c + softplus(row), None), np.float32(0), x)
        (last,) = ops.while_loop(lambda c: c < 1e9, lambda c: (softplus(c) + 1.0,), (carry,), maximum_iterations=2)
        return ops.cond(last > -1e9, lambda: softplus(last), lambda: last)

    def plain(x: float) -> float:
        total = np.log1p(np.exp(x))
        for _ in range(2):
            total = np.log1p(np.exp(total)) + 1.0
        return float(np.log1p(np.exp(total)))

    _, dx = value_and_grad(lambda x: looped(ops.reshape(x, (1,))))(np.float32(0.3))
    np.testing.assert_allclose(dx, (plain(0.3001) - plain(0.2999)) / 0.0002, rtol=1e-3)
    second = value_and_grad(lambda x: ops.sum(dlnative.grad(lambda y: ops.sum(softplus(y)))(x)))(X)[1]
    np.testing.assert_allclose(second, sigmoid * (1 - sigmoid), rtol=1e-5)


def test_in_layers_and_functional_models() -> None:
    class Clipped(layers.Layer):
        """The identity, whose gradient is clipped."""

        def call(self, x: Any) -> Any:
            return ops.custom_gradient(lambda x: (x, lambda upstream: ops.clip(upstream, -0.01, 0.01)))(x)

    inputs = dlnative.Input((3,))
    model = dlnative.Model(inputs, softplus(Clipped()(layers.Dense(3, use_bias=False)(inputs))))
    before = model.get_weights()[0]
    model.compile(dlnative.optimizers.SGD(1.0), lambda y, p: ops.mean(p * 1e3, -1))
    model.fit(np.eye(3, dtype="float32"), np.zeros((3, 3)), batch_size=3, verbose=0)
    np.testing.assert_allclose(before - model.get_weights()[0], np.full((3, 3), 0.01), rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ops.custom_gradient(3), "expected a function"),
        (lambda: ops.custom_gradient(lambda x: x)(X), "a result and a gradient function"),
        (
            lambda: value_and_grad(lambda x: ops.sum(ops.custom_gradient(lambda x: (x, lambda u: (u, u)))(x)))(X),
            "for each",
        ),
        (
            lambda: value_and_grad(lambda x: ops.sum(ops.custom_gradient(lambda x: (x, lambda u: u[:1]))(x)))(X),
            "of shape",
        ),
    ],
)
def test_what_is_refused(make: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"custom_gradient: expected.*{says}|custom_gradient: {says}"):
        make()
