"""RMSprop."""

from __future__ import annotations

from typing import Any

from dlnative.optimizers.optimizer import Optimizer
from dlnative.utils.checks import flag, number


class RMSprop(Optimizer):
    """Gradient descent with each gradient divided by the root of a running mean of its square.

    `v = rho * v + (1 - rho) * g**2`, `w -= learning_rate * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: the step size, 0.001 by default.
        rho: how slowly the mean forgets, in `[0, 1]`.
        momentum: how much of the last step is kept, in `[0, 1]`.
        epsilon: keeps the root from zero.
        centered: whether the square of the mean gradient is subtracted from v.
        **kwargs: see `Optimizer`.

    Source:
        Tieleman and Hinton, "Neural networks for machine learning", lecture 6e, 2012.
    """

    op = "rmsprop"

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name=name, **kwargs)
        self.rho = number("RMSprop", "rho", rho, 0, 1)
        self.momentum = number("RMSprop", "momentum", momentum, 0, 1)
        self.epsilon = number("RMSprop", "epsilon", epsilon, 0)
        self.centered = flag("RMSprop", "centered", centered)

    def slot_names(self) -> list[str]:
        return ["velocity", *(["momentum"] if self.momentum else []), *(["average_gradient"] if self.centered else [])]

    def update_attributes(self, weight_decay: float) -> tuple[Any, ...]:
        return self.centered, self.rho, self.momentum, self.epsilon, weight_decay

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
