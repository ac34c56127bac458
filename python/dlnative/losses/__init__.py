"""Losses: functions of targets and predictions, and objects that reduce them to a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from dlnative.utils.lazy import lazily
from dlnative.utils.registry import Registry, publish, publish_later

if TYPE_CHECKING:
    from dlnative.losses.circle_loss import Circle as Circle
    from dlnative.losses.circle_loss import circle as circle
    from dlnative.losses.classes import BinaryCrossentropy as BinaryCrossentropy
    from dlnative.losses.classes import CategoricalCrossentropy as CategoricalCrossentropy
    from dlnative.losses.classes import CategoricalHinge as CategoricalHinge
    from dlnative.losses.classes import CosineSimilarity as CosineSimilarity
    from dlnative.losses.classes import Hinge as Hinge
    from dlnative.losses.classes import Huber as Huber
    from dlnative.losses.classes import KLDivergence as KLDivergence
    from dlnative.losses.classes import LogCosh as LogCosh
    from dlnative.losses.classes import MeanAbsoluteError as MeanAbsoluteError
    from dlnative.losses.classes import MeanAbsolutePercentageError as MeanAbsolutePercentageError
    from dlnative.losses.classes import MeanSquaredError as MeanSquaredError
    from dlnative.losses.classes import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
    from dlnative.losses.classes import Poisson as Poisson
    from dlnative.losses.classes import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
    from dlnative.losses.classes import SquaredHinge as SquaredHinge
    from dlnative.losses.focal import BinaryFocalCrossentropy as BinaryFocalCrossentropy
    from dlnative.losses.focal import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
    from dlnative.losses.focal import binary_focal_crossentropy as binary_focal_crossentropy
    from dlnative.losses.focal import categorical_focal_crossentropy as categorical_focal_crossentropy
    from dlnative.losses.generalized import CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy
    from dlnative.losses.generalized import (
        categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
    )
    from dlnative.losses.overlap import Dice as Dice
    from dlnative.losses.overlap import Tversky as Tversky
    from dlnative.losses.overlap import dice as dice
    from dlnative.losses.overlap import tversky as tversky
    from dlnative.losses.sequences import CTC as CTC
    from dlnative.losses.sequences import ctc as ctc
    from dlnative.losses.textbook import CrossEntropyError as CrossEntropyError
    from dlnative.losses.textbook import HalfSumOfSquares as HalfSumOfSquares
    from dlnative.losses.textbook import RootMeanSquaredError as RootMeanSquaredError
    from dlnative.losses.textbook import cross_entropy_error as cross_entropy_error
    from dlnative.losses.textbook import half_sum_of_squares as half_sum_of_squares
    from dlnative.losses.textbook import root_mean_squared_error as root_mean_squared_error

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "CrossEntropyError",
    "Dice",
    "HalfSumOfSquares",
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
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "align_ranks",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "cross_entropy_error",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "half_sum_of_squares",
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
    "root_mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

_FUNCTIONS = (
    mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, log_cosh, hinge,
    squared_hinge, categorical_hinge, kl_divergence, poisson, huber, cosine_similarity, binary_crossentropy,
    categorical_crossentropy, sparse_categorical_crossentropy,
)  # fmt: skip
_LATER = {
    "circle_loss": ["Circle", "circle"],
    "classes": [
        "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge", "Huber",
        "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
        "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge",
    ],
    "focal": [
        "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "binary_focal_crossentropy",
        "categorical_focal_crossentropy",
    ],
    "generalized": ["CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"],
    "overlap": ["Dice", "Tversky", "dice", "tversky"],
    "sequences": ["CTC", "ctc"],
    "textbook": [
        "CrossEntropyError", "HalfSumOfSquares", "RootMeanSquaredError", "cross_entropy_error", "half_sum_of_squares",
        "root_mean_squared_error",
    ],
}  # fmt: skip
__getattr__ = lazily(__name__, _LATER)


_NAMES = [name for names in _LATER.values() for name in names]
_registry = Registry(
    "loss", Loss, (LossFunctionWrapper,), functions=_FUNCTIONS, later=_NAMES, load=__getattr__,
    aliases={
        "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
        "msle": mean_squared_logarithmic_error, "bce": binary_crossentropy, "kld": kl_divergence, "logcosh": log_cosh,
        "kullback_leibler_divergence": kl_divergence,
    },
)  # fmt: skip
publish_later(lambda: [__getattr__(name) for name in _NAMES])
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
