"""Random numbers by the older names of `keras.backend`: `K.random_normal`."""

from __future__ import annotations

from typing import Any

from dlnative import dtypes, ops, random

__all__ = [
    "random_bernoulli", "random_normal", "random_uniform", "truncated_normal",
]  # fmt: skip


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws ones with probability `p`, and zeros."""
    return ops.cast(random.uniform(shape, seed=seed) < p, dtype or dtypes.floatx())


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from a normal distribution."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from `[minval, maxval)`."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from a normal distribution, not further than two standard deviations from its mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)
