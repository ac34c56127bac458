"""Data and initial weights, the same bits everywhere: NumPy's frozen legacy generator and exact arithmetic only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[[Any], dict[str, Any]]

BATCH_SIZE = 16
EPOCHS = 10  # of five batches, the last one smaller: fifty steps


def register(programs: dict[str, Program]) -> Callable[[Program], Program]:
    """Returns a decorator that files a program under its function's name."""

    def decorate(function: Program) -> Program:
        programs[function.__name__] = function
        return function

    return decorate


def uniform(seed: int, *shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(low, high, shape).astype("float32")


def labels_data(samples: int = 70, features: int = 6, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Features and integer labels: the place of the largest of the first features."""
    x = uniform(1, samples, features)
    return x, np.argmax(x[:, :classes], axis=1).astype("int32")


def one_hot_data(samples: int = 70, features: int = 6, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    x, labels = labels_data(samples, features, classes)
    return x, np.eye(classes, dtype="float32")[labels]


def binary_data(samples: int = 70, features: int = 6) -> tuple[np.ndarray, np.ndarray]:
    x = uniform(2, samples, features)
    return x, (x[:, :1] > x[:, 1:2]).astype("float32")


def regression_data(samples: int = 70, features: int = 6, outputs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    x = uniform(3, samples, features)
    wide = x.astype("float64")
    y = np.stack([wide[:, i] * wide[:, i + 1] + 0.5 * wide[:, i + 2] for i in range(outputs)], axis=1)
    return x, y.astype("float32")


def fill(model: Any, seed: int = 7) -> None:
    """Sets every weight of a built model or layer: Glorot-uniform matrices, small vectors."""
    random = np.random.RandomState(seed)
    values = []
    for weight in model.get_weights():
        limit = np.sqrt(6.0 / sum(weight.shape[-2:])) if weight.ndim > 1 else 0.1
        values.append(random.uniform(-limit, limit, weight.shape).astype("float32"))
    model.set_weights(values)


def mlp(keras: Any, outputs: int, activation: str | None = None, features: int = 6, hidden: str = "tanh") -> Any:
    model = keras.Sequential(
        [
            keras.Input((features,)),
            keras.layers.Dense(8, activation=hidden),
            keras.layers.Dense(outputs, activation=activation),
        ]
    )
    fill(model)
    return model


def fit(model: Any, x: Any, y: Any, **arguments: Any) -> Any:
    """Fifty steps in a fixed order, without a word."""
    arguments = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "shuffle": False, "verbose": 0} | arguments
    return model.fit(x, y, **arguments)


def fitted(model: Any, x: np.ndarray, y: np.ndarray, **arguments: Any) -> dict[str, Any]:
    """Trains, and returns the history, the evaluation, predictions and the final weights."""
    history = fit(model, x, y, **arguments)
    return {
        "history": history.history,
        "epoch": history.epoch,
        "evaluate": model.evaluate(x, y, batch_size=BATCH_SIZE, verbose=0),
        "predict": model.predict(x[:5], verbose=0),
        "last_kernel": model.get_weights()[-2],
    }


def step_losses(model: Any, x: np.ndarray, y: np.ndarray, steps: int = 50) -> list[Any]:
    """What train_on_batch returns over the steps, batch after batch."""
    results = []
    for step in range(steps):
        start = step * BATCH_SIZE % (len(x) - BATCH_SIZE)
        results.append(model.train_on_batch(x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]))
    return results
