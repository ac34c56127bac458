"""The networks that are asked for one sample: by calling the model, and by `predict`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from workload import initial_weights

CALL, PREDICT = "model(x)", "predict"


@dataclass(frozen=True)
class Sample:
    """One row for a multilayer perceptron with ReLU between its layers; the outputs are logits."""

    sizes: tuple[int, ...]
    way: str

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.way}"

    def x(self) -> np.ndarray:
        return np.random.default_rng(0).standard_normal((1, self.sizes[0]), dtype=np.float32)

    def weights(self) -> list[np.ndarray]:
        return initial_weights(self.sizes)

    def expected(self) -> list[float]:
        """Returns the outputs computed in float64."""
        x, weights = self.x().astype(np.float64), self.weights()
        for index in range(0, len(weights), 2):
            x = x @ weights[index].astype(np.float64) + weights[index + 1]
            if index + 2 < len(weights):
                x = np.maximum(x, 0)
        return centred(x)


def centred(logits: np.ndarray) -> list[float]:
    """Returns the logits less their mean, so that logarithms of probabilities can be compared with them."""
    values = np.asarray(logits, np.float64).ravel()
    return [float(value) for value in values - values.mean()]


CASES = [
    Sample(sizes, way)
    for sizes in ((4, 8, 8, 3), (784, 256, 128, 10), (784, 1024, 1024, 10))
    for way in (CALL, PREDICT)
]
