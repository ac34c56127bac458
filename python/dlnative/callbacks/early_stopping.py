"""Stops training when it no longer helps."""

from __future__ import annotations

from typing import Any

from dlnative.callbacks.monitor import MonitorCallback
from dlnative.utils.checks import integer, number
from dlnative.utils.terminal import show


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not improved for some epochs.

    Args:
        monitor: the metric's name in the logs.
        min_delta: the smallest change that counts as an improvement.
        patience: after how many epochs without improvement to stop.
        verbose: 1 says when it stops.
        mode: `"min"`, `"max"`, or `"auto"`: a loss is to be small, a metric says it itself.
        baseline: a value that must be beaten as well.
        restore_best_weights: whether the weights of the best epoch are put back at the end.
        start_from_epoch: the first epoch that is looked at.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((1,)), dlnative.layers.Dense(1)])
        >>> model.compile(dlnative.optimizers.SGD(0.0), "mse")
        >>> stopping = EarlyStopping("loss", patience=3)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=100, verbose=0, callbacks=[stopping])
        >>> len(history.epoch)
        4
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
        baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = integer("EarlyStopping", "patience", patience, 0)
        self.verbose = verbose
        self.baseline = None if baseline is None else number("EarlyStopping", "baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = integer("EarlyStopping", "start_from_epoch", start_from_epoch, 0)
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            show(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                show(f"EarlyStopping: the weights of epoch {self.best_epoch + 1} are put back")
            self.model.set_weights(self.best_weights)
