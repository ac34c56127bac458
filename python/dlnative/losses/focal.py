"""Focal crossentropies: the loss of samples that are almost right already counts little."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.losses import functions
from dlnative.losses.classes import checked_smoothing
from dlnative.losses.loss import LossFunctionWrapper
from dlnative.ops.core import normalize_axis
from dlnative.utils.checks import flag, number
from dlnative.utils.registry import publish


def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Returns the mean over an axis of `(1 - p_t)**gamma` times the binary crossentropy.

    `p_t = y_true * p + (1 - y_true) * (1 - p)` is the probability of the target.

    Args:
        y_true: targets in `[0, 1]`.
        y_pred: probabilities p, or logits.
        apply_class_balancing: whether the loss of class 1 is multiplied by `alpha`, and that of class 0 by `1 - alpha`.
        alpha: the weight of class 1.
        gamma: how little the loss of what is almost right counts.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: how far targets are moved towards 1/2, in `[0, 1]`.
        axis: the axis of the mean.

    Example:
        >>> from dlnative import losses
        >>> [round(float(value), 4) for value in losses.binary_focal_crossentropy([[1.0], [1.0]], [[0.5], [0.9]])]
        [0.1733, 0.0011]

    Source:
        Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    y_true, y_pred = functions.pair("binary_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    loss = ops.binary_crossentropy(y_true, p)
    likely = y_true * p + (1.0 - y_true) * (1.0 - p)
    loss = ops.power(1.0 - likely, gamma) * loss
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Returns `-sum(alpha * (1 - p)**gamma * y_true * ln(p))` over an axis.

    Args:
        y_true: probabilities, as one-hot rows.
        y_pred: probabilities p, or logits.
        alpha: a weight for all classes, or one for each.
        gamma: how little the loss of what is almost right counts.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: how far targets are moved towards the same probability for all classes, in `[0, 1]`.
        axis: the axis of the classes.

    Source:
        Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    y_true, y_pred = functions.pair("categorical_focal_crossentropy", y_true, y_pred)
    if label_smoothing:
        classes = y_pred.shape[normalize_axis(axis, len(y_pred.shape), "categorical_focal_crossentropy")]
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / max(classes, 1)
    p = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = ops.clip(p / ops.sum(p, axis=axis, keepdims=True), epsilon(), 1.0 - epsilon())
    return ops.sum(ops.power(1.0 - p, gamma) * alpha * (-y_true * ops.log(p)), axis=axis)


publish((binary_focal_crossentropy, categorical_focal_crossentropy))


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The loss of `binary_focal_crossentropy`.

    Args:
        apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {
            "apply_class_balancing": flag(name, "apply_class_balancing", apply_class_balancing),
            "alpha": number(name, "alpha", alpha), "gamma": number(name, "gamma", gamma, 0), "from_logits": from_logits,
            "label_smoothing": checked_smoothing(label_smoothing), "axis": axis,
        }  # fmt: skip
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **arguments)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """The loss of `categorical_focal_crossentropy`.

    Args:
        alpha, gamma, from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
        axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        listed = alpha.tolist() if hasattr(alpha, "tolist") else alpha
        if isinstance(listed, (list, tuple)):
            weights: Any = [number(name, "alpha", value) for value in listed]
        else:
            weights = number(name, "alpha", listed)
        arguments = {
            "alpha": weights, "gamma": number(name, "gamma", gamma, 0), "from_logits": from_logits,
            "label_smoothing": checked_smoothing(label_smoothing), "axis": axis,
        }  # fmt: skip
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, **arguments)
