"""The base of all metrics, sums and means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.losses.functions import align_ranks
from dlnative.ops.core import as_tensor
from dlnative.utils.naming import auto_name


class Metric:
    """A number gathered over batches: `update_state` sees a batch, `result` gives the number, `reset_state` begins anew.

    A subclass makes variables with `add_weight` and writes `update_state` and `result` in `dlnative.ops`.

    Args:
        name: a name.
        dtype: the type of its variables, by default float32.
    """

    _direction: str | None = (
        None  # "up" if larger is better, "down" if smaller; what callbacks with mode "auto" ask for
    )

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.dtype = dtypes.standardize(dtype)
        self._variables: list[Variable] = []

    def add_variable(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Makes a variable, zeros by default, that `reset_state` sets to zero."""
        from dlnative import initializers

        make = initializers.get("zeros" if initializer is None else initializer)
        variable = Variable(make, tuple(shape), dtype or self.dtype, trainable=False, name=name or "variable")
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name)

    @property
    def variables(self) -> list[Variable]:
        """The variables."""
        return list(self._variables)

    def reset_state(self) -> None:
        """Sets the variables to zero."""
        tracing = current_trace() is not None
        for variable in self._variables:
            if tracing:
                variable.assign(np.zeros(variable.shape, variable.dtype))
            else:
                variable.fill(0)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Sees a batch."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method update_state, found none")

    def result(self) -> Any:
        """Returns the number."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method result, found none")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Sees a batch and returns the number."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a metric again."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Makes a metric from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


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
            self.count.assign_add(float(values.shape[0]) if values.shape else 1.0)

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
        fn: a function `(y_true, y_pred, **kwargs)` that returns a value for each sample.
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

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Sees targets and predictions.

        Args:
            y_true: the targets.
            y_pred: the predictions.
            sample_weight: weights of the samples.
        """
        super().update_state(self.fn(as_tensor(y_true), as_tensor(y_pred), **self._kwargs), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._kwargs}


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
