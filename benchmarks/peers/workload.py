"""The networks that are trained: sizes, batch, loss; data and initial weights that every peer starts from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

CLASSES = "sparse_categorical_crossentropy"
SQUARES = "mean_squared_error"

LEARNING_RATE = 1e-3
BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-7
STEPS_COMPARED = 5


@dataclass(frozen=True)
class Workload:
    """A multilayer perceptron with ReLU between its layers, and how it is trained."""

    sizes: tuple[int, ...]
    batch: int
    loss: str
    steps_per_epoch: int
    epsilon: float = EPSILON

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.batch}" + (", MSE" if self.loss == SQUARES else "")

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns one epoch of features (samples, features) and targets: labels (samples,) or values (samples, 1)."""
        random = np.random.default_rng(0)
        samples = self.batch * self.steps_per_epoch
        x = random.standard_normal((samples, self.sizes[0]), dtype=np.float32)
        if self.loss == CLASSES:
            return x, random.integers(0, self.sizes[-1], samples).astype(np.int32)
        return x, random.standard_normal((samples, self.sizes[-1]), dtype=np.float32)

    def weights(self) -> list[np.ndarray]:
        return initial_weights(self.sizes)


def initial_weights(sizes: tuple[int, ...]) -> list[np.ndarray]:
    """Returns kernel (inputs, outputs) and bias (outputs,) of each layer: Glorot-uniform kernels, zero biases."""
    random = np.random.default_rng(1)
    values = []
    for inputs, outputs in pairwise(sizes):
        limit = (6.0 / (inputs + outputs)) ** 0.5
        values.append(random.uniform(-limit, limit, (inputs, outputs)).astype(np.float32))
        values.append(np.zeros(outputs, np.float32))
    return values


CASES = [
    Workload((4, 8, 8, 3), 16, CLASSES, 1000),
    Workload((80, 128, 128, 1), 32, SQUARES, 200),
    Workload((784, 256, 128, 10), 128, CLASSES, 50),
    Workload((784, 1024, 1024, 10), 256, CLASSES, 16),
]
