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
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 2:
            raise ValueError(
                f"{owner}: expected gradient_accumulation_steps to be an integer of 2 or more, got {steps!r}"
            )
        self.steps = steps

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
        if isinstance(momentum, bool) or not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ValueError(f"{owner}: expected ema_momentum in [0, 1], got {momentum!r}")
        if frequency is not None and (isinstance(frequency, bool) or not isinstance(frequency, int) or frequency < 1):
            raise ValueError(f"{owner}: expected ema_overwrite_frequency to be a positive integer, got {frequency!r}")
        self.momentum = float(momentum)
        self.frequency = frequency

    def update(self, iterations: Any, variables: Sequence[Variable]) -> None:
        """Adds the variables' new values to the means, while tracing."""
        trace = current_trace()
        assert trace is not None
        count = trace.read(iterations) if isinstance(iterations, Variable) else iterations
        begun = ops.not_equal(count, 0)
        for variable in variables:
            mean = self._beside[variable]
            momentum = ops.cast(begun, variable.dtype) * self.momentum
            mean.assign(momentum * trace.read(mean) + (1.0 - momentum) * trace.read(variable))
            if self.frequency is not None:
                due = _is_multiple(count + 1, self.frequency)
                variable.assign(ops.where(due, trace.read(mean), trace.read(variable)))

    def overwrite(self, variables: Sequence[Variable]) -> None:
        """Gives the variables their means."""
        for variable in variables:
            mean = self._beside.get(variable)
            if mean is not None:
                variable.assign(mean.value)
