"""The base of all optimizers: what they share.

Parameters that lie one behind the other in memory form a block; gradients and slots are laid out alike. The update of a
block is one instruction at the end of the plan, one pass over the memory of all its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dlnative.graph.function import Function, WeakMethod
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.optimizers.averaging import Accumulation, Averages
from dlnative.optimizers.block import Block, blocks_of
from dlnative.optimizers.updates import Updates
from dlnative.utils.naming import auto_name


class Optimizer(Updates):
    """Changes variables so that a loss gets smaller.

    A subclass names an op of the table and its slots, or writes `update_step` in `dlnative.ops`.

    Args:
        learning_rate: a number, or a function of the number of finished steps written in `dlnative.ops`.
        weight_decay: decoupled weight decay: each step first subtracts `learning_rate * weight_decay * w`.
        clipnorm: the largest norm that the gradient of one variable may have.
        clipvalue: the largest absolute value that an element of a gradient may have.
        global_clipnorm: the largest norm that all gradients together may have.
        use_ema: whether a running mean of each variable is kept, which becomes its value when `fit` ends.
        ema_momentum: how much of that mean is left in a step, from 0 to 1.
        ema_overwrite_frequency: after how many steps the means also become the values, each time.
        loss_scale_factor: what the loss is multiplied by before it is differentiated; the gradients are divided by it.
        gradient_accumulation_steps: how many steps' gradients are averaged for one update, at least 2.
        name: a name.

    Raises:
        ValueError: if more than one way of clipping is given, or a number is out of range.
    """

    op: str | None = None

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown: Any,
    ) -> None:
        cls = type(self).__name__
        if unknown:
            raise ValueError(f'{cls}: unknown argument "{next(iter(unknown))}"')
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(f"{cls}: expected at most one of clipnorm, clipvalue and global_clipnorm, got {clips}")
        for key, value in clips.items():
            if value is not None and value <= 0:
                raise ValueError(f"{cls}: expected a positive {key}, got {value!r}")
        if loss_scale_factor is not None and not loss_scale_factor > 0:
            raise ValueError(f"{cls}: expected a positive loss_scale_factor, got {loss_scale_factor!r}")
        self._averages = Averages(cls, ema_momentum, ema_overwrite_frequency) if use_ema else None
        self._accumulation = (
            None if gradient_accumulation_steps is None else Accumulation(cls, gradient_accumulation_steps)
        )
        self.loss_scale_factor = loss_scale_factor
        self.use_ema = bool(use_ema)
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.name = name or auto_name(cls)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.built = False
        self._steps = Variable(np.zeros((), np.int64), trainable=False, name="iterations")
        self._schedule: Callable[[Any], Any] | None = None
        if callable(learning_rate) and not isinstance(learning_rate, Variable):
            self._schedule = learning_rate
            initial = float(np.asarray(learning_rate(np.int64(0))))
        else:
            initial = self._checked_rate(learning_rate)
        self._learning_rate = Variable(np.float32(initial), dtype="float32", trainable=False, name="learning_rate")
        self._one = Variable(np.ones((), np.int64), trainable=False, name="one")
        self._blocks: list[Block] = []
        self._trainable_variables: list[Variable] = []
        self._own_slots: list[Variable] = []
        self._undecayed: set[Variable] = set()
        self._undecayed_names: list[str] = []
        self._function: Function | None = None

    def _checked_rate(self, value: Any) -> float:
        try:
            rate = float(value)
        except (TypeError, ValueError):
            rate = float("nan")
        if not rate >= 0:
            raise ValueError(f"{type(self).__name__}: expected a learning_rate that is not negative, got {value!r}")
        return rate

    @property
    def iterations(self) -> Any:
        """How many updates were made: a scalar variable, or a number where the gradients of several steps make one."""
        if self._accumulation is None:
            return self._steps
        return self._accumulation.updates(self._steps)

    @property
    def learning_rate(self) -> Any:
        """The learning rate, a scalar variable; setting it takes effect with the next step."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value) and not isinstance(value, Variable):
            raise ValueError(
                f"{type(self).__name__}: expected a number, got {value!r}; schedules are given at the start"
            )
        if self._schedule is not None:
            raise TypeError(f"{type(self).__name__}: the learning rate follows a schedule and cannot be set")
        self._learning_rate.assign(self._checked_rate(value))

    @property
    def variables(self) -> list[Variable]:
        """The number of finished steps, the learning rate, the slots, running means and sums of gradients."""
        slots = [variable for block in self._blocks for slot in block.slots for variable in slot]
        extras = [variable for part in (self._averages, self._accumulation) if part for variable in part.variables]
        return [self._steps, self._learning_rate, *slots, *self._own_slots, *extras]

    # What a subclass writes.

    def slot_names(self) -> list[str]:
        """Returns the names of the slots that each parameter has, in the order of the op's inputs."""
        return []

    def update_attributes(self, weight_decay: float) -> tuple[Any, ...]:
        """Returns the op's attributes."""
        raise NotImplementedError(f"{type(self).__name__}: expected update_attributes or update_step, found neither")

    def update_inputs(self) -> list[Any]:
        """Returns the scalars that the op reads between the gradient and the slots: variables, or tensors of a trace."""
        return [self._learning_rate]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Updates one variable, in `dlnative.ops`: what a subclass that names no op writes."""
        raise NotImplementedError(f"{type(self).__name__}: expected update_step, found none")

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Makes a slot with the shape and dtype of a variable."""
        from dlnative import initializers

        slot = Variable(
            initializers.get(initializer), reference_variable.shape, reference_variable.dtype, trainable=False,
            name=f"{reference_variable.path.replace('/', '_')}_{name or 'slot'}",
        )  # fmt: skip
        self._own_slots.append(slot)
        return slot

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable."""
        variable.assign_sub(value)

    # Building.

    def exclude_from_weight_decay(
        self, var_list: Sequence[Variable] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Keeps variables from weight decay; to be called before the optimizer is built.

        Args:
            var_list: the variables.
            var_names: regular expressions searched in their names.
        """
        if self.built:
            raise ValueError(f"{type(self).__name__}: expected exclude_from_weight_decay before build, got it after")
        self._undecayed.update(var_list or ())
        self._undecayed_names.extend(var_names or ())

    def _decays(self, variable: Variable) -> bool:
        if not self.weight_decay or variable in self._undecayed:
            return False
        return not any(re.search(pattern, variable.name) for pattern in self._undecayed_names)

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots for variables, which get memory in one block.

        Args:
            variables: the variables that later gradients belong to.
        """
        if self.built and list(map(id, variables)) == list(map(id, self._trainable_variables)):
            return
        self._trainable_variables = list(variables)
        self._blocks = []
        if self.op is not None:
            self._blocks = blocks_of(self._trainable_variables, self._decays, self.slot_names())
            for block in self._blocks:
                self.initialize_slots(block.flat_slots)
        for part in (self._averages, self._accumulation):
            if part is not None:
                part.build(self._trainable_variables)
        self.built = True

    def initialize_slots(self, slots: list[Variable]) -> None:
        """Sets the first values of slots, which are zero otherwise."""

    def _ensure_built(self, variables: Sequence[Variable]) -> None:
        if not self.built:
            self.build(variables)
        known = set(map(id, self._trainable_variables))
        for variable in variables:
            if id(variable) not in known:
                raise ValueError(
                    f'{type(self).__name__}: expected variables it was built with, got "{variable.path}"; a new set of '
                    "variables needs a new optimizer"
                )

    # Applying.

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> None:
        """Updates variables.

        Args:
            grads_and_vars: pairs of a gradient (`None`: leave the variable) and its variable.

        Raises:
            ValueError: if a gradient does not have its variable's shape; nothing is then changed.
        """
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Updates variables; without a list, those that the optimizer was built with."""
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"{type(self).__name__}: expected variables beside gradients before it is built, got none"
                )
            trainable_variables = self._trainable_variables
        if len(grads) != len(trainable_variables):
            raise ValueError(
                f"{type(self).__name__}: expected a gradient for each of {len(trainable_variables)} variables, got {len(grads)}"
            )
        given = [
            (gradient, variable)
            for gradient, variable in zip(grads, trainable_variables, strict=True)
            if gradient is not None
        ]
        if not given:
            if grads:
                raise ValueError(f"{type(self).__name__}: expected a gradient for some variable, got None for all")
            return
        for gradient, variable in given:
            shape = tuple(gradient.shape) if hasattr(gradient, "shape") else np.shape(gradient)
            if shape != variable.shape:
                raise ValueError(
                    f'{type(self).__name__}: expected a gradient of shape {variable.shape} for "{variable.path}", got {shape}'
                )
        self._ensure_built(trainable_variables)
        if current_trace() is not None:
            self._apply_symbols(given)
            return
        variables = [variable for _, variable in given]
        if self._function is None:
            self._function = Function(WeakMethod(self._apply_chosen), capacity=8)
        places = {id(variable): index for index, variable in enumerate(self._trainable_variables)}
        arrays = [np.asarray(gradient, variable.dtype) for gradient, variable in given]
        self._function(arrays, chosen=tuple(places[id(variable)] for variable in variables))

    def _apply_chosen(self, gradients: Sequence[Any], chosen: Sequence[int]) -> None:
        """Adds the update of some of the variables, by their places, to the trace."""
        variables = self._trainable_variables
        self._apply_symbols([(gradient, variables[place]) for gradient, place in zip(gradients, chosen, strict=True)])

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times `loss_scale_factor`: what to differentiate for `apply`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Gives variables their running means, if `use_ema` keeps them; `fit` does so at its end."""
        if self._averages is not None and self.built:
            self._averages.overwrite(var_list)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such an optimizer again."""
        return {
            "name": self.name,
            "learning_rate": float(self._learning_rate.value) if self._schedule is None else self._schedule,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        """Makes an optimizer from what `get_config` returned."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of an optimizer share no compiled functions with it."""
        return {**self.__dict__, "_function": None}


def checked_fraction(cls: str, name: str, value: Any, *, closed: bool = False) -> float:
    """Returns a number in `[0, 1)` (or `[0, 1]`), refusing any other."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not (0 <= value < 1 or (closed and value == 1))
    ):
        raise ValueError(f"{cls}: expected {name} in [0, 1{']' if closed else ')'}, got {value!r}")
    return float(value)
