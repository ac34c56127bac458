"""Metrics: numbers that are gathered batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from dlnative.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    resolve_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from dlnative.metrics.metric import Metric
from dlnative.metrics.reduction import Mean, MeanMetricWrapper, Sum
from dlnative.utils.lazy import lazily
from dlnative.utils.registry import Registry, publish, publish_later

if TYPE_CHECKING:
    from dlnative.metrics.auc import AUC as AUC
    from dlnative.metrics.confusion import FalseNegatives as FalseNegatives
    from dlnative.metrics.confusion import FalsePositives as FalsePositives
    from dlnative.metrics.confusion import Precision as Precision
    from dlnative.metrics.confusion import Recall as Recall
    from dlnative.metrics.confusion import TrueNegatives as TrueNegatives
    from dlnative.metrics.confusion import TruePositives as TruePositives
    from dlnative.metrics.correlation import ConcordanceCorrelation as ConcordanceCorrelation
    from dlnative.metrics.correlation import PearsonCorrelation as PearsonCorrelation
    from dlnative.metrics.correlation import R2Score as R2Score
    from dlnative.metrics.correlation import concordance_correlation as concordance_correlation
    from dlnative.metrics.correlation import pearson_correlation as pearson_correlation
    from dlnative.metrics.errors import BinaryCrossentropy as BinaryCrossentropy
    from dlnative.metrics.errors import CategoricalCrossentropy as CategoricalCrossentropy
    from dlnative.metrics.errors import CategoricalHinge as CategoricalHinge
    from dlnative.metrics.errors import CosineSimilarity as CosineSimilarity
    from dlnative.metrics.errors import Hinge as Hinge
    from dlnative.metrics.errors import KLDivergence as KLDivergence
    from dlnative.metrics.errors import LogCoshError as LogCoshError
    from dlnative.metrics.errors import MeanAbsoluteError as MeanAbsoluteError
    from dlnative.metrics.errors import MeanAbsolutePercentageError as MeanAbsolutePercentageError
    from dlnative.metrics.errors import MeanSquaredError as MeanSquaredError
    from dlnative.metrics.errors import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
    from dlnative.metrics.errors import Poisson as Poisson
    from dlnative.metrics.errors import RootMeanSquaredError as RootMeanSquaredError
    from dlnative.metrics.errors import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
    from dlnative.metrics.errors import SquaredHinge as SquaredHinge
    from dlnative.metrics.f_score import F1Score as F1Score
    from dlnative.metrics.f_score import FBetaScore as FBetaScore
    from dlnative.metrics.iou import BinaryIoU as BinaryIoU
    from dlnative.metrics.iou import IoU as IoU
    from dlnative.metrics.iou import MeanIoU as MeanIoU
    from dlnative.metrics.iou import OneHotIoU as OneHotIoU
    from dlnative.metrics.iou import OneHotMeanIoU as OneHotMeanIoU
    from dlnative.metrics.operating_points import PrecisionAtRecall as PrecisionAtRecall
    from dlnative.metrics.operating_points import RecallAtPrecision as RecallAtPrecision
    from dlnative.metrics.operating_points import SensitivityAtSpecificity as SensitivityAtSpecificity
    from dlnative.metrics.operating_points import SpecificityAtSensitivity as SpecificityAtSensitivity

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "resolve_accuracy",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

_CLASSES: tuple[type[Metric], ...] = (
    Sum, Mean, MeanMetricWrapper, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
    TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy,
)  # fmt: skip
_LATER = {
    "auc": ["AUC"],
    "confusion": [
        "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives",
    ],
    "correlation": [
        "ConcordanceCorrelation", "PearsonCorrelation", "R2Score", "concordance_correlation", "pearson_correlation",
    ],
    "errors": [
        "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge",
        "KLDivergence", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
        "MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError", "SparseCategoricalCrossentropy",
        "SquaredHinge",
    ],
    "f_score": ["F1Score", "FBetaScore"],
    "iou": ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"],
    "operating_points": [
        "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity",
    ],
}  # fmt: skip
__getattr__ = lazily(
    __name__,
    _LATER,
    {name: f"dlnative.losses.{name}" for name in ("binary_focal_crossentropy", "categorical_focal_crossentropy")},
)
_NAMES = [name for names in _LATER.values() for name in names]
_registry = Registry(
    "metric", Metric, _CLASSES, later=[name for name in _NAMES if name != name.lower()], load=__getattr__,
    aliases={
        "mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "mape": "MeanAbsolutePercentageError",
        "msle": "MeanSquaredLogarithmicError", "bce": "BinaryCrossentropy", "rmse": "RootMeanSquaredError",
    },
)  # fmt: skip
publish_later(lambda: [__getattr__(name) for name in _NAMES])
publish(
    (
        binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy,
    )
)  # fmt: skip


def serialize(metric: Any) -> Any:
    """Returns the class name and the arguments of a metric; the name of a function."""
    return _registry.serialize(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a metric from what `serialize` returned.

    Args:
        config: a name, or a dict with `class_name` and `config`.
        custom_objects: classes and functions by name, which come before dlnative's.
    """
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """Returns a metric given as itself, a class, a name in any case, a function or a config; `None` stays `None`.

    Raises:
        ValueError: for an unknown name or another kind of object.

    Example:
        >>> type(get("mse")).__name__, type(get("BinaryAccuracy")).__name__
        ('MeanSquaredError', 'BinaryAccuracy')
    """
    return _registry.get(identifier)
