"""Losses: functions of targets and predictions, and objects that reduce them to a number."""

from __future__ import annotations

from typing import Any

from dlnative.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from dlnative.losses.functions import (
    align_ranks,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    cosine_similarity,
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
from dlnative.losses.loss import Loss, LossFunctionWrapper, reduce_weighted
from dlnative.utils.registry import Registry, publish

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "align_ranks",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
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
    "poisson",
    "reduce_weighted",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh, Hinge,
    SquaredHinge, CategoricalHinge, KLDivergence, Poisson, Huber, CosineSimilarity, BinaryCrossentropy,
    CategoricalCrossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
_FUNCTIONS = (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, log_cosh, hinge,
    squared_hinge, categorical_hinge, kl_divergence, poisson, huber, cosine_similarity, binary_crossentropy,
    categorical_crossentropy, sparse_categorical_crossentropy,
)  # fmt: skip
_registry = Registry(
    "loss", Loss, (LossFunctionWrapper, *_CLASSES), functions=_FUNCTIONS,
    aliases={
        "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
        "msle": mean_squared_logarithmic_error, "bce": binary_crossentropy, "kld": kl_divergence, "logcosh": log_cosh,
        "kullback_leibler_divergence": kl_divergence,
    },
)  # fmt: skip
publish(_FUNCTIONS)


def serialize(loss: Any) -> Any:
    """Returns the class name and the arguments of a loss; the name of a function."""
    return _registry.serialize(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a loss from what `serialize` returned.

    Args:
        name: a name, or a dict with `class_name` and `config`.
        custom_objects: classes and functions by name, which come before dlnative's.
    """
    return _registry.deserialize(name, custom_objects)


def get(identifier: Any) -> Any:
    """Returns a loss given as itself, a class, a name in any case, a function or a config; `None` stays `None`.

    The name of a class gives an object, the name of a function the function.

    Raises:
        ValueError: for an unknown name or another kind of object.

    Example:
        >>> get("mse").__name__, type(get("MeanSquaredError")).__name__
        ('mean_squared_error', 'MeanSquaredError')
    """
    return _registry.get(identifier)
