"""Batches of generators, of other iterables, and of `PyDataset`: one batch in a chunk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dlnative.data.batches import Chunk, Data, unpack_x_y_sample_weight
from dlnative.data.orders import PassOrders
from dlnative.data.py_dataset import PyDataset, prepared, with_arguments

Convert = Callable[[Any, Any, Any], Data]  # of x, y and sample_weight


class IterableBatches(PassOrders):
    """What an iterable of batches yields: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, in arrays.

    An iterator (a generator, for instance) has one pass; any other iterable begins anew in each pass. Batches come as they come,
    whatever order is asked for.

    Args:
        batches: the iterable.
        convert: what makes arrays of a batch.
    """

    def __init__(self, batches: Any, convert: Convert) -> None:
        self._batches = batches
        self._convert = convert

    @property
    def one_pass(self) -> bool:
        """Whether it is an iterator, which never begins anew."""
        return hasattr(self._batches, "__next__")

    @property
    def num_batches(self) -> int | None:
        """How many batches a pass has, if the iterable has a length."""
        try:
            return len(self._batches)
        except TypeError:
            return None

    def chunks(self) -> Iterator[Chunk]:
        """Yields the batches, each in a chunk."""
        for batch in self._begin():
            yield self._chunk(batch)

    def _begin(self) -> Iterator[Any]:
        return iter(self._batches)

    def _chunk(self, batch: Any) -> Chunk:
        data = self._convert(*unpack_x_y_sample_weight(batch))
        return Chunk(data, 0, data.size, data.size)

    def on_epoch_begin(self) -> None:
        """Nothing to do."""

    def on_epoch_end(self) -> None:
        """Nothing to do."""


class PyDatasetBatches(IterableBatches):
    """The batches of a `PyDataset`, in order, or in a new random order in each pass.

    Args:
        dataset: the data set.
        convert: what makes arrays of a batch.
    """

    def __init__(self, dataset: PyDataset, convert: Convert) -> None:
        super().__init__(with_arguments(dataset), convert)

    @property
    def num_batches(self) -> int | None:
        """How many batches a pass has."""
        count: int | None = self._batches.num_batches
        return count

    def _begin(self) -> Iterator[Any]:
        count = self.num_batches
        if count is None:
            return prepared(self._batches, itertools.count())
        order = self._begin_pass(count)
        return prepared(self._batches, iter(range(count) if order is None else order.tolist()))

    def on_epoch_begin(self) -> None:
        """Tells the data set."""
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tells the data set."""
        self._batches.on_epoch_end()


def is_iterable_of_batches(x: Any) -> bool:
    """Tells a generator, a data set or a loader from arrays, frames and nested lists of them."""
    if isinstance(x, (list, tuple, dict, np.ndarray, str, bytes)) or hasattr(x, "shape") or hasattr(x, "to_numpy"):
        return False
    return (
        isinstance(x, PyDataset) or hasattr(x, "__next__") or (hasattr(x, "__iter__") and not hasattr(x, "__array__"))
    )
