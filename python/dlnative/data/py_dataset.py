"""Data sets that give a batch by its number, and the workers that prepare batches ahead."""

from __future__ import annotations

import itertools
import warnings
from collections import deque
from collections.abc import Iterator
from typing import Any

from dlnative.utils.checks import integer


class PyDataset:
    """A data set written in Python: it gives a whole batch for a number.

    A subclass writes `__len__`, the number of batches, and `__getitem__`, which returns `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`. One without an end writes `num_batches`, which returns `None`, instead of `__len__`.

    Args:
        workers: how many threads (or processes) prepare batches while the model trains; with 1, `fit` does it itself.
        use_multiprocessing: whether the workers are processes; the data set is then copied to them by pickling.
        max_queue_size: how many batches the workers prepare ahead.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> class Squares(dlnative.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4 * index, 4 * index + 4, dtype="float32")[:, None]
        ...         return x, x**2
        >>> model = dlnative.Sequential([dlnative.Input((1,)), dlnative.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(Squares(workers=2), epochs=2, verbose=0)
        >>> model.predict(Squares(), verbose=0).shape
        (12, 1)
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        for name, value in (("workers", workers), ("max_queue_size", max_queue_size)):
            setattr(self, name, integer(type(self).__name__, name, value, 0))
        self.use_multiprocessing = bool(use_multiprocessing)

    def __getitem__(self, index: int) -> Any:
        """Returns a batch."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method __getitem__, found none")

    def __iter__(self) -> Iterator[Any]:
        """Yields the batches in order."""
        count = self.num_batches
        return (self[index] for index in (itertools.count() if count is None else range(count)))

    @property
    def num_batches(self) -> int | None:
        """The number of batches; `None` for a data set without an end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__}: expected a method __len__ or num_batches, found neither")

    def on_epoch_begin(self) -> None:
        """Is called before each epoch."""

    def on_epoch_end(self) -> None:
        """Is called after each epoch."""


def prepared(dataset: PyDataset, indices: Iterator[int]) -> Iterator[Any]:
    """Yields the batches of some numbers in order, prepared ahead by the data set's workers.

    Args:
        dataset: the data set.
        indices: the numbers.
    """
    if not (dataset.workers > 1 or (dataset.workers > 0 and dataset.use_multiprocessing)):
        yield from (dataset[index] for index in indices)
        return
    pool = _pool(dataset)
    get = _get if dataset.use_multiprocessing else dataset.__getitem__
    ahead: deque[Any] = deque()
    try:
        for index in indices:
            ahead.append(pool.submit(get, index))
            if len(ahead) > max(1, dataset.max_queue_size):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(dataset: PyDataset) -> Any:
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    if dataset.use_multiprocessing:
        return ProcessPoolExecutor(dataset.workers, initializer=_hold, initargs=(dataset,))
    return ThreadPoolExecutor(dataset.workers, thread_name_prefix="dlnative-data")


_held: list[PyDataset] = []


def _hold(dataset: PyDataset) -> None:
    """Keeps a worker process's copy of the data set."""
    _held[:] = [dataset]


def _get(index: int) -> Any:
    return _held[0][index]


def with_arguments(dataset: PyDataset) -> PyDataset:
    """Returns the data set; warns if its class does not call `super().__init__`, so that no workers were chosen."""
    if "workers" not in dataset.__dict__:
        warnings.warn(
            f"{type(dataset).__name__}: expected super().__init__(**kwargs) in the constructor, found none; one worker "
            "is used",
            stacklevel=2,
        )
        dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size = 1, False, 10
    return dataset
