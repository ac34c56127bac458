"""Losses: functions of targets and predictions, and objects that reduce them to a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import dtypes, ops
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.utils.naming import to_snake_case

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


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


def _pair(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Returns targets and predictions in the predictions' type and with one shape."""
    y_pred = as_tensor(y_pred)
    if not dtypes.is_float(dtype_of(y_pred)):
        y_pred = ops.cast(y_pred, dtypes.floatx())
    y_true, y_pred = align_ranks(ops.cast(y_true, dtype_of(y_pred)), y_pred)
    if tuple(y_true.shape) != tuple(y_pred.shape) and None not in (*y_true.shape, *y_pred.shape):
        raise ValueError(
            f"{name}: expected a target of the prediction's shape {tuple(y_pred.shape)}, got {tuple(y_true.shape)}"
        )
    return y_true, y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean((y_true - y_pred)**2)` over the last axis."""
    y_true, y_pred = _pair("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(|y_true - y_pred|)` over the last axis."""
    y_true, y_pred = _pair("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `100 * mean(|y_true - y_pred| / max(|y_true|, 1e-7))` over the last axis."""
    y_true, y_pred = _pair("mean_absolute_percentage_error", y_true, y_pred)
    share = ops.absolute((y_true - y_pred) / ops.maximum(ops.absolute(y_true), 1e-7))
    return 100.0 * ops.mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean((ln(y_true + 1) - ln(y_pred + 1))**2)` over the last axis, both at least 1e-7."""
    y_true, y_pred = _pair("mean_squared_logarithmic_error", y_true, y_pred)
    logarithms = [ops.log1p(ops.maximum(y, 1e-7)) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logarithms[1] - logarithms[0]), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Returns the mean over the last axis of `e**2 / 2` where `|e| <= delta` and `delta * |e| - delta**2 / 2` elsewhere."""
    y_true, y_pred = _pair("huber", y_true, y_pred)
    error = ops.absolute(y_pred - y_true)
    near = ops.less_equal(error, delta)
    return ops.mean(ops.where(near, 0.5 * ops.square(error), delta * error - 0.5 * delta**2), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(ln(cosh(y_pred - y_true)))` over the last axis."""
    y_true, y_pred = _pair("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(error * -2.0) - 0.6931471805599453, axis=-1)


def _signed(y_true: Any) -> Any:
    """Returns labels 0 and 1 as -1 and 1; labels that are -1 and 1 already are left."""
    plain = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(plain, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(max(1 - y_true * y_pred, 0))` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    y_true, y_pred = _pair("hinge", y_true, y_pred)
    return ops.mean(ops.relu(1.0 - _signed(y_true) * y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(max(1 - y_true * y_pred, 0)**2)` over the last axis, for labels -1 and 1 (or 0 and 1)."""
    y_true, y_pred = _pair("squared_hinge", y_true, y_pred)
    return ops.mean(ops.square(ops.relu(1.0 - _signed(y_true) * y_pred)), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Returns `sum(y_true * ln(y_true / y_pred))` over the last axis, both kept in `[1e-7, 1]`."""
    y_true, y_pred = _pair("kl_divergence", y_true, y_pred)
    y_true, y_pred = ops.clip(y_true, 1e-7, 1.0), ops.clip(y_pred, 1e-7, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Returns `mean(y_pred - y_true * ln(y_pred + 1e-7))` over the last axis."""
    y_true, y_pred = _pair("poisson", y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + 1e-7), axis=-1)


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
    """
    y_true, y_pred = _pair("binary_crossentropy", y_true, y_pred)
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
    """
    y_pred = as_tensor(y_pred)
    y_true = ops.cast(y_true, dtype_of(y_pred))
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[-1]
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


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
    """
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    kept = ops.not_equal(y_true, ignore_class)
    chosen = ops.where(kept, y_true, 0)
    loss = ops.sparse_categorical_crossentropy(chosen, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(kept, loss, 0.0)


def reduce_weighted(values: Any, sample_weight: Any, reduction: str | None) -> Any:
    """Multiplies values with weights and reduces them.

    Args:
        values: a tensor whose first axis is the batch.
        sample_weight: weights that broadcast to the values, or `None`.
        reduction: `"sum_over_batch_size"` (the mean), `"sum"`, `"mean_with_sample_weight"` (the sum over the sum of the
            weights), or `"none"`.
    """
    if sample_weight is not None:
        sample_weight = ops.cast(sample_weight, dtype_of(values))
        values, sample_weight = align_ranks(values, sample_weight)
        while len(sample_weight.shape) < len(values.shape):
            sample_weight = ops.expand_dims(sample_weight, -1)
        shape, expected = tuple(sample_weight.shape), tuple(values.shape)
        if len(shape) > len(expected) or any(a not in (1, b) for a, b in zip(shape, expected, strict=False)):
            raise ValueError(f"loss: expected a sample_weight that fits values of shape {expected}, got shape {shape}")
        values = values * sample_weight
    if reduction in (None, "none"):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.sum(values) / ops.maximum(ops.sum(ops.broadcast_to(sample_weight, values.shape)), 1e-7)
    return ops.mean(values)


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


def _wrapper(function: Callable[..., Any], name: str) -> type[LossFunctionWrapper]:
    """Returns the class of losses that a function without further arguments makes."""

    class Wrapped(LossFunctionWrapper):
        def __init__(
            self, reduction: str | None = "sum_over_batch_size", name: str = function.__name__, dtype: Any = None
        ) -> None:
            super().__init__(function, reduction, name, dtype)

    Wrapped.__name__ = Wrapped.__qualname__ = name
    Wrapped.__doc__ = f"The loss of `{function.__name__}`. {function.__doc__}"
    return Wrapped


MeanSquaredError = _wrapper(mean_squared_error, "MeanSquaredError")
MeanAbsoluteError = _wrapper(mean_absolute_error, "MeanAbsoluteError")
MeanAbsolutePercentageError = _wrapper(mean_absolute_percentage_error, "MeanAbsolutePercentageError")
MeanSquaredLogarithmicError = _wrapper(mean_squared_logarithmic_error, "MeanSquaredLogarithmicError")
LogCosh = _wrapper(log_cosh, "LogCosh")
Hinge = _wrapper(hinge, "Hinge")
SquaredHinge = _wrapper(squared_hinge, "SquaredHinge")
KLDivergence = _wrapper(kl_divergence, "KLDivergence")
Poisson = _wrapper(poisson, "Poisson")


class Huber(LossFunctionWrapper):
    """The loss of `huber`.

    Args:
        delta: where the loss becomes linear.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class BinaryCrossentropy(LossFunctionWrapper):
    """The loss of `binary_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str = "binary_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **arguments)


class CategoricalCrossentropy(LossFunctionWrapper):
    """The loss of `categorical_crossentropy`.

    Args:
        from_logits, label_smoothing, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str = "categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        arguments = {"from_logits": from_logits, "label_smoothing": _smoothing(label_smoothing), "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **arguments)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The loss of `sparse_categorical_crossentropy`.

    Args:
        from_logits, ignore_class, axis: of the function.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str = "sparse_categorical_crossentropy", dtype: Any = None,
    ) -> None:  # fmt: skip
        self.ignore_class = ignore_class
        arguments = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **arguments)


