"""Random orders, one for each pass over a data set."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
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

    def shuffled(self, items: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """Gives the items of a pass in a random order: each time one of the next `size`."""
        generator = self.begin()
        kept: list[Any] = []
        for item in items():
            if len(kept) < self.size:
                kept.append(item)
                continue
            place = int(generator.integers(self.size))
            yield kept[place]
            kept[place] = item
        yield from (kept[place] for place in generator.permutation(len(kept)))
