"""Precision and recall: from counts of right and wrong predictions of a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.losses.functions import align_ranks
from dlnative.metrics.metric import Metric
from dlnative.ops.core import as_tensor


class _Ratio(Metric):
    """`true_positives / (true_positives + others)` at one threshold or several."""

    others: str
    _direction = "up"

    def __init__(
        self, thresholds: Any = None, top_k: None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        if top_k is not None:
            raise ValueError(f"{self.name}: expected top_k to be None, which is all that is supported, got {top_k!r}")
        listed = [0.5] if thresholds is None else np.ravel(thresholds).tolist()
        wrong = [value for value in listed if not 0 <= value <= 1]
        if wrong or not listed:
            raise ValueError(f"{self.name}: expected thresholds in [0, 1], got {wrong[0] if wrong else thresholds!r}")
        self.thresholds = listed
        self.class_id = class_id
        self._given = thresholds
        self.true_positives = self.add_variable((len(listed),), name="true_positives")
        self._others = self.add_variable((len(listed),), name=self.others)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions.

        Args:
            y_true: the targets, 0 or 1.
            y_pred: the predictions, in `[0, 1]`; above a threshold they count as 1.
            sample_weight: weights that broadcast to the predictions, or one for each sample.
        """
        y_true, y_pred = align_ranks(as_tensor(y_true), ops.cast(y_pred, self.dtype))
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        actual = ops.cast(ops.not_equal(y_true, 0), self.dtype)
        weights: Any = 1.0
        if sample_weight is not None:
            weights = ops.cast(sample_weight, self.dtype)
            while 0 < len(weights.shape) < len(y_pred.shape):
                weights = ops.expand_dims(weights, -1)
            weights = ops.broadcast_to(weights, y_pred.shape)
            weights = ops.reshape(weights, (1, -1))
        row, actual = ops.reshape(y_pred, (1, -1)), ops.reshape(actual, (1, -1))
        limits = np.asarray(self.thresholds, self.dtype)[:, None]
        chosen = ops.cast(ops.greater(row, limits), self.dtype)
        right = chosen * actual
        missed = chosen - right if self.others == "false_positives" else actual - right
        self.true_positives.assign_add(ops.sum(right * weights, axis=1))
        self._others.assign_add(ops.sum(missed * weights, axis=1))

    def result(self) -> Any:
        total = ops.add(self.true_positives, self._others)
        ratios = ops.divide(self.true_positives, ops.where(ops.equal(total, 0.0), 1.0, total))
        return ratios[0] if len(self.thresholds) == 1 else ratios

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self._given, "top_k": None, "class_id": self.class_id}


class Precision(_Ratio):
    """The share of the positive predictions that are right: `TP / (TP + FP)`.

    Args:
        thresholds: above it a prediction counts as positive, 0.5 by default; a list gives a result for each.
        top_k: only `None`.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> precision = metrics.Precision()
        >>> precision.update_state([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
        >>> round(float(precision.result()), 4)
        0.6667
    """

    others = "false_positives"

    @property
    def false_positives(self) -> Any:
        """The variable that counts the wrong positive predictions."""
        return self._others


class Recall(_Ratio):
    """The share of the positive targets that are found: `TP / (TP + FN)`.

    Args:
        thresholds: above it a prediction counts as positive, 0.5 by default; a list gives a result for each.
        top_k: only `None`.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> recall = metrics.Recall()
        >>> recall.update_state([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
        >>> round(float(recall.result()), 4)
        0.6667
    """

    others = "false_negatives"

    @property
    def false_negatives(self) -> Any:
        """The variable that counts the positive targets that were not found."""
        return self._others
