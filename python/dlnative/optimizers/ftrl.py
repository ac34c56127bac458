"""FTRL-proximal: follow the regularized leader, which makes sparse weights."""

from __future__ import annotations

from typing import Any

from dlnative import initializers, ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import number


class Ftrl(Stepwise):
    """Follow the regularized leader.

    With `n' = n + g**2` and `s = (n'**-p - n**-p) / learning_rate`: `z += g + 2 * l2_shrinkage * w - s * w`,
    `w = (clip(z, -l1, l1) - z) / (n'**-p / learning_rate + 2 * (l2 + beta / (2 * learning_rate)))`, `n = n'`.

    Args:
        learning_rate: the step size, 0.001 by default.
        learning_rate_power: p, at most 0.
        initial_accumulator_value: the first n, at least 0.
        l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength: l1, l2 and l2_shrinkage,
            at least 0.
        beta: see the formula.
        **kwargs: see `Optimizer`.

    Source:
        McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013.
    """

    slots = ("accumulator", "linear")
    arguments = (
        "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
        "l2_shrinkage_regularization_strength", "beta",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = number("Ftrl", "learning_rate_power", learning_rate_power, None, 0)
        self.initial_accumulator_value = number("Ftrl", "initial_accumulator_value", initial_accumulator_value, 0)
        self.l1_regularization_strength = number("Ftrl", "l1_regularization_strength", l1_regularization_strength, 0)
        self.l2_regularization_strength = number("Ftrl", "l2_regularization_strength", l2_regularization_strength, 0)
        self.l2_shrinkage_regularization_strength = number(
            "Ftrl", "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0
        )
        self.beta = number("Ftrl", "beta", beta)

    def initial_values(self) -> list[Any]:
        return [initializers.Constant(self.initial_accumulator_value), "zeros"]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares, linear = self.slots_of(variable)
        power, l1 = -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        after = squares + ops.square(gradient)
        slope = (ops.power(after, power) - ops.power(squares, power)) / learning_rate
        shrunk = gradient + variable * (2.0 * self.l2_shrinkage_regularization_strength)
        linear.assign_add(shrunk - slope * variable)
        quadratic = ops.power(after, power) / learning_rate + 2.0 * l2
        variable.assign((ops.clip(linear, -l1, l1) - linear) / quadratic)
        squares.assign(after)
