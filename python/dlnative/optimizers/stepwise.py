"""The base of optimizers whose step is a formula in `dlnative.ops`, for each variable by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.ops.core import as_tensor
from dlnative.optimizers.optimizer import Optimizer


class Stepwise(Optimizer):
    """An optimizer that keeps slots beside each variable and updates it by a formula.

    A subclass writes `update_step`.
    """

    slots: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()  # those that a config holds beside the ones of `Optimizer`
    _made: Any = ()

    def initial_values(self) -> list[Any]:
        """Returns what gives the slots their first values."""
        return ["zeros"] * len(self.slots)

    def build(self, variables: Sequence[Variable]) -> None:
        first = not self.built
        super().build(variables)
        if first:
            self._made = self.add_optimizer_variables(
                self._trainable_variables, list(self.slots), self.initial_values()
            )

    def slots_of(self, variable: Variable) -> list[Variable]:
        """Returns the slots of a variable."""
        place = self._get_variable_index(variable)
        return [slots[place] for slots in self._made]

    def step_number(self, variable: Variable, ahead: int = 1) -> Any:
        """Returns the number of updates that were made, and of some more, in the type of a variable."""
        count = as_tensor(self.iterations)
        return ops.cast(count + ahead, variable.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.arguments}}
