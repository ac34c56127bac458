"""Rosenblatt's perceptron: one neuron, and the first rule by which one learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.utils.checks import integer, number


@dataclass
class PerceptronHistory:
    """What a call of `Perceptron.fit` did.

    Attributes:
        errors: how many samples were wrong in each epoch when their turn came.
        converged: whether an epoch passed without an error: the line separates the classes.
        never: whether it is proved that no line does: an epoch began with weights with which one had begun before.
    """

    errors: list[int] = field(default_factory=list)
    converged: bool = False
    never: bool = False


class Perceptron:
    """One neuron, `step(w x + b)` with `step(0) = 1`, and Rosenblatt's learning rule.

    Sample after sample: `w += rate (target - output) x` and `b += rate (target - output)`. If a line separates the classes,
    the rule finds one after at most `(R / margin)**2` corrections, R the length of the longest `(x, 1)` (Novikoff 1962).
    If none does, the weights stay bounded for ever; in integers or binary fractions they therefore come back to where they
    were, which proves it.

    Args:
        learning_rate: the size of a correction. With weights that begin at 0 it changes no output.

    Attributes:
        weights: an array of shape `(n,)` of float64, 0 before the first `fit`.
        bias: a number.

    Source:
        Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain", 1958.

    Example:
        >>> from dlnative.classic import Perceptron, gate_data
        >>> neuron, (x, y) = Perceptron(), gate_data("nand")
        >>> neuron.fit(x, y).errors
        [1, 3, 3, 2, 1, 0]
        >>> neuron.predict(x).tolist()
        [1, 1, 1, 0]
        >>> Perceptron().fit(*gate_data("xor")).never
        True
    """

    def __init__(self, learning_rate: float = 1.0) -> None:
        self.learning_rate = number("Perceptron", "learning_rate", learning_rate, 0, open_low=True)
        self.weights: Any = None
        self.bias = 0.0

    def fit(self, x: Any, y: Any, epochs: int = 1000) -> PerceptronHistory:
        """Goes through the samples, in their order, until an epoch has no error.

        Args:
            x: samples, of shape `(samples, n)`, finite numbers.
            y: their classes, 0 or 1 (or `False` and `True`), of shape `(samples,)`.
            epochs: after how many epochs to give up.

        Returns:
            The number of errors of each epoch, and how it ended. Weights go on from the last call.

        Raises:
            ValueError: for other shapes or values; nothing has changed then.
        """
        x, y = self._checked(x), np.asarray(y)
        if y.shape != (len(x),) or not np.isin(y, (0, 1)).all():
            raise ValueError(f"Perceptron: expected {len(x)} classes 0 or 1, got {y!r}")
        epochs = integer("Perceptron", "epochs", epochs, 1)
        w, b = np.zeros(x.shape[1]) if self.weights is None else self.weights, np.float64(self.bias)
        history, seen = PerceptronHistory(), {_state(w, b)}
        for _ in range(epochs):
            w, b, errors = _epoch(x, y.astype("float64"), w, b, self.learning_rate)
            history.errors.append(int(errors))
            history.converged = history.errors[-1] == 0
            history.never = not history.converged and _state(w, b) in seen
            if history.converged or history.never:
                break
            seen.add(_state(w, b))
        self.weights, self.bias = w, float(b)
        return history

    def predict(self, x: Any) -> Any:
        """Returns the class, 0 or 1, of each row of `x`, as int64."""
        return (self.decision_function(x) >= 0).astype("int64")

    def decision_function(self, x: Any) -> Any:
        """Returns `x w + b` for each row of `x`: 0 on the line that separates the classes."""
        x = self._checked(x)
        return x @ (np.zeros(x.shape[1]) if self.weights is None else self.weights) + self.bias

    def _checked(self, x: Any) -> Any:
        x = np.asarray(x, "float64")
        inputs = x.shape[-1] if self.weights is None or x.ndim != 2 else len(self.weights)
        if x.ndim != 2 or x.shape[1] != inputs:
            raise ValueError(
                f"Perceptron: expected samples of shape (samples, {inputs if x.ndim else 'n'}), got {x.shape}"
            )
        if not np.isfinite(x).all():
            raise ValueError("Perceptron: expected finite numbers, got NaN or infinity")
        return x


def _state(w: Any, b: Any) -> bytes:
    return bytes(w.tobytes() + np.float64(b + 0.0).tobytes())


def _epoch(x: Any, y: Any, w: Any, b: Any, rate: float) -> tuple[Any, Any, Any]:
    """Corrects by each sample once, and returns the weights, the bias and the number of errors."""

    def correct(carry: Any, sample: Any) -> Any:
        w, b = carry
        x, target = sample
        output = ops.cast(ops.greater_equal(ops.sum(w * x) + b, 0.0), "float64")
        error = target - output
        return (w + rate * error * x, b + rate * error), ops.abs(error)

    (w, b), wrong = ops.scan(correct, (w, b), (x, y))
    return w, b, wrong.sum()
