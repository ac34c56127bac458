"""Learning rates that follow the number of finished steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.utils.checks import flag, number
from dlnative.utils.registry import Registry


class LearningRateSchedule:
    """A learning rate that follows the number of finished steps.

    A subclass writes `__call__(step)` in `dlnative.ops` and `get_config`.
    """

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after so many steps."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method __call__(step), found none")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a schedule again."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method get_config(), found none")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """Makes a schedule from what `get_config` returned."""
        return cls(**config)


def _share(step: Any, steps: float, staircase: bool) -> Any:
    """Returns step / steps in the default float type, in whole numbers if it goes by stairs."""
    share = ops.cast(step, dtypes.floatx()) / steps
    return ops.floor(share) if staircase else share


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate**(step / decay_steps)`.

    Args:
        initial_learning_rate: the first rate.
        decay_steps: in how many steps it is multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether `step / decay_steps` is rounded down.
        name: a name.

    Example:
        >>> from dlnative.optimizers.schedules import ExponentialDecay
        >>> float(ExponentialDecay(1.0, 10, 0.5)(20))
        0.25
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        self.initial_learning_rate = number(owner, "initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = number(owner, "decay_steps", decay_steps, 0, open_low=True)
        self.decay_rate = number(owner, "decay_rate", decay_rate, 0)
        self.staircase = flag(owner, "staircase", staircase)
        self.name = name

    def __call__(self, step: Any) -> Any:
        share = _share(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate * ops.power(self.decay_rate, share)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate, "staircase": self.staircase, "name": self.name,
        }  # fmt: skip


class InverseTimeDecay(ExponentialDecay):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the first rate.
        decay_steps, decay_rate: the slope of the denominator.
        staircase: whether `step / decay_steps` is rounded down.
        name: a name.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        share = _share(step, self.decay_steps, self.staircase)
        return self.initial_learning_rate / (1.0 + self.decay_rate * share)


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, and the last value behind the last boundary.

    Args:
        boundaries: numbers of steps, in growing order.
        values: one more rate than there are boundaries.
        name: a name.
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        owner = type(self).__name__
        if len(boundaries) < 1 or len(boundaries) != len(values) - 1:
            raise ValueError(
                f"{owner}: expected boundaries and one more value, got {len(boundaries)} boundaries and {len(values)} values"
            )
        self.boundaries = [number(owner, "boundaries", value) for value in boundaries]
        self.values = [number(owner, "values", value, 0) for value in values]
        if sorted(self.boundaries) != self.boundaries:
            raise ValueError(f"{owner}: expected boundaries in growing order, got {self.boundaries}")
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = ops.expand_dims(ops.cast(step, "float64"), -1)
        passed = ops.sum(ops.cast(ops.greater(step, np.asarray(self.boundaries, "float64")), "int32"), axis=-1)
        return ops.take(np.asarray(self.values, dtypes.NUMPY[dtypes.floatx()]), passed)

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """`(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps)**power + end_learning_rate`.

    Args:
        initial_learning_rate: the first rate.
        decay_steps: after how many steps the rate is `end_learning_rate`; with `cycle`, the least multiple of it that is
            not below the step is used instead.
        end_learning_rate: the last rate.
        power: of the polynomial.
        cycle: whether the decay begins again and again.
        name: a name.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        self.initial_learning_rate = number(owner, "initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = number(owner, "decay_steps", decay_steps, 0, open_low=True)
        self.end_learning_rate = number(owner, "end_learning_rate", end_learning_rate, 0)
        self.power = number(owner, "power", power, 0)
        self.cycle = flag(owner, "cycle", cycle)
        self.name = name

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, dtypes.floatx())
        if self.cycle:
            turns = ops.maximum(-ops.floor(-(step / self.decay_steps)), 1.0)
            share = step / (turns * self.decay_steps)
        else:
            share = ops.minimum(step, self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        return span * ops.power(1.0 - share, self.power) + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate, "power": self.power, "cycle": self.cycle, "name": self.name,
        }  # fmt: skip