def _smoothing(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"crossentropy: expected label_smoothing in [0, 1], got {value!r}")
    return float(value)


_CLASSES: tuple[type[Loss], ...] = (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh, Hinge,
    SquaredHinge, KLDivergence, Poisson, Huber, BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
)  # fmt: skip
_ALIASES: dict[str, Any] = {
    "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "bce": binary_crossentropy, "kld": kl_divergence,
}  # fmt: skip
_BY_NAME: dict[str, Any] = {
    function.__name__: function
    for function in (
        mean_squared_error, mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, log_cosh, hinge,
        squared_hinge, kl_divergence, poisson, huber, binary_crossentropy, categorical_crossentropy,
        sparse_categorical_crossentropy,
    )
}  # fmt: skip
_BY_NAME.update({**_ALIASES, **{name.upper(): function for name, function in _ALIASES.items()}})
_BY_NAME.update({cls.__name__: cls for cls in _CLASSES})


def serialize(loss: Any) -> Any:
    """Returns the class name and the arguments of a loss; the name of a function."""
    if isinstance(loss, Loss):
        return {"class_name": type(loss).__name__, "config": loss.get_config()}
    return getattr(loss, "__name__", str(loss))


def deserialize(config: Any) -> Any:
    """Makes a loss from what `serialize` returned."""
    return get(config)


def get(identifier: Any) -> Any:
    """Returns a loss given as itself, a class, a name, a function or a config; `None` stays `None`.

    The name of a class gives an object, the name of a function the function.

    Raises:
        ValueError: for an unknown name or another kind of object.
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    config: dict[str, Any] = {}
    if isinstance(identifier, dict):
        identifier, config = identifier.get("class_name"), identifier.get("config", {})
    if isinstance(identifier, str):
        if identifier not in _BY_NAME:
            known = ", ".join(sorted(cls.__name__ for cls in _CLASSES))
            raise ValueError(f"loss: expected one of {known}, got {identifier!r}")
        found = _BY_NAME[identifier]
        return found(**config) if isinstance(found, type) else found
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return identifier
    raise ValueError(f"loss: expected a name, a Loss or a function, got {identifier!r}")
