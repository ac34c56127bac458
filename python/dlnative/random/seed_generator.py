"""The state behind random numbers: a seed and a counter."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.utils.naming import auto_name
from dlnative.utils.random_seed import next_seed, on_new_seed, on_state

_ONE_STEP = np.array([0, 1], np.int64)


class SeedGenerator:
    """A variable `[seed, counter]` whose counter goes up at each use: what is drawn with it is new each time.

    As an attribute of a layer it is a part of the layer's state: a compiled model draws anew in every step, and a copy goes
    on where the original stood.

    Args:
        seed: an int of at least 0; by default one drawn from the generator that `utils.set_random_seed` sets.
        name: a name.

    Raises:
        ValueError: for another seed.

    Example:
        >>> generator = SeedGenerator(seed=7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ValueError(f'SeedGenerator: unknown argument "{next(iter(kwargs))}" (Unrecognized keyword arguments)')
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ValueError(f"SeedGenerator: Argument `seed` must be an integer of 0 or more, got {seed!r}")
        self.name = name or auto_name("SeedGenerator")
        self.seed = None if seed is None else int(seed)
        first = next_seed() if seed is None else int(seed) % 2**63
        self.state = Variable(np.array([first, 0], np.int64), trainable=False, name="seed_generator_state")
        self.state.path = f"{self.name}/{self.state.name}"

    def next(self, ordered: bool = True) -> Any:
        """Returns the state to draw with, and moves on.

        Args:
            ordered: only `True`: draws follow each other in the order of the calls.
        """
        if not ordered:
            raise ValueError(f"SeedGenerator: expected ordered=True, got {ordered!r}")
        trace = current_trace()
        if trace is None:
            state = self.state.numpy()
            self.state.assign_add(_ONE_STEP)
            return state
        tensor = trace.read(self.state)
        self.state.assign(ops.add(tensor, _ONE_STEP))
        return tensor

    def save_own_variables(self, store: Any) -> None:
        """Puts the state into a dict."""
        store["0"] = self.state.numpy()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a generator again."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Makes a generator from what `get_config` returned."""
        return cls(**config)


_default: list[SeedGenerator] = []


def default_generator() -> SeedGenerator:
    """Returns the generator of draws that are given no seed; `utils.set_random_seed` sets it anew."""
    if not _default:
        _default.append(SeedGenerator())
        on_new_seed.append(lambda: _default[0].state.assign(np.array([next_seed(), 0], np.int64)))
        on_state.append((lambda: _default[0].state.numpy().tolist(), lambda value: _default[0].state.assign(value)))
    return _default[0]


def draw_seed(seed: Any) -> Any:
    """Returns the state `[seed, counter]` to draw with.

    Args:
        seed: a `SeedGenerator`, an int, which gives the same numbers at each call, or `None` for the default generator.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        return default_generator().next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return np.array([int(seed) % 2**63, 0], np.int64)
    raise ValueError(f"random: expected a seed that is an integer, a SeedGenerator or None, got {seed!r}")
