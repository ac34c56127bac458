"""The seed behind everything random: initial weights, dropout masks, the order of samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_generator: np.random.Generator | None = None

# What is told of a new seed: generators that go on by themselves.
on_new_seed: list[Callable[[], None]] = []


def set_random_seed(seed: int) -> None:
    """Sets the seeds of Python's `random`, of NumPy, and of dlnative.

    Two runs of a program with the same seed, on the same instruction set, give the same bits.

    Args:
        seed: an integer of at least 0.

    Raises:
        ValueError: for anything else.

    Example:
        >>> from dlnative import initializers
        >>> set_random_seed(1)
        >>> first = initializers.GlorotUniform()((2, 2))
        >>> set_random_seed(1)
        >>> bool((initializers.GlorotUniform()((2, 2)) == first).all())
        True
    """
    global _generator
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"set_random_seed: expected an integer of 0 or more, got {seed!r}")
    import random

    random.seed(int(seed))
    np.random.seed(int(seed) % 2**32)  # noqa: NPY002
    _generator = np.random.Generator(np.random.Philox(int(seed)))
    for tell in on_new_seed:
        tell()


def next_seed() -> int:
    """Draws the seed of a new generator, of 63 bits; without `set_random_seed` from the system's entropy."""
    global _generator
    if _generator is None:
        _generator = np.random.Generator(np.random.Philox())
    return int(_generator.integers(0, 2**63 - 1))
