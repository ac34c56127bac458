"""Initializers: their distributions by statistics, their seeds, their names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import initializers

SHAPE = (300, 200)  # fan_in 300, fan_out 200
# The variance, and the largest absolute value, by formula; None where a normal distribution is not cut.
DRAWN: dict[str, tuple[Any, float, float | None]] = {
    "GlorotUniform": (initializers.GlorotUniform, 2 / 500, math.sqrt(6 / 500)),
    "GlorotNormal": (initializers.GlorotNormal, 2 / 500, 2 * math.sqrt(2 / 500) / 0.8796),
    "HeUniform": (initializers.HeUniform, 2 / 300, math.sqrt(6 / 300)),
    "HeNormal": (initializers.HeNormal, 2 / 300, 2 * math.sqrt(2 / 300) / 0.8796),
    "LecunUniform": (initializers.LecunUniform, 1 / 300, math.sqrt(3 / 300)),
    "LecunNormal": (initializers.LecunNormal, 1 / 300, 2 * math.sqrt(1 / 300) / 0.8796),
    "RandomUniform": (initializers.RandomUniform, 0.1**2 / 12, 0.05),
    "RandomNormal": (initializers.RandomNormal, 0.05**2, None),
    "TruncatedNormal": (initializers.TruncatedNormal, (0.05 * 0.8796) ** 2, 0.1),
    "VarianceScaling": (initializers.VarianceScaling, 1 / 300, 2 * math.sqrt(1 / 300) / 0.8796),
    "untruncated": (
        lambda seed: initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed),
        3 / 200,
        None,
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_distribution(name: str) -> None:
    make, variance, largest = DRAWN[name]
    values = make(seed=5)(SHAPE)
    assert values.shape == SHAPE
    assert values.dtype == np.float32
    # Of 60,000 numbers: three standard errors are 0.012 of the mean, and less than 2 % of the variance.
    assert abs(values.mean()) < 3 * math.sqrt(variance / values.size)
    np.testing.assert_allclose(values.var(), variance, rtol=0.02)
    if largest is not None:
        assert 0.98 * largest < np.abs(values).max() <= largest * 1.0001
    else:
        assert np.abs(values).max() > 3.5 * math.sqrt(variance)


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "untruncated"])
def test_a_seed_gives_the_same_values_at_every_call(name: str) -> None:
    make = getattr(initializers, name)
    first, second = make(seed=1), make(seed=1)
    np.testing.assert_array_equal(first((4, 5)), first((4, 5)))
    np.testing.assert_array_equal(first((4, 5)), second((4, 5)))
    assert np.any(first((4, 5)) != make(seed=2)((4, 5)))


def test_without_a_seed_each_initializer_is_another_until_the_global_seed_is_set() -> None:
    def drawn() -> list[Any]:
        dlnative.utils.set_random_seed(7)
        return [initializers.GlorotUniform()((3, 3)), initializers.GlorotUniform()((3, 3))]

    first, again = drawn(), drawn()
    assert np.any(first[0] != first[1])
    np.testing.assert_array_equal(first, again)


def test_constants() -> None:
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((3,), "int32"), np.ones(3, "int32"))
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2, 2)), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(initializers.Identity(2.0)((2, 3)), [[2, 0, 0], [0, 2, 0]])
    assert initializers.Identity()((2, 2), "int32").dtype == np.int32


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 8)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = initializers.Orthogonal(gain=2.0, seed=0)(shape).reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_a_convolution_s_kernel_counts_its_field() -> None:
    values = initializers.HeNormal(seed=0)((5, 5, 40, 60))
    np.testing.assert_allclose(values.var(), 2 / (25 * 40), rtol=0.02)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zeros", "Zeros"),
        ("zero", "Zeros"),
        ("glorot_uniform", "GlorotUniform"),
        ("HeNormal", "HeNormal"),
        ("uniform", "RandomUniform"),
        ("normal", "RandomNormal"),
        ("OrthogonalInitializer", "Orthogonal"),
        ("variance_scaling", "VarianceScaling"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert type(initializers.get(name)).__name__ == expected


@pytest.mark.parametrize(
    "initializer",
    [
        initializers.Constant(2.0),
        initializers.RandomNormal(1.0, 2.0, 3),
        initializers.VarianceScaling(2.0, "fan_avg", "uniform", 4),
        initializers.HeNormal(5),
        initializers.Orthogonal(2.0, 6),
    ],
    ids=lambda initializer: type(initializer).__name__,
)
def test_a_config_makes_the_same_initializer(initializer: Any) -> None:
    again = initializers.deserialize(initializers.serialize(initializer))
    assert again.get_config() == initializer.get_config()
    np.testing.assert_array_equal(again((3, 4)), initializer((3, 4)))
    assert type(initializer).from_config(initializer.get_config()).get_config() == initializer.get_config()


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: initializers.get("glorot"), "initializer: expected"),
        (lambda: initializers.VarianceScaling(scale=0.0), "expected a positive scale, got 0.0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "expected mode"),
        (lambda: initializers.VarianceScaling(distribution="cauchy"), "expected distribution"),
        (lambda: initializers.Identity()((2,)), r"Identity: expected a shape of rank 2, got \(2,\)"),
        (lambda: initializers.Orthogonal()((2,)), r"Orthogonal: expected a shape of rank 2 or more, got \(2,\)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        make()
