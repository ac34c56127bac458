"""The networks that are asked for one sample: by calling the model, and by `predict`; and for tokens, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from network import Network
from workload import CLASSES, Workload, initial_weights

CALL, PREDICT = "model(x)", "predict"


@dataclass(frozen=True)
class Sample:
    """One row for a multilayer perceptron with ReLU between its layers; the outputs are logits."""

    sizes: tuple[int, ...]
    way: str

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.way}"

    @property
    def network(self) -> Workload:
        return Workload(self.sizes, 1, CLASSES, 1)

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


@dataclass(frozen=True)
class NetworkSample:
    """One image, or one sequence of rows, for a larger network; the outputs are logits."""

    network: Network
    way: str = CALL

    @property
    def name(self) -> str:
        return f"{self.network.title}, {self.way}"

    def x(self) -> np.ndarray:
        return self.network.data()[0][:1]


CASES: list[Sample | NetworkSample] = [
    Sample(sizes, way)
    for sizes in ((4, 8, 8, 3), (784, 256, 128, 10), (784, 1024, 1024, 10))
    for way in (CALL, PREDICT)
]
CASES += [NetworkSample(Network(kind, title, 1, 1, 0.0)) for kind, title in (
    ("cnn", "CNN 28×28"), ("residual", "ResNet-20"), ("lstm", "LSTM 28×28→128"), ("gru", "GRU 28×28→128"),
)]  # fmt: skip


@dataclass(frozen=True)
class Tokens:
    """Tokens that a GPT goes on with, each the likeliest, beside a cache of keys and values as long as its context."""

    context: int
    count: int

    @property
    def name(self) -> str:
        return f"GPT, context {self.context}, {self.count} tokens"

    @property
    def network(self) -> Network:
        return Network("gpt", "GPT", 1, 1, 0.0, self.context)

    def prompt(self) -> np.ndarray:
        return self.network.data()[0][:1, :1]


TOKENS = [Tokens(256, 64), Tokens(256, 255)]
