"""Loss scaling that follows the gradients: gradients of 16 bits neither vanish nor overflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import initializers, ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.optimizers.optimizer import Optimizer
from dlnative.utils.checks import integer, number

_REFUSED = {
    "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip


class LossScaleOptimizer(Optimizer):
    """An optimizer around another one, which multiplies the loss by a scale and divides the gradients by it.

    A step with a gradient that is not finite changes nothing but the scale, which becomes half as large; after
    `dynamic_growth_steps` steps without one it becomes twice as large. `compile` puts it around the optimizer of a model that
    computes in float16.

    Args:
        inner_optimizer: the optimizer that makes the steps; it has no scale of its own then.
        initial_scale: the first scale, above 0: rather too large, for it shrinks fast.
        dynamic_growth_steps: after how many steps with finite gradients the scale grows.
        name: a name.
        **kwargs: only `dynamic=True`, and the other arguments of optimizers with the values that they have anyway.

    Raises:
        ValueError: for anything else among the arguments.

    Source:
        Micikevicius et al., "Mixed precision training", ICLR 2018.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> optimizer = LossScaleOptimizer(dlnative.optimizers.SGD(0.5), initial_scale=8.0)
        >>> w = dlnative.Variable([1.0, 2.0])
        >>> optimizer.apply([np.array([8.0, 16.0])], [w])
        >>> optimizer.apply([np.array([np.inf, 16.0])], [w])
        >>> w.numpy().tolist(), float(optimizer.dynamic_scale)
        ([0.5, 1.0], 4.0)
    """

    def __init__(
        self, inner_optimizer: Any, initial_scale: float = 2.0**15, dynamic_growth_steps: int = 2000,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        cls = type(self).__name__
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                f"{cls}: expected dynamic=True; for a fixed scale set `loss_scale_factor` on the optimizer itself"
            )
        for key, usual in _REFUSED.items():
            if kwargs.pop(key, usual) != usual:
                raise ValueError(f"{cls}: expected no `{key}`: set it on the `inner_optimizer`")
        if kwargs:
            raise ValueError(f"{cls}: expected no other arguments: `{'`, `'.join(kwargs)}`")
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"{cls}: expected an optimizer as inner_optimizer, got {inner_optimizer!r}")
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = number(cls, "initial_scale", initial_scale, 0, open_low=True)
        self.dynamic_growth_steps = integer(cls, "dynamic_growth_steps", dynamic_growth_steps, 1)
        inner_optimizer.loss_scale_factor = None
        self.step_counter = self.add_variable((), "zeros", "int32", "step_counter")
        scale = initializers.Constant(self.initial_scale)
        self.dynamic_scale = self.add_variable((), scale, "float32", "dynamic_scale")

    def build(self, variables: Sequence[Variable]) -> None:
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, and those of the inner one."""
        return [*super().variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def keeps_means(self) -> bool:
        """Whether the inner optimizer keeps running means of the variables."""
        return self.inner_optimizer.keeps_means

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times the scale: what to differentiate for `apply`."""
        return ops.multiply(loss, self.dynamic_scale)

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Tells whether all elements of all gradients but `None` are finite."""
        finite: Any = True
        for gradient in grads:
            if gradient is not None:
                finite = ops.logical_and(finite, ops.all(ops.isfinite(gradient)))
        return finite

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def swap_averages(self) -> None:
        self.inner_optimizer.swap_averages()

    def _refresh_rate(self) -> None:
        self.inner_optimizer._refresh_rate()

    def _apply_symbols(
        self, pairs: Sequence[tuple[Any, Variable]], in_place: bool = True, rate_is_set: bool = False
    ) -> None:
        """Adds the inner update to the trace, and keeps the old values where a gradient is not finite."""
        trace = current_trace()
        assert trace is not None
        trace.depends_on(self)
        finite = self.check_finite([gradient for gradient, _ in pairs])
        scale = trace.read(self.dynamic_scale)
        unscaled = [
            (gradient if variable.overwrite_with_gradient else gradient / ops.cast(scale, gradient.dtype), variable)
            for gradient, variable in pairs
        ]
        before = dict(trace.updates)
        self.inner_optimizer._apply_symbols(unscaled, False, rate_is_set and self.inner_optimizer._rate_is_refreshed)
        for variable, value in list(trace.updates.items()):
            old = before[variable] if variable in before else trace.first(variable)
            if value is not old:
                trace.assign(variable, ops.where(finite, value, old))
        count = trace.read(self.step_counter)
        grows = ops.equal(count, self.dynamic_growth_steps - 1)
        self.step_counter.assign(ops.where(ops.logical_and(finite, ops.logical_not(grows)), count + 1, 0))
        self.dynamic_scale.assign(ops.where(finite, ops.where(grows, scale * 2.0, scale), scale * 0.5))

    def get_config(self) -> dict[str, Any]:
        from dlnative import optimizers

        return {
            "name": self.name,
            "inner_optimizer": optimizers.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        from dlnative import optimizers

        config = dict(config)
        inner = optimizers.deserialize(config.pop("inner_optimizer"), custom_objects)
        return cls(inner, **config)
