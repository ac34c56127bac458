"""What an optimizer keeps: its variables, how they are made, set, saved and loaded, and what a step makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.function import Function
from dlnative.graph.stateless import run_with
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.optimizers.updates import Updates
from dlnative.utils.checks import listed, numbers_for


class State(Updates):
    """The part of an optimizer that keeps variables."""

    paired_slots = 0  # so many of the first slots stand side by side for each variable in `variables`, as in Keras
    name: str
    built: bool
    _trainable_variables: list[Variable]
    _own_slots: list[Variable]

    def _own_variable(self, value: Any, name: str) -> Variable:
        variable = Variable(value, dtype=str(value.dtype), trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        return variable

    @property
    def variables(self) -> list[Variable]:
        """The number of finished steps, the learning rate, running means, sums of gradients, and the slots, as in Keras."""
        extras = [variable for part in (self._averages, self._accumulation) if part for variable in part.variables]
        rate = [self._learning_rate] if self._schedule is None else []
        by_slot = [list(group) for group in zip(*(block.slots for block in self._blocks), strict=True)]
        slots = [[variable for part in slot for variable in part] for slot in by_slot]
        first = [variable for group in zip(*slots[: self.paired_slots], strict=True) for variable in group]
        rest = [variable for slot in slots[self.paired_slots :] for variable in slot]
        return [self._steps, *rate, *extras, *first, *rest, *self._own_slots]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `variables`.

        Args:
            weights: an array or variable for each.

        Raises:
            ValueError: if the optimizer is not built, or the number or a shape is another; nothing is then changed.
        """
        cls = type(self).__name__
        if not self.built:
            raise ValueError(
                f"{cls}: You are calling set_weights() before it is built: expected build(variables) first"
            )
        variables = self.variables
        arrays = [
            weight.value if isinstance(weight, Variable) else np.asarray(weight) for weight in listed(cls, weights)
        ]
        if len(arrays) != len(variables):
            raise ValueError(f"{cls}: expected {len(variables)} weights, got {len(arrays)}")
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(f'{cls}: expected shape {variable.shape} for "{variable.path}", got {array.shape}')
        converted = [numbers_for(cls, variable, array) for variable, array in zip(variables, arrays, strict=True)]
        for variable, array in zip(variables, converted, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the values of `variables` into a dict, by their places."""
        for place, variable in enumerate(self.variables):
            store[str(place)] = variable.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes the values of `variables` out of a dict; warns, and takes none, if there are more or fewer."""
        count = len(self.variables)
        variables = self.variables
        first = 1 if self._schedule is not None else 2
        if len(store.keys()) == first < count:  # it was saved before it was built
            variables = variables[:first]
        elif len(store.keys()) != count:
            warnings.warn(
                f"{type(self).__name__}: expected {count} variables to load, got {len(store.keys())}: none is loaded",
                stacklevel=2,
            )
            return
        arrays = [variable._checked(store[str(place)]) for place, variable in enumerate(variables)]
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def add_variable(
        self, shape: Sequence[int], initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Makes a variable that belongs to the optimizer."""
        from dlnative import initializers

        slot = Variable(initializers.get(initializer), tuple(shape), dtype, trainable=False, name=name or "variable")
        slot.path = f"{self.name}/{slot.name}"
        self._own_slots.append(slot)
        return slot

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Makes a slot with the shape and dtype of a variable."""
        return self.add_variable(
            reference_variable.shape, initializer, reference_variable.dtype,
            f"{reference_variable.path.replace('/', '_')}_{name or 'var'}",
        )  # fmt: skip

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Makes a slot for each variable, `None` for one that its gradient overwrites.

        Args:
            trainable_variables: the variables.
            name: a name, or several.
            initializer: what gives the first values, or one for each name.

        Returns:
            A list of slots, or for several names a tuple of lists.
        """
        names = [name] if isinstance(name, str) else list(name)
        makers = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(makers) != len(names):
            raise ValueError(
                f"{type(self).__name__}: expected an initializer for each of {len(names)} names, got {len(makers)}"
            )
        made: tuple[list[Any], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for slots, slot_name, maker in zip(made, names, makers, strict=True):
                plain = not variable.overwrite_with_gradient
                slots.append(self.add_variable_from_reference(variable, slot_name, maker) if plain else None)
        return made[0] if isinstance(name, str) else made

    def _get_variable_index(self, variable: Variable) -> int:
        return next(place for place, known in enumerate(self._trainable_variables) if known is variable)

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Returns what variables and the optimizer's variables would become, and changes neither.

        Args:
            optimizer_variables: values of `variables`.
            grads: a gradient for each variable that it was built with.
            trainable_variables: their values.

        Raises:
            ValueError: if it is not built, or a number is not that of the variables.
        """
        cls = type(self).__name__
        if not self.built:
            raise ValueError(f"{cls}: expected build(variables) before stateless_apply(), got none")
        for what, values, variables in (
            ("optimizer_variables", optimizer_variables, self.variables),
            ("grads", grads, self._trainable_variables),
            ("trainable_variables", trainable_variables, self._trainable_variables),
        ):
            if len(values) != len(variables):
                raise ValueError(f"{cls}: expected {len(variables)} {what}, got {len(values)}")

        def step(own: Sequence[Any], gradients: Sequence[Any], values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
            variables = [*self._trainable_variables, *self.variables]
            pairs = list(zip(gradients, self._trainable_variables, strict=True))
            pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
            _, after = run_with(variables, [*values, *own], lambda: self._apply_symbols(pairs, in_place=False))
            return after[: len(values)], after[len(values) :]

        given = list(optimizer_variables), list(grads), list(trainable_variables)
        made: tuple[list[Any], list[Any]] = step(*given) if current_trace() is not None else Function(step)(*given)
        return made
