"""Callbacks that change the course of training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from dlnative.callbacks.callback import Callback

# Parts of names that tell which way a metric improves, for metrics that do not say it themselves.
_UP = ("acc", "auc", "precision", "recall", "f1", "r2", "iou", "coefficient", "correlation")
_DOWN = ("loss", "error", "entropy", "hinge", "divergence", "mse", "mae", "mape", "msle", "poisson", "logcosh")


class Monitor(Callback):
    """A callback that watches one metric.

    Args:
        monitor: the metric's name in the logs.
        mode: `"min"`, `"max"`, or `"auto"`: as the metric itself or its name says.
        min_delta: the least change that counts as an improvement.

    Raises:
        ValueError: for another mode; when training begins, if nothing says which way the metric improves.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'{type(self).__name__}: expected mode "auto", "min" or "max", got {mode!r}')
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._up = mode == "max"

    def value(self, logs: dict[str, Any] | None) -> float | None:
        """Returns the metric, or warns that there is none."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f'{type(self).__name__}: expected the metric "{self.monitor}", got only {", ".join(logs)}', stacklevel=2
            )
            return None
        return float(logs[self.monitor])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.best = None
        self._up = self._larger_is_better()

    def improves(self, value: float, on: float | None) -> bool:
        """Tells whether a value is better than another by more than `min_delta`."""
        if on is None:
            return True
        return value - self.min_delta > on if self._up else value + self.min_delta < on

    def _larger_is_better(self) -> bool:
        """Decides by the mode, by what the metric says of itself, or by its name."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for metric in _all_metrics(self.model):
            direction = getattr(metric, "_direction", None)
            if direction is not None and (name == metric.name or name.endswith(f"_{metric.name}")):
                return bool(direction == "up")
        for parts, up in ((_UP, True), (_DOWN, False)):
            if any(part in name.lower() for part in parts):
                return up
        raise ValueError(
            f'{type(self).__name__}: expected mode "min" or "max" for the metric "{self.monitor}", got "auto", which its '
            "name does not decide"
        )


def _all_metrics(model: Any) -> list[Any]:
    found: list[Any] = []
    for metric in getattr(model, "metrics", []):
        found += getattr(metric, "metrics", [metric])
    return found


class EarlyStopping(Monitor):
    """Stops training when a metric has not improved for some epochs.

    Args:
        monitor: the metric's name in the logs.
        min_delta: the least change that counts as an improvement.
        patience: after how many epochs without improvement to stop.
        verbose: 1 says when it stops.
        mode: `"min"`, `"max"`, or `"auto"`: by the name.
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
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        current = self.value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(Monitor):
    """Makes the learning rate smaller when a metric has not improved for some epochs.

    Args:
        monitor, mode, min_delta: see `EarlyStopping`.
        factor: what the learning rate is multiplied by, below 1.
        patience: after how many epochs without improvement.
        verbose: 1 says when.
        cooldown: how many epochs pass before counting begins again.
        min_lr: the least learning rate.
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: expected a factor below 1, got {factor}")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = float(self.model.optimizer.learning_rate)
        if logs is not None:
            logs["learning_rate"] = rate
        current = self.value(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                reduced = max(rate * self.factor, self.min_lr)
                self.model.optimizer.learning_rate = reduced
                if self.verbose > 0:
                    print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {reduced}.")
                self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: a function of the epoch and the present rate that returns the new one.
        verbose: 1 says so.
    """

    def __init__(self, schedule: Callable[[int, float], float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = self.schedule(epoch, float(self.model.optimizer.learning_rate))
        self.model.optimizer.learning_rate = rate
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    It looks after each batch, as in Keras, so training comes back to Python there.
    """

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end: functions with
            the hooks' arguments.
        **kwargs: functions for the other hooks.
    """

    def __init__(
        self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
        on_train_batch_begin: Any = None, on_train_batch_end: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end, **kwargs,
        }  # fmt: skip
        for name, function in hooks.items():
            if not hasattr(Callback, name):
                raise ValueError(f'LambdaCallback: unknown hook "{name}"')
            if function is not None:
                setattr(self, name, function)
