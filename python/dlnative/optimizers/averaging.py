"""What looks at several steps of an optimizer: gradients that are averaged over them, and running means of the variables.

Both work on the symbols of a trace and follow the order of Keras 3: gradients, update, means, constraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.utils.checks import integer, number


class _PerVariable:
    """A variable of its own beside each variable that is trained."""

    name: str

    def __init__(self) -> None:
        self._beside: dict[Variable, Variable] = {}

    @property
    def variables(self) -> list[Variable]:
        return list(self._beside.values())

    def build(self, variables: Sequence[Variable]) -> None:
        self._beside = {
            variable: Variable(
                np.zeros(variable.shape, variable.dtype), dtype=variable.dtype, trainable=False,
                name=f"{variable.name}_{self.name}",
            )
            for variable in variables
        }  # fmt: skip


def _is_multiple(count: Any, divisor: int) -> Any:
    """Tells whether an int64 scalar is a multiple of an integer."""
    quotient = ops.cast(count, "float64") / float(divisor)
    return ops.equal(quotient, ops.floor(quotient))


class Accumulation(_PerVariable):
    """Sums of gradients, until an update is due.

    Args:
        owner: what messages begin with.
        steps: how many steps make an update.
    """

    name = "gradient_accumulator"

    def __init__(self, owner: str, steps: Any) -> None:
        super().__init__()
        self.steps = integer(owner, "gradient_accumulation_steps", steps, 2)

    def updates(self, steps: Variable) -> Any:
        """Returns how many updates so many steps have made: a tensor while tracing, otherwise a number."""
        trace = current_trace()
        if trace is None:
            return np.int64(steps.value // self.steps)
        return ops.cast(ops.floor(ops.cast(trace.read(steps), "float64") / float(self.steps)), "int64")

    def take(self, steps: Variable, gradients: Sequence[Any], variables: Sequence[Variable]) -> tuple[Any, list[Any]]:
        """Adds gradients to the sums; returns whether an update is due, and the means that it is made with."""
        trace = current_trace()
        assert trace is not None
        due = _is_multiple(trace.read(steps) + 1, self.steps)
        means = []
        for gradient, variable in zip(gradients, variables, strict=True):
            total = self._beside[variable]
            summed = trace.read(total) + ops.cast(gradient, variable.dtype)
            means.append(summed / float(self.steps))
            total.assign(ops.where(due, ops.zeros_like(summed), summed))
        return due, means

    def overwrite(self, steps: Variable, gradient: Any, variable: Variable) -> None:
        """Gives a variable the largest of its gradients, when an update is due."""
        trace = current_trace()
        assert trace is not None
        due = _is_multiple(trace.read(steps) + 1, self.steps)
        largest = self._beside[variable]
        value = ops.maximum(ops.cast(gradient, variable.dtype), trace.read(largest))
        variable.assign(ops.where(due, value, trace.read(variable)))
        largest.assign(ops.where(due, ops.zeros_like(value), value))


class Averages(_PerVariable):
    """Running means of variables: mean = momentum mean + (1 - momentum) value, beginning with the first value.

    Args:
        owner: what messages begin with.
        momentum: how much of the mean is left in a step.
        frequency: after how many steps the means become the values, each time; `None`: not while training.
    """

    name = "average"

    def __init__(self, owner: str, momentum: Any, frequency: Any) -> None:
        super().__init__()
        self.momentum = number(owner, "ema_momentum", momentum, 0, 1)
        self.frequency = None if frequency is None else integer(owner, "ema_overwrite_frequency", frequency, 1)
        self._swapped = False  # whether variables hold their means, and the means their values

    def update(self, iterations: Any) -> None:
        """Adds the variables' new values to the means, while tracing; those that had no gradient count, too."""
        trace = current_trace()
        assert trace is not None
        count = trace.read(iterations) if isinstance(iterations, Variable) else iterations
        begun = ops.not_equal(count, 0)
        for variable, mean in self._beside.items():
            momentum = ops.cast(begun, variable.dtype) * self.momentum
            mean.assign(momentum * trace.read(mean) + (1.0 - momentum) * trace.read(variable))
            if self.frequency is not None:
                due = _is_multiple(count + 1, self.frequency)
                variable.assign(ops.where(due, trace.read(mean), trace.read(variable)))

    def overwrite(self, variables: Sequence[Variable]) -> None:
        """Gives the variables their means, for good: if `swap` has done so, the values that it has put aside are dropped."""
        for variable in variables:
            mean = self._beside.get(variable)
            if mean is not None:
                target, source = (mean, variable) if self._swapped else (variable, mean)
                target.assign(source.value)
        self._swapped = False

    def swap(self) -> None:
        """Exchanges the variables' values and their means."""
        for variable, mean in self._beside.items():
            value = variable.numpy()
            variable.assign(mean.value)
            mean.assign(value)
        self._swapped = not self._swapped
