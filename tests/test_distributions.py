"""Random numbers of further distributions, and the special functions that they need."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops, random

MANY = 20000
# Mean and variance of each.
DRAWS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "truncated_normal": (lambda seed: random.truncated_normal((MANY,), 1.0, 2.0, seed=seed), 1.0, 4 * 0.774129),
    "gamma": (lambda seed: random.gamma((MANY,), 3.0, seed=seed), 3.0, 3.0),
    "gamma_small": (lambda seed: random.gamma((MANY,), 0.3, seed=seed), 0.3, 0.3),
    "beta": (lambda seed: random.beta((MANY,), 2.0, 3.0, seed=seed), 0.4, 0.04),
    "binomial": (lambda seed: random.binomial((MANY,), 20, 0.3, seed=seed), 6.0, 4.2),
    "binomial_many": (lambda seed: random.binomial((MANY,), 900, np.float32(0.8), seed=seed), 720.0, 144.0),
}


@pytest.mark.parametrize("name", DRAWS)
def test_moments_and_seeds(name: str) -> None:
    draw, mean, variance = DRAWS[name]
    found = np.asarray(draw(7), "float64")
    assert abs(found.mean() - mean) < 4.5 * math.sqrt(variance / MANY)
    assert abs(found.var() / variance - 1) < 0.08
    np.testing.assert_array_equal(draw(7), draw(7))
    assert (draw(7) != draw(8)).any()
    generator = random.SeedGenerator(1)
    assert (draw(generator) != draw(generator)).any()


def test_both_backends_draw_the_same() -> None:
    for draw, _, _ in DRAWS.values():
        with dlnative.backend.use_backend("reference"):
            expected = draw(3)
        np.testing.assert_allclose(draw(3), expected, rtol=1e-5)


def test_classes_and_orders() -> None:
    shares = np.array([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0]])
    with np.errstate(divide="ignore"):
        found = random.categorical(np.log(shares), 20000, seed=1)
    np.testing.assert_allclose(np.bincount(found[0]) / 20000, shares[0], atol=0.012)
    assert (found[1] == 0).all()
    assert found.dtype == np.int32
    x = np.arange(12).reshape(4, 3)
    for axis in (0, 1):
        mixed = random.shuffle(x, axis, seed=1)
        np.testing.assert_array_equal(np.sort(mixed, axis=axis), x)
    assert random.shuffle(np.array([True, False]), seed=1).dtype == np.bool_
    for bad in (lambda: random.categorical(np.zeros(3), 2), lambda: random.gamma(3, 1.0, dtype="int32")):
        with pytest.raises(ValueError, match="expected"):
            bad()


@pytest.mark.parametrize(("dtype", "close"), [("float64", 2e-12), ("float32", 3e-6)])
def test_special_functions(dtype: str, close: float) -> None:
    x = np.linspace(-0.99999, 0.99999, 401).astype(dtype)
    exact = [statistics.NormalDist().inv_cdf((float(v) + 1) / 2) / math.sqrt(2) for v in x]
    np.testing.assert_allclose(ops.erfinv(x), exact, rtol=close, atol=close)
    np.testing.assert_array_equal(ops.erfinv(np.array([-1.0, 1.0, 2.0], dtype)), [-np.inf, np.inf, np.nan])
    assert ops.erfinv(x.flat[3]) == ops.erfinv(x).flat[3]  # of a number, too, in double precision
    t = np.linspace(-4, 9, 301).astype(dtype)
    np.testing.assert_allclose(ops.erfc(t), [math.erfc(float(v)) for v in t], rtol=close * 2)
    assert ops.erfc(np.array([1e9, -1e9], dtype)).tolist() == [0.0, 2.0]
    a, b = np.random.default_rng(0).normal(size=(2, 4, 3)), np.random.default_rng(1).normal(size=(2, 5, 3))
    expected = np.linalg.norm(a[:, :, None] - b[:, None], axis=-1)
    np.testing.assert_allclose(ops.cdist(a.astype(dtype), b.astype(dtype)), expected, rtol=1e-5)


def test_a_generator_says_what_it_does_not_take() -> None:
    with pytest.raises(ValueError, match="SeedGenerator: Argument `seed` must be an integer of 0 or more, got 'x'"):
        random.SeedGenerator("x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='SeedGenerator: unknown argument "sed"'):
        random.SeedGenerator(sed=1)
