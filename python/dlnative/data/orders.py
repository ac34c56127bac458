"""Random orders, one for each pass over a data set."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from dlnative.utils.checks import integer


class Orders:
    """The random generators of a data set's passes."""

    def __init__(self, owner: str, size: Any, seed: Any, anew: bool) -> None:
        self.size = integer(owner, "buffer_size", size, 1)
        self._seed = random.randrange(2**31) if seed is None else integer(owner, "seed", seed)
        self._anew = anew
        self._passes = 0

    def begin(self) -> np.random.Generator:
        """Begins a pass."""
        self._passes += self._anew
        return np.random.default_rng([self._seed % 2**63, self._passes])
