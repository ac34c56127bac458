"""Adagrad and Adadelta: each element has a rate of its own, by the squares of its gradients."""

from __future__ import annotations

from typing import Any

from dlnative import initializers, ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import number


class Adagrad(Stepwise):
    """Gradient descent with each gradient divided by the root of the sum of its squares.

    `a += g**2`, `w -= learning_rate * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: the step size, 0.001 by default.
        initial_accumulator_value: the first a, at least 0.
        epsilon: keeps the root from zero.
        **kwargs: see `Optimizer`.

    Source:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 12, 2011.
    """

    slots = ("accumulator",)
    arguments = ("initial_accumulator_value", "epsilon")

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = number("Adagrad", "initial_accumulator_value", initial_accumulator_value, 0)
        self.epsilon = number("Adagrad", "epsilon", epsilon, 0)

    def initial_values(self) -> list[Any]:
        return [initializers.Constant(self.initial_accumulator_value)]

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        (total,) = self.slots_of(variable)
        total.assign_add(ops.square(gradient))
        variable.assign_sub(learning_rate * gradient / ops.sqrt(total + self.epsilon))


class Adadelta(Stepwise):
    """Gradient descent with steps as large as the last ones were, relative to the gradients.

    `a = rho * a + (1 - rho) * g**2`, `s = -sqrt(d + epsilon) / sqrt(a + epsilon) * g`,
    `d = rho * d + (1 - rho) * s**2`, `w += learning_rate * s`.

    Args:
        learning_rate: the step size, 0.001 by default; 1 in the paper.
        rho: how slowly the means forget, in `[0, 1]`.
        epsilon: keeps the roots from zero.
        **kwargs: see `Optimizer`.

    Source:
        Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    slots = ("accumulated_grad", "accumulated_delta_var")
    arguments = ("rho", "epsilon")

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = number("Adadelta", "rho", rho, 0, 1)
        self.epsilon = number("Adadelta", "epsilon", epsilon, 0)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        squares, steps = self.slots_of(variable)
        squares.assign(squares * self.rho + (1.0 - self.rho) * ops.square(gradient))
        step = -ops.sqrt(steps + self.epsilon) / ops.sqrt(squares + self.epsilon) * gradient
        steps.assign(steps * self.rho + (1.0 - self.rho) * ops.square(step))
        variable.assign_add(learning_rate * step)
