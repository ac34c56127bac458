"""The base of the callbacks that watch one metric."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.callbacks.callback import Callback
from dlnative.legacy.names import in_logs
from dlnative.metrics import Mean
from dlnative.utils.checks import number


class MonitorCallback(Callback):
    """A callback that watches one metric.

    Args:
        monitor: the metric's name in the logs.
        mode: `"min"`, `"max"`, or `"auto"`: a loss is to be small, a metric says it itself.
        baseline: the first value of `best`, `None` for the metric's first one.
        min_delta: the smallest change that counts as an improvement.

    Raises:
        ValueError: for another mode; when training begins, if the metric does not say which way it improves.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0.0
    ) -> None:
        super().__init__()
        owner = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'{owner}: expected mode "auto", "min" or "max", got {mode!r}')
        if not isinstance(monitor, str):
            raise ValueError(f"{owner}: expected monitor to be a name in the logs, got {monitor!r}")
        self.monitor = monitor
        self.mode = mode
        self.best = None if baseline is None else number(owner, "baseline", baseline)
        self.min_delta = abs(number(owner, "min_delta", min_delta))
        self.monitor_op: Any = None

    def get_monitor_value(self, logs: dict[str, Any] | None) -> float | None:
        """Returns the metric, or warns that there is none."""
        logs = logs or {}
        value = logs.get(in_logs(self.monitor, logs))
        if value is None:
            warnings.warn(
                f'{type(self).__name__}: expected the metric "{self.monitor}", got only {", ".join(logs)}', stacklevel=2
            )
            return None
        try:
            return float(np.asarray(value).item())  # of a vector, only if it has one element
        except (TypeError, ValueError):
            raise ValueError(
                f'{type(self).__name__}: expected the metric "{self.monitor}" to be a number, got {value!r}'
            ) from None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.monitor_op = None
        if all(getattr(metric, "built", True) for metric in getattr(self.model, "metrics", ())):
            self._set_monitor_op()

    def _set_monitor_op(self) -> None:
        """Decides which way the metric improves."""
        up = self.mode == "max" if self.mode != "auto" else self._larger_is_better()
        self.monitor_op = ops.greater if up else ops.less

    def _is_improvement(self, monitor_value: float, reference_value: float | None) -> bool:
        """Tells whether a value is better than another by more than `min_delta`."""
        if self.monitor_op is None:
            self._set_monitor_op()
        if reference_value is None:
            return True
        if self.monitor_op is ops.greater:
            return monitor_value - self.min_delta > reference_value
        return monitor_value + self.min_delta < reference_value

    def _larger_is_better(self) -> bool:
        name = self.monitor.removeprefix("val_")
        if name == "loss":
            return False
        for metric, names in _named_metrics(self.model):
            direction = getattr(metric, "_direction", None)
            if direction is not None and in_logs(name, names) in names:
                return bool(direction == "up")
            if type(metric) is Mean and metric.name == name and name.endswith("_loss"):  # the loss of one output
                return False
        raise ValueError(
            f'{type(self).__name__}: expected mode "min" or "max" for the metric "{self.monitor}", got "auto", and no '
            "metric of the model says which way it improves"
        )


def _named_metrics(model: Any) -> Iterator[tuple[Any, set[str]]]:
    """Yields the metrics of a model with the names that they may have in the logs."""
    outputs = [f"{name}_" for name in getattr(model, "output_names", None) or ()]
    for metric in getattr(model, "metrics", None) or ():
        for inner in getattr(metric, "metrics", None) or [metric]:
            plain = [inner.name, f"weighted_{inner.name}"]
            yield inner, {prefix + name for prefix in ["", *outputs] for name in plain}
