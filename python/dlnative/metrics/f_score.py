"""F scores: means of precision and recall."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.metrics.metric import Metric
from dlnative.utils.checks import number


class FBetaScore(Metric):
    """`(1 + beta**2) * precision * recall / (beta**2 * precision + recall)`, for each class or as a mean.

    Args:
        average: `None` (a score for each class), `"micro"` (one score of the counts of all classes), `"macro"` (the mean) or
            `"weighted"` (the mean weighted with the numbers of targets).
        beta: how many times as much recall counts as precision.
        threshold: above it a prediction counts as 1; `None`: the largest of a row does.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> score = metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> score.update_state([[1, 1], [1, 0], [0, 1]], [[0.2, 0.6], [0.7, 0.6], [0.1, 0.8]])
        >>> [round(float(value), 4) for value in score.result()]
        [0.5556, 0.9091]
    """

    _direction = "up"

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None, name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"{self.name}: expected average None, 'micro', 'macro' or 'weighted', got {average!r}")
        self.average = average
        self.beta = number(self.name, "beta", beta, 0, open_low=True)
        self.threshold = None if threshold is None else number(self.name, "threshold", threshold, 0, 1, open_low=True)
        self._counts: dict[str, Any] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions.

        Args:
            y_true: the targets, 0 or 1, with a column for each class.
            y_pred: the predictions, likewise.
            sample_weight: a weight for each sample.

        Raises:
            ValueError: if they are not matrices of one shape.
        """
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        shapes = tuple(y_true.shape), tuple(y_pred.shape)
        if len(shapes[1]) != 2 or shapes[0] != shapes[1]:
            raise ValueError(
                f"{self.name}: FBetaScore expects 2D inputs with shape (batch_size, output_dim), got {shapes[1]} for "
                f"targets {shapes[0]}"
            )
        if not self._counts:
            shape = () if self.average == "micro" else shapes[1][1:]
            names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
            self._counts = {name: self.add_variable(shape, name=name) for name in names}
            self.__dict__.update(self._counts)
        if self.threshold is None:
            largest = ops.max(y_pred, axis=-1, keepdims=True)
            chosen = ops.logical_and(ops.greater_equal(y_pred, largest), ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        chosen = ops.cast(chosen, self.dtype)
        weights = None if sample_weight is None else ops.reshape(ops.cast(sample_weight, self.dtype), (-1, 1))
        values = (chosen * y_true, chosen * (1.0 - y_true), (1.0 - chosen) * y_true, y_true)
        for variable, value in zip(self._counts.values(), values, strict=True):
            weighted = value if weights is None else value * weights
            variable.assign_add(ops.sum(weighted, axis=None if self.average == "micro" else 0))

    def result(self) -> Any:
        """Returns the score: a vector if there is no average."""
        if not self._counts:
            return ops.cast(0.0, self.dtype)
        tp, fp, fn, targets = (ops.add(variable, 0.0) for variable in self._counts.values())
        precision, recall = tp / (tp + fp + epsilon()), tp / (tp + fn + epsilon())
        scores = precision * recall / (self.beta**2 * precision + recall + epsilon()) * (1.0 + self.beta**2)
        if self.average == "weighted":
            return ops.sum(scores * (targets / (ops.sum(targets) + epsilon())))
        return ops.mean(scores) if self.average == "macro" else scores

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """`2 * precision * recall / (precision + recall)`; see `FBetaScore`.

    Args:
        average, threshold: see `FBetaScore`.
        name, dtype: see `Metric`.
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
