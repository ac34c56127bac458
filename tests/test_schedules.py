"""Learning-rate schedules: their values are Keras's, and optimizers follow them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import optimizers
from dlnative.graph import function as compiled


@pytest.fixture(params=["cpu", "reference"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_learning_rate_without_arguments_is_asked_each_time(backend: str) -> None:
    rates = iter([0.5, 0.5, 0.25, 1.0])  # the first one to see whether it is a number
    with dlnative.backend.use_backend(backend):
        optimizer = optimizers.SGD(lambda: next(rates))
        variable = dlnative.Variable(np.zeros(1))
        for expected in (-0.5, -0.75, -1.75):
            optimizer.apply([np.ones(1)], [variable])
            assert float(variable.value[0]) == expected
    with pytest.raises(ValueError, match="SGD: expected learning_rate to be a finite number of at least 0"):
        optimizers.SGD(lambda: float("nan"))


def test_the_rate_of_a_schedule_is_that_of_the_next_step(backend: str) -> None:
    with dlnative.backend.use_backend(backend):
        optimizer = optimizers.SGD(optimizers.schedules.ExponentialDecay(1.0, 1, 0.5))
        variable = dlnative.Variable(np.zeros(1))
        for rate, value in ((1.0, -1.0), (0.5, -1.5), (0.25, -1.75)):
            assert float(optimizer.learning_rate) == rate
            optimizer.apply([np.ones(1)], [variable])
            assert float(variable.value[0]) == value
        with pytest.raises(TypeError, match="created with a `LearningRateSchedule`"):
            optimizer.learning_rate = 0.1
    plain = optimizers.SGD(0.1)
    plain.learning_rate = lambda step: 0.5
    assert float(plain.learning_rate) == 0.5
    plain.build([variable])
    with pytest.raises(ValueError, match="a schedule needs a new optimizer"):
        plain.learning_rate = lambda step: 0.5


STEPS = (0, 1, 5, 6, 7, 10, 12, 14, 16, 23, 41)


# Keras's numbers after those steps.
SCHEDULES: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "exponential": (
        lambda s: s.ExponentialDecay(0.1, 10, 0.9),
        [0.1, 0.0989519, 0.0948683, 0.093874, 0.0928902, 0.09, 0.0881234, 0.0862858, 0.0844866, 0.0784798, 0.0649224],
    ),
    "exponential_stairs": (
        lambda s: s.ExponentialDecay(0.1, 10, 0.9, staircase=True),
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.09, 0.09, 0.09, 0.09, 0.081, 0.06561],
    ),
    "inverse": (
        lambda s: s.InverseTimeDecay(0.1, 10, 0.5),
        [0.1, 0.0952381, 0.08, 0.0769231, 0.0740741, 0.0666667, 0.0625, 0.0588235, 0.0555556, 0.0465116, 0.0327869],
    ),
    "inverse_stairs": (
        lambda s: s.InverseTimeDecay(0.1, 10, 0.5, True),
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.0666667, 0.0666667, 0.0666667, 0.0666667, 0.05, 0.0333333],
    ),
    "piecewise": (
        lambda s: s.PiecewiseConstantDecay([5, 12], [0.1, 0.05, 0.01]),
        [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01, 0.01],
    ),
    "polynomial": (
        lambda s: s.PolynomialDecay(0.1, 10, 0.01, 2.0),
        [0.1, 0.0829, 0.0325, 0.0244, 0.0181, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
    ),
    "polynomial_cycle": (
        lambda s: s.PolynomialDecay(0.1, 10, 0.01, 1.0, cycle=True),
        [0.1, 0.091, 0.055, 0.046, 0.037, 0.01, 0.046, 0.037, 0.028, 0.031, 0.0262],
    ),
    "cosine": (
        lambda s: s.CosineDecay(0.1, 20, 0.1),
        [0.1, 0.099446, 0.0868198, 0.0814503, 0.0754296, 0.055, 0.0410942, 0.0285497, 0.0185942, 0.01, 0.01],
    ),
    "cosine_warmup": (
        lambda s: s.CosineDecay(0.0, 20, 0.1, warmup_target=0.2, warmup_steps=5),
        [0.0, 0.04, 0.2, 0.198892, 0.195595, 0.17364, 0.150859, 0.124079, 0.0959209, 0.0244049, 0.02],
    ),
    "restarts": (
        lambda s: s.CosineDecayRestarts(0.1, 5),
        [0.1, 0.0904508, 0.1, 0.0975528, 0.0904508, 0.05, 0.0206107, 0.00244718, 0.0993844, 0.0654509, 0.0945503],
    ),
    "restarts_equal": (
        lambda s: s.CosineDecayRestarts(0.1, 5, t_mul=1.0, m_mul=0.5, alpha=0.1),
        [0.1, 0.0914058, 0.055, 0.0507029, 0.0394529, 0.0325, 0.0247264, 0.0121486, 0.0201757, 0.0119434, 0.010318],
    ),
    "restarts_lower": (
        lambda s: s.CosineDecayRestarts(0.1, 5, 1.5, 0.9),
        [0.1, 0.0904508, 0.09, 0.0861095, 0.0751109, 0.0225, 0.000983354, 0.0774986, 0.0631473, 0.000885023, 0.0655745],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_keras_s(name: str, backend: str) -> None:
    make, expected = SCHEDULES[name]
    schedule = make(optimizers.schedules)
    config = json.loads(json.dumps(optimizers.schedules.serialize(schedule)))
    assert optimizers.schedules.deserialize(config).get_config() == schedule.get_config()
    with dlnative.backend.use_backend(backend):
        np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-5)
        traced = compiled.Function(schedule)
        np.testing.assert_allclose([float(traced(np.int64(step))) for step in STEPS], expected, rtol=1e-5)


def test_schedules_refuse_what_they_cannot_follow() -> None:
    s = optimizers.schedules
    for make in (
        lambda: s.ExponentialDecay(0.1, 0, 0.5),
        lambda: s.CosineDecay(float("nan"), 10),
        lambda: s.PolynomialDecay(0.1, -1),
        lambda: s.PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
        lambda: s.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]),
        lambda: s.CosineDecayRestarts(0.1, 5, t_mul=0.5),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()
