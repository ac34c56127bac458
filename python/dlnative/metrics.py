"""Metrics: numbers that are gathered batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes, losses, ops
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.losses import align_ranks
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.naming import auto_name, to_snake_case


class Metric:
    """A number gathered over batches: `update_state` sees a batch, `result` gives the number, `reset_state` begins anew.

    A subclass makes variables with `add_weight` and writes `update_state` and `result` in `dlnative.ops`.

    Args:
        name: a name.
        dtype: the type of its variables, by default float32.
    """

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
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

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
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values."""
        self.total.assign_add(_weighted_sum(values, sample_weight, self.dtype)[0])

    def result(self) -> Any:
        return as_tensor(self.total)[()] if current_trace() is None else self.total


class Mean(Metric):
    """The mean of the values, weighted.

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
        total, count = _weighted_sum(values, sample_weight, self.dtype)
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Any:
        if current_trace() is None:
            count = self.count.value[()]
            return self.total.value / count if count else np.zeros((), self.dtype)[()]
        return ops.where(ops.equal(self.count, 0.0), 0.0, self.total / ops.maximum(self.count, 1e-30))


def _weighted_sum(values: Any, sample_weight: Any, dtype: str) -> tuple[Any, Any]:
    """Returns the weighted sum of the values and the sum of the weights."""
    values = ops.cast(values, dtype)
    if sample_weight is None:
        count = 1
        for extent in values.shape:
            count *= extent
        return (ops.sum(values) if values.shape else values), float(count)
    if isinstance(sample_weight, (int, float)):
        count = 1
        for extent in values.shape:
            count *= extent
        return ops.sum(values) * float(sample_weight), float(sample_weight * count)
    weights = ops.cast(sample_weight, dtype)
    values, weights = align_ranks(values, weights)
    if len(values.shape) > len(weights.shape):
        values = ops.mean(values, axis=tuple(range(len(weights.shape), len(values.shape))))
    weights = ops.broadcast_to(weights, values.shape) if weights.shape != values.shape else weights
    return ops.sum(values * weights), ops.sum(weights)


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:
        fn: a function `(y_true, y_pred, **kwargs)` that returns a value for each sample.
        name, dtype: see `Metric`.
        **kwargs: arguments of the function.
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


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where target and prediction are equal, 0 elsewhere."""
    y_true, y_pred = align_ranks(as_tensor(y_true), as_tensor(y_pred))
    return ops.cast(ops.equal(ops.cast(y_true, dtype_of(y_pred)), y_pred), dtypes.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Returns 1 where the target is 1 and the prediction above the threshold, or it is 0 and the prediction is not."""
    y_true, y_pred = align_ranks(as_tensor(y_true), as_tensor(y_pred))
    chosen = ops.cast(ops.greater(y_pred, threshold), dtype_of(y_pred))
    return ops.cast(ops.equal(ops.cast(y_true, dtype_of(y_pred)), chosen), dtypes.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where the largest prediction stands where the largest target does, 0 elsewhere."""
    found = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    return ops.cast(found, dtypes.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where the largest prediction is that of the target class, 0 elsewhere."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    found = ops.equal(ops.cast(y_true, "int32"), ops.argmax(y_pred, axis=-1))
    return ops.cast(found, dtypes.floatx())


def _wrapper(function: Callable[..., Any], name: str) -> type[MeanMetricWrapper]:
    """Returns the class of metrics that a function without further arguments makes."""

    class Wrapped(MeanMetricWrapper):
        def __init__(self, name: str = function.__name__, dtype: Any = None) -> None:
            super().__init__(function, name, dtype)

    Wrapped.__name__ = Wrapped.__qualname__ = name
    Wrapped.__doc__ = f"The mean of `{function.__name__}`. {function.__doc__}"
    return Wrapped


Accuracy = _wrapper(accuracy, "Accuracy")
CategoricalAccuracy = _wrapper(categorical_accuracy, "CategoricalAccuracy")
SparseCategoricalAccuracy = _wrapper(sparse_categorical_accuracy, "SparseCategoricalAccuracy")
MeanSquaredError = _wrapper(losses.mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _wrapper(losses.mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _wrapper(losses.mean_absolute_percentage_error, "MeanAbsolutePercentageError")
MeanSquaredLogarithmicError = _wrapper(losses.mean_squared_logarithmic_error, "MeanSquaredLogarithmicError")


class BinaryAccuracy(MeanMetricWrapper):
    """The mean of `binary_accuracy`.

    Args:
        threshold: above it a prediction counts as 1.
        name, dtype: see `Metric`.
    """

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f"{name}: expected a threshold in [0, 1], got {threshold!r}")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `losses.binary_crossentropy`.

    Args:
        from_logits, label_smoothing: of the function.
        name, dtype: see `Metric`.
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **arguments)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.categorical_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        name, dtype: see `Metric`.
    """

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **arguments)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `losses.sparse_categorical_crossentropy`.

    Args:
        from_logits, axis: of the function.
        name, dtype: see `Metric`.
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, axis=axis)


class RootMeanSquaredError(Mean):
    """The root of the mean of `(y_true - y_pred)**2`.

    Args:
        name, dtype: see `Metric`.
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Sees targets and predictions; see `MeanMetricWrapper`."""
        y_pred = as_tensor(y_pred)
        y_true, y_pred = align_ranks(ops.cast(y_true, dtype_of(y_pred)), y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        return ops.sqrt(super().result())


def resolve_accuracy(y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> type[MeanMetricWrapper]:
    """Returns the accuracy that `"accuracy"` means for these shapes: binary, sparse or categorical."""
    if y_pred_shape[-1] == 1:
        return BinaryAccuracy
    if len(y_true_shape) < len(y_pred_shape) or (y_true_shape[-1] == 1 and y_pred_shape[-1] > 1):
        return SparseCategoricalAccuracy
    return CategoricalAccuracy


_CLASSES: tuple[type[Metric], ...] = (
    Sum, Mean, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, MeanSquaredError,
    RootMeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, BinaryCrossentropy,
    CategoricalCrossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
_ALIASES: dict[str, type[Metric]] = {
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError, "bce": BinaryCrossentropy, "rmse": RootMeanSquaredError,
}  # fmt: skip
_BY_NAME: dict[str, Any] = {cls.__name__: cls for cls in _CLASSES}
_BY_NAME.update({to_snake_case(cls.__name__): cls for cls in _CLASSES})
_BY_NAME.update({**_ALIASES, **{name.upper(): cls for name, cls in _ALIASES.items()}})


def serialize(metric: Metric) -> dict[str, Any]:
    """Returns the class name and the arguments of a metric."""
    return {"class_name": type(metric).__name__, "config": metric.get_config()}


def deserialize(config: Any) -> Any:
    """Makes a metric from what `serialize` returned."""
    return get(config)


def get(identifier: Any) -> Any:
    """Returns a metric given as itself, a class, a name, a function or a config; `None` stays `None`.

    Raises:
        ValueError: for an unknown name or another kind of object.
    """
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    config: dict[str, Any] = {}
    if isinstance(identifier, dict):
        identifier, config = identifier.get("class_name"), identifier.get("config", {})
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            known = ", ".join(sorted(cls.__name__ for cls in _CLASSES))
            raise ValueError(f"metric: expected accuracy or one of {known}, got {identifier!r}")
        return _BY_NAME[identifier](**config)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"metric: expected a name, a Metric or a function, got {identifier!r}")
