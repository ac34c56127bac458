"""Errors and losses as metrics."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.losses import functions
from dlnative.losses.functions import align_ranks
from dlnative.metrics.reduction import Mean, MeanMetricWrapper, wrapper

MeanSquaredError = wrapper(functions.mean_squared_error, "MeanSquaredError", "down")
MeanAbsoluteError = wrapper(functions.mean_absolute_error, "MeanAbsoluteError", "down")
MeanAbsolutePercentageError = wrapper(functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError", "down")
MeanSquaredLogarithmicError = wrapper(functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError", "down")
LogCoshError = wrapper(functions.log_cosh, "LogCoshError", "down", "logcosh")
Hinge = wrapper(functions.hinge, "Hinge", "down")
SquaredHinge = wrapper(functions.squared_hinge, "SquaredHinge", "down")
CategoricalHinge = wrapper(functions.categorical_hinge, "CategoricalHinge", "down")
KLDivergence = wrapper(functions.kl_divergence, "KLDivergence", "down")
Poisson = wrapper(functions.poisson, "Poisson", "down")


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `losses.binary_crossentropy`.

    Args:
        from_logits, label_smoothing: of the function.
        name, dtype: see `Metric`.
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(functions.binary_crossentropy, name, dtype, **arguments)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.categorical_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        name, dtype: see `Metric`.
    """

    _direction = "down"

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(functions.categorical_crossentropy, name, dtype, **arguments)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.sparse_categorical_crossentropy`.

    Args:
        from_logits, ignore_class, axis: of the function; with weights, the ignored class does not count.
        name, dtype: see `Metric`.
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(functions.sparse_categorical_crossentropy, name, dtype, **arguments)


class CosineSimilarity(MeanMetricWrapper):
    """The mean of the cosine of the angle between target and prediction: 1 is the best, unlike in the loss.

    Args:
        name, dtype: see `Metric`.
        axis: the axis of the vectors.
    """

    _direction = "up"

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(functions.cosine, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of `(y_true - y_pred)**2`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> error = metrics.RootMeanSquaredError()
        >>> error.update_state([0.0, 0.0], [3.0, 3.0])
        >>> float(error.result())
        3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Sees targets and predictions; see `MeanMetricWrapper`."""
        y_true, y_pred = align_ranks(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())
