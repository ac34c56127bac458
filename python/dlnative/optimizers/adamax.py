"""Relatives of Adam: with the largest gradient (Adamax), and with Nesterov's momentum (Nadam)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import dtypes, ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import number


class _AdamLike(Stepwise):
    arguments = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        owner = type(self).__name__
        self.beta_1 = number(owner, "beta_1", beta_1, 0, 1, open_high=True)
        self.beta_2 = number(owner, "beta_2", beta_2, 0, 1, open_high=True)
        self.epsilon = number(owner, "epsilon", epsilon, 0)


class Adamax(_AdamLike):
    """Adam with the largest absolute gradient instead of the root of the mean square.

    `m += (g - m) * (1 - beta_1)`, `u = max(beta_2 * u, |g|)`, and at step t
    `w -= learning_rate / (1 - beta_1**t) * m / (u + epsilon)`.

    Args:
        learning_rate: the step size, 0.001 by default.
        beta_1, beta_2: how slowly the mean and the largest gradient forget, in `[0, 1)`.
        epsilon: keeps the quotient from zero.
        **kwargs: see `Optimizer`.

    Source:
        Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    slots = ("momentum", "norm")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        mean, largest = self.slots_of(variable)
        mean.assign_add((gradient - mean) * (1.0 - self.beta_1))
        largest.assign(ops.maximum(largest * self.beta_2, ops.absolute(gradient)))
        correction = 1.0 - ops.power(self.beta_1, self.step_number(variable))
        variable.assign_sub(learning_rate * mean / (correction * (largest + self.epsilon)))


class Nadam(_AdamLike):
    """Adam whose momentum looks one step ahead.

    With `mu_t = beta_1 * (1 - 0.96**t / 2)` and `M_t` the product of the first t of them:
    `m += (g - m) * (1 - beta_1)`, `v += (g**2 - v) * (1 - beta_2)`,
    `h = mu_(t+1) * m / (1 - M_(t+1)) + (1 - mu_t) * g / (1 - M_t)`,
    `w -= learning_rate * h / (sqrt(v / (1 - beta_2**t)) + epsilon)`.

    Args:
        learning_rate: the step size, 0.001 by default.
        beta_1, beta_2: how slowly the means forget, in `[0, 1)`.
        epsilon: keeps the root from zero.
        **kwargs: see `Optimizer`.

    Source:
        Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    slots = ("momentum", "velocity")
    _product: Variable

    def build(self, variables: Sequence[Variable]) -> None:
        first = not self.built
        super().build(variables)
        if first:
            dtype = self._trainable_variables[0].dtype if self._trainable_variables else dtypes.floatx()
            self._product = self.add_variable((), "ones", dtype, "u_product")

    def _schedule_of(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step))

    def _update_each(self, variables: Sequence[Variable], gradients: dict[int, Any]) -> None:
        self._product.assign(self._product * self._schedule_of(self.step_number(self._product)))
        super()._update_each(variables, gradients)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        mean, square = self.slots_of(variable)
        step = self.step_number(variable)
        now, ahead = self._schedule_of(step), self._schedule_of(self.step_number(variable, 2))
        product = ops.cast(self._product, variable.dtype)
        mean.assign_add((gradient - mean) * (1.0 - self.beta_1))
        square.assign_add((ops.square(gradient) - square) * (1.0 - self.beta_2))
        hat = ahead * mean / (1.0 - product * ahead) + (1.0 - now) * gradient / (1.0 - product)
        root = ops.sqrt(square / (1.0 - ops.power(self.beta_2, step)))
        variable.assign_sub(hat * learning_rate / (root + self.epsilon))


class Lamb(_AdamLike):
    """Adam whose step is as long as the variable, times the learning rate.

    `u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)`, `w -= learning_rate * |w| / |u| * u` (and
    `learning_rate * u` where one of the norms is 0), m and v as in Adam.

    Args:
        learning_rate: the step size, 0.001 by default.
        beta_1, beta_2: how slowly the means forget, in `[0, 1)`.
        epsilon: keeps the root from zero.
        **kwargs: see `Optimizer`.

    Source:
        You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020.
    """

    slots = ("momentum", "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        mean, square = self.slots_of(variable)
        step = self.step_number(variable)
        mean.assign_add((gradient - mean) * (1.0 - self.beta_1))
        square.assign_add((ops.square(gradient) - square) * (1.0 - self.beta_2))
        root = ops.sqrt(square / (1.0 - ops.power(self.beta_2, step)))
        update = mean / (1.0 - ops.power(self.beta_1, step)) / (root + self.epsilon)
        long, far = (ops.sqrt(ops.sum(ops.square(x))) for x in (variable, update))
        both = ops.logical_and(ops.greater(long, 0.0), ops.greater(far, 0.0))
        ratio = ops.where(both, long / ops.where(both, far, 1.0), 1.0)
        variable.assign_sub(ratio * learning_rate * update)
