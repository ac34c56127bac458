"""The losses as functions: a value for each sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.ops.conversion import to_float
from dlnative.ops.core import as_tensor, dtype_of, normalize_axis


def align_ranks(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Returns two tensors of one rank, where a last axis of extent 1 is all that differs.

    A vector is given such an axis; from a tensor of higher rank it is taken.
    """
    first, second = len(x1.shape), len(x2.shape)
    if first == second + 1 and x1.shape[-1] == 1:
        return (x1, ops.expand_dims(x2, -1)) if second == 1 else (ops.squeeze(x1, -1), x2)
    if second == first + 1 and x2.shape[-1] == 1:
        return (ops.expand_dims(x1, -1), x2) if first == 1 else (x1, ops.squeeze(x2, -1))
    return x1, x2


def pair(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Returns targets and predictions in the predictions' type (that of integers is `floatx()`) and with one shape."""
    y_pred = to_float(y_pred)
    y_true, y_pred = align_ranks(ops.cast(y_true, dtype_of(y_pred)), y_pred)
    if tuple(y_true.shape) != tuple(y_pred.shape) and None not in (*y_true.shape, *y_pred.shape):
        raise ValueError(
            f"{name}: y_true and y_pred must have the same shape, got {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
        )
    return y_true, y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean((y_true - y_pred)**2)` over the last axis.

    Example:
        >>> from dlnative import losses
        >>> losses.mean_squared_error([[0.0, 1.0]], [[0.5, 1.0]]).tolist()
        [0.125]
    """
    y_true, y_pred = pair("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(|y_true - y_pred|)` over the last axis.

    Example:
        >>> from dlnative import losses
        >>> losses.mean_absolute_error([[0.0, 1.0]], [[0.5, 1.0]]).tolist()
        [0.25]
    """
    y_true, y_pred = pair("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `100 * mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis."""
    y_true, y_pred = pair("mean_absolute_percentage_error", y_true, y_pred)
    share = ops.absolute((y_true - y_pred) / ops.maximum(ops.absolute(y_true), epsilon()))
    return 100.0 * ops.mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean((ln(y_true + 1) - ln(y_pred + 1))**2)` over the last axis, both at least epsilon."""
    y_true, y_pred = pair("mean_squared_logarithmic_error", y_true, y_pred)
    logarithms = [ops.log1p(ops.maximum(y, epsilon())) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logarithms[1] - logarithms[0]), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Returns the mean over the last axis of `e**2 / 2` where `|e| <= delta` and `delta * |e| - delta**2 / 2` elsewhere.

    Example:
        >>> from dlnative import losses
        >>> losses.huber([[0.0], [0.0]], [[0.5], [3.0]]).tolist()
        [0.125, 2.5]
    """
    y_true, y_pred = pair("huber", y_true, y_pred)
    error = ops.absolute(y_pred - y_true)
    near = ops.less_equal(error, delta)
    return ops.mean(ops.where(near, 0.5 * ops.square(error), delta * error - 0.5 * delta**2), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(ln(cosh(y_pred - y_true)))` over the last axis."""
    y_true, y_pred = pair("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(error * -2.0) - 0.6931471805599453, axis=-1)


def _signed(y_true: Any) -> Any:
    """Returns labels 0 and 1 as -1 and 1; labels that are -1 and 1 already are left."""
    plain = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(plain, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(max(1 - y_true * y_pred, 0))` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    y_true, y_pred = pair("hinge", y_true, y_pred)
    return ops.mean(ops.relu(1.0 - _signed(y_true) * y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(max(1 - y_true * y_pred, 0)**2)` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    y_true, y_pred = pair("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.relu(1.0 - _signed(y_true) * y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns `max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0)` over the last axis, for one-hot rows."""
    y_true, y_pred = pair("categorical_hinge", y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.relu(wrong - right + 1.0)


def _unit(x: Any, axis: int) -> Any:
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-14))


def cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns the cosine of the angle between target and prediction along an axis; 0 where one of them is zero."""
    y_true, y_pred = pair("cosine_similarity", y_true, y_pred)
    return ops.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns minus the cosine of the angle between target and prediction along an axis: -1 is the best."""
    return -cosine(y_true, y_pred, axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Returns `sum(y_true * ln(y_true / y_pred))` over the last axis, both kept in `[epsilon, 1]`."""
    y_true, y_pred = pair("kl_divergence", y_true, y_pred)
    y_true, y_pred = ops.clip(y_true, epsilon(), 1.0), ops.clip(y_pred, epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(y_pred - y_true * ln(y_pred + epsilon))` over the last axis."""
    y_true, y_pred = pair("poisson", y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + epsilon()), axis=-1)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Returns the mean over an axis of `-(y_true * ln(p) + (1 - y_true) * ln(1 - p))`.

    Args:
        y_true: targets in `[0, 1]`.
        y_pred: probabilities p, or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: how far targets are moved towards 1/2, in `[0, 1]`.
        axis: the axis of the mean.

    Example:
        >>> from dlnative import losses
        >>> loss = losses.binary_crossentropy([[1.0], [0.0]], [[0.5], [0.75]])
        >>> [round(float(value), 4) for value in loss]
        [0.6931, 1.3863]
    """
    y_true, y_pred = pair("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Returns `-sum(y_true * ln(p))` over an axis.

    Args:
        y_true: probabilities, as one-hot rows.
        y_pred: probabilities p, or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: how far targets are moved towards the same probability for all classes, in `[0, 1]`.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes differ, as when `y_true` holds class numbers.

    Example:
        >>> from dlnative import losses
        >>> loss = losses.categorical_crossentropy([[0.0, 1.0]], [[0.75, 0.25]])
        >>> [round(float(value), 4) for value in loss]
        [1.3863]
    """
    y_pred = to_float(y_pred)
    y_true = ops.cast(y_true, dtype_of(y_pred))
    if label_smoothing:
        classes = y_pred.shape[normalize_axis(axis, len(y_pred.shape), "categorical_crossentropy")]
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / max(classes, 1)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def label_rows(y_true: Any, y_pred: Any, axis: int = -1) -> tuple[Any, Any]:
    """Returns class numbers without the axis of extent 1 that they may have where the classes lie, and predictions."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis)
    return y_true, y_pred


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """Returns `-ln(p[y_true])` over an axis.

    Args:
        y_true: class numbers.
        y_pred: probabilities p, or logits.
        from_logits: whether `y_pred` holds logits.
        ignore_class: a class number whose loss is 0.
        axis: the axis of the classes.

    Example:
        >>> from dlnative import losses
        >>> loss = losses.sparse_categorical_crossentropy([1, 0], [[0.75, 0.25], [0.5, 0.5]])
        >>> [round(float(value), 4) for value in loss]
        [1.3863, 0.6931]
    """
    y_true, y_pred = label_rows(y_true, to_float(y_pred), axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    kept = ops.not_equal(y_true, ignore_class)
    chosen = ops.where(kept, y_true, 0)
    loss = ops.sparse_categorical_crossentropy(chosen, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(kept, loss, 0.0)


def _kept(y_true: Any, y_pred: Any, values: Any, ignore_class: int | None = None, axis: int = -1, **others: Any) -> Any:
    """Returns which labels are not the ignored class, or `None` if there is no such class."""
    del values, others
    return None if ignore_class is None else ops.not_equal(label_rows(y_true, y_pred, axis)[0], ignore_class)


# Functions whose integer targets are class numbers.
OF_LABELS: set[Callable[..., Any]] = {sparse_categorical_crossentropy}
# Functions some of whose values do not count in a mean, and what tells which do: of targets, predictions, values and the
# function's arguments.
COUNTED: dict[Callable[..., Any], Callable[..., Any]] = {sparse_categorical_crossentropy: _kept}
