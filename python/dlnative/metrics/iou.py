"""Intersection over union: how well the places of a class are found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.metrics.confusion import quotient, spread_weights
from dlnative.metrics.metric import Metric
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.checks import flag, integer, number


class IoU(Metric):
    """The mean of `TP / (TP + FP + FN)` over some classes: those that occur in targets or predictions.

    Args:
        num_classes: the number of classes.
        target_class_ids: the classes that are looked at.
        name, dtype: see `Metric`; counts are integers by default.
        ignore_class: a class whose targets do not count.
        sparse_y_true, sparse_y_pred: whether targets, and predictions, are class numbers; otherwise they are probabilities
            (or logits, or one-hot) along an axis.
        axis: that axis.

    Example:
        >>> from dlnative import metrics
        >>> iou = metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> iou.update_state([0, 0, 1, 1], [0, 1, 0, 1])
        >>> round(float(iou.result()), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__("int64" if dtype is None else dtype, name)
        self.num_classes = integer(self.name, "num_classes", num_classes, 1)
        self.target_class_ids = [
            integer(self.name, "a Target class id", value, 0, self.num_classes - 1) for value in target_class_ids
        ]
        self.ignore_class = None if ignore_class is None else integer(self.name, "ignore_class", ignore_class)
        self.sparse_y_true = flag(self.name, "sparse_y_true", sparse_y_true)
        self.sparse_y_pred = flag(self.name, "sparse_y_pred", sparse_y_pred)
        self.axis = integer(self.name, "axis", axis)
        self.total_cm = self.add_variable((self.num_classes, self.num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions; what is no class number does not count.

        Args:
            y_true: the targets.
            y_pred: the predictions.
            sample_weight: weights that broadcast to the targets, or one for each sample.
        """
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        shape, true, pred = tuple(true.shape), ops.reshape(true, (-1,)), ops.reshape(pred, (-1,))
        if true.shape != pred.shape:
            raise ValueError(
                f"{self.name}: expected a prediction for each of {true.shape[0]} targets, got {pred.shape[0]}"
            )
        true, pred = ops.cast(true, "int32"), ops.cast(pred, "int32")
        # Counts of a batch are exact in this type; a class number out of range is a row of zeros.
        exact = "float32" if (true.shape[0] or 0) < 2**24 else "float64"
        rows = ops.one_hot(true, self.num_classes, dtype=exact)
        if self.ignore_class is not None:
            rows = rows * ops.expand_dims(ops.cast(ops.not_equal(true, self.ignore_class), exact), -1)
        if sample_weight is not None:
            rows = rows * ops.expand_dims(ops.cast(self._weights(sample_weight, shape), exact), -1)
        counts = ops.matmul(ops.transpose(rows), ops.one_hot(pred, self.num_classes, dtype=exact))
        self.total_cm.assign_add(ops.cast(counts, self.dtype))

    def _weights(self, sample_weight: Any, shape: tuple[int, ...]) -> Any:
        given = as_tensor(sample_weight)
        if dtypes.is_float(dtype_of(given)) and not dtypes.is_float(self.dtype):
            if hasattr(sample_weight, "dtype"):
                warnings.warn(
                    f"{self.name}: expected a float dtype for weights that are float, got {self.dtype}: casting cuts them",
                    stacklevel=3,
                )
            given = ops.cast(given, self.dtype)
        if len(given.shape) == 1 and given.shape[0] == int(np.prod(shape)):
            return given
        return ops.reshape(spread_weights(given, shape), (-1,))

    def result(self) -> Any:
        counts = ops.cast(self.total_cm, "float64")
        eye = np.eye(self.num_classes)
        hits = ops.sum(counts * eye, axis=1)
        union = ops.sum(counts, axis=0) + ops.sum(counts, axis=1) - hits
        wanted = np.isin(np.arange(self.num_classes), self.target_class_ids) * 1.0
        met = ops.cast(ops.greater(union, 0.0), "float64") * wanted
        return ops.cast(quotient(ops.sum(quotient(hits, union) * met), ops.sum(met)), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(), "num_classes": self.num_classes, "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class, "sparse_y_true": self.sparse_y_true, "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }  # fmt: skip


class BinaryIoU(IoU):
    """The intersection over union of two classes, which predictions in `[0, 1]` tell apart by a threshold.

    Args:
        target_class_ids: the classes that are looked at: 0, 1, or both.
        threshold: from it on a prediction is class 1.
        name, dtype: see `Metric`.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = number(self.name, "threshold", threshold)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Sees targets and predictions; see `IoU`."""
        chosen = ops.greater_equal(ops.cast(y_pred, "float32"), self.threshold)
        super().update_state(y_true, ops.cast(chosen, "int32"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        base = Metric.get_config(self)
        return {**base, "target_class_ids": self.target_class_ids, "threshold": self.threshold}


class MeanIoU(IoU):
    """The mean of `TP / (TP + FP + FN)` over all classes; see `IoU`.

    Args:
        num_classes: the number of classes.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.
    """

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1,
    ) -> None:  # fmt: skip
        ids = range(integer(name or "mean_io_u", "num_classes", num_classes, 1))
        super().__init__(num_classes, ids, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config


class OneHotIoU(IoU):
    """`IoU` of one-hot targets.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], name: str | None = None, dtype: Any = None,
        ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.
    """

    def __init__(
        self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
        sparse_y_pred: bool = False, axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config
