"""The best that can be had of one ratio of a confusion matrix where another one is at least some value."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.storage import check_budget
from dlnative.metrics.confusion import KINDS, add_counts, checked_count, ratio
from dlnative.metrics.metric import Metric
from dlnative.utils.checks import integer, number

_BYTES = 64  # that a threshold takes, besides its variables
_RATIOS = {
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "precision": ("true_positives", "false_positives"),
}


class _OperatingPoint(Metric):
    """The largest of one ratio over the thresholds at which another is at least a value.

    Args:
        value: the value, in `[0, 1]`.
        num_thresholds: the number of thresholds, evenly from 0 to 1.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.
    """

    _direction = "up"
    _argument: str  # the name of `value`
    _best: str

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        self.value = number(
            self.name, self._argument, value, 0, 1, words=f"`{self._argument}` must be in the range [0, 1]"
        )
        self.num_thresholds = checked_count(self.name, num_thresholds, 1)
        self.class_id = None if class_id is None else integer(self.name, "class_id", class_id)
        count = self.num_thresholds
        check_budget(_BYTES * count)
        self.thresholds = [0.5] if count == 1 else [place / (count - 1) for place in range(count)]
        self._counts = {kind: self.add_variable((count,), name=kind) for kind in KINDS}
        self.__dict__.update(self._counts)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions; see `Precision`."""
        y_pred = ops.clip(ops.cast(y_pred, self.dtype), 0.0, 1.0)
        add_counts(
            self._counts,
            self.name,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight=sample_weight,
            class_id=self.class_id,
        )

    def result(self) -> Any:
        held, best = (ratio(*(self._counts[kind] for kind in _RATIOS[name])) for name in (self._argument, self._best))
        return ops.max(ops.where(ops.greater_equal(held, self.value), best, 0.0))

    def get_config(self) -> dict[str, Any]:
        arguments = {self._argument: self.value, "num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **arguments}

    def __getattr__(self, name: str) -> Any:
        if name == type(self)._argument:
            return self.value
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")


class SensitivityAtSpecificity(_OperatingPoint):
    """The largest sensitivity `TP / (TP + FN)` at which the specificity `TN / (TN + FP)` is at least a value.

    Args:
        specificity: the value, in `[0, 1]`.
        num_thresholds: the number of thresholds, evenly from 0 to 1.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> metric = metrics.SensitivityAtSpecificity(0.5)
        >>> metric.update_state([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
        >>> float(metric.result())
        0.5
    """

    _argument, _best = "specificity", "sensitivity"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_OperatingPoint):
    """The largest specificity `TN / (TN + FP)` at which the sensitivity `TP / (TP + FN)` is at least a value.

    Args:
        sensitivity: the value, in `[0, 1]`.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    _argument, _best = "sensitivity", "specificity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_OperatingPoint):
    """The largest precision `TP / (TP + FP)` at which the recall `TP / (TP + FN)` is at least a value.

    Args:
        recall: the value, in `[0, 1]`.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    _argument, _best = "recall", "precision"

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_OperatingPoint):
    """The largest recall `TP / (TP + FN)` at which the precision `TP / (TP + FP)` is at least a value.

    Args:
        precision: the value, in `[0, 1]`.
        num_thresholds, class_id, name, dtype: see `SensitivityAtSpecificity`.
    """

    _argument, _best = "precision", "recall"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)
