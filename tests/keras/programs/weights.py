"""Class weights, sample weights and validation: what they change and in which order the keys come."""

from __future__ import annotations

from typing import Any

from programs.common import Program, binary_data, fit, fitted, labels_data, mlp, one_hot_data, register, regression_data

PROGRAMS: dict[str, Program] = {}

CLASS_WEIGHT = {0: 0.5, 1: 2.0, 2: 1.25}


@register(PROGRAMS)
def class_weight_sparse(keras: Any) -> dict[str, Any]:
    x, y = labels_data()
    model = mlp(keras, 3, "softmax")
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return fitted(model, x, y, class_weight=CLASS_WEIGHT)


@register(PROGRAMS)
def class_weight_one_hot(keras: Any) -> dict[str, Any]:
    x, y = one_hot_data()
    model = mlp(keras, 3, "softmax")
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    return fitted(model, x, y, class_weight=CLASS_WEIGHT, validation_split=0.2)


@register(PROGRAMS)
def class_weight_binary(keras: Any) -> dict[str, Any]:
    """Binary targets; a class without a weight counts once."""
    x, y = binary_data()
    model = mlp(keras, 1, "sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    results = fitted(model, x, y, class_weight={0: 1.0, 1: 3.0})
    model = mlp(keras, 1, "sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    results["one missing"] = fit(model, x, y, class_weight={1: 3.0}).history
    model = mlp(keras, 1, "sigmoid")
    model.compile("adam", "binary_crossentropy")
    results["train_on_batch"] = model.train_on_batch(x, y, class_weight={0: 1.0, 1: 3.0})
    return results


@register(PROGRAMS)
def sample_weight(keras: Any) -> dict[str, Any]:
    """Weights in fit, evaluate, train_on_batch and test_on_batch; zero weights; weights as a column."""
    x, y = regression_data()
    weights = x[:, 1] + 1.0
    weights[:10] = 0.0
    model = mlp(keras, 1)
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"])
    results = fitted(model, x, y, sample_weight=weights)
    results["evaluate_weighted"] = model.evaluate(x, y, sample_weight=weights, verbose=0)
    results["train_on_batch"] = model.train_on_batch(x, y, sample_weight=weights)
    results["test_on_batch"] = model.test_on_batch(x, y, sample_weight=weights)
    model = mlp(keras, 1)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    results["column"] = fit(model, x, y, sample_weight=weights[:, None]).history
    return results


@register(PROGRAMS)
def sample_weight_binary(keras: Any) -> dict[str, Any]:
    x, y = binary_data()
    model = mlp(keras, 1)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), weighted_metrics=["binary_accuracy"])
    return fitted(model, x, y, sample_weight=x[:, 2] + 1.0, validation_split=0.25)


@register(PROGRAMS)
def validation_split(keras: Any) -> dict[str, Any]:
    """The last part is held out, before shuffling; sample weights are split along."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile("sgd", "mse", metrics=["mae"])
    results = fitted(model, x, y, validation_split=0.3)
    model = mlp(keras, 1)
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
    results["weighted"] = fit(model, x, y, validation_split=0.1, sample_weight=x[:, 0] + 2.0).history
    return results


@register(PROGRAMS)
def validation_data(keras: Any) -> dict[str, Any]:
    """Validation data as a pair and a triple, every second epoch, in batches of their own size."""
    x, y = labels_data()
    held = (x[40:], y[40:])

    def compiled() -> Any:
        model = mlp(keras, 3)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("rmsprop", loss, metrics=["accuracy"])
        return model

    results: dict[str, Any] = {"pair": fit(compiled(), x[:40], y[:40], validation_data=held).history}
    triple = (*held, x[40:, 0] + 1.0)
    results["triple"] = fit(compiled(), x[:40], y[:40], validation_data=triple).history
    results["batch_size"] = fit(compiled(), x[:40], y[:40], validation_data=held, validation_batch_size=7).history
    results["frequency"] = fit(compiled(), x[:40], y[:40], validation_data=held, validation_freq=3).history
    results["epochs named"] = fit(compiled(), x[:40], y[:40], validation_data=held, validation_freq=[1, 4]).history
    return results


@register(PROGRAMS)
def class_and_validation(keras: Any) -> dict[str, Any]:
    """All at once: class weights, a validation split and an early stop."""
    x, y = labels_data()
    model = mlp(keras, 3, "softmax")
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    results = fitted(
        model, x, y, class_weight=CLASS_WEIGHT, validation_split=0.3, callbacks=[stop], epochs=60, batch_size=10
    )
    results["stopped"] = [stop.stopped_epoch, stop.best_epoch]
    return results
