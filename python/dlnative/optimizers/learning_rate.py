"""The learning rate of an optimizer: a number, a schedule, or a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.legacy.warning import renamed
from dlnative.optimizers.state import State
from dlnative.utils.checks import number, takes


class LearningRate(State):
    """The part of an optimizer that knows its learning rate."""

    _takes_step: bool  # whether the schedule is a function of the number of finished steps

    def _init_learning_rate(self, rate: Any) -> None:
        self._schedule, self._takes_step = None, False
        initial = 0.0 if self._follows(rate) else self._checked_rate(rate)
        self._learning_rate = self._own_variable(np.float32(initial), "learning_rate")

    def _checked_rate(self, value: Any) -> float:
        return number(type(self).__name__, "learning_rate", value, 0)

    def _follows(self, rate: Any) -> bool:
        """Tells whether a learning rate is a function, and goes by it if it is one."""
        if not isinstance(rate, dict) and (not callable(rate) or isinstance(rate, Variable)):
            return False
        from dlnative.optimizers import schedules

        if isinstance(rate, dict):
            rate = schedules.deserialize(rate)
        takes_step = isinstance(rate, schedules.LearningRateSchedule) or takes(rate, 0)
        self._checked_rate(np.asarray(rate(np.int64(0)) if takes_step else rate()))
        self._schedule, self._takes_step = rate, takes_step
        return True

    def _scheduled(self, steps: Any) -> Any:
        """Returns what the schedule says after so many steps."""
        assert self._schedule is not None
        return ops.cast(self._schedule(steps) if self._takes_step else self._schedule(), "float32")

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a scalar variable, which may be set, or what the schedule says of the next step."""
        if self._schedule is None:
            return self._learning_rate
        trace = current_trace()
        return self._scheduled(self._steps.value if trace is None else trace.read(self._steps))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        cls = type(self).__name__
        if callable(value) and not isinstance(value, Variable):
            if self.built:
                raise ValueError(
                    f"{cls}: expected a number as learning_rate of an optimizer in use, got {value!r}; a schedule needs a "
                    "new optimizer"
                )
            self._follows(value)
            return
        if self._schedule is not None:
            raise TypeError(
                f"{cls}: This optimizer was created with a `LearningRateSchedule` or a function: no rate can be set"
            )
        self._learning_rate.assign(self._checked_rate(value))

    @property
    def lr(self) -> Any:
        """The learning rate, by its older name."""
        renamed("optimizer.lr", "optimizer.learning_rate")
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        renamed("optimizer.lr", "optimizer.learning_rate")
        self.learning_rate = value

    @property
    def _rate_is_refreshed(self) -> bool:
        """Whether the learning rate is not a function of the step, which plans work out."""
        return not self._takes_step

    def _refresh_rate(self) -> None:
        """Asks for the learning rate, if it is a function of nothing."""
        if self._schedule is not None and not self._takes_step:
            self._learning_rate.assign(self._checked_rate(np.asarray(self._schedule())))

    def _rate_config(self) -> Any:
        if self._schedule is None:
            return float(self._learning_rate.value)
        from dlnative.optimizers import schedules

        schedule = self._schedule
        return schedules.serialize(schedule) if isinstance(schedule, schedules.LearningRateSchedule) else schedule
