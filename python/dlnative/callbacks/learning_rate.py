"""Callbacks that change the learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.callbacks.callback import Callback
from dlnative.callbacks.monitor import MonitorCallback
from dlnative.utils.checks import integer, number, takes
from dlnative.utils.terminal import show


def _rated(optimizer: Any) -> list[Any]:
    """Returns the optimizers that have a learning rate: those of a `MultiOptimizer`, or the one."""
    return list(getattr(optimizer, "optimizers", None) or [optimizer])


class ReduceLROnPlateau(MonitorCallback):
    """Makes the learning rate smaller when a metric has not improved for some epochs.

    Args:
        monitor, mode, min_delta: see `EarlyStopping`.
        factor: what the learning rate is multiplied by, below 1.
        patience: after how many epochs without improvement.
        verbose: 1 says when.
        cooldown: how many epochs pass before counting begins again.
        min_lr: the smallest learning rate.
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta=min_delta)
        owner = "ReduceLROnPlateau"
        self.factor = number(owner, "factor", factor, 0, 1, open_high=True)
        self.patience = integer(owner, "patience", patience, 0)
        self.verbose = verbose
        self.cooldown = integer(owner, "cooldown", cooldown, 0)
        self.min_lr = number(owner, "min_lr", min_lr, 0)
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.best = None
        self.wait = self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Tells whether epochs are not counted, because the rate has just been made smaller."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizers = _rated(self.model.optimizer)
        rates = [float(optimizer.learning_rate) for optimizer in optimizers]
        if logs is not None and len(rates) == 1:
            logs["learning_rate"] = rates[0]
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and max(rates) > self.min_lr:
                for optimizer, rate in zip(optimizers, rates, strict=True):
                    if rate > self.min_lr:
                        reduced = max(rate * self.factor, self.min_lr)
                        optimizer.learning_rate = reduced
                        if self.verbose > 0:
                            show(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {reduced}.")
                self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch, or of the epoch and the present rate, that returns the new one.
        verbose: 1 says so.

    Raises:
        ValueError: if `schedule` is no function; before an epoch, if it returns no number.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((1,)), dlnative.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> halving = LearningRateScheduler(lambda epoch: 0.5**epoch)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[halving])
        >>> history.history["learning_rate"]
        [1.0, 0.5, 0.25]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"LearningRateScheduler: expected a function of the epoch, got {schedule!r}")
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        found = []
        for optimizer in _rated(self.model.optimizer):
            arguments = (epoch, float(optimizer.learning_rate))
            said = self.schedule(*arguments[: 2 if takes(self.schedule, *arguments) else 1])
            found.append((optimizer, number("LearningRateScheduler", "what the schedule returns", said, 0)))
        for optimizer, rate in found:
            optimizer.learning_rate = rate
            if self.verbose > 0:
                show(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizers = _rated(self.model.optimizer)
        if logs is not None and len(optimizers) == 1:
            logs["learning_rate"] = float(optimizers[0].learning_rate)
