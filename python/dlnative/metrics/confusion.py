"""Counts of right and wrong predictions of a class, and the ratios of precision and recall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.variable import Variable
from dlnative.losses.functions import align_ranks
from dlnative.metrics.metric import Metric
from dlnative.utils.checks import integer, number

KINDS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
_NEVER = -1e10  # below every prediction: what is not among the k largest


def add_counts(
    counts: dict[str, Variable], owner: str, y_true: Any, y_pred: Any, thresholds: Sequence[float], *,
    sample_weight: Any = None, top_k: int | None = None, class_id: int | None = None, label_weights: Any = None,
    by_label: bool = False,
) -> None:  # fmt: skip
    """Adds a batch to variables that count right and wrong predictions.

    Args:
        counts: variables by their kinds, which are among `KINDS`: a count for each threshold, or for each threshold and
            label.
        owner: who counts.
        y_true: the targets; 0 is negative, all else positive.
        y_pred: the predictions; above a threshold they are positive.
        thresholds: the thresholds.
        sample_weight: weights that broadcast to the predictions, or one for each sample.
        top_k: how many of the largest predictions along the last axis may be positive.
        class_id: the column that is looked at; by default all.
        label_weights: weights of the columns.
        by_label: whether each column is counted by itself.

    Raises:
        ValueError: if there are no columns, or not that of `class_id`.
    """
    dtype = next(iter(counts.values())).dtype
    y_pred, y_true = align_ranks(ops.cast(y_pred, dtype), ops.cast(ops.not_equal(y_true, 0), dtype))
    if top_k is not None:
        y_pred = _largest(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) < 2 or not -y_pred.shape[-1] <= class_id < y_pred.shape[-1]:
            raise ValueError(
                f"{owner}: expected predictions with a column {class_id} (class_id), got shape {tuple(y_pred.shape)}"
            )
        column = class_id % y_pred.shape[-1]
        y_true, y_pred = y_true[..., column : column + 1], y_pred[..., column : column + 1]
    weights = None if sample_weight is None else spread_weights(ops.cast(sample_weight, dtype), y_pred.shape)
    if label_weights is not None:
        label_weights = ops.broadcast_to(ops.cast(label_weights, dtype), y_pred.shape)
        weights = label_weights if weights is None else weights * label_weights
    form = (1, *y_pred.shape) if by_label else (1, -1)
    limits = np.asarray(thresholds, dtype).reshape(-1, *(1 for _ in form[1:]))
    chosen = ops.cast(ops.greater(ops.reshape(y_pred, form), limits), dtype)
    actual = ops.reshape(y_true, form)
    right = chosen * actual
    for kind, variable in counts.items():
        hits = right
        if kind == "false_positives":
            hits = chosen - right
        elif kind == "false_negatives":
            hits = actual - right
        elif kind == "true_negatives":
            hits = (1.0 - actual) - (chosen - right)
        if weights is not None:
            hits = hits * ops.reshape(weights, form)
        variable.assign_add(ops.sum(hits, axis=1))


def spread_weights(weights: Any, shape: tuple[int, ...]) -> Any:
    """Returns a weight for each prediction, of weights that broadcast to them or one for each sample."""
    while 0 < len(weights.shape) < len(shape):
        weights = ops.expand_dims(weights, -1)
    if len(weights.shape) == len(shape) + 1 and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, -1)
    return ops.broadcast_to(weights, shape)


def _largest(x: Any, k: int) -> Any:
    """Returns the k largest elements along the last axis, the first ones among equals, and a low number elsewhere."""
    count = x.shape[-1]
    _, places = ops.top_k(x, min(k, count))
    return ops.where(ops.any(ops.one_hot(places, count, dtype="bool"), axis=-2), x, _NEVER)


def checked_thresholds(owner: str, thresholds: Any, default: float) -> list[float]:
    """Returns thresholds in a list: those given, which are in [0, 1], or the default one."""
    if thresholds is None:
        return [default]
    listed = np.ravel(np.asarray(thresholds, dtype=object)).tolist()
    if not listed:
        raise ValueError(f"{owner}: expected thresholds in [0, 1], got none")
    return probabilities(owner, listed)


def probabilities(owner: str, thresholds: Iterable[Any]) -> list[float]:
    """Returns thresholds, which must be in [0, 1], in a list."""
    found, wrong = [], []
    for value in thresholds:
        try:
            found.append(number(owner, "thresholds", value, 0, 1))
        except ValueError:
            wrong.append(value)
    if wrong:
        raise ValueError(f"{owner}: Threshold values must be in [0, 1]. Received: {wrong}")
    return found


def checked_count(owner: str, num_thresholds: Any, least: int) -> int:
    """Returns how many thresholds there are."""
    words = f"Argument `num_thresholds` must be an integer > {least - 1}"
    return integer(owner, "num_thresholds", num_thresholds, least, words=words)


def ratio(first: Any, second: Any) -> Any:
    """Returns `first / (first + second)`, and 0 where both are 0."""
    return quotient(first, ops.add(first, second))


def quotient(x1: Any, x2: Any) -> Any:
    """Returns `x1 / x2`, and 0 where `x2` is 0."""
    return ops.divide(x1, ops.where(ops.equal(x2, 0.0), np.inf, x2))


def plain(value: Any) -> Any:
    """Returns an argument as a config holds it: arrays as lists."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


