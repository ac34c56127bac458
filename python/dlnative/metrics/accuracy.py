"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import Any

from dlnative import dtypes, ops
from dlnative.losses.functions import align_ranks, label_rows
from dlnative.metrics.reduction import MeanMetricWrapper, wrapper
from dlnative.ops.conversion import to_float, to_index
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.checks import flag, integer, number


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where target and prediction are equal, 0 elsewhere."""
    y_true, y_pred = align_ranks(as_tensor(y_true), as_tensor(y_pred))
    return ops.cast(ops.equal(ops.cast(y_true, dtype_of(y_pred)), y_pred), dtypes.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Returns 1 where the target is 1 and the prediction above the threshold, or it is 0 and the prediction is not."""
    y_true, y_pred = align_ranks(as_tensor(y_true), as_tensor(y_pred))
    chosen = ops.cast(ops.greater(y_pred, threshold), dtype_of(y_true))
    return ops.cast(ops.equal(y_true, chosen), dtypes.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where the largest prediction stands where the largest target does, 0 elsewhere."""
    found = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    return ops.cast(found, dtypes.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where the largest prediction is that of the target class, 0 elsewhere."""
    y_true, y_pred = label_rows(y_true, y_pred)
    found = ops.argmax(y_pred, axis=-1)
    if dtypes.is_float(dtype_of(y_true)):
        found = ops.cast(found, dtype_of(y_true))  # 1.5 is no class
    else:
        y_true = to_index(y_true)
    return ops.cast(ops.equal(y_true, found), dtypes.floatx())


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Returns 1 where fewer than k predictions are larger than that of the target class, 0 elsewhere.

    Args:
        y_true: class numbers.
        y_pred: a prediction for each class; where that of the target class is NaN, the result is 0.
        k: how many classes count as right.
        from_sorted_ids: whether `y_pred` holds class numbers instead, the likeliest first, of which the first k count.
    """
    y_true, y_pred = label_rows(y_true, y_pred)
    if from_sorted_ids:
        labels = ops.expand_dims(ops.cast(y_true, dtype_of(y_pred)), -1)
        return ops.cast(ops.any(ops.equal(labels, y_pred[..., :k]), axis=-1), dtypes.floatx())
    target = ops.one_hot(to_index(y_true), y_pred.shape[-1], dtype="bool")
    likely = ops.max(ops.where(target, to_float(y_pred), -float("inf")), axis=-1, keepdims=True)
    larger = ops.sum(ops.cast(ops.greater(y_pred, likely), dtypes.floatx()), axis=-1)
    known = ops.any(ops.logical_and(target, ops.equal(y_pred, y_pred)), axis=-1)  # NaN is not equal to itself
    return ops.cast(ops.logical_and(known, ops.less(larger, float(k))), dtypes.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Returns 1 where fewer than k predictions are larger than that of the largest target, 0 elsewhere."""
    y_pred = as_tensor(y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


Accuracy = wrapper(accuracy, "Accuracy", "up")
CategoricalAccuracy = wrapper(categorical_accuracy, "CategoricalAccuracy", "up")
SparseCategoricalAccuracy = wrapper(sparse_categorical_accuracy, "SparseCategoricalAccuracy", "up")


class BinaryAccuracy(MeanMetricWrapper):
    """The mean of `binary_accuracy`.

    Args:
        threshold: above it a prediction counts as 1.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> accuracy = metrics.BinaryAccuracy(threshold=0.7)
        >>> accuracy.update_state([1, 0, 1, 0], [0.9, 0.6, 0.6, 0.1])
        >>> float(accuracy.result())
        0.75
    """

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=number(name, "threshold", threshold))


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The mean of `top_k_categorical_accuracy`.

    Args:
        k: how many of the largest predictions count as right.
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> accuracy = metrics.TopKCategoricalAccuracy(k=2)
        >>> accuracy.update_state([[0, 0, 1], [1, 0, 0]], [[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]])
        >>> float(accuracy.result())
        0.5
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=integer(name, "k", k, 1))


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The mean of `sparse_top_k_categorical_accuracy`.

    Args:
        k: how many of the largest predictions count as right.
        name, dtype: see `Metric`.
        from_sorted_ids: whether predictions are class numbers, the likeliest first.
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        arguments = {"k": integer(name, "k", k, 1), "from_sorted_ids": flag(name, "from_sorted_ids", from_sorted_ids)}
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, **arguments)


def resolve_accuracy(y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> type[MeanMetricWrapper]:
    """Returns the accuracy that `"accuracy"` means for these shapes: binary, sparse or categorical.

    Example:
        >>> resolve_accuracy((32,), (32, 10)).__name__
        'SparseCategoricalAccuracy'
    """
    if y_pred_shape[-1] == 1:
        return BinaryAccuracy
    if len(y_true_shape) < len(y_pred_shape) or (y_true_shape[-1] == 1 and y_pred_shape[-1] > 1):
        return SparseCategoricalAccuracy
    return CategoricalAccuracy
