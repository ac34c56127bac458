"""The area under a curve of two ratios of a confusion matrix over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.graph.storage import check_budget
from dlnative.metrics.confusion import KINDS, add_counts, checked_count, plain, probabilities, quotient, ratio
from dlnative.metrics.metric import Metric
from dlnative.ops.core import as_tensor
from dlnative.utils.checks import flag, integer

_BYTES = 64  # that a threshold takes here, besides its variables
_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(Metric):
    """The area under the ROC curve, or the one of precision and recall, as a Riemann sum over thresholds.

    Args:
        num_thresholds: the number of thresholds, evenly from 0 to 1, at least 2.
        curve: `"ROC"` (recall over the rate of false positives), `"PR"` (precision over recall) or `"PRGAIN"` (gain of
            precision over gain of recall).
        summation_method: the height of a strip: `"interpolation"` (the mean of its sides; of the PR curve, the integral of
            the interpolated precision), `"minoring"` (the lower side) or `"majoring"` (the higher one).
        name, dtype: see `Metric`.
        thresholds: thresholds in `[0, 1]`, to which 0 and 1 are added, instead of their number.
        multi_label: whether each column has an area of its own, whose mean is the result.
        num_labels: the number of columns, if the variables are to be made at once.
        label_weights: weights of the columns.
        from_logits: whether predictions are logits.

    Example:
        >>> from dlnative import metrics
        >>> area = metrics.AUC()
        >>> area.update_state([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        >>> float(area.result())
        0.75

    Source:
        Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006; Flach and Kull,
        "Precision-recall-gain curves: PR analysis done right", NIPS 2015.
    """

    _direction = "up"

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        name: str | None = None, dtype: Any = None, thresholds: Sequence[float] | None = None, multi_label: bool = False,
        num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        self.curve = _one_of(self.name, "AUC curve", str(getattr(curve, "value", curve)).upper(), curve, _CURVES)
        self.summation_method = _one_of(
            self.name, "AUC summation method", str(getattr(summation_method, "value", summation_method)).lower(),
            summation_method, _METHODS,
        )  # fmt: skip
        self._given = None if thresholds is None else sorted(probabilities(self.name, thresholds))
        if self._given is None:
            count = checked_count(self.name, num_thresholds, 2)
            check_budget(_BYTES * count)
            inner = [place / (count - 1) for place in range(1, count - 1)]
        else:
            inner = self._given
        self.num_thresholds = len(inner) + 2
        self._thresholds = [-epsilon(), *inner, 1.0 + epsilon()]
        self.multi_label = flag(self.name, "multi_label", multi_label)
        self.num_labels = None if num_labels is None else integer(self.name, "num_labels", num_labels, 1)
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float32")
        self._from_logits = flag(self.name, "from_logits", from_logits)
        self._counts: dict[str, Any] = {}
        if num_labels is not None and not self.multi_label:
            raise ValueError(f"{self.name}: expected num_labels only beside multi_label=True, got {num_labels!r}")
        if not self.multi_label:
            self._build((self.num_thresholds,))
        elif num_labels is not None:
            self._build((self.num_thresholds, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, the outer ones just outside of `[0, 1]`."""
        return list(self._thresholds)

    def _build(self, shape: tuple[int, ...]) -> None:
        self._counts = {kind: self.add_variable(shape, name=kind) for kind in KINDS}
        self.__dict__.update(self._counts)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions.

        Args:
            y_true: the targets, 0 or 1.
            y_pred: the predictions, in `[0, 1]`, or logits.
            sample_weight: weights that broadcast to the predictions, or one for each sample.

        Raises:
            ValueError: if they have no columns where each column is to have an area.
        """
        y_pred = ops.cast(as_tensor(y_pred), self.dtype)
        if self.multi_label and len(y_pred.shape) != 2:
            raise ValueError(f"{self.name}: expected predictions of rank 2 with multi_label, got {tuple(y_pred.shape)}")
        if not self._counts:
            self._build((self.num_thresholds, y_pred.shape[1]))
        y_pred = ops.sigmoid(y_pred) if self._from_logits else ops.clip(y_pred, 0.0, 1.0)
        add_counts(
            self._counts, self.name, y_true, y_pred, self._thresholds, sample_weight=sample_weight,
            label_weights=None if self.multi_label else self.label_weights, by_label=self.multi_label,
        )  # fmt: skip

    def result(self) -> Any:
        if not self._counts:
            return np.zeros((), self.dtype)[()]
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean(self._interpolated())
        x, y = self._points()
        height = {"minoring": ops.minimum, "majoring": ops.maximum}.get(self.summation_method)
        heights = (y[:-1] + y[1:]) / 2.0 if height is None else height(y[:-1], y[1:])
        return self._mean((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Any, Any]:
        """Returns the curve: a point for each threshold."""
        tp, fp, tn, fn = (as_tensor(self._counts[kind]) for kind in KINDS)
        if self.curve == "ROC":
            return ratio(fp, tn), ratio(tp, fn)
        if self.curve == "PR":
            return ratio(tp, fn), ratio(tp, fp)
        scale = quotient(tp + fn, tn + fp)
        none = ops.equal(tp, 0.0)
        recall = ops.where(none, 0.0, 1.0 - scale * quotient(fn, tp))
        precision = ops.where(none, 1.0, 1.0 - scale * quotient(fp, tp))
        return ops.maximum(recall, 0.0), precision

    def _interpolated(self) -> Any:
        """Returns the areas of the strips of the PR curve.

        Between two thresholds, TP is taken to be linear in the number of positive predictions P: TP = a + b P. Then the
        integral of the precision a / P + b over recall is b (dTP + a ln(P / P')) / (TP' + FN').
        """
        tp, fp, _, fn = (as_tensor(self._counts[kind]) for kind in KINDS)
        positives = tp + fp
        change = tp[:-1] - tp[1:]
        slope = quotient(change, ops.maximum(positives[:-1] - positives[1:], 0.0))
        intercept = tp[1:] - slope * positives[1:]
        both = ops.logical_and(ops.greater(positives[:-1], 0.0), ops.greater(positives[1:], 0.0))
        shares = ops.where(both, quotient(positives[:-1], ops.maximum(positives[1:], 0.0)), 1.0)
        return quotient(slope * (change + intercept * ops.log(shares)), ops.maximum(tp[1:] + fn[1:], 0.0))

    def _mean(self, strips: Any) -> Any:
        areas = ops.sum(strips, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.cast(self.label_weights, self.dtype)
        return quotient(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
            "summation_method": self.summation_method, "multi_label": self.multi_label, "num_labels": self.num_labels,
            "label_weights": plain(self.label_weights), "from_logits": self._from_logits,
        }  # fmt: skip
        return config if self._given is None else {**config, "thresholds": self._given}


def _one_of(owner: str, what: str, value: str, given: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f'{owner}: Invalid {what} value: "{given}". Expected one of {", ".join(known)}')
    return value
