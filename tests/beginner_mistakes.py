"""The mistakes of a beginner, one function each: what is done wrong, the error that follows, and what it must name.

Each takes a module with Keras's API and a workbench: a compiled model "network" (six features; a Dense layer "hidden"
of eight units, a Dense layer "classes" of three) that has been trained a little, with features x and labels y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

FEATURES, CLASSES, SAMPLES = 6, 3, 40


class Workbench:
    """What a beginner has in hand, and whether a call left it alone."""

    def __init__(self, keras: Any) -> None:
        random = np.random.RandomState(0)
        self.x = random.uniform(-1, 1, (SAMPLES, FEATURES)).astype("float32")
        self.y = np.argmax(self.x[:, :CLASSES], axis=1).astype("int64")
        self.one_hot = np.eye(CLASSES, dtype="float32")[self.y]
        self.model = keras.Sequential(
            [
                keras.Input((FEATURES,)),
                keras.layers.Dense(8, activation="relu", name="hidden"),
                keras.layers.Dense(CLASSES, activation="softmax", name="classes"),
            ],
            name="network",
        )
        self.model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        self.history = self.model.fit(self.x, self.y, batch_size=16, epochs=2, verbose=0)

    def regressor(self, keras: Any, **arguments: Any) -> Any:
        """A model with one output and a squared error."""
        model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(1, name="value")])
        model.compile(**({"optimizer": "sgd", "loss": "mse"} | arguments))
        return model

    def state(self) -> list[Any]:
        """Copies of all that a failing call must not change."""
        optimizer = [np.array(variable.numpy()) for variable in self.model.optimizer.variables]
        history = {key: list(values) for key, values in self.history.history.items()}
        arrays = [self.x.copy(), self.y.copy(), self.one_hot.copy()]
        return [[*self.model.get_weights(), *optimizer, *arrays], history, list(self.history.epoch)]


@dataclass(frozen=True)
class Mistake:
    make: Callable[[Any, Workbench], Any]
    error: type[Exception] | tuple[type[Exception], ...]
    says: tuple[str, ...]


MISTAKES: dict[str, Mistake] = {}


def mistake(
    error: type[Exception] | tuple[type[Exception], ...], *says: str
) -> Callable[[Callable[[Any, Workbench], Any]], Callable[[Any, Workbench], Any]]:
    """Files a mistake; `says` are the words that its error must contain, in any case."""

    def decorate(make: Callable[[Any, Workbench], Any]) -> Callable[[Any, Workbench], Any]:
        MISTAKES[make.__name__] = Mistake(make, error, says)
        return make

    return decorate


def table(prefix: str, error: Any, cases: dict[str, tuple[Callable[[Any, Workbench], Any], tuple[str, ...]]]) -> None:
    """Files several mistakes of one kind."""
    for name, (make, says) in cases.items():
        MISTAKES[f"{prefix}_{name}"] = Mistake(make, error, says)
