"""Metrics in compile: by name, by class, of the user's own, weighted and not."""

from __future__ import annotations

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


@register(PROGRAMS)
def regression(keras: Any) -> dict[str, Any]:
    """Names, short names, classes and classes with names of their own, in this order."""
    x, y = regression_data()
    model = mlp(keras, 1)
    metrics = [
        "mae",
        "mse",
        "mean_squared_error",
        keras.metrics.RootMeanSquaredError(),
        keras.metrics.MeanAbsoluteError(name="absolute"),
        keras.metrics.MeanSquaredError(),
    ]
    model.compile("sgd", "mse", metrics=metrics)
    results = fitted(model, x, y, validation_data=(x[:20], y[:20]))
    results["dictionary"] = model.evaluate(x, y, verbose=0, return_dict=True)
    results["train_on_batch"] = model.train_on_batch(x, y)
    results["train_on_batch_dictionary"] = model.train_on_batch(x, y, return_dict=True)
    results["metrics_names"] = model.metrics_names
    return results


@register(PROGRAMS)
def accuracies(keras: Any) -> dict[str, Any]:
    """The accuracy family: chosen by the shapes, and named."""
    results: dict[str, Any] = {}
    for metric in ["accuracy", "acc", "sparse_categorical_accuracy"]:
        x, y = labels_data()
        model = mlp(keras, 3, "softmax")
        model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
        results["sparse " + metric] = fit(model, x, y).history
    for metric in ["accuracy", "acc", "categorical_accuracy"]:
        x, y = one_hot_data()
        model = mlp(keras, 3, "softmax")
        model.compile("adam", "categorical_crossentropy", metrics=[metric])
        results["categorical " + metric] = fit(model, x, y).history
    for metric in ["accuracy", "acc", "binary_accuracy"]:
        x, y = binary_data()
        model = mlp(keras, 1, "sigmoid")
        model.compile("adam", "binary_crossentropy", metrics=[metric])
        results["binary " + metric] = fit(model, x, y).history
    return results


@register(PROGRAMS)
def threshold(keras: Any) -> dict[str, Any]:
    x, y = binary_data()
    model = mlp(keras, 1, "sigmoid")
    metrics = [
        keras.metrics.BinaryAccuracy(threshold=0.4, name="low"),
        keras.metrics.BinaryAccuracy(threshold=0.6, name="high"),
    ]
    model.compile("adam", "binary_crossentropy", metrics=metrics)
    return fitted(model, x, y)


@register(PROGRAMS)
def a_function(keras: Any) -> dict[str, Any]:
    """A metric written as a function in ops, and a loss used as a metric."""
    x, y = regression_data()

    def largest_error(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.max(keras.ops.absolute(y_true - y_pred), axis=-1)

    model = mlp(keras, 1)
    model.compile("sgd", "mse", metrics=[largest_error, keras.losses.mean_absolute_error])
    return fitted(model, x, y)


@register(PROGRAMS)
def a_class(keras: Any) -> dict[str, Any]:
    """A metric with state of its own: true positives, and their share."""
    x, y = binary_data()

    class Recall(keras.metrics.Metric):
        def __init__(self, name: str = "my_recall", **kwargs: Any) -> None:
            super().__init__(name=name, **kwargs)
            self.found = self.add_variable(shape=(), initializer="zeros", name="found")
            self.positives = self.add_variable(shape=(), initializer="zeros", name="positives")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            y_true = keras.ops.cast(y_true, "float32")
            predicted = keras.ops.cast(y_pred > 0.5, "float32")
            self.found.assign(self.found + keras.ops.sum(y_true * predicted))
            self.positives.assign_add(keras.ops.sum(y_true))

        def result(self) -> Any:
            return self.found / (self.positives + 1e-7)

    metric = Recall()
    model = mlp(keras, 1, "sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=[metric, "accuracy"])
    results = fitted(model, x, y, validation_data=(x[:30], y[:30]))
    alone = Recall(name="alone")
    alone.update_state(y[:20], model.predict(x[:20], verbose=0))
    results["alone"] = [float(alone.result()), len(alone.variables), alone.name]
    alone.reset_state()
    results["reset"] = float(alone.result())
    return results


@register(PROGRAMS)
def weighted(keras: Any) -> dict[str, Any]:
    """metrics ignore the sample weights, weighted_metrics use them."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae", "mse"])
    weights = x[:, 0] + 1.5
    results = fitted(model, x, y, sample_weight=weights)
    results["evaluate_weighted"] = model.evaluate(x, y, sample_weight=weights, verbose=0)
    results["dictionary"] = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    return results


@register(PROGRAMS)
def no_metrics(keras: Any) -> dict[str, Any]:
    """Without metrics a number comes back instead of a list."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile("sgd", "mse")
    results = fitted(model, x, y)
    results["train_on_batch"] = model.train_on_batch(x, y)
    results["test_on_batch"] = model.test_on_batch(x, y)
    results["dictionary"] = model.test_on_batch(x, y, return_dict=True)
    return results
