"""The base of all losses, and how the values of the samples become a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.graph.tree import like
from dlnative.losses import functions
from dlnative.losses.functions import align_ranks
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.naming import auto_name
from dlnative.utils.registry import name_of_function, named_function

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def reduce_weighted(values: Any, sample_weight: Any, reduction: str | None, mask: Any = None) -> Any:
    """Multiplies values with weights and reduces them.

    Args:
        values: a tensor whose first axis is the batch, or a scalar.
        sample_weight: weights that broadcast to the values, or one for each sample, or `None`.
        reduction: `"sum_over_batch_size"` (the mean), `"sum"`, `"mean_with_sample_weight"` (the sum over the sum of the
            weights), or `"none"`.
        mask: which values count, or `None` for all: a mean is one over those that do.

    Raises:
        ValueError: if the weights do not fit the values.
    """
    values = as_tensor(values)
    counted = None
    if mask is not None:
        values, counted = _fitted("a mask", values, ops.cast(mask, dtype_of(values)))
        # Not a product: what does not count may be NaN.
        values = ops.where(ops.not_equal(counted, 0.0), values, 0.0)
    if sample_weight is not None:
        values, sample_weight = _fitted("a sample_weight", values, ops.cast(sample_weight, dtype_of(values)))
        values = values * sample_weight
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight":
        weights = sample_weight if counted is None else counted
        if sample_weight is not None and counted is not None:
            weights = ops.multiply(*align_ranks(counted, sample_weight))
        if weights is not None:
            return _quotient(ops.sum(values), ops.sum(weights))
    if counted is None:
        return ops.sum(values) if 0 in values.shape else ops.mean(values)  # of nothing, 0
    return _quotient(ops.sum(values), _count(counted, values))


def _fitted(what: str, values: Any, weights: Any) -> tuple[Any, Any]:
    """Returns values and weights of ranks that go together; a weight for each sample holds for all its values."""
    values, weights = align_ranks(values, weights)
    while 0 < len(weights.shape) < len(values.shape):
        weights = ops.expand_dims(weights, -1)
    shape, expected = tuple(weights.shape), tuple(values.shape)
    if expected and (
        len(shape) > len(expected) or any(a not in (1, b, None) for a, b in zip(shape, expected, strict=False))
    ):
        raise ValueError(f"loss: expected {what} that fits values of shape {expected}, got shape {shape}")
    return values, weights


def _count(counted: Any, values: Any) -> Any:
    counted, values = align_ranks(counted, values)
    return ops.sum(ops.broadcast_to(counted, values.shape) if counted.shape != values.shape else counted)


def _quotient(total: Any, count: Any) -> Any:
    """Returns total / count, and 0 where the count is 0."""
    none = ops.equal(count, 0.0)
    return ops.where(none, 0.0, total / ops.where(none, 1.0, count))


def targets_of_steps(y_true: Any, y_pred: Any, *weights: Any) -> Any:
    """Returns targets, with a last axis of extent 1 where predictions of shape `(..., 1)` have one more than they and a weight
    or a mask speaks of each target, as of the steps of sequences: then there is a value for each. (Without one, predictions
    lose their last axis, as in Keras.)

    Args:
        y_true: the targets.
        y_pred: the predictions.
        weights: weights and masks, or `None`.
    """
    rank = len(y_true.shape)
    lacking = rank > 1 and len(y_pred.shape) == rank + 1 and y_pred.shape[-1] == 1
    each = lacking and any(np.ndim(weight) == rank for weight in weights if weight is not None)
    return ops.expand_dims(y_true, -1) if each else y_true


def mask_of(tensor: Any) -> Any:
    """Returns which elements of a tensor count, if a layer has said so; of nested tensors, that of a single one."""
    return getattr(tensor, "_keras_mask", None)


def computed_in(dtype: Any) -> str:
    """Returns the type that a `dtype` argument means: a name, a NumPy type, a dtype policy, or `None` for `floatx()`."""
    return dtypes.standardize(getattr(dtype, "compute_dtype", dtype))


class Loss:
    """A function of targets and predictions that returns a number.

    Args:
        name: a name.
        reduction: `"sum_over_batch_size"` (the mean over all samples), `"sum"`, `"mean"`, `"mean_with_sample_weight"`, or
            `"none"` for a value for each sample.
        dtype: the type that targets and predictions are converted to and that the loss has, by default `floatx()`.

    Raises:
        ValueError: for another reduction.
    """

    _takes_labels = False  # whether integer targets are class numbers, which stay integers

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"{self.name}: Invalid value for argument `reduction`: expected one of {_REDUCTIONS}, got {reduction!r}"
            )
        self.reduction = reduction
        self._dtype = computed_in(dtype)

    @property
    def dtype(self) -> str:
        """The type that the loss is computed in."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns a value for each sample."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method call(y_true, y_pred), found none")

    def counted(self, y_true: Any, y_pred: Any, values: Any) -> Any:
        """Returns which of the values count in a mean, or `None` for all."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the loss, weighted and reduced.

        Args:
            y_true: the targets.
            y_pred: the predictions; what their mask leaves out does not count.
            sample_weight: weights that broadcast to the values of the samples.
        """
        mask = mask_of(y_pred)
        y_true = self._converted(y_true, labels=self._takes_labels)
        y_pred = self._converted(y_pred)
        if hasattr(y_true, "shape") and hasattr(y_pred, "shape"):
            y_true = targets_of_steps(y_true, y_pred, mask, sample_weight)
        values = ops.cast(self.call(y_true, y_pred), self._dtype)
        counted = self.counted(y_true, y_pred, values)
        if mask is not None and counted is not None:
            counted = ops.logical_and(*align_ranks(ops.cast(mask, "bool"), counted))
        return reduce_weighted(values, sample_weight, self.reduction, mask if counted is None else counted)

    def _converted(self, y: Any, labels: bool = False) -> Any:
        """Returns nested tensors in the type of the loss."""
        if isinstance(y, dict):
            return {key: self._converted(item, labels) for key, item in y.items()}
        if isinstance(y, (list, tuple)) and any(hasattr(item, "shape") and len(item.shape) for item in y):
            return like(y, [self._converted(item, labels) for item in y])
        y = as_tensor(y)
        return y if labels and not dtypes.is_float(dtype_of(y)) else ops.cast(y, self._dtype)

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
        fn: a function `(y_true, y_pred, **kwargs)` that returns a value for each sample. Where a last axis of extent 1 is
            all that the shapes of target and prediction differ in, it gets them with one rank.
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
        self._takes_labels = fn in functions.OF_LABELS

    def __getattr__(self, name: str) -> Any:
        """The arguments of the function, as `loss.from_logits`."""
        arguments = self.__dict__.get("_kwargs", {})
        if name not in arguments:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return arguments[name]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(*_aligned(y_true, y_pred), **self._kwargs)

    def counted(self, y_true: Any, y_pred: Any, values: Any) -> Any:
        rule = functions.COUNTED.get(self.fn)
        return None if rule is None else rule(y_true, y_pred, values, **self._kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if type(self).__init__ is LossFunctionWrapper.__init__:
            config["fn"] = name_of_function(self.fn)
        return {**config, **self._kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**{key: named_function(value) if key == "fn" else value for key, value in config.items()})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _aligned(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Returns nested targets and predictions, those of one place with one rank."""
    if isinstance(y_pred, dict) and isinstance(y_true, dict) and y_pred.keys() == y_true.keys():
        pairs = {key: _aligned(y_true[key], y_pred[key]) for key in y_pred}
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}
    if isinstance(y_pred, (list, tuple)) and isinstance(y_true, (list, tuple)) and len(y_pred) == len(y_true):
        listed = [_aligned(true, pred) for true, pred in zip(y_true, y_pred, strict=True)]
        return like(y_true, [pair[0] for pair in listed]), like(y_pred, [pair[1] for pair in listed])
    if hasattr(y_true, "shape") and hasattr(y_pred, "shape"):
        return align_ranks(y_true, y_pred)
    return y_true, y_pred
