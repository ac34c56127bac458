"""The seed behind everything random: initial weights, dropout masks, the order of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_generator: np.random.Generator | None = None

# What is told of a new seed: generators that go on by themselves.
on_new_seed: list[Callable[[], None]] = []

# How their states are read and set.
on_state: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []


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


def get_state() -> dict[str, Any]:
    """Returns the states of Python's, NumPy's and dlnative's generators, as text and numbers."""
    import random

    version, internal, gauss = random.getstate()
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    own = None if _generator is None else _generator.bit_generator.state
    generators = [state() for state, _ in on_state]
    return {
        "python": [version, list(internal), gauss],
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "dlnative": _plain(own),
        "generators": generators,
    }


def set_state(state: dict[str, Any]) -> None:
    """Sets the states that `get_state` returned."""
    global _generator
    import random

    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))  # noqa: NPY002
    own = state["dlnative"]
    if own is not None:
        bits: Any = np.random.Philox()
        arrays = {
            "state": {key: np.array(value, np.uint64) for key, value in own["state"].items()},
            "buffer": np.array(own["buffer"], np.uint64),
        }
        bits.state = {**own, **arrays}
        _generator = np.random.Generator(bits)
    for (_, restore), value in zip(on_state, state["generators"], strict=False):
        restore(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def next_seed() -> int:
    """Draws the seed of a new generator, of 63 bits; without `set_random_seed` from the system's entropy."""
    global _generator
    if _generator is None:
        _generator = np.random.Generator(np.random.Philox())
    return int(_generator.integers(0, 2**63 - 1))
