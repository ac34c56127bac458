"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from dlnative.optimizers.optimizer import Optimizer
from dlnative.utils.checks import flag, number


class SGD(Optimizer):
    """Gradient descent.

    `w -= learning_rate * g`; with momentum, `m = momentum * m - learning_rate * g` and `w += m`, or with Nesterov's
    `w += momentum * m - learning_rate * g`.

    Args:
        learning_rate: the step size, 0.01 by default.
        momentum: how much of the last step is kept, in `[0, 1]`.
        nesterov: whether the gradient is taken ahead of the step.
        **kwargs: see `Optimizer`.

    Source:
        Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    op = "sgd"

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float | None = None,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, name=name, **kwargs)
        self.momentum = number("SGD", "momentum", momentum, 0, 1, words="`momentum` must be a float between [0, 1]")
        self.nesterov = flag("SGD", "nesterov", nesterov)

    def slot_names(self) -> list[str]:
        return ["momentum"] if self.momentum else []

    def update_attributes(self, weight_decay: float) -> tuple[Any, ...]:
        return self.nesterov, self.momentum, weight_decay

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