class _Count(Metric):
    """A count at one threshold or several."""

    _kind: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = plain(thresholds)
        self.thresholds = checked_thresholds(self.name, thresholds, 0.5)
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions; see `Precision`."""
        add_counts(
            {self._kind: self.accumulator}, self.name, y_true, y_pred, self.thresholds, sample_weight=sample_weight
        )

    def result(self) -> Any:
        return self.accumulator[0] if len(self.thresholds) == 1 else ops.add(self.accumulator, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positive predictions are right.

    Args:
        thresholds: above it a prediction counts as positive, 0.5 by default; a list gives a result for each.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> count = metrics.TruePositives(thresholds=[0.5, 0.75])
        >>> count.update_state([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
        >>> count.result().tolist()
        [2.0, 1.0]
    """

    _kind = "true_positives"
    _direction = "up"


class FalsePositives(_Count):
    """How many positive predictions are wrong; see `TruePositives`."""

    _kind = "false_positives"
    _direction = "down"


class TrueNegatives(_Count):
    """How many negative predictions are right; see `TruePositives`."""

    _kind = "true_negatives"
    _direction = "up"


class FalseNegatives(_Count):
    """How many negative predictions are wrong; see `TruePositives`."""

    _kind = "false_negatives"
    _direction = "down"


class _Ratio(Metric):
    """`true_positives / (true_positives + others)` at one threshold or several."""

    _others: str
    _direction = "up"

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        self.init_thresholds = plain(thresholds)
        self.top_k = None if top_k is None else integer(self.name, "top_k", top_k, 1)
        self.class_id = None if class_id is None else integer(self.name, "class_id", class_id)
        self.thresholds = checked_thresholds(self.name, thresholds, 0.5 if top_k is None else _NEVER)
        self.true_positives = self.add_variable((len(self.thresholds),), name="true_positives")
        setattr(self, self._others, self.add_variable((len(self.thresholds),), name=self._others))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions.

        Args:
            y_true: the targets, 0 or 1.
            y_pred: the predictions, in `[0, 1]`; above a threshold they count as 1.
            sample_weight: weights that broadcast to the predictions, or one for each sample.
        """
        counts = {"true_positives": self.true_positives, self._others: getattr(self, self._others)}
        add_counts(
            counts, self.name, y_true, y_pred, self.thresholds, sample_weight=sample_weight, top_k=self.top_k,
            class_id=self.class_id,
        )  # fmt: skip

    def result(self) -> Any:
        ratios = ratio(self.true_positives, getattr(self, self._others))
        return ratios[0] if len(self.thresholds) == 1 else ratios

    def get_config(self) -> dict[str, Any]:
        arguments = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **arguments}


class Precision(_Ratio):
    """The share of the positive predictions that are right: `TP / (TP + FP)`.

    Args:
        thresholds: above it a prediction counts as positive, 0.5 by default; a list gives a result for each.
        top_k: how many of the largest predictions of a sample count as positive, instead of those above 0.5.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> precision = metrics.Precision()
        >>> precision.update_state([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
        >>> round(float(precision.result()), 4)
        0.6667
    """

    _others = "false_positives"
    false_positives: Variable


class Recall(_Ratio):
    """The share of the positive targets that are found: `TP / (TP + FN)`.

    Args:
        thresholds: above it a prediction counts as positive, 0.5 by default; a list gives a result for each.
        top_k: how many of the largest predictions of a sample count as positive, instead of those above 0.5.
        class_id: the column that is looked at; by default all.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> recall = metrics.Recall()
        >>> recall.update_state([0, 1, 1, 1], [0.9, 0.2, 0.8, 0.7])
        >>> round(float(recall.result()), 4)
        0.6667
    """

    _others = "false_negatives"
    false_negatives: Variable
