"""Data sets whose elements are made from their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from dlnative.data.dataset import Dataset
from dlnative.data.elements import Array, row_of
from dlnative.data.orders import Orders
from dlnative.utils.checks import integer


class Source(NamedTuple):
    """Where batches of rows of arrays come from.

    Attributes:
        arrays: the arrays, nested.
        order: a function that begins a pass: the numbers of the rows in their order.
        batch_size: rows in a batch; the last may have fewer.
        num_batches: how many batches a pass has.
    """

    arrays: Any
    order: Callable[[], Array]
    batch_size: int
    num_batches: int


class Rows(Dataset):
    """A data set whose elements are made from their numbers, many at once.

    Where the elements are rows of arrays, batches of them keep the arrays and the order as their `source`, so that a model
    takes the rows itself.

    Args:
        gather: a function from numbers, in an array, to the elements with these numbers, joined along a new first axis.
        count: how many there are.
        order: a function that begins a pass: the numbers in their order; by default 0, 1, 2, ...
        arrays: the arrays whose rows `gather` takes, nested, if it does nothing else.
    """

    of_single_rows = True

    def __init__(
        self, gather: Callable[[Array], Any], count: int, order: Callable[[], Array] | None = None, arrays: Any = None
    ) -> None:
        super().__init__(self._each, count)
        self._arrays = arrays
        self._gather = gather
        self._order = (lambda: np.arange(count)) if order is None else order

    def _each(self) -> Iterator[Any]:
        for place in self._order():
            yield row_of(self._gather(np.array([place])), 0)

    def _reordered(self, order: Callable[[], Array], count: int) -> Dataset:
        made = Rows(self._gather, count, order, self._arrays)
        made.class_names, made.file_paths = self.class_names, self.file_paths
        return made

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        orders = Orders("Dataset.shuffle", buffer_size, seed, reshuffle_each_iteration is not False)
        if orders.size < self._count:
            return super().shuffle(buffer_size, seed, reshuffle_each_iteration)
        return self._reordered(lambda: orders.begin().permutation(self._order()), self._count)

    def take(self, count: int, name: str | None = None) -> Dataset:
        if integer("Dataset.take", "count", count, -1) == -1:
            return self
        return self._reordered(lambda: self._order()[:count], min(count, self._count))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        if integer("Dataset.skip", "count", count, -1) == -1:
            return self.take(0)
        return self._reordered(lambda: self._order()[count:], max(self._count - count, 0))

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        size = integer("Dataset.batch", "batch_size", batch_size, 1)
        count = self._count // size if drop_remainder else -(-self._count // size)

        def iterate() -> Iterator[Any]:
            order = self._order()
            for place in range(count):
                yield self._gather(order[place * size : (place + 1) * size])

        made = self._of_batches(iterate, count)
        if self._arrays is not None:
            made.source = Source(self._arrays, self._order, size, count)
        return made
