"""Every optimizer and its options: fit, then train_on_batch for fifty steps each."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from programs.common import Program, binary_data, fit, fitted, labels_data, mlp, register, regression_data, step_losses

PROGRAMS: dict[str, Program] = {}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "sgd_momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "sgd_weight_decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.02}),
    "sgd_momentum_weight_decay": ("SGD", {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.02}),
    "sgd_clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.05}),
    "sgd_clipvalue": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.01}),
    "sgd_global_clipnorm": ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.1}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.003}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.001, "momentum": 0.8, "rho": 0.8}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.002, "centered": True, "epsilon": 1e-3}),
    "rmsprop_centered_momentum": (
        "RMSprop",
        {"learning_rate": 0.001, "centered": True, "momentum": 0.7, "epsilon": 1e-3},
    ),
    "rmsprop_weight_decay_clipnorm": ("RMSprop", {"learning_rate": 0.002, "weight_decay": 0.01, "clipnorm": 0.5}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adam_betas": ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4}),
    "adam_amsgrad": ("Adam", {"learning_rate": 0.01, "amsgrad": True}),
    "adam_weight_decay": ("Adam", {"learning_rate": 0.01, "weight_decay": 0.05}),
    "adam_clipnorm": ("Adam", {"learning_rate": 0.01, "clipnorm": 0.1}),
    "adam_clipvalue": ("Adam", {"learning_rate": 0.01, "clipvalue": 0.02}),
    "adam_global_clipnorm": ("Adam", {"learning_rate": 0.01, "global_clipnorm": 0.1}),
    "sgd_ema": ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}),
    "adam_ema_overwrite": (
        "Adam",
        {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 7},
    ),
    "sgd_momentum_accumulation": (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01, "gradient_accumulation_steps": 3},
    ),
    "adam_accumulation_clipnorm": (
        "Adam",
        {"learning_rate": 0.02, "clipnorm": 0.3, "gradient_accumulation_steps": 4},
    ),
    "rmsprop_accumulation_ema": (
        "RMSprop",
        {"learning_rate": 0.003, "gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 3},
    ),
    "adam_loss_scale": ("Adam", {"learning_rate": 0.01, "loss_scale_factor": 1024.0}),
}


def _make(class_name: str, arguments: dict[str, Any]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = labels_data()
        model = mlp(keras, 3)
        model.compile(
            optimizer=getattr(keras.optimizers, class_name)(**arguments),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        results = fitted(model, x, y)
        results["iterations"] = int(model.optimizer.iterations)
        results["optimizer"] = re.sub(r"_\d+$", "", model.optimizer.name)
        x, y = regression_data()
        model = mlp(keras, 1)
        model.compile(optimizer=getattr(keras.optimizers, class_name)(**arguments), loss="mse")
        results["steps"] = step_losses(model, x, y)
        return results

    return program


for _name, (_class_name, _arguments) in CASES.items():
    PROGRAMS[_name] = _make(_class_name, _arguments)


@register(PROGRAMS)
def names(keras: Any) -> dict[str, Any]:
    """Optimizers by name, in any case, with their defaults."""
    results = {}
    x, y = binary_data()
    for name in ["sgd", "SGD", "rmsprop", "RMSprop", "adam", "Adam"]:
        model = mlp(keras, 1, "sigmoid")
        model.compile(optimizer=name, loss="binary_crossentropy")
        results[name] = fit(model, x, y, epochs=3).history
        results[name + " class"] = type(model.optimizer).__name__
        results[name + " learning rate"] = float(model.optimizer.learning_rate)
    return results


@register(PROGRAMS)
def defaults(keras: Any) -> dict[str, Any]:
    """compile() without an optimizer, and the configurations of fresh ones."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(loss="mse")
    results: dict[str, Any] = {"history": fit(model, x, y).history, "class": type(model.optimizer).__name__}
    for name in ["SGD", "RMSprop", "Adam"]:
        config = getattr(keras.optimizers, name)().get_config()
        results[name] = config | {"name": re.sub(r"_\d+$", "", config["name"])}
    return results


@register(PROGRAMS)
def learning_rate_changed(keras: Any) -> dict[str, Any]:
    """The learning rate assigned between two calls of fit takes effect in the second."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    first = fit(model, x, y, epochs=3).history
    model.optimizer.learning_rate = 0.001
    second = fit(model, x, y, epochs=3).history
    return {
        "first": first,
        "second": second,
        "learning_rate": float(model.optimizer.learning_rate),
        "iterations": int(model.optimizer.iterations),
    }


@register(PROGRAMS)
def learning_rate_in_callback(keras: Any) -> dict[str, Any]:
    """A callback lowers the learning rate at the start of every epoch."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.SGD(0.2), loss="mse")

    def lower(epoch: int, logs: Any = None) -> None:
        model.optimizer.learning_rate = 0.2 / (1 + epoch)

    history = fit(model, x, y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=lower)])
    return {"history": history.history, "learning_rate": float(model.optimizer.learning_rate)}


@register(PROGRAMS)
def recompiled(keras: Any) -> dict[str, Any]:
    """compile() again starts a fresh optimizer and keeps the weights."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    first = fit(model, x, y, epochs=4).history
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mae")
    second = fit(model, x, y, epochs=4).history
    return {"first": first, "second": second, "iterations": int(model.optimizer.iterations)}


@register(PROGRAMS)
def continued(keras: Any) -> dict[str, Any]:
    """fit() twice goes on with the optimizer's state."""
    x, y = regression_data()
    model = mlp(keras, 1)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    first = fit(model, x, y, epochs=4)
    second = fit(model, x, y, epochs=8, initial_epoch=4)
    return {
        "first": [first.history, first.epoch],
        "second": [second.history, second.epoch],
        "iterations": int(model.optimizer.iterations),
    }


@register(PROGRAMS)
def apply_gradients(keras: Any) -> dict[str, Any]:
    """Optimizers on variables, without a model."""
    results: dict[str, Any] = {}
    for name, (class_name, arguments) in CASES.items():
        optimizer = getattr(keras.optimizers, class_name)(**arguments)
        matrix = keras.Variable(np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3))
        vector = keras.Variable(np.array([0.5, -0.25, 2.0], "float32"))
        for step in range(5):
            gradients = [
                np.full((2, 3), 0.1 * (step + 1), "float32"),
                np.array([1.0, -2.0, 0.5 * step], "float32"),
            ]
            gradients = [keras.ops.convert_to_tensor(gradient) for gradient in gradients]
            optimizer.apply_gradients(zip(gradients, [matrix, vector], strict=True))
        results[name] = [
            keras.ops.convert_to_numpy(matrix),
            keras.ops.convert_to_numpy(vector),
            int(optimizer.iterations),
        ]
    return results
