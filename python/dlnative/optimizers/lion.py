"""Lion: steps of one size, in the direction of a momentum's sign."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import number


class Lion(Stepwise):
    """Gradient descent by signs: `w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m` goes on with `beta_2`.

    `m = beta_2 * m + (1 - beta_2) * g`.

    Args:
        learning_rate: the step size, 0.001 by default.
        beta_1: how much of the momentum is in the step, in `(0, 1]`.
        beta_2: how slowly the momentum forgets, in `[0, 1]`.
        **kwargs: see `Optimizer`.

    Source:
        Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023.
    """

    slots = ("momentum",)
    arguments = ("beta_1", "beta_2")

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = number("Lion", "beta_1", beta_1, 0, 1, open_low=True)
        self.beta_2 = number("Lion", "beta_2", beta_2, 0, 1)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (mean,) = self.slots_of(variable)
        variable.assign_sub(learning_rate * ops.sign(mean * self.beta_1 + gradient * (1.0 - self.beta_1)))
        mean.assign(mean * self.beta_2 + gradient * (1.0 - self.beta_2))
