"""Parameters that lie one behind the other in memory, and their gradients and slots, laid out alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from dlnative.graph.layout import block_of, clear_padding, contiguous_runs, flatten_variables, view_of, views_like
from dlnative.graph.storage import zeroed
from dlnative.graph.variable import Variable


class Block:
    """Parameters that are updated together, with their gradients and slots, which lie one behind the other."""

    def __init__(self, variables: list[Variable], decays: bool, slots: Sequence[str], owner: str) -> None:
        self.owner = owner
        self.variables = variables
        self.decays = decays
        self.parameters = block_of(variables, "parameters")
        size, dtype = self.parameters.nbytes, self.parameters.dtype
        memory = zeroed(size * (1 + len(slots)), unset=size)  # every step writes the gradients anew
        self.gradient, *self.flat_slots = (
            view_of(memory, place * size, self.parameters.shape, dtype, name)
            for place, name in enumerate(["gradients", *slots])
        )
        self.gradients = views_like(variables, self.gradient, "gradient")
        clear_padding(self.gradients)

    @functools.cached_property
    def slots(self) -> list[list[Variable]]:
        """The slots of each variable, by slot."""
        return [views_like(self.variables, slot, slot.name, f"{self.owner}/") for slot in self.flat_slots]


def blocks_of(
    variables: Sequence[Variable], decays: Callable[[Variable], bool], slots: Sequence[str], owner: str
) -> list[Block]:
    """Moves variables together and returns their blocks, cut where weight decay begins or ends."""
    flatten_variables(variables)
    return [Block(part, flag, slots, owner) for run in contiguous_runs(variables) for flag, part in _parts(run, decays)]


def _parts(run: list[Variable], decays: Callable[[Variable], bool]) -> list[tuple[bool, list[Variable]]]:
    """Cuts a run where weight decay begins or ends."""
    parts: list[tuple[bool, list[Variable]]] = []
    for variable in run:
        flag = decays(variable)
        if parts and parts[-1][0] == flag:
            parts[-1][1].append(variable)
        else:
            parts.append((flag, [variable]))
    return parts
