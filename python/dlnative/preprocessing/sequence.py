"""Sequences: padding, windows over time, and pairs of words, as in `keras.preprocessing.sequence`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.data.py_dataset import PyDataset
from dlnative.utils.checks import integer
from dlnative.utils.sequences import pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

Array = np.ndarray[Any, Any]


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> Array:
    """Returns the probability with which word2vec keeps the word of each rank.

    p(rank) = min(1, sqrt(t / f(rank))), f(rank) the frequency by Zipf's law, about
    1 / (rank (ln rank + gamma) + 1/2 - 1 / (12 rank)), gamma = 0.577

    Args:
        size: how many ranks; rank 0 has the probability of rank 1.
        sampling_factor: t.

    Source:
        T. Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", NIPS 2013.
    """
    rank = np.maximum(np.arange(integer("make_sampling_table", "size", size, 0)), 1)
    return np.asarray(
        np.minimum(1.0, np.sqrt(sampling_factor * (rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank))))
    )


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Returns pairs of words that stand near each other, and random pairs, with labels 1 and 0.

    Args:
        sequence: numbers of words; 0 is no word.
        vocabulary_size: one more than the largest number.
        window_size: how many words on each side are near.
        negative_samples: how many random pairs there are for each true one.
        shuffle: whether the pairs come in a random order.
        categorical: whether labels are `[0, 1]` and `[1, 0]`.
        sampling_table: the probability with which the word of each number is taken; see `make_sampling_table`.
        seed: of the order. Python's `random` draws all else, and is seeded with it as well.

    Returns:
        The pairs, and their labels.

    Example:
        >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])
    """
    couples: list[list[int]] = []
    for place, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        start = max(0, place - window_size)
        near = enumerate(sequence[start : place + window_size + 1], start)
        couples += [[word, other] for where, other in near if where != place and other]
    positive = len(couples)
    negative = int(positive * negative_samples)
    if negative > 0:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        couples += [[words[number % positive], random.randint(1, vocabulary_size - 1)] for number in range(negative)]
    labels: list[Any] = [[0, 1] if categorical else 1] * positive + [[1, 0] if categorical else 0] * negative
    if shuffle:
        seed = random.randint(0, 10**7) if seed is None else seed
        for listed in (couples, labels):  # the same order for both
            random.seed(seed)
            random.shuffle(listed)
    return couples, labels


class TimeseriesGenerator(PyDataset):
    """Batches of windows over a series, each with the target behind its end.

    Args:
        data: the series: rows in the order of time.
        targets: what is to be predicted at each time.
        length: the length of a window, in time steps.
        sampling_rate: how many steps lie between the rows that are taken of a window.
        stride: how many steps lie between windows.
        start_index, end_index: the first and the last step that is used.
        shuffle: whether windows are drawn at random.
        reverse: whether windows run backwards in time.
        batch_size: windows in a batch.
        **kwargs: of `PyDataset`.

    Raises:
        ValueError: if data and targets differ in length, or no window is left.

    Example:
        >>> import numpy as np
        >>> series = np.arange(10)
        >>> x, y = TimeseriesGenerator(series, series, length=3, batch_size=2)[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        if len(data) != len(targets):
            raise ValueError(
                f"{name}: Data and targets have to be of same length, got {len(data)} rows of data and {len(targets)} targets"
            )
        self.data, self.targets = data, targets
        self.length = integer(name, "length", length, 1)
        self.sampling_rate = integer(name, "sampling_rate", sampling_rate, 1)
        self.stride = integer(name, "stride", stride, 1)
        self.start_index = integer(name, "start_index", start_index, 0) + self.length
        self.end_index = len(data) - 1 if end_index is None else integer(name, "end_index", end_index)
        self.shuffle, self.reverse = bool(shuffle), bool(reverse)
        self.batch_size = integer(name, "batch_size", batch_size, 1)
        if self.start_index > self.end_index:
            raise ValueError(
                f"{name}: expected a window within the data: `start_index+length={self.start_index} > "
                f"end_index={self.end_index}` is disallowed"
            )

    def __len__(self) -> int:
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if self.shuffle:
            ends = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)  # noqa: NPY002, as Keras
        else:
            first = self.start_index + self.batch_size * self.stride * index
            ends = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        samples = np.array([self.data[end - self.length : end : self.sampling_rate] for end in ends.tolist()])
        targets = np.array([self.targets[end] for end in ends.tolist()])
        return (samples[:, ::-1] if self.reverse else samples), targets

    def get_config(self) -> dict[str, Any]:
        """Returns all arguments; the series as JSON."""
        names = ("length", "sampling_rate", "stride", "start_index", "end_index", "shuffle", "reverse", "batch_size")
        return {
            "data": json.dumps(np.asarray(self.data).tolist()),
            "targets": json.dumps(np.asarray(self.targets).tolist()),
            **{name: getattr(self, name) for name in names},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Returns the configuration as text.

        Args:
            **kwargs: of `json.dumps`.
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)
