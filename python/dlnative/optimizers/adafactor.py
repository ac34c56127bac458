"""Adafactor: the mean squares of a matrix, kept by row and by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import flag, number


class Adafactor(Stepwise):
    """Gradient descent by the root of mean squares, which for matrices are kept as means of rows and of columns.

    Args:
        learning_rate: the largest step size relative to the weights, 0.001 by default.
        beta_2_decay: at step t the means forget by `1 - t**beta_2_decay`.
        epsilon_1: is added to squares.
        epsilon_2: the least size that a variable counts with.
        clip_threshold: the largest root mean square of an update.
        relative_step: part of the config only: as in Keras, the step size is at most `1 / sqrt(t)` in any case.
        **kwargs: see `Optimizer`.

    Source:
        Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018.
    """

    arguments = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30, epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0, relative_step: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = number("Adafactor", "beta_2_decay", beta_2_decay, None, 0)
        self.epsilon_1 = number("Adafactor", "epsilon_1", epsilon_1, 0)
        self.epsilon_2 = number("Adafactor", "epsilon_2", epsilon_2, 0)
        self.clip_threshold = number("Adafactor", "clip_threshold", clip_threshold, 0, open_low=True)
        self.relative_step = flag("Adafactor", "relative_step", relative_step)

    def build(self, variables: Sequence[Variable]) -> None:
        first = not self.built
        super().build(variables)
        if not first:
            return
        made: list[list[Any]] = [[], [], []]
        for variable in self._trainable_variables:
            shape = variable.shape
            matrix = len(shape) >= 2
            slots: list[Any] = [None] * 3
            if not variable.overwrite_with_gradient:
                rows, columns = (shape[:-1], (*shape[:-2], shape[-1])) if matrix else ((), ())
                slots[0] = self.add_variable(rows, "zeros", variable.dtype, variable.name)
                slots[1] = self.add_variable(columns, "zeros", variable.dtype, variable.name)
                slots[2] = self.add_variable_from_reference(variable, "velocity")
            for group, slot in zip(made, slots, strict=True):
                group.append(slot)
        self._made = made

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        rows, columns, squares = self.slots_of(variable)
        step = self.step_number(variable)
        size = ops.minimum(learning_rate, 1.0 / ops.sqrt(step)) * ops.maximum(self.epsilon_2, _rms(variable))
        forget = 1.0 - ops.power(step, self.beta_2_decay)
        new = ops.square(gradient) + self.epsilon_1
        if len(variable.shape) >= 2:
            rows.assign(forget * rows + (1.0 - forget) * ops.mean(new, axis=-1))
            columns.assign(forget * columns + (1.0 - forget) * ops.mean(new, axis=-2))
            shares = rows / ops.mean(rows, axis=-1, keepdims=True)
            squares.assign(ops.expand_dims(shares, -1) * ops.expand_dims(columns, -2))
        else:
            squares.assign(forget * squares + (1.0 - forget) * new)
        update = gradient / ops.sqrt(squares)
        variable.assign_sub(size * update / ops.maximum(1.0, _rms(update) / self.clip_threshold))


def _rms(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))
