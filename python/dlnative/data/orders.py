"""Random orders, one for each pass: over the elements of a data set, over batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlnative.graph.eager import evaluate
from dlnative.graph.op import OPS
from dlnative.utils.checks import integer


class Orders:
    """The random generators of a data set's passes."""

    def __init__(self, owner: str, size: Any, seed: Any, anew: bool) -> None:
        import random

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


class PassOrders:
    """The part of batches that knows in which random order each pass goes, if in one at all."""

    _seed: int | None = None
    _pass = 0

    def shuffle(self, seed: int, first: int = 0) -> None:
        """Lets each pass go in a new random order.

        Args:
            seed: what the orders are drawn from.
            first: the number of the first pass, which each order depends on.
        """
        self._seed, self._pass = seed, first

    @property
    def order(self) -> tuple[int | None, int]:
        """What the orders of passes are drawn from, and the number of the next pass."""
        return self._seed, self._pass

    @order.setter
    def order(self, value: tuple[int | None, int]) -> None:
        self._seed, self._pass = value

    def _begin_pass(self, count: int) -> Any:
        """Returns the order of the next pass over so many things; `None`: as they lie."""
        order = None
        if self._seed is not None:
            # Of the shortest epochs, the way through the public function would be a good part.
            state = np.array([self._seed, self._pass], np.int64)
            order = evaluate(OPS["random_permutation"], (state,), ((count,), "int64"))
        self._pass += 1
        return order
