"""The base of all optimizers: what they share.

Parameters that lie one behind the other in memory form a block; gradients and slots are laid out alike. The update of a
block is one instruction at the end of the plan, one pass over the memory of all its parameters.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlnative.graph.function import Function, WeakMethod
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.optimizers.averaging import Accumulation, Averages
from dlnative.optimizers.block import Block, blocks_of
from dlnative.optimizers.learning_rate import LearningRate
from dlnative.utils.checks import flag, number, numbers_for
from dlnative.utils.naming import auto_name


class Optimizer(LearningRate):
    """Changes variables so that a loss gets smaller.

    A subclass names an op of the table and its slots, or writes `update_step` in `dlnative.ops`.

    Args:
        learning_rate: a number, a `LearningRateSchedule`, or a function: of the number of finished steps, written in
            `dlnative.ops`, or of nothing, which is called for each `apply` and when `fit` compiles its step.
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
        if "lr" in unknown or "decay" in unknown:
            from dlnative.legacy import optimizers as legacy

            learning_rate = legacy.learning_rate(cls, unknown, learning_rate)
        if unknown:
            raise ValueError(f'{cls}: unknown argument "{next(iter(unknown))}"')
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(
                f"{cls}: Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be given, got "
                f"{', '.join(f'{key}={value!r}' for key, value in clips.items() if value is not None)}"
            )
        self.clipnorm, self.clipvalue, self.global_clipnorm = (
            None if value is None else number(cls, key, value, 0, open_low=True) for key, value in clips.items()
        )
        self.weight_decay = None if weight_decay is None else number(cls, "weight_decay", weight_decay, 0)
        self.loss_scale_factor = (
            None if loss_scale_factor is None else number(cls, "loss_scale_factor", loss_scale_factor, 0, open_low=True)
        )
        self.use_ema = flag(cls, "use_ema", use_ema)
        self._averages = Averages(cls, ema_momentum, ema_overwrite_frequency) if self.use_ema else None
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self._accumulation = (
            None if gradient_accumulation_steps is None else Accumulation(cls, gradient_accumulation_steps)
        )
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.name = name or auto_name(cls)
        self.built = False
        self._steps = self._own_variable(np.zeros((), np.int64), "iteration")
        self._init_learning_rate(learning_rate)
        self._one = Variable(np.ones((), np.int64), trainable=False, name="one")
        self._blocks: list[Block] = []
        self._trainable_variables: list[Variable] = []
        self._own_slots: list[Variable] = []
        self._undecayed: set[Variable] = set()
        self._undecayed_names: list[str] = []
        self._function: Function | None = None

    @property
    def iterations(self) -> Any:
        """How many updates were made: a scalar variable, or a number where the gradients of several steps make one."""
        if self._accumulation is None:
            return self._steps
        return self._accumulation.updates(self._steps)

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

    def _is_excluded(self, variable: Variable) -> bool:
        """Tells whether a variable is kept from weight decay."""
        return variable in self._undecayed or any(
            re.search(pattern, variable.name) for pattern in self._undecayed_names
        )

    def _decay_of(self, variable: Variable) -> float:
        """Returns the weight decay of a variable."""
        return 0.0 if not self.weight_decay or self._is_excluded(variable) else self.weight_decay

    def _decays(self, variable: Variable) -> bool:
        return self._decay_of(variable) > 0

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the slots for variables, which get memory in one block.

        Args:
            variables: the variables that later gradients belong to.

        Raises:
            ValueError: if it is built already, for other variables.
        """
        if self.built:
            self._check_known(variables)
            return
        self._trainable_variables = list(variables)
        trained = [variable for variable in self._trainable_variables if not variable.overwrite_with_gradient]
        self._blocks = []
        if self.op is not None:
            self._blocks = blocks_of(trained, self._decays, self.slot_names(), self.name)
            for block in self._blocks:
                self.initialize_slots(block.flat_slots)
        if self._averages is not None:
            self._averages.build(trained)
        if self._accumulation is not None:
            self._accumulation.build(self._trainable_variables)
        self.built = True

    def initialize_slots(self, slots: list[Variable]) -> None:
        """Sets the first values of slots, which are zero otherwise."""

    def _check_known(self, variables: Sequence[Variable]) -> None:
        known = set(map(id, self._trainable_variables))
        for variable in variables:
            if id(variable) not in known:
                raise ValueError(
                    f'{type(self).__name__}: expected variables it was built with, got "{variable.path}"; a new set of '
                    "variables needs a new optimizer"
                )

    # Applying.

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Updates variables and returns the number of finished steps.

        Args:
            grads_and_vars: pairs of a gradient (`None`: leave the variable) and its variable.

        Raises:
            ValueError: if a gradient does not have its variable's shape; nothing is then changed.
        """
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._steps

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Updates variables; without a list, those that the optimizer was built with.

        Args:
            grads: a gradient for each variable; `None` leaves it.
            trainable_variables: the variables.

        Raises:
            ValueError: if there is not one gradient for each variable, if all are `None`, or if a shape does not fit; nothing
                is then changed.
        """
        grads = list(grads)
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"{type(self).__name__}: expected variables beside gradients before it is built, got none"
                )
            trainable_variables = self._trainable_variables
        trainable_variables = list(trainable_variables)
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
                raise ValueError(
                    f"{type(self).__name__}: No gradients provided for any variable: expected some, got None for all"
                )
            return
        if len(given) < len(grads):
            without = [v.path for g, v in zip(grads, trainable_variables, strict=True) if g is None]
            warnings.warn(
                f"{type(self).__name__}: expected a gradient for each variable, got None for {', '.join(without)}: "
                "the loss does not depend on them",
                stacklevel=2,
            )
        for gradient, variable in given:
            shape = tuple(gradient.shape) if hasattr(gradient, "shape") else np.shape(gradient)
            if shape != variable.shape:
                raise ValueError(
                    f'{type(self).__name__}: expected a gradient of shape {variable.shape} for "{variable.path}", got {shape}'
                )
        if self.built:
            self._check_known(trainable_variables)
        else:
            self.build(trainable_variables)
        if current_trace() is not None:
            self._apply_symbols(given)
            return
        variables = [variable for _, variable in given]
        if self._function is None:
            self._function = Function(WeakMethod(self._apply_chosen))
        places = {id(variable): index for index, variable in enumerate(self._trainable_variables)}
        arrays = [numbers_for(type(self).__name__, variable, np.asarray(gradient)) for gradient, variable in given]
        chosen = tuple(places[id(variable)] for variable in variables)
        self._refresh_rate()
        self._function(arrays, chosen=chosen)

    def _apply_chosen(self, gradients: Sequence[Any], chosen: Sequence[int]) -> None:
        """Adds the update of some of the variables, by their places, to the trace."""
        variables = self._trainable_variables
        pairs = [(gradient, variables[place]) for gradient, place in zip(gradients, chosen, strict=True)]
        self._apply_symbols(pairs, rate_is_set=self._rate_is_refreshed)

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times `loss_scale_factor`: what to differentiate for `apply`."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    @property
    def keeps_means(self) -> bool:
        """Whether running means of the variables are kept."""
        return self._averages is not None

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Gives variables their running means, if `use_ema` keeps them; `fit` does so at its end."""
        if self._averages is not None and self.built:
            self._averages.overwrite(var_list)

    def swap_averages(self) -> None:
        """Exchanges the variables' values and their running means.

        Raises:
            ValueError: if `use_ema` is not set.
        """
        if self._averages is None:
            raise ValueError(f"{type(self).__name__}: expected use_ema=True to swap running means, got use_ema=False")
        self._averages.swap()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such an optimizer again."""
        return {
            "name": self.name,
            "learning_rate": self._rate_config(),
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
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        """Makes an optimizer from what `get_config` returned.

        Args:
            config: the arguments.
            custom_objects: classes of schedules by name.
        """
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            from dlnative.optimizers import schedules

            config["learning_rate"] = schedules.deserialize(config["learning_rate"], custom_objects)
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of an optimizer share no compiled functions with it."""
        return {**self.__dict__, "_function": None}
