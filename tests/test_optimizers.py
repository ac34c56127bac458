"""Optimizers beyond single steps; that every optimizer does what Keras's does is in tests/keras."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import dlnative
from dlnative import optimizers


@pytest.fixture(params=["cpu", "reference"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_accumulated_steps_are_one_step_with_the_mean(backend: str, random: np.random.RandomState) -> None:
    gradients = random.uniform(-1, 1, (6, 2, 3)).astype("float32")
    with dlnative.backend.use_backend(backend):
        accumulating = optimizers.Adam(0.1, gradient_accumulation_steps=3)
        plain = optimizers.Adam(0.1)
        first, second = dlnative.Variable(np.ones((2, 3))), dlnative.Variable(np.ones((2, 3)))
        for number, gradient in enumerate(gradients, 1):
            before = first.numpy()
            accumulating.apply_gradients([(gradient, first)])
            assert int(accumulating.iterations) == number // 3
            if number % 3:
                np.testing.assert_array_equal(first.numpy(), before)
                continue
            plain.apply_gradients([(gradients[number - 3 : number].mean(axis=0), second)])
            np.testing.assert_allclose(first.numpy(), second.numpy(), rtol=1e-6)


def test_running_means_become_the_values(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        variable = dlnative.Variable(np.array([8.0], "float32"))
        mean = None
        for _ in range(4):
            optimizer.apply_gradients([(np.ones(1, "float32"), variable)])
            value = float(variable.value[0])
            mean = value if mean is None else 0.5 * mean + 0.5 * value
        assert float(variable.value[0]) == 4
        optimizer.finalize_variable_values([variable])
        assert float(variable.value[0]) == mean


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.Adam(0.1),
        lambda: optimizers.Adam(0.1, epsilon=0.0),
        lambda: optimizers.Adam(0.1, epsilon=1e30),
        lambda: optimizers.Adam(0.1, amsgrad=True),
        lambda: optimizers.AdamW(0.1, weight_decay=0.1),
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: optimizers.RMSprop(0.1, centered=True),
        lambda: optimizers.RMSprop(0.1),
        lambda: optimizers.RMSprop(0.1, epsilon=0.0),
        lambda: optimizers.RMSprop(0.1, momentum=0.9, weight_decay=0.1),
    ],
)
def test_extreme_gradients(make: Callable[[], optimizers.Optimizer], random: np.random.RandomState) -> None:
    extremes = [0.0, -0.0, 1e-15, 1e-12, 1e-7, 1.0, -1e7, 1e15, -1e18, 1e19, 1e20, 1e38, np.inf, -np.inf, np.nan]
    gradients = np.array(extremes * 3, "float32")  # whole vectors and a rest
    for order in (gradients, random.permutation(gradients), np.zeros(20, "float32")):
        results = []
        for name in ("cpu", "reference"):
            with dlnative.backend.use_backend(name), np.errstate(all="ignore"):
                optimizer, variable = make(), dlnative.Variable(np.linspace(-1, 1, order.size))
                for _ in range(3):
                    optimizer.apply_gradients([(order, variable)])
                results.append(variable.numpy())
        np.testing.assert_allclose(*results, rtol=2e-6, atol=2e-7)


def test_configuration_makes_the_same_again() -> None:
    arguments = {
        "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5, "loss_scale_factor": 8.0,
        "gradient_accumulation_steps": 4,
    }  # fmt: skip
    config = optimizers.RMSprop(0.01, **arguments).get_config()
    assert {key: config[key] for key in arguments} == arguments
    assert optimizers.RMSprop.from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gradient_accumulation_steps": 1}, "2 or more"),
        ({"gradient_accumulation_steps": 2.0}, "2 or more"),
        ({"use_ema": True, "ema_momentum": 1.5}, r"\[0, 1\]"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "positive"),
        ({"loss_scale_factor": 0}, "positive"),
    ],
)
def test_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**arguments)


def test_constraints_hold_beside_means_and_accumulation(backend: str, random: np.random.RandomState) -> None:
    with dlnative.backend.use_backend(backend):
        layer = dlnative.layers.Dense(3, kernel_constraint="non_neg")
        model = dlnative.Sequential([dlnative.Input((4,)), layer])
        model.compile(optimizers.SGD(0.5, momentum=0.9, use_ema=True, gradient_accumulation_steps=2), "mse")
        x = random.uniform(-1, 1, (64, 4)).astype("float32")
        model.fit(x, random.uniform(-1, 1, (64, 3)).astype("float32"), batch_size=8, epochs=2, verbose=0)
        assert np.isfinite(layer.kernel.value).all()
        for _ in range(2):
            model.train_on_batch(x, np.zeros((64, 3), "float32"))
        assert layer.kernel.value.min() >= 0
