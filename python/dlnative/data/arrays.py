"""Batches of arrays in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlnative.data.batches import Chunk, Data
from dlnative.data.conversion import floats_of, leaves_of
from dlnative.data.orders import PassOrders
from dlnative.graph.tree import flatten

Array = np.ndarray[Any, Any]


class ArrayBatches(PassOrders):
    """The rows of arrays, as they lie or in a new random order in each pass.

    Args:
        data: the arrays.
        batch_size: rows in a batch.
    """

    def __init__(self, data: Data, batch_size: int) -> None:
        self.data = data
        self.data.reused = True
        self.batch_size = batch_size

    @property
    def num_batches(self) -> int:
        """How many batches a pass has."""
        return -(-self.data.size // self.batch_size)

    def chunks(self) -> Iterator[Chunk]:
        """Yields all rows, in one chunk."""
        yield self.whole()

    def whole(self) -> Chunk:
        """Begins a new pass and returns all its rows."""
        order = self._begin_pass(self.data.size)
        return Chunk(self.data, 0, self.data.size, self.batch_size, order)

    def on_epoch_begin(self) -> None:
        """Nothing to do."""

    def on_epoch_end(self) -> None:
        """Nothing to do."""


class OrderedBatches(ArrayBatches):
    """The rows of arrays in the orders that a data set gives.

    Args:
        data: the arrays.
        batch_size: rows in a batch.
        order: a function that begins a pass: the numbers of the rows.
        count: how many batches a pass has.
    """

    def __init__(self, data: Data, batch_size: int, order: Callable[[], Array], count: int) -> None:
        super().__init__(data, batch_size)
        self._order, self._count = order, count

    def shuffle(self, seed: int, first: int = 0) -> None:
        """Does nothing: the data set has an order of its own."""

    @property
    def num_batches(self) -> int:
        """How many batches a pass has."""
        return self._count

    def whole(self) -> Chunk:
        """Begins a new pass and returns its rows."""
        order = np.ascontiguousarray(self._order(), np.int64)
        return Chunk(self.data, 0, min(len(order), self._count * self.batch_size), self.batch_size, order)


def same_length(data: Data) -> None:
    """Refuses arrays of different lengths, and empty ones."""
    size = data.size
    if size and all(len(array) == size for array in data.arrays):
        return
    parts = zip(("x", "y", "sample_weight"), data.structure, strict=True)
    names = [name for name, part in parts for _ in leaves_of(part)]
    for name, array in zip(names, data.arrays, strict=True):
        if len(array) != size:
            raise ValueError(f"{data.call}: expected {size} rows in {name} as in {names[0]}, got {len(array)}")
    raise ValueError(f"{data.call}: expected at least one sample, got an empty {names[0] if names else 'x'}")


def class_weights(call: str, y: Any, weights: Any) -> Array:
    """Returns the weight of each sample's class; a class that is not listed counts 1.

    Args:
        call: who asks.
        y: the targets: class numbers, or a row of probabilities for each sample.
        weights: a dict from class to weight.
    """
    if not isinstance(weights, dict):
        raise TypeError(f"{call}: expected class_weight as a dict from class to weight, got {type(weights).__name__}")
    targets = flatten(y)
    if len(targets) != 1 or targets[0] is None:
        count = 0 if targets == [None] else len(targets)
        raise ValueError(f"{call}: expected one target for class_weight, got {count}")
    labels = targets[0]
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] != 1 else labels[..., 0]
    labels = np.round(labels).astype(np.int64)
    result = np.ones(labels.shape, floats_of(None))
    for label, weight in weights.items():
        if not isinstance(weight, (int, float, np.number)) or isinstance(weight, bool):
            raise TypeError(
                f"{call}: expected class_weight to map classes to numbers, got {weight!r} for class {label}"
            )
        if not abs(float(weight)) <= float(np.finfo(result.dtype).max):
            raise ValueError(f"{call}: expected class_weight to hold finite numbers, got {weight!r} for class {label}")
        result[labels == int(label)] = float(weight)
    return result


def split(call: str, data: Data, fraction: Any) -> tuple[Data, Data]:
    """Cuts off the last samples for validation.

    Args:
        call: who asks.
        data: the samples.
        fraction: the share of the samples, in (0, 1).
    """
    real = isinstance(fraction, (int, float, np.number)) and not isinstance(fraction, bool)
    if not real or not 0 < fraction < 1:
        raise ValueError(f"{call}: expected a validation_split in (0, 1), got {fraction!r}")
    at = int(np.floor(data.size * (1.0 - fraction)))
    if at == 0 or at == data.size:
        raise ValueError(
            f"{call}: expected validation_split to leave samples on both sides, got {fraction} of {data.size} samples"
        )
    return data.rows(0, at), data.rows(at, data.size)