def _cosine(share: Any, alpha: float, height: Any = 1.0) -> Any:
    """Returns `(1 - alpha) * height * (1 + cos(pi * share)) / 2 + alpha`."""
    return (1.0 - alpha) * (0.5 * height * (1.0 + ops.cos(share * math.pi))) + alpha


class CosineDecay(LearningRateSchedule):
    """Half a turn of a cosine: `initial_learning_rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`.

    Args:
        initial_learning_rate: the first rate.
        decay_steps: after how many steps, not counting the warmup, the rate stays where it is.
        alpha: the last rate as a share of the largest.
        name: a name.
        warmup_target: the rate that is reached in a straight line first, and from which the decay begins; `None` for no
            warmup.
        warmup_steps: in how many steps it is reached.

    Source:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: float = 0,
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        self.initial_learning_rate = number(owner, "initial_learning_rate", initial_learning_rate, 0)
        self.decay_steps = number(owner, "decay_steps", decay_steps, 0, open_low=True)
        self.alpha = number(owner, "alpha", alpha, 0)
        self.name = name
        self.warmup_target = None if warmup_target is None else number(owner, "warmup_target", warmup_target, 0)
        self.warmup_steps = number(owner, "warmup_steps", warmup_steps, 0)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, dtypes.floatx())
        if self.warmup_target is None:
            return self.initial_learning_rate * self._decay(step)
        decayed = self.warmup_target * self._decay(ops.maximum(step - self.warmup_steps, 0.0))
        if not self.warmup_steps:
            return decayed
        slope = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        return ops.where(ops.less(step, self.warmup_steps), slope * step + self.initial_learning_rate, decayed)

    def _decay(self, step: Any) -> Any:
        return _cosine(ops.minimum(step, self.decay_steps) / self.decay_steps, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps, "alpha": self.alpha,
            "name": self.name, "warmup_target": self.warmup_target, "warmup_steps": self.warmup_steps,
        }  # fmt: skip


class CosineDecayRestarts(LearningRateSchedule):
    """Half turns of a cosine, one after the other, each `t_mul` times as long and `m_mul` times as high as the one before.

    Args:
        initial_learning_rate: the first rate.
        first_decay_steps: how many steps the first one takes.
        t_mul: the factor of their lengths, at least 1.
        m_mul: the factor of their heights.
        alpha: the last rate as a share of the first.
        name: a name.

    Source:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: float, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        self.initial_learning_rate = number(owner, "initial_learning_rate", initial_learning_rate, 0)
        self.first_decay_steps = number(owner, "first_decay_steps", first_decay_steps, 0, open_low=True)
        self.t_mul = number(owner, "t_mul", t_mul, 1)
        self.m_mul = number(owner, "m_mul", m_mul, 0)
        self.alpha = number(owner, "alpha", alpha, 0)
        self.name = name

    def __call__(self, step: Any) -> Any:
        # In float64: in float32, the first step of a later turn is often still found to be in the turn before.
        turns = ops.cast(step, "float64") / self.first_decay_steps
        if self.t_mul == 1:
            finished = ops.floor(turns)
            share = turns - finished
        else:
            # The first n turns take (t**n - 1) / (t - 1) times as long as the first one.
            finished = ops.floor(ops.log(1.0 + turns * (self.t_mul - 1.0)) / math.log(self.t_mul) + 1e-9)
            length = ops.power(self.t_mul, finished)
            share = (turns - (length - 1.0) / (self.t_mul - 1.0)) / length
        height = ops.power(self.m_mul, finished)
        return ops.cast(self.initial_learning_rate * _cosine(share, self.alpha, height), dtypes.floatx())

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate, "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul, "m_mul": self.m_mul, "alpha": self.alpha, "name": self.name,
        }  # fmt: skip


_registry = Registry(
    "learning rate schedule",
    LearningRateSchedule,
    (ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts),
)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """Returns the class name and the arguments of a schedule."""
    return _registry.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a schedule from what `serialize` returned.

    Args:
        config: a dict with `class_name` and `config`.
        custom_objects: classes by name, which come before dlnative's.
    """
    return _registry.deserialize(config, custom_objects)
