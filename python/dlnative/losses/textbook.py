"""Losses as textbooks write them: half the sum of squares, the crossentropy with a number in its logarithm, and the RMSE."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.losses import functions
from dlnative.losses.loss import Loss, LossFunctionWrapper
from dlnative.utils.checks import number
from dlnative.utils.registry import publish


def half_sum_of_squares(y_true: Any, y_pred: Any) -> Any:
    """Returns `sum((y_pred - y_true)**2) / 2` over the last axis. Its gradient by the prediction is the error itself.

    Example:
        >>> from dlnative import losses
        >>> losses.half_sum_of_squares([[0.0, 1.0]], [[0.5, 0.0]]).tolist()
        [0.625]
    """
    y_true, y_pred = functions.pair("half_sum_of_squares", y_true, y_pred)
    return 0.5 * ops.sum(ops.square(y_pred - y_true), axis=-1)


def cross_entropy_error(y_true: Any, y_pred: Any, delta: float = 1e-7) -> Any:
    """Returns `-sum(y_true * ln(y_pred + delta))` over the last axis.

    `categorical_crossentropy` cuts probabilities off at 1e-7 instead, and divides them by their sum first.

    Args:
        y_true: one-hot rows, or probabilities.
        y_pred: probabilities.
        delta: what keeps the logarithm finite.

    Example:
        >>> from dlnative import losses
        >>> losses.cross_entropy_error([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
        array([0.6931], dtype=float32)
    """
    y_true, y_pred = functions.pair("cross_entropy_error", y_true, y_pred)
    return -ops.sum(y_true * ops.log(y_pred + delta), axis=-1)


def root_mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `sqrt(mean((y_pred - y_true)**2))` over all elements: one number.

    Example:
        >>> from dlnative import losses
        >>> float(losses.root_mean_squared_error([[0.0], [1.0]], [[3.0], [5.0]])).__round__(4)
        3.5355
    """
    y_true, y_pred = functions.pair("root_mean_squared_error", y_true, y_pred)
    return _root(ops.mean(ops.square(y_pred - y_true)))


def _root(square: Any) -> Any:
    """Returns the square root, with gradient 0 at 0."""
    none = ops.equal(square, 0.0)
    return ops.where(none, 0.0, ops.sqrt(ops.where(none, 1.0, square)))


publish((half_sum_of_squares, cross_entropy_error, root_mean_squared_error))


class HalfSumOfSquares(LossFunctionWrapper):
    """The loss of `half_sum_of_squares`.

    Args:
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "half_sum_of_squares", dtype: Any = None
    ) -> None:
        super().__init__(half_sum_of_squares, reduction, name, dtype)


class CrossEntropyError(LossFunctionWrapper):
    """The loss of `cross_entropy_error`.

    Args:
        delta: what keeps the logarithm finite, above 0.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, delta: float = 1e-7, reduction: str | None = "sum_over_batch_size", name: str = "cross_entropy_error",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        delta = number(name, "delta", delta, 0, open_low=True)
        super().__init__(cross_entropy_error, reduction, name, dtype, delta=delta)


class RootMeanSquaredError(Loss):
    """The root of the (weighted) mean square error of a batch.

    Args:
        name, dtype: see `Loss`.

    Example:
        >>> from dlnative import losses
        >>> float(losses.RootMeanSquaredError()([[0.0], [1.0]], [[3.0], [5.0]], sample_weight=[1.0, 0.0])).__round__(4)
        2.1213
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, "sum_over_batch_size", dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return functions.mean_squared_error(y_true, y_pred)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return _root(super().__call__(y_true, y_pred, sample_weight))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}
