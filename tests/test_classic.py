"""The first neurons: gates by McCulloch and Pitts's, Rosenblatt's rule, and the network that solves XOR."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.classic import GATES, McCullochPittsNeuron, Perceptron, gate_data


@pytest.mark.parametrize("name", GATES)
def test_a_perceptron_learns_what_a_line_separates(name: str) -> None:
    x, y = gate_data(name)
    neuron = Perceptron()
    history = neuron.fit(x, y)
    separable = name not in ("xor", "xnor")
    assert (history.converged, history.never) == (separable, not separable)
    assert (neuron.predict(x) == y).all() == separable
    assert (history.errors[-1] == 0) == separable


def rosenblatt(x: Any, y: Any, epochs: int) -> tuple[Any, float, list[int]]:
    w, b, errors = np.zeros(x.shape[1]), 0.0, []
    for _ in range(epochs):
        errors.append(0)
        for sample, target in zip(x, y, strict=True):
            wrong = target - float(sample @ w + b >= 0)
            w, b = w + 0.5 * wrong * sample, b + 0.5 * wrong
            errors[-1] += int(wrong != 0)
    return w, b, errors


def test_the_rule_of_rosenblatt() -> None:
    generator = np.random.default_rng(3)
    x = generator.integers(-8, 8, (40, 5)).astype("float64")
    y = (x @ [1.0, -2.0, 0.5, 3.0, 1.0] + generator.normal(size=40) * 8 > 0).astype(int)
    neuron = Perceptron(0.5)
    history = neuron.fit(x, y, epochs=7)
    w, b, errors = rosenblatt(x, y, 7)
    assert history.errors == errors
    assert not history.converged
    np.testing.assert_array_equal(neuron.weights, w)
    assert neuron.bias == b
    np.testing.assert_array_equal(neuron.decision_function(x), x @ w + b)


def test_a_perceptron_refuses() -> None:
    neuron = Perceptron()
    x, y = gate_data("and")
    neuron.fit(x, y)
    before = neuron.weights.copy()
    for bad in ((x[:, 0], y), (x, y[:3]), (x, y + 1), (x * np.nan, y), (x[:, :1], y)):
        with pytest.raises(ValueError, match="Perceptron: expected"):
            neuron.fit(*bad)
    with pytest.raises(ValueError, match="epochs"):
        neuron.fit(x, y, epochs=0)
    with pytest.raises(ValueError, match="learning_rate"):
        Perceptron(0)
    np.testing.assert_array_equal(neuron.weights, before)
    with pytest.raises(ValueError, match="such as xor"):
        gate_data("xorr")


def test_neurons_that_do_not_learn() -> None:
    x, _ = gate_data("and", "bool")
    neither, second = McCullochPittsNeuron(0, inhibitory=[0, 1]), McCullochPittsNeuron(1, inhibitory=[0])
    first = McCullochPittsNeuron(1, inhibitory=[1])
    assert tuple(McCullochPittsNeuron(2)(x)) == GATES["and"]
    assert tuple(McCullochPittsNeuron(1)(x)) == GATES["or"]
    assert tuple(neither(x)) == GATES["nor"]
    either = np.stack([first(x), second(x)], axis=-1)  # two layers: the first, or the second, and not both
    assert tuple(McCullochPittsNeuron(1)(either)) == GATES["xor"]
    assert McCullochPittsNeuron(2)([1, 1, 0]) == 1
    for bad in ([0, 2], [0.5, 1], 1):
        with pytest.raises(ValueError, match="zeros and ones"):
            McCullochPittsNeuron(1)(bad)
    with pytest.raises(ValueError, match="more than 3 inputs"):
        McCullochPittsNeuron(1, inhibitory=[3])([0, 1])
    with pytest.raises(ValueError, match="threshold"):
        McCullochPittsNeuron(-1)


def test_two_layers_of_steps_are_xor() -> None:
    """OR and NAND in the first layer, AND in the second."""
    x, y = gate_data("xor")
    model = dlnative.Sequential(
        [dlnative.Input((2,)), layers.Dense(2, activation="step"), layers.Dense(1), layers.Step(at_zero=0.0)]
    )
    model.set_weights([np.array([[1, -1], [1, -1]]), np.array([-0.5, 1.5]), np.array([[1], [1]]), np.array([-1.0])])
    np.testing.assert_array_equal(model(x).ravel(), y)
