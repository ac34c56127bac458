"""Functions and layers that are run again for their gradients: the same numbers with less memory."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers, ops, value_and_grad
from dlnative.backends.cpu import CpuBackend

X = np.random.RandomState(0).uniform(-1, 1, (16, 32)).astype("float32")


def deep(x: Any) -> Any:
    for _ in range(6):
        x = ops.tanh(ops.matmul(x, ops.transpose(x)) @ x + ops.sin(x))
    return x


@pytest.fixture
def arenas(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the arenas of plans that are built."""
    build, sizes = CpuBackend.build, []

    def watched(self: CpuBackend, program: Any) -> Any:
        sizes.append(program.arena_bytes)
        return build(self, program)

    monkeypatch.setattr(CpuBackend, "build", watched)
    return sizes


def test_the_same_values_and_gradients_with_less_memory(arenas: list[int], backend: str) -> None:
    again = dlnative.remat(deep)

    def three(function: Any) -> Any:
        return value_and_grad(lambda x: ops.sum(function(function(function(x)))))

    with dlnative.backend.use_backend(backend):
        value, dx = three(deep)(X)
        value_again, dx_again = three(again)(X)
    np.testing.assert_array_equal(value, value_again)
    np.testing.assert_allclose(dx, dx_again, rtol=1e-5, atol=1e-6)
    if backend == "cpu":
        plain, rematerialized = arenas
        assert rematerialized < 0.6 * plain
    np.testing.assert_allclose(again(X), deep(X), rtol=1e-6)


def test_nested_arguments_captured_values_and_integers() -> None:
    w = dlnative.Variable(np.full((32,), 2.0), name="w")

    @dlnative.remat
    def function(parts: dict[str, Any], scale: float = 1.0, *, power: Any = None) -> Any:
        assert scale == 3.0
        return [parts["x"] * w * scale, parts["n"] + 1, None if power is None else parts["x"] ** power]

    def loss(x: Any) -> Any:
        y, n, z = function({"x": x, "n": np.arange(32, dtype="int32")}, scale=3.0, power=np.float32(2.0))
        return ops.sum(y) + ops.sum(ops.cast(n, "float32")) + ops.sum(z)

    value, dx = value_and_grad(loss)(X)
    np.testing.assert_allclose(value, np.sum(X * 6) + np.sum(np.arange(32) + 1) + np.sum(X * X), rtol=1e-5)
    np.testing.assert_allclose(dx, 6 + 2 * X, rtol=1e-5)


def model(scope: Any) -> Any:
    dlnative.utils.set_random_seed(3)
    with scope:
        hidden = [layers.Dense(24, "gelu", name="first"), layers.BatchNormalization(), layers.Dropout(0.3, seed=5)]
        hidden += [layers.Dense(24, "tanh", kernel_regularizer="l2", name="second"), layers.Dense(1)]
    made = dlnative.Sequential([dlnative.Input((32,)), *hidden])
    made.compile(dlnative.optimizers.Adam(0.01), "mse")
    return made


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "full"},
        {"mode": "activations"},
        {"mode": "larger_than", "output_size_threshold": 100},
        {"mode": "larger_than", "output_size_threshold": 10_000},
        {"mode": "list_of_layers", "layer_names": ["first"]},
        {"mode": None},
    ],
)
def test_layers_train_as_without(arguments: Any) -> None:
    """Masks of dropouts, moving means and penalties are the same."""
    y = X.sum(axis=1, keepdims=True)
    plain, again = model(dlnative.RematScope(mode=None)), model(dlnative.RematScope(**arguments))
    for made in (plain, again):
        made.fit(X, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(plain.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6)
    copied = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(copied.predict(X, verbose=0), again.predict(X, verbose=0))


def test_what_a_scope_makes_of_a_call() -> None:
    def call(x: Any) -> Any:
        return x

    layer = layers.Dense(3)
    assert layer.rematerialized_call(call, X) is call
    with dlnative.RematScope("full"), dlnative.RematScope("list_of_layers", layer_names=["other"]):
        other, further = layers.Dense(3, name="other"), layers.Dense(3)
    assert other.rematerialized_call(call) is not call
    assert further.rematerialized_call(call) is call
    with pytest.raises(ValueError, match="Invalid mode 'all'"):
        dlnative.RematScope("all")
    with pytest.raises(TypeError, match="remat: expected a function"):
        dlnative.remat(3)  # type: ignore[arg-type]
