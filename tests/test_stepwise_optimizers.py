"""Optimizers whose step is a formula in `dlnative.ops`, against Keras 3.15's numbers."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import optimizers

# How the optimizer is made, and what Keras makes of a matrix and a vector in four steps.
CASES: dict[str, tuple[Callable[[], Any], list[float]]] = {
    "adagrad": (lambda: optimizers.Adagrad(0.5), [0.601087, -1.22405, -0.385455, 2.93302, 0.596692, -0.493847]),
    "adagrad_options": (
        lambda: optimizers.Adagrad(0.5, 0.2, 1e-3, weight_decay=0.1),
        [0.579574, -1.05363, -0.29654, 2.40832, 0.537176, -0.409723],
    ),
    "adadelta": (lambda: optimizers.Adadelta(1.0), [0.997149, -1.99715, 0.497148, 2.99715, 0.998601, -0.998601]),
    "adadelta_options": (
        lambda: optimizers.Adadelta(1.0, 0.8, 1e-3),
        [0.879492, -1.85944, 0.357299, 2.95674, 0.933668, -0.932907],
    ),
    "adamax": (lambda: optimizers.Adamax(0.5), [-0.264725, -0.735274, -0.764726, 1.73528, -0.194182, 0.194182]),
    "adamax_options": (
        lambda: optimizers.Adamax(0.5, 0.8, 0.9, 1e-2, clipnorm=0.5),
        [-0.485392, -0.401822, -1.12282, 1.95647, -0.25947, 0.325307],
    ),
    "nadam": (lambda: optimizers.Nadam(0.5), [-0.102615, -0.897384, -0.602616, 1.89739, 0.334878, -0.334878]),
    "nadam_options": (
        lambda: optimizers.Nadam(0.5, 0.8, 0.9, 1e-2),
        [-0.108515, -0.833335, -0.679054, 2.14579, 0.292392, -0.280045],
    ),
    "ftrl": (lambda: optimizers.Ftrl(0.5), [-0.352376, 0.226899, -0.652716, -0.0609957, -0.0234814, -0.273521]),
    "ftrl_options": (
        lambda: optimizers.Ftrl(0.5, -0.3, 0.2, 0.05, 0.1, 0.02, 0.3),
        [-0.0906383, 0.200975, -0.395058, -0.0493938, -0.0622152, 0.0336166],
    ),
    "lion": (lambda: optimizers.Lion(0.5), [0.0, -1.0, -0.5, 2.0, 0.0, 0.0]),
    "lion_options": (
        lambda: optimizers.Lion(0.5, 0.6, 0.7, weight_decay=0.1),
        [-0.0404313, -0.774075, -0.447684, 1.58858, -0.0404313, 0.0404313],
    ),
    "lamb": (lambda: optimizers.Lamb(0.5), [-1.53278, 0.532781, -2.03278, 0.467227, 0.0625001, -0.0624999]),
    "lamb_options": (
        lambda: optimizers.Lamb(0.5, 0.8, 0.9, 1e-2),
        [-1.83143, 0.951848, -2.47737, 0.710056, 0.0722246, -0.0524364],
    ),
    "adafactor": (lambda: optimizers.Adafactor(0.5), [0.509972, 0.493129, -1.04837, 2.89496, 0.485532, -0.485532]),
    "adafactor_options": (
        lambda: optimizers.Adafactor(0.5, -0.5, 1e-3, 0.1, 0.5),
        [0.707134, -0.517494, -0.429293, 2.93728, 0.703164, -0.703084],
    ),
}


def trained(optimizer: Any, dtype: str = "float32") -> list[dlnative.Variable]:
    matrix, vector = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([1.0, -1.0])
    variables = [dlnative.Variable(value, dtype=dtype, name=name) for name, value in (("w", matrix), ("b", vector))]
    for step in range(4):
        slopes = np.array([[0.1, -0.3], [0.5, 0.02]]) * (1 + step) * (-1) ** (step // 3)
        optimizer.apply([slopes, np.array([0.2, -0.7]) * (2 - step)], variables)
    return variables


@pytest.mark.parametrize("name", CASES)
def test_same_as_keras(name: str, backend: str) -> None:
    make, expected = CASES[name]
    with dlnative.backend.use_backend(backend):
        variables = trained(make())
    found = np.concatenate([np.ravel(variable.value) for variable in variables])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6)  # Keras computes powers in float32


@pytest.mark.parametrize("name", CASES)
def test_configs_copies_and_stateless_steps(name: str) -> None:
    optimizer = CASES[name][0]()
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(optimizer))))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    variables = trained(optimizer)
    copied = pickle.loads(pickle.dumps(optimizer))
    for left, right in zip(copied.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(left.value, right.value)
    gradients = [np.ones((2, 2), "float32"), np.ones(2, "float32")]
    values, own = optimizer.stateless_apply(
        [variable.numpy() for variable in optimizer.variables], gradients, [variable.numpy() for variable in variables]
    )
    optimizer.apply(gradients)
    for variable, value in zip([*variables, *optimizer.variables], [*values, *own], strict=True):
        np.testing.assert_allclose(variable.value, value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["adagrad", "adadelta", "adamax", "nadam", "ftrl", "lion", "lamb", "adafactor"])
def test_models_train_with_them(name: str, random: np.random.RandomState) -> None:
    x = random.rand(64, 4).astype("float32")
    model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(1, kernel_initializer="zeros")])
    optimizer = optimizers.get(name)
    optimizer.learning_rate = 0.01
    model.compile(optimizer, "mse")
    history = model.fit(x, x.sum(axis=1, keepdims=True), epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert name in {key.lower() for key in optimizers.__all__}


def test_accumulated_steps_are_one_step_with_the_mean() -> None:
    """Also of what belongs to no variable, as Nadam's product."""
    for name in ("nadam", "adafactor", "ftrl"):
        first, second = (
            optimizers.get(name),
            optimizers.get({"class_name": name, "config": {"gradient_accumulation_steps": 2}}),
        )
        one, two = dlnative.Variable(np.ones(2)), dlnative.Variable(np.ones(2))
        for gradient in (np.array([0.1, 0.4]), np.array([-0.3, 0.2])):
            first.apply([gradient], [one])
            second.apply([gradient * 0.5], [two])
            second.apply([gradient * 1.5], [two])
        np.testing.assert_allclose(one.value, two.value, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1.0), "Adagrad: expected initial_accumulator_value"),
        (lambda: optimizers.Adadelta(rho=1.5), r"Adadelta: expected rho in \[0, 1\], got 1.5"),
        (lambda: optimizers.Adamax(beta_1=1.0), r"Adamax: expected beta_1 in \[0, 1\), got 1.0"),
        (lambda: optimizers.Nadam(epsilon=float("nan")), "Nadam: expected epsilon to be a finite number"),
        (
            lambda: optimizers.Ftrl(learning_rate_power=0.1),
            "Ftrl: expected learning_rate_power to be a finite number of at most 0",
        ),
        (lambda: optimizers.Lion(beta_1=0.0), r"Lion: expected beta_1 in \(0, 1\], got 0.0"),
        (lambda: optimizers.Lamb(momentum=1.0), 'Lamb: unknown argument "momentum"'),
        (
            lambda: optimizers.Adafactor(clip_threshold=0.0),
            "Adafactor: expected clip_threshold to be a finite number above 0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        make()
