"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from dlnative.optimizers.optimizer import Optimizer
from dlnative.utils.checks import flag, number


class Adam(Optimizer):
    """Gradient descent with running means of the gradient and of its square.

    `m += (g - m) * (1 - beta_1)`, `v += (g**2 - v) * (1 - beta_2)`, and at step t
    `w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)`.

    Args:
        learning_rate: the step size, 0.001 by default.
        beta_1, beta_2: how slowly the means forget, in `[0, 1)`.
        epsilon: keeps the root from zero.
        amsgrad: whether the largest v so far is used.
        **kwargs: see `Optimizer`.

    Source:
        Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; Reddi, Kale and Kumar, "On the
        convergence of Adam and beyond", ICLR 2018.
    """

    op = "adam"
    paired_slots = 2

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name=name, **kwargs)
        owner = type(self).__name__
        self.beta_1 = number(owner, "beta_1", beta_1, 0, 1, open_high=True)
        self.beta_2 = number(owner, "beta_2", beta_2, 0, 1, open_high=True)
        self.epsilon = number(owner, "epsilon", epsilon, 0)
        self.amsgrad = flag(owner, "amsgrad", amsgrad)

    def slot_names(self) -> list[str]:
        return ["momentum", "velocity", *(["velocity_hat"] if self.amsgrad else [])]

    def update_inputs(self) -> list[Any]:
        return [self._learning_rate, self.iterations]

    def update_attributes(self, weight_decay: float) -> tuple[Any, ...]:
        return self.amsgrad, self.beta_1, self.beta_2, self.epsilon, weight_decay

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


class AdamW(Adam):
    """Adam with a weight decay of 0.004 by default; see `Adam`.

    Source:
        Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **kwargs: Any) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: Argument `weight_decay` must be a float. Received: weight_decay=None")
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
