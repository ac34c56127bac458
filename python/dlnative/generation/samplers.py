"""How the next token is chosen from the logits of all."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.utils.checks import integer, number

Array = np.ndarray[Any, Any]


class Sampler:
    """Chooses a token for each row of logits.

    Args:
        temperature: what logits are divided by; the smaller, the nearer to the most likely token.
        seed: of the random numbers.

    Raises:
        ValueError: for a temperature that is not positive.
    """

    def __init__(self, temperature: float = 1.0, seed: int | None = None) -> None:
        self.temperature = number(type(self).__name__, "temperature", temperature, 0, open_low=True)
        self.seed = seed
        self._generator = np.random.Generator(np.random.Philox(seed))

    def probabilities(self, logits: Array) -> Array:
        """Returns the probabilities that tokens are drawn with, (batch, vocabulary), from logits of that shape."""
        scaled = np.asarray(logits, "float64") / self.temperature
        weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    def __call__(self, logits: Array) -> Array:
        """Returns a token for each row, as int64."""
        cumulative = np.cumsum(self.probabilities(logits), axis=-1)
        draws = self._generator.random((len(cumulative), 1)) * cumulative[:, -1:]
        return np.asarray((cumulative <= draws).sum(axis=-1), "int64")


class RandomSampler(Sampler):
    """Draws from all tokens: `softmax(logits / temperature)`."""


class GreedySampler(Sampler):
    """Takes the most likely token.

    Example:
        >>> import numpy as np
        >>> GreedySampler()(np.array([[0.1, 0.9, 0.5]])).tolist()
        [1]
    """

    def __init__(self) -> None:
        super().__init__()

    def probabilities(self, logits: Array) -> Array:
        return np.eye(logits.shape[-1])[np.argmax(logits, axis=-1)]

    def __call__(self, logits: Array) -> Array:
        return np.asarray(np.argmax(logits, axis=-1), "int64")


class TopKSampler(Sampler):
    """Draws from the k most likely tokens.

    Args:
        k: how many.
        temperature, seed: see `Sampler`.

    Source:
        Fan et al., "Hierarchical neural story generation", ACL 2018.
    """

    def __init__(self, k: int = 5, temperature: float = 1.0, seed: int | None = None) -> None:
        super().__init__(temperature, seed)
        self.k = integer("TopKSampler", "k", k, 1)

    def probabilities(self, logits: Array) -> Array:
        found = super().probabilities(logits)
        order = np.argsort(-found, axis=-1, kind="stable")[:, : self.k]
        kept = np.zeros_like(found)
        np.put_along_axis(kept, order, np.take_along_axis(found, order, axis=-1), axis=-1)
        return np.asarray(kept / kept.sum(axis=-1, keepdims=True))


class TopPSampler(Sampler):
    """Draws from the fewest tokens whose probabilities come to p.

    Args:
        p: the share of all probability, above 0 and up to 1.
        temperature, seed: see `Sampler`.

    Source:
        Holtzman et al., "The curious case of neural text degeneration", ICLR 2020.

    Example:
        >>> import numpy as np
        >>> TopPSampler(0.7).probabilities(np.log(np.array([[0.5, 0.3, 0.2]]))).round(3).tolist()
        [[0.625, 0.375, 0.0]]
    """

    def __init__(self, p: float = 0.9, temperature: float = 1.0, seed: int | None = None) -> None:
        super().__init__(temperature, seed)
        self.p = number("TopPSampler", "p", p, 0, 1, open_low=True)

    def probabilities(self, logits: Array) -> Array:
        found = super().probabilities(logits)
        order = np.argsort(-found, axis=-1, kind="stable")
        sorted_ = np.take_along_axis(found, order, axis=-1)
        before = np.cumsum(sorted_, axis=-1) - sorted_
        kept = np.zeros_like(found)
        np.put_along_axis(kept, order, np.where(before < self.p, sorted_, 0.0), axis=-1)
        return np.asarray(kept / kept.sum(axis=-1, keepdims=True))


_NAMES: dict[str, type[Sampler]] = {
    "greedy": GreedySampler,
    "random": RandomSampler,
    "top_k": TopKSampler,
    "top_p": TopPSampler,
}


def get(sampler: Any) -> Sampler:
    """Returns a sampler given as itself or by name: "greedy", "random", "top_k", "top_p".

    Raises:
        ValueError: for anything else.
    """
    if isinstance(sampler, Sampler):
        return sampler
    if isinstance(sampler, str) and sampler in _NAMES:
        return _NAMES[sampler]()
    raise ValueError(f"sampler: expected a Sampler or one of {', '.join(_NAMES)}, got {sampler!r}")
