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
from dlnative.utils.registry import unknown

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
_ALIASES: dict[str, Any] = {
    "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "bce": binary_crossentropy, "kld": kl_divergence,
}  # fmt: skip
_BY_NAME: dict[str, Any] = {function.__name__: function for function in _FUNCTIONS}
_BY_NAME.update({**_ALIASES, **{name.upper(): function for name, function in _ALIASES.items()}})
_BY_NAME.update({cls.__name__: cls for cls in _CLASSES})


def serialize(loss: Any) -> Any:
    """Returns the class name and the arguments of a loss; the name of a function."""
    if isinstance(loss, Loss):
        return {"class_name": type(loss).__name__, "config": loss.get_config()}
    return getattr(loss, "__name__", str(loss))


def deserialize(config: Any) -> Any:
    """Makes a loss from what `serialize` returned."""
    return get(config)


def get(identifier: Any) -> Any:
    """Returns a loss given as itself, a class, a name, a function or a config; `None` stays `None`.

    The name of a class gives an object, the name of a function the function.

    Raises:
        ValueError: for an unknown name or another kind of object.
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    config: dict[str, Any] = {}
    if isinstance(identifier, dict):
        identifier, config = identifier.get("class_name"), identifier.get("config", {})
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            raise ValueError(unknown("loss", identifier, _BY_NAME))
        found = _BY_NAME[identifier]
        return found(**config) if isinstance(found, type) else found
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"loss: expected a name, a Loss or a function, got {identifier!r}")
