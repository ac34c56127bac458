"""The losses as classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.losses import functions
from dlnative.losses.loss import LossFunctionWrapper
from dlnative.utils.checks import number


def _wrapper(function: Callable[..., Any], name: str) -> type[LossFunctionWrapper]:
    """Returns the class of losses that a function without further arguments makes."""

    class Wrapped(LossFunctionWrapper):
        def __init__(
            self, reduction: str | None = "sum_over_batch_size", name: str = function.__name__, dtype: Any = None
        ) -> None:
            super().__init__(function, reduction, name, dtype)

    Wrapped.__name__ = Wrapped.__qualname__ = name
    Wrapped.__module__ = "dlnative.losses"  # where pickle finds it
    Wrapped.__doc__ = f"The loss of `{function.__name__}`. {function.__doc__}"
    return Wrapped


MeanSquaredError = _wrapper(functions.mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _wrapper(functions.mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _wrapper(functions.mean_absolute_percentage_error, "MeanAbsolutePercentageError")
MeanSquaredLogarithmicError = _wrapper(functions.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError")
LogCosh = _wrapper(functions.log_cosh, "LogCosh")
Hinge = _wrapper(functions.hinge, "Hinge")
CategoricalHinge = _wrapper(functions.categorical_hinge, "CategoricalHinge")
SquaredHinge = _wrapper(functions.squared_hinge, "SquaredHinge")
KLDivergence = _wrapper(functions.kl_divergence, "KLDivergence")
Poisson = _wrapper(functions.poisson, "Poisson")


class Huber(LossFunctionWrapper):
    """The loss of `huber`.

    Args:
        delta: where the loss becomes linear.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(functions.huber, reduction, name, dtype, delta=number(name, "delta", delta))


class CosineSimilarity(LossFunctionWrapper):
    """The loss of `cosine_similarity`: -1 where target and prediction point the same way, 1 where opposite ways.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(functions.cosine_similarity, reduction, name, dtype, axis=axis)


class BinaryCrossentropy(LossFunctionWrapper):
    """The loss of `binary_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> from dlnative import losses
        >>> loss = losses.BinaryCrossentropy(from_logits=True)
        >>> round(float(loss([[1.0], [0.0]], [[2.0], [-2.0]])), 4)
        0.1269
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": checked_smoothing(label_smoothing), "axis": axis}
        super().__init__(functions.binary_crossentropy, reduction, name, dtype, **arguments)


class CategoricalCrossentropy(LossFunctionWrapper):
    """The loss of `categorical_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": checked_smoothing(label_smoothing), "axis": axis}
        super().__init__(functions.categorical_crossentropy, reduction, name, dtype, **arguments)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The loss of `sparse_categorical_crossentropy`.

    Args:
        from_logits, ignore_class, axis: of the function.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> from dlnative import losses
        >>> loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
        >>> round(float(loss([1, -1], [[0.75, 0.25], [0.5, 0.5]])), 4)
        1.3863
    """

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str | None = "sum_over_batch_size",
        axis: int = -1, name: str = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(functions.sparse_categorical_crossentropy, reduction, name, dtype, **arguments)


def checked_smoothing(value: float) -> float:
    """Returns a label smoothing, refusing what is not in `[0, 1]`."""
    return number("crossentropy", "label_smoothing", value, 0, 1)
