"""Every loss, by name and by class, from logits and from probabilities, over fifty steps."""

from __future__ import annotations

from functools import partial
from typing import Any

from programs.common import (
    Program,
    binary_data,
    fit,
    fitted,
    labels_data,
    mlp,
    one_hot_data,
    register,
    regression_data,
)

PROGRAMS: dict[str, Program] = {}

# name of the program: (loss by name or (class, arguments), data, outputs, last activation, metrics)
CASES: dict[str, tuple[Any, Any, int, str | None, list[str]]] = {
    "categorical_name": ("categorical_crossentropy", one_hot_data, 3, "softmax", ["accuracy"]),
    "categorical_logits": (
        ("CategoricalCrossentropy", {"from_logits": True}),
        one_hot_data,
        3,
        None,
        ["categorical_accuracy"],
    ),
    "categorical_smoothing": (
        ("CategoricalCrossentropy", {"label_smoothing": 0.1}),
        one_hot_data,
        3,
        "softmax",
        ["accuracy"],
    ),
    "categorical_logits_smoothing": (
        ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}),
        one_hot_data,
        3,
        None,
        ["accuracy"],
    ),
    "categorical_unnormalised": ("categorical_crossentropy", one_hot_data, 3, "sigmoid", ["accuracy"]),
    "sparse_name": ("sparse_categorical_crossentropy", labels_data, 3, "softmax", ["accuracy"]),
    "sparse_logits": (
        ("SparseCategoricalCrossentropy", {"from_logits": True}),
        labels_data,
        3,
        None,
        ["sparse_categorical_accuracy"],
    ),
    "binary_name": ("binary_crossentropy", binary_data, 1, "sigmoid", ["accuracy"]),
    "binary_logits": (("BinaryCrossentropy", {"from_logits": True}), binary_data, 1, None, ["binary_accuracy"]),
    "binary_smoothing": (("BinaryCrossentropy", {"label_smoothing": 0.1}), binary_data, 1, "sigmoid", ["accuracy"]),
    "binary_logits_smoothing": (
        ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
        binary_data,
        1,
        None,
        [],
    ),
    "binary_many_outputs": ("binary_crossentropy", one_hot_data, 3, "sigmoid", ["binary_accuracy"]),
    "mse_short_name": ("mse", regression_data, 1, None, ["mae"]),
    "mse_name": ("mean_squared_error", regression_data, 1, None, ["mean_absolute_error"]),
    "mse_class": (("MeanSquaredError", {}), regression_data, 1, None, ["mse", "mae"]),
    "mae_short_name": ("mae", regression_data, 1, None, ["mse"]),
    "mae_class": (("MeanAbsoluteError", {}), regression_data, 1, None, ["mse"]),
    "mse_many_outputs": ("mse", partial(regression_data, outputs=3), 3, None, ["mae"]),
    "mse_sum": (("MeanSquaredError", {"reduction": "sum"}), regression_data, 1, None, []),
}


def _make(loss: Any, data: Any, outputs: int, activation: str | None, metrics: list[str]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = data()
        model = mlp(keras, outputs, activation)
        if not isinstance(loss, str):
            name, arguments = loss
            compiled_loss = getattr(keras.losses, name)(**arguments)
        else:
            compiled_loss = loss
        model.compile(optimizer=keras.optimizers.SGD(0.05), loss=compiled_loss, metrics=metrics)
        return fitted(model, x, y)

    return program


for _name, _case in CASES.items():
    PROGRAMS[_name] = _make(*_case)


@register(PROGRAMS)
def labels_in_a_column(keras: Any) -> dict[str, Any]:
    """Sparse labels of shape (samples, 1), binary targets of shape (samples,), regression targets likewise."""
    results = {}
    x, y = labels_data()
    model = mlp(keras, 3, "softmax")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    results["sparse"] = fit(model, x, y[:, None]).history
    x, y = binary_data()
    model = mlp(keras, 1, "sigmoid")
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    results["binary"] = fit(model, x, y[:, 0]).history
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile("sgd", "mse", metrics=["mae"])
    results["regression"] = fit(model, x, y[:, 0]).history
    return results


@register(PROGRAMS)
def integer_targets(keras: Any) -> dict[str, Any]:
    """Targets of other types than float32."""
    results = {}
    x, y = binary_data()
    for dtype in ["int64", "int32", "uint8", "bool", "float64"]:
        model = mlp(keras, 1, "sigmoid")
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        results[dtype] = fit(model, x.astype("float64"), y.astype(dtype), epochs=3).history
    x, y = labels_data()
    for dtype in ["int64", "uint8", "float32"]:
        model = mlp(keras, 3, "softmax")
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        results["sparse " + dtype] = fit(model, x, y.astype(dtype), epochs=3).history
    return results


@register(PROGRAMS)
def custom_function(keras: Any) -> dict[str, Any]:
    """A loss of the user's own, written in ops, one value a sample."""

    def log_cosh_like(y_true: Any, y_pred: Any) -> Any:
        error = y_pred - y_true
        return keras.ops.mean(keras.ops.sqrt(keras.ops.square(error) + 1.0) - 1.0, axis=-1)

    x, y = regression_data(outputs=2)
    model = mlp(keras, 2)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=log_cosh_like, metrics=[log_cosh_like])
    return fitted(model, x, y)


@register(PROGRAMS)
def custom_scalar_function(keras: Any) -> dict[str, Any]:
    """A loss of the user's own that gives one number a batch."""

    def total_error(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.sum(keras.ops.square(y_true - y_pred)) / 16.0

    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=total_error)
    return fitted(model, x, y)


@register(PROGRAMS)
def custom_class(keras: Any) -> dict[str, Any]:
    """A subclass of Loss with sample weights and reduction handled by the base class."""

    class Asymmetric(keras.losses.Loss):
        def __init__(self, over: float = 2.0, name: str = "asymmetric") -> None:
            super().__init__(name=name)
            self.over = over

        def call(self, y_true: Any, y_pred: Any) -> Any:
            error = y_pred - y_true
            weight = keras.ops.where(error > 0, self.over, 1.0)
            return keras.ops.mean(weight * keras.ops.square(error), axis=-1)

    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=Asymmetric())
    results = fitted(model, x, y, sample_weight=(x[:, 3] + 1.5))
    results["alone"] = Asymmetric(3.0)(y[:6], y[6:12])
    return results
