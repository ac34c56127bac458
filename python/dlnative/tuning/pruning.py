"""Which trials are stopped before their end, and the callback that stops them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.callbacks.monitor import MonitorCallback
from dlnative.utils.checks import integer

Prunes = Callable[[list[float], str], bool]


class MedianPruner:
    """Stops a trial whose best value so far is worse than the median of the others at the same epoch.

    The others are the trials that were completed before this one began, as far as they came to this epoch.

    Args:
        n_startup_trials: how many trials are completed before one is stopped.
        n_warmup_steps: how many epochs of a trial always run.

    Example:
        >>> pruner = MedianPruner(n_startup_trials=2)
        >>> pruner.prune([0.9, 0.8], [[0.9, 0.5, 0.4], [0.8, 0.7, 0.6]], "min")
        True

    Source: Golovin et al., Google Vizier (2017), section 3.2.1; the names are Optuna's.
    """

    def __init__(self, n_startup_trials: int = 5, n_warmup_steps: int = 0) -> None:
        self.n_startup_trials = integer("MedianPruner", "n_startup_trials", n_startup_trials, 0)
        self.n_warmup_steps = integer("MedianPruner", "n_warmup_steps", n_warmup_steps, 0)

    def prune(self, values: Sequence[float], others: Sequence[Sequence[float]], direction: str) -> bool:
        """Tells whether a trial is stopped.

        Args:
            values: the objective of each epoch so far.
            others: the objectives of each epoch of the trials that were completed.
            direction: `"min"` or `"max"`.
        """
        epoch = len(values) - 1
        if not others or len(others) < self.n_startup_trials or epoch < self.n_warmup_steps:
            return False
        if np.isnan(values).all():
            return True
        there = [other[epoch] for other in others if epoch < len(other) and not np.isnan(other[epoch])]
        if not there:
            return False
        median = np.median(there)
        return bool(np.nanmax(values) < median if direction == "max" else np.nanmin(values) > median)


class TrialCallback(MonitorCallback):
    """Keeps the weights of the best epoch, and ends a training that is pruned.

    Args:
        monitor, mode: see `MonitorCallback`.
        prunes: of the objective of each epoch so far and its direction: whether the trial ends; `None`: none does.
    """

    def __init__(self, monitor: str, mode: str, prunes: Prunes | None) -> None:
        super().__init__(monitor, mode)
        self.weights: list[Any] | None = None
        self.pruned = False
        self._prunes = prunes
        self._values: list[float] = []

    @property
    def direction(self) -> str | None:
        """Which way the metric improves, if that is known by now."""
        return None if self.monitor_op is None else "max" if self.monitor_op is ops.greater else "min"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.best = None  # decided at the end of an epoch, when the metrics are there

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor not in (logs or {}):
            return
        value = self.get_monitor_value(logs)
        if value is None:
            return
        if self._is_improvement(value, self.best):
            self.best, self.weights = value, self.model.get_weights()
        if self._prunes is not None:
            self._values.append(value)
            self.pruned = self.pruned or self._prunes(self._values, self.direction or "min")
            self.model.stop_training = self.model.stop_training or self.pruned
