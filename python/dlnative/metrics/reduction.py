"""Sums and means, and means of functions of targets and predictions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.trace import current_trace
from dlnative.losses.functions import COUNTED, align_ranks
from dlnative.losses.loss import mask_of, targets_of_steps
from dlnative.metrics.metric import Metric, set_to_zero
from dlnative.ops.core import as_tensor
from dlnative.utils.registry import name_of_function, named_function


class Sum(Metric):
    """The sum of the values, weighted.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> total = metrics.Sum()
        >>> total.update_state([1.0, 3.0], sample_weight=[1.0, 2.0])
        >>> float(total.result())
        7.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values."""
        values, _ = samplewise(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def reset_state(self) -> None:
        set_to_zero((self.total,))

    def result(self) -> Any:
        return as_tensor(self.total)[()] if current_trace() is None else self.total


class Mean(Metric):
    """The mean of the values, weighted: the mean of the rows' means, if the values have more than one axis.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> from dlnative import metrics
        >>> mean = metrics.Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> float(mean.result())
        2.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: numbers of any shape.
            sample_weight: weights that broadcast to the values.
        """
        values, weights = samplewise(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values) if values.shape else values)
        if weights is not None:
            self.count.assign_add(weights if isinstance(weights, float) else ops.sum(weights))
        else:
            rows = values.shape[0] if values.shape else 1
            # Where a layer's output is only recorded, nobody knows how many rows there are, and nothing is counted.
            self.count.assign_add(1.0 if rows is None else float(rows))

    def reset_state(self) -> None:
        set_to_zero((self.total, self.count))

    def result(self) -> Any:
        if current_trace() is None:
            count = self.count.value[()]
            return self.total.value / count if count else np.zeros((), self.dtype)[()]
        return ops.where(ops.equal(self.count, 0.0), 0.0, self.total / ops.maximum(self.count, 1e-30))


def samplewise(values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: str) -> tuple[Any, Any]:
    """Returns a weighted value for each sample, and its weight.

    Args:
        values: a tensor whose first axis is the batch, or a scalar.
        sample_weight: weights that broadcast to the values, a number, or `None`.
        reduce: what is done with further axes: `ops.sum` or `ops.mean`.
        dtype: the type of both results.
    """
    values = ops.cast(values, dtype)
    if sample_weight is not None and not isinstance(sample_weight, (int, float)):
        sample_weight = ops.cast(sample_weight, dtype)
        values, sample_weight = align_ranks(values, sample_weight)
        rank = len(sample_weight.shape)
        values = _reduced(values, reduce, rank)
        if tuple(sample_weight.shape) != tuple(values.shape):
            extents = zip(sample_weight.shape, values.shape, strict=False)
            if rank > len(values.shape) or any(a not in (1, b, None) for a, b in extents):
                raise ValueError(
                    f"metric: expected a sample_weight that fits values of shape {tuple(values.shape)}, got shape "
                    f"{tuple(sample_weight.shape)}"
                )
            sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        sample_weight = _reduced(sample_weight, reduce, 1)
    elif sample_weight is not None:
        values, sample_weight = _reduced(values, reduce, 0) * float(sample_weight), float(sample_weight)
    return _reduced(values, reduce, 1), sample_weight


def _reduced(x: Any, reduce: Callable[..., Any], first: int) -> Any:
    """Reduces the axes from `first` on, unless they hold one element: then there is nothing to add up."""
    if len(x.shape) <= first or (first > 0 and math.prod(x.shape[first:]) == 1):
        return x
    return reduce(x, axis=tuple(range(first, len(x.shape))))


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: a function `(y_true, y_pred, **kwargs)` that returns a value for each sample. Where a last axis of extent 1 is
            all that the shapes of target and prediction differ in, it gets them with one rank.
        name, dtype: see `Metric`.
        **kwargs: arguments of the function.

    Example:
        >>> from dlnative import metrics, ops
        >>> distance = metrics.MeanMetricWrapper(lambda y_true, y_pred: ops.absolute(y_true - y_pred), "distance")
        >>> float(distance([1.0, 2.0], [1.0, 4.0]))
        1.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or str(getattr(fn, "__name__", "metric")), dtype)
        self.fn = fn
        self._kwargs = kwargs
        if self._direction is None and _module_of(fn).startswith("dlnative.losses"):
            self._direction = "down"
        self._aligns = not _module_of(fn).startswith("dlnative.")

    def __getattr__(self, name: str) -> Any:
        """The arguments of the function, as `metric.threshold`."""
        arguments = self.__dict__.get("_kwargs", {})
        if name not in arguments:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return arguments[name]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Sees targets and predictions.

        Args:
            y_true: the targets.
            y_pred: the predictions; what their mask leaves out does not count.
            sample_weight: weights of the samples.
        """
        mask = mask_of(y_pred)
        y_true, y_pred = _as_tensors(y_true), _as_tensors(y_pred)
        if hasattr(y_true, "shape") and hasattr(y_pred, "shape"):
            y_true = targets_of_steps(y_true, y_pred, mask, sample_weight)
            if self._aligns:
                y_true, y_pred = align_ranks(y_true, y_pred)
        values = self.fn(y_true, y_pred, **self._kwargs)
        sample_weight = masked(sample_weight, mask, self.dtype)
        rule = None if sample_weight is None else COUNTED.get(self.fn)
        if rule is not None:
            sample_weight = masked(sample_weight, rule(y_true, y_pred, values, **self._kwargs), self.dtype)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if type(self).__init__ is MeanMetricWrapper.__init__:
            config["fn"] = name_of_function(self.fn)
        return {**config, **self._kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**{key: named_function(value) if key == "fn" else value for key, value in config.items()})


def _as_tensors(structure: Any) -> Any:
    """Returns nested targets or predictions as tensors; lists of numbers are one tensor."""
    if isinstance(structure, dict):
        return {key: _as_tensors(item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)) and any(hasattr(item, "shape") and len(item.shape) for item in structure):
        return type(structure)(_as_tensors(item) for item in structure)
    return as_tensor(structure)


def _module_of(function: Any) -> str:
    module = getattr(function, "__module__", None)
    return module if isinstance(module, str) and module else type(function).__module__


def masked(sample_weight: Any, mask: Any, dtype: str) -> Any:
    """Returns weights that are 0 where a mask leaves something out.

    Args:
        sample_weight: weights, or `None`.
        mask: what counts, or `None` for everything.
        dtype: the type of the weights.
    """
    if mask is None:
        return sample_weight
    mask = ops.cast(mask, dtype)
    if sample_weight is None:
        return mask
    mask, weights = align_ranks(mask, ops.cast(sample_weight, dtype))
    while 0 < len(weights.shape) < len(mask.shape):
        weights = ops.expand_dims(weights, -1)
    return mask * weights


def wrapper(
    function: Callable[..., Any], name: str, direction: str, default: str | None = None
) -> type[MeanMetricWrapper]:
    """Returns the class of metrics that a function without further arguments makes.

    Args:
        function: the function.
        name: the name of the class.
        direction: `"up"` if larger is better, `"down"` if smaller is.
        default: the default name of its objects; by default the function's name.
    """
    called = default or function.__name__

    class Wrapped(MeanMetricWrapper):
        _direction = direction

        def __init__(self, name: str = called, dtype: Any = None) -> None:
            super().__init__(function, name, dtype)

    Wrapped.__name__ = Wrapped.__qualname__ = name
    Wrapped.__module__ = "dlnative.metrics"  # where pickle finds it
    Wrapped.__doc__ = f"The mean of `{function.__name__}`. {function.__doc__}"
    return Wrapped
