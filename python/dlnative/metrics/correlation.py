"""Correlations of targets and predictions, and how much of the targets' variance predictions explain."""

from __future__ import annotations

import warnings
from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.graph.trace import current_trace
from dlnative.losses.functions import align_ranks
from dlnative.metrics.metric import Metric
from dlnative.metrics.reduction import MeanMetricWrapper
from dlnative.ops.conversion import to_float
from dlnative.ops.core import dtype_of
from dlnative.utils.checks import integer
from dlnative.utils.registry import publish


def _deviations(y_true: Any, y_pred: Any, axis: int) -> tuple[Any, Any, Any]:
    """Returns what is left of targets and predictions without their means, and the difference of the means."""
    y_pred = to_float(y_pred)
    y_true, y_pred = align_ranks(ops.cast(y_true, dtype_of(y_pred)), y_pred)
    means = [ops.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    return y_true - means[0], y_pred - means[1], means[0] - means[1]


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns Pearson's correlation `cov(y_true, y_pred) / (std(y_true) * std(y_pred))` along an axis.

    It is NaN where one of them does not vary.

    Example:
        >>> from dlnative import metrics
        >>> metrics.pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.3, 0.2]]).round(4).tolist()
        [1.0]
    """
    true, pred, _ = _deviations(y_true, y_pred, axis)
    deviations = [ops.sqrt(ops.mean(ops.square(y), axis=axis, keepdims=True)) for y in (true, pred)]
    return ops.mean((true / deviations[0]) * (pred / deviations[1]), axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns `2 * cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))**2)` along an axis.

    Source:
        Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45, 1989.
    """
    true, pred, apart = _deviations(y_true, y_pred, axis)
    spread = [ops.mean(ops.square(y), axis=axis, keepdims=True) for y in (true, pred)]
    norm = spread[0] + spread[1] + ops.square(apart)
    return ops.mean(2.0 * true * pred / (norm + epsilon()), axis=axis)


publish((pearson_correlation, concordance_correlation))


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: the axis along which it is taken.
    """

    _direction = "up"

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=integer(name, "axis", axis))


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: the axis along which it is taken.
    """

    _direction = "up"

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=integer(name, "axis", axis))


class R2Score(Metric):
    """The share of the targets' variance that predictions explain: `1 - sum((y_true - y_pred)**2) / sum((y_true - mean)**2)`.

    The sums are kept in float64: of targets far from 0, such as years, squares and the square of the mean are nearly equal.

    Args:
        class_aggregation: `"uniform_average"` (the mean over the columns), `"variance_weighted_average"`, or `None` (a score
            for each column).
        num_regressors: the number of independent variables, for the adjusted score; 0 for the plain one.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> score = metrics.R2Score()
        >>> score.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
        >>> round(float(score.result()), 4)
        0.5714
    """

    _direction = "up"

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str = "r2_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                f"{self.name}: Invalid value for argument `class_aggregation`: expected None, 'uniform_average' or "
                f"'variance_weighted_average', got {class_aggregation!r}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = integer(self.name, "num_regressors", num_regressors, 0)
        self.num_samples = self.add_variable(name="num_samples")
        self._sums: dict[str, Any] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions.

        Args:
            y_true: the targets, with a column for each output.
            y_pred: the predictions, likewise.
            sample_weight: a weight for each sample, or for each element.

        Raises:
            ValueError: if they are not matrices of one shape.
        """
        y_true, y_pred = align_ranks(ops.cast(y_true, "float64"), ops.cast(y_pred, "float64"))
        shapes = tuple(y_true.shape), tuple(y_pred.shape)
        if len(shapes[1]) != 2 or shapes[0] != shapes[1]:
            raise ValueError(
                f"{self.name}: R2Score expects 2D inputs with shape (batch_size, output_dim), got {shapes[1]} for targets "
                f"{shapes[0]}"
            )
        if not self._sums:
            names = ("squared_sum", "sum", "residual", "count")
            self._sums = {name: self.add_variable(shapes[1][1:], dtype="float64", name=name) for name in names}
        weights = ops.cast(1.0 if sample_weight is None else sample_weight, "float64")
        if len(weights.shape) == 1:
            weights = ops.expand_dims(weights, 1)
        weights = ops.broadcast_to(weights, shapes[1])
        values = (y_true * y_true * weights, y_true * weights, ops.square(y_true - y_pred) * weights, weights)
        for variable, value in zip(self._sums.values(), values, strict=True):
            variable.assign_add(ops.sum(value, axis=0))
        self.num_samples.assign_add(float(shapes[1][0] * shapes[1][1]))

    def result(self) -> Any:
        if not self._sums:
            return ops.cast(0.0, self.dtype)
        squares, total, residual, count = (ops.add(variable, 0.0) for variable in self._sums.values())
        # Nothing is divided by 0: where nothing varies, the score is 0 as in Keras, and NaN if nothing is wrong either.
        varied = squares - total * (total / count)
        none = ops.equal(varied, 0.0)
        undefined = ops.where(ops.equal(residual, 0.0), float("nan"), 0.0)
        scores = ops.where(none, undefined, 1.0 - residual / ops.where(none, 1.0, varied))
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(varied * scores) / ops.sum(varied)
        return ops.cast(self._adjusted(scores) if self.num_regressors else scores, self.dtype)

    def _adjusted(self, scores: Any) -> Any:
        """Returns `1 - (1 - R2) (n - 1) / (n - p - 1)`, and the plain score where there are too few samples for it."""
        if current_trace() is None and float(self.num_samples) <= self.num_regressors + 1:
            warnings.warn(
                f"{self.name}: expected more than {self.num_regressors + 1} samples for {self.num_regressors} regressors, got "
                f"{int(self.num_samples)}: the score is not adjusted",
                stacklevel=3,
            )
        samples = ops.cast(self.num_samples, "float64")
        left = samples - (self.num_regressors + 1.0)
        enough = ops.greater(left, 0.0)
        adjusted = 1.0 - (1.0 - scores) * (samples - 1.0) / ops.where(enough, left, 1.0)
        return ops.where(enough, adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        arguments = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **arguments}
