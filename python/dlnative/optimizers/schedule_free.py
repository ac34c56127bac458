"""Schedule-free AdamW: averages of the iterates stand for a schedule of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.optimizer import Optimizer
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import integer, number


def _copied(variable: Variable) -> Any:
    """Returns an initializer that gives the value of a variable."""
    return lambda shape, dtype=None: variable.value


class ScheduleFreeAdamW(Stepwise):
    """Adam without a schedule: gradients are taken at a point between a fast sequence and the mean of its members.

    With step t: `v = beta_2 v + (1 - beta_2) g**2`, `z -= learning_rate * g / (sqrt(v / (1 - beta_2**t)) + epsilon)`,
    `x += (z - x) / t`, and the variable is `(1 - beta_1) z + beta_1 x`. The slot `momentum` holds z; x follows from the
    variable.

    Args:
        learning_rate: the step size, 0.0025 by default.
        beta_1: how far the variable is from z towards x, in `(0, 1)`.
        beta_2: how slowly the squares of the gradients are forgotten.
        epsilon: keeps the root from zero.
        warmup_steps: over how many steps the learning rate grows from zero.
        **kwargs: see `Optimizer`.

    Source:
        Defazio et al., "The road less scheduled", NeurIPS 2024.
    """

    slots = ("momentum", "velocity")
    arguments = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    def __init__(
        self, learning_rate: Any = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        warmup_steps: int = 0, **kwargs: Any,
    ) -> None:  # fmt: skip
        cls = "ScheduleFreeAdamW"
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = number(cls, "beta_1", beta_1, 0, 1, open_low=True, open_high=True)
        self.beta_2 = number(cls, "beta_2", beta_2, 0, 1, open_high=True)
        self.epsilon = number(cls, "epsilon", epsilon, 0)
        self.warmup_steps = integer(cls, "warmup_steps", warmup_steps, 0)

    def build(self, variables: Sequence[Variable]) -> None:
        first = not self.built
        Optimizer.build(self, variables)
        if first:
            self._made = tuple(
                [
                    None if v.overwrite_with_gradient else self.add_variable_from_reference(v, name, begins(v))
                    for v in variables
                ]
                for name, begins in (("momentum", _copied), ("velocity", lambda _: "zeros"))
            )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        fast, squares = self.slots_of(variable)
        step = self.step_number(variable)
        if self.warmup_steps:
            learning_rate = learning_rate * ops.minimum(step / float(self.warmup_steps), 1.0)
        mean = (variable - fast * (1.0 - self.beta_1)) / self.beta_1
        squares.assign_add((ops.square(gradient) - squares) * (1.0 - self.beta_2))
        root = ops.sqrt(squares / (1.0 - ops.power(self.beta_2, step))) + self.epsilon
        fast.assign_sub(gradient * learning_rate / root)
        share = 1.0 / step
        mean = mean * (1.0 - share) + fast * share
        variable.assign(fast * (1.0 - self.beta_1) + mean * self.beta_1)
