"""Losses of how well two sets overlap, for segmentation: Dice and Tversky."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.losses import functions
from dlnative.losses.loss import LossFunctionWrapper
from dlnative.utils.checks import number
from dlnative.utils.registry import publish


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """Returns `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))` over axes.

    Args:
        y_true: targets in `[0, 1]`.
        y_pred: predictions in `[0, 1]`.
        axis: an axis, several in a tuple, or `None` for all: then the loss is one number for the whole batch.

    Example:
        >>> from dlnative import losses
        >>> round(float(losses.dice([[1.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]])), 4)
        0.5
    """
    y_true, y_pred = functions.pair("dice", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """Returns `1 - both / (both + alpha * missed + beta * wrong)`.

    `both = sum(y_true * y_pred)`, `missed = sum(y_true * (1 - y_pred))`, `wrong = sum((1 - y_true) * y_pred)` over axes.

    Args:
        y_true: targets in `[0, 1]`.
        y_pred: predictions in `[0, 1]`.
        alpha: the weight of what is missed.
        beta: the weight of what is found wrongly.
        axis: an axis, several in a tuple, or `None` for all: then the loss is one number for the whole batch.

    Source:
        Salehi, Erdogmus and Gholipour, "Tversky loss function for image segmentation using 3D fully convolutional deep
        networks", MLMI 2017.
    """
    y_true, y_pred = functions.pair("tversky", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    wrong = ops.sum((1.0 - y_true) * y_pred, axis=axis)
    return 1.0 - both / (both + missed * alpha + wrong * beta + epsilon())


publish((dice, tversky))


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


class Dice(LossFunctionWrapper):
    """The loss of `dice`.

    Args:
        reduction, name: see `Loss`.
        axis: of the function.
        dtype: see `Loss`.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "dice", axis: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=_axes(axis))


class Tversky(LossFunctionWrapper):
    """The loss of `tversky`.

    Args:
        alpha, beta: of the function.
        reduction, name: see `Loss`.
        axis: of the function.
        dtype: see `Loss`.
    """

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, reduction: str | None = "sum_over_batch_size", name: str = "tversky",
        axis: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        weights = {"alpha": number(name, "alpha", alpha), "beta": number(name, "beta", beta)}
        super().__init__(tversky, reduction, name, dtype, axis=_axes(axis), **weights)
