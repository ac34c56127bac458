"""The state of a layer's random generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.utils.random_seed import next_seed


class RandomState:
    """The state of a layer's random generator: a variable `[seed, counter]` whose counter goes up at each use.

    Args:
        seed: an int; by default one drawn from the generator that `utils.set_random_seed` sets.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.state = Variable(
            np.array([next_seed() if seed is None else seed, 0], np.int64), trainable=False, name="seed_generator_state"
        )

    def next(self) -> Any:
        """Returns the state to draw with, and moves on."""
        trace = current_trace()
        if trace is None:
            state = self.state.numpy()
            self.state.assign_add(np.array([0, 1], np.int64))
            return state
        tensor = trace.read(self.state)
        self.state.assign(ops.add(tensor, np.array([0, 1], np.int64)))
        return tensor
