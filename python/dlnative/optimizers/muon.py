"""Muon: steps along momentum matrices whose singular values were made equal."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.optimizers.stepwise import Stepwise
from dlnative.utils.checks import flag, integer, number


class Muon(Stepwise):
    """Gradient descent by orthogonal matrices: `w -= learning_rate * s * orthogonalized(m)`, of other variables as AdamW.

    `m = momentum * m + g`; with `nesterov` the matrix is `g + momentum * m`. It is divided by its norm, and `ns_steps` times
    by `x = a x + (b x x' + c (x x')**2) x` (Newton and Schulz) its singular values come near 1. `s` is
    `rms_rate * sqrt(max(rows, columns))`. Variables of another rank than 2, embeddings and those in `exclude_layers` get
    AdamW's step.

    Args:
        learning_rate: the step size, 0.001 by default.
        adam_beta_1, adam_beta_2, epsilon: see `Adam`.
        adam_weight_decay: decoupled weight decay of the variables that AdamW updates, `None` for none.
        weight_decay: that of the others, `None` for none.
        exclude_layers: regular expressions searched in the paths of variables that AdamW updates.
        exclude_embeddings: whether AdamW updates those with "embedding" in their path.
        muon_a, muon_b, muon_c: the numbers a, b, c of the formula.
        adam_lr_ratio: what the learning rate of AdamW's steps is multiplied by.
        momentum: how much of the momentum is left in a step.
        ns_steps: how many times the formula is applied.
        nesterov: whether the gradient is looked at ahead.
        rms_rate: see above; `None` for `s = 1`.
        **kwargs: see `Optimizer`.

    Source:
        Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is scalable for LLM
        training", 2025.
    """

    arguments = (
        "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers", "exclude_embeddings", "muon_a",
        "muon_b", "muon_c", "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "rms_rate",
    )  # fmt: skip

    def __init__(
        self, learning_rate: Any = 0.001, adam_beta_1: float = 0.9, adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004, epsilon: float = 1e-7, weight_decay: float | None = 0.004,
        clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
        use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None, name: str | None = None,
        exclude_layers: Sequence[str] | None = None, exclude_embeddings: bool = True, muon_a: float = 3.4445,
        muon_b: float = -4.7750, muon_c: float = 2.0315, adam_lr_ratio: float = 1, momentum: float = 0.95,
        ns_steps: int = 5, nesterov: bool = True, rms_rate: float | None = 0.2, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs,
        )  # fmt: skip
        self.adam_beta_1 = number("Muon", "adam_beta_1", adam_beta_1, 0, 1, open_high=True)
        self.adam_beta_2 = number("Muon", "adam_beta_2", adam_beta_2, 0, 1, open_high=True)
        self.epsilon = number("Muon", "epsilon", epsilon, 0)
        self.adam_weight_decay = (
            None if adam_weight_decay is None else number("Muon", "adam_weight_decay", adam_weight_decay, 0)
        )
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = flag("Muon", "exclude_embeddings", exclude_embeddings)
        self.muon_a, self.muon_b, self.muon_c = (
            number("Muon", f"muon_{letter}", value)
            for letter, value in zip("abc", (muon_a, muon_b, muon_c), strict=True)
        )
        self.adam_lr_ratio = number("Muon", "adam_lr_ratio", adam_lr_ratio, 0)
        self.momentum = number("Muon", "momentum", momentum, 0, 1)
        self.ns_steps = integer("Muon", "ns_steps", ns_steps, 0)
        self.nesterov = flag("Muon", "nesterov", nesterov)
        self.rms_rate = None if rms_rate is None else number("Muon", "rms_rate", rms_rate, 0)
        self._momentums: dict[Variable, Variable] = {}
        self._velocities: dict[Variable, Variable] = {}  # of those that AdamW updates

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _decay_of(self, variable: Variable) -> float:
        decay = self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay
        return 0.0 if self._is_excluded(variable) else decay or 0.0

    def build(self, variables: Sequence[Variable]) -> None:
        first = not self.built
        super().build(variables)
        for variable in [v for v in variables if not v.overwrite_with_gradient] if first else []:
            self._momentums[variable] = self.add_variable_from_reference(variable, "momentum")
            if self._should_use_adamw(variable):
                self._velocities[variable] = self.add_variable_from_reference(variable, "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        momentum, velocity = self._momentums[variable], self._velocities.get(variable)
        if velocity is None:
            momentum.assign(momentum * self.momentum + gradient)
            ahead = gradient + momentum * self.momentum if self.nesterov else momentum
            update = self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
            variable.assign_sub(self.lr_adjust(update * learning_rate))
            return
        step = self.step_number(variable)
        rate = learning_rate * self.adam_lr_ratio
        rate = rate * ops.sqrt(1.0 - ops.power(self.adam_beta_2, step)) / (1.0 - ops.power(self.adam_beta_1, step))
        momentum.assign_add((gradient - momentum) * (1.0 - self.adam_beta_1))
        velocity.assign_add((ops.square(gradient) - velocity) * (1.0 - self.adam_beta_2))
        variable.assign_sub(momentum * rate / (ops.sqrt(velocity) + self.epsilon))

    def lr_adjust(self, x: Any) -> Any:
        """Returns a step of a matrix times `rms_rate * sqrt(max(rows, columns))`."""
        return x if self.rms_rate is None else x * (math.sqrt(max(x.shape[0], x.shape[1])) * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Returns a matrix with the singular vectors of another, and singular values near 1.

        Args:
            x: the matrix.
            steps: how many times the formula is applied.
        """
        if len(x.shape) < 2:
            raise ValueError(
                f"Muon: Expected gradient or momentum to have at least 2 dimensions, got shape {tuple(x.shape)}"
            )
        x = ops.convert_to_tensor(x)
        tall = x.shape[-2] > x.shape[-1]
        x = ops.swapaxes(x, -1, -2) if tall else x
        x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            squared = ops.matmul(x, ops.swapaxes(x, -1, -2))
            x = x * self.muon_a + ops.matmul(squared * self.muon_b + ops.matmul(squared, squared) * self.muon_c, x)
        return ops.swapaxes(x, -1, -2) if tall else x
