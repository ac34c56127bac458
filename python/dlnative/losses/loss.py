"""The base of all losses, and how the values of the samples become a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import dtypes, ops
from dlnative.losses.functions import align_ranks
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.naming import to_snake_case

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def reduce_weighted(values: Any, sample_weight: Any, reduction: str | None, mask: Any = None) -> Any:
    """Multiplies values with weights and reduces them.

    Args:
        values: a tensor whose first axis is the batch.
        sample_weight: weights that broadcast to the values, or one for each sample, or `None`.
        reduction: `"sum_over_batch_size"` (the mean), `"sum"`, `"mean_with_sample_weight"` (the sum over the sum of the
            weights), or `"none"`.
        mask: which values count in a mean, or `None` for all; the others must be 0.

    Raises:
        ValueError: if the weights do not fit the values.
    """
    if sample_weight is not None:
        sample_weight = ops.cast(sample_weight, dtype_of(values))
        values, sample_weight = align_ranks(values, sample_weight)
        while 0 < len(sample_weight.shape) < len(values.shape):
            sample_weight = ops.expand_dims(sample_weight, -1)
        shape, expected = tuple(sample_weight.shape), tuple(values.shape)
        if len(shape) > len(expected) or any(a not in (1, b) for a, b in zip(shape, expected, strict=False)):
            raise ValueError(f"loss: expected a sample_weight that fits values of shape {expected}, got shape {shape}")
        values = values * sample_weight
    if reduction in (None, "none"):
        return values
    if reduction == "sum":
        return ops.sum(values)
    counted = None if mask is None else ops.cast(mask, dtype_of(values))
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        weights = sample_weight if counted is None else sample_weight * counted
        return ops.sum(values) / ops.maximum(ops.sum(weights), 1e-7)
    return ops.mean(values) if counted is None else ops.sum(values) / ops.maximum(ops.sum(counted), 1.0)


class Loss:
    """A function of targets and predictions that returns a number.

    Args:
        name: a name.
        reduction: `"sum_over_batch_size"` (the mean over all samples), `"sum"`, `"mean"`, `"mean_with_sample_weight"`, or
            `"none"` for a value for each sample.
        dtype: accepted for Keras's sake; a loss is computed in the type of the predictions.

    Raises:
        ValueError: for another reduction.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or to_snake_case(type(self).__name__)
        if reduction not in _REDUCTIONS:
            raise ValueError(f"{self.name}: expected a reduction among {_REDUCTIONS}, got {reduction!r}")
        self.reduction = reduction
        self.dtype = dtypes.standardize(dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns a value for each sample."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method call(y_true, y_pred), found none")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the loss, weighted and reduced.

        Args:
            y_true: the targets.
            y_pred: the predictions.
            sample_weight: weights that broadcast to the values of the samples.
        """
        return reduce_weighted(self.call(as_tensor(y_true), as_tensor(y_pred)), sample_weight, self.reduction)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a loss again."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Makes a loss from what `get_config` returned."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss that calls a function.

    Args:
        fn: a function `(y_true, y_pred, **kwargs)` that returns a value for each sample.
        reduction, name, dtype: see `Loss`.
        **kwargs: arguments of the function.
    """

    def __init__(
        self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)
        self.fn = fn
        self._kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self._kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._kwargs}
