"""Data sets as pipelines: what `tf.data.Dataset` does, on NumPy arrays.

A data set gives its elements anew in each pass. An element is an array, or nested tuples and dicts of arrays. Where the
elements are rows of arrays, or are made from their numbers, shuffling moves numbers, and a batch is gathered at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from dlnative.data.elements import (
    Array,
    Element,
    arrays_of,
    as_element,
    joined_by,
    leaves_of,
    map_leaves,
    padded_to,
    row_of,
    stacked,
    typed,
)
from dlnative.data.orders import Orders
from dlnative.data.workers import ahead, mapped
from dlnative.utils.checks import integer

AUTOTUNE = -1  # for `num_parallel_calls` and `buffer_size`: as many as seem good
INFINITE, UNKNOWN = -1, -2  # lengths, as `cardinality` tells them


class Dataset:
    """A data set that is gone through from its beginning in each pass.

    It is made by `from_tensor_slices`, `from_tensors`, `from_generator`, `range` and `zip`, and by functions such as
    `utils.image_dataset_from_directory`; `fit`, `evaluate`, `predict` and `adapt` take it when it is batched.

    Args:
        iterate: a function that begins a pass.
        count: how many elements a pass has: `-1`: no end; `-2`: unknown.

    Attributes:
        class_names, file_paths: of a data set from a directory.

    Example:
        >>> import numpy as np
        >>> from dlnative.data import Dataset
        >>> dataset = Dataset.from_tensor_slices((np.arange(5), np.arange(5) ** 2)).batch(2).map(lambda x, y: (x + 1, y))
        >>> len(dataset), [y.tolist() for x, y in dataset]
        (3, [[0, 1], [4, 9], [16]])
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None
    is_batched = False  # whether elements are batches
    source: Any = None  # the arrays behind batches of their rows; see `data.rows`

    def __init__(self, iterate: Callable[[], Iterator[Any]], count: int = UNKNOWN) -> None:
        self._iterate = iterate
        self._count = count

    def __iter__(self) -> Iterator[Any]:
        return map(as_element, self._iterate())

    def __len__(self) -> int:
        if self._count < 0:
            kind = "without an end" if self._count == INFINITE else "of unknown length"
            raise TypeError(f"Dataset: expected one with a length, got one {kind}")
        return self._count

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        count = {INFINITE: "no end", UNKNOWN: "unknown length"}.get(self._count, f"{self._count} elements")
        return f"<Dataset, {count}>"

    # Beginnings.

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """Returns the rows of arrays.

        Args:
            tensors: an array, or nested tuples and dicts of arrays of one length; lists are arrays.
            name: accepted for TensorFlow's sake.

        Raises:
            ValueError: if lengths differ.
        """
        del name
        from dlnative.data.rows import Rows

        structure = arrays_of(tensors)
        lengths = {len(array) if array.ndim else -1 for array in leaves_of(structure)}
        if len(lengths) != 1 or -1 in lengths:
            raise ValueError(
                f"Dataset.from_tensor_slices: expected arrays of one length, got lengths {sorted(lengths)}"
            )
        return Rows(lambda places: row_of(structure, places), lengths.pop(), arrays=structure)

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """Returns one element."""
        del name
        structure = arrays_of(tensors)
        return Dataset(lambda: iter([structure]), 1)

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """Returns what a function yields, called anew for each pass.

        Args:
            generator: the function.
            output_types: types that the elements are converted to, nested as they are.
            output_shapes, output_signature, name: accepted for TensorFlow's sake; elements say what they are.
            args: arguments of the function.
        """
        del output_shapes, output_signature, name
        if not callable(generator):
            raise TypeError(
                f"Dataset.from_generator: expected a function that returns a generator, got {type(generator).__name__}"
            )

        def iterate() -> Iterator[Any]:
            for item in generator(*(args or ())):
                yield item if output_types is None else typed(item, output_types)

        return Dataset(iterate)

    @staticmethod
    def range(*args: int) -> Dataset:
        """Returns the integers of a `range`, int64."""
        from dlnative.data.rows import Rows

        numbers = np.arange(*args, dtype=np.int64)
        return Rows(lambda places: numbers[places], len(numbers))

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Returns tuples (or dicts) of the elements of data sets, until one ends.

        Args:
            *args: data sets, or one tuple, list or dict of them.
            datasets: the same by name.
            name: accepted for TensorFlow's sake.
        """
        del name
        given = datasets if datasets is not None else args[0] if len(args) == 1 else args
        keys = list(given) if isinstance(given, dict) else None
        parts: list[Dataset] = list(given.values()) if isinstance(given, dict) else list(given)
        counts = [part._count for part in parts]
        finite = [count for count in counts if count >= 0]
        count = UNKNOWN if UNKNOWN in counts else min(finite) if finite else INFINITE

        def iterate() -> Iterator[Any]:
            for items in zip(*[part._iterate() for part in parts]):  # noqa: B905
                yield items if keys is None else dict(zip(keys, items, strict=True))

        return Dataset(iterate, count)

    # What is done with elements.

    def _followed(self, iterate: Callable[[], Iterator[Any]], count: int) -> Dataset:
        """Returns a data set that knows what this one knows of its classes."""
        made = Dataset(iterate, count)
        made.class_names, made.file_paths, made.is_batched = self.class_names, self.file_paths, self.is_batched
        return made

    def _of_batches(self, iterate: Callable[[], Iterator[Any]], count: int) -> Dataset:
        made = self._followed(iterate, count)
        made.is_batched = True
        return made

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Applies a function to each element; of a tuple each item is an argument.

        Args:
            map_func: the function.
            num_parallel_calls: how many threads call it ahead; `AUTOTUNE`: as many as there are cores, 4 at most. The order
                stays.
            deterministic, name: accepted for TensorFlow's sake.
        """
        del deterministic, name
        threads = (
            1 if num_parallel_calls is None else integer("Dataset.map", "num_parallel_calls", num_parallel_calls, -1)
        )

        def applied(item: Any) -> Any:
            item = as_element(item)
            return map_func(*item) if isinstance(item, tuple) else map_func(item)

        return self._followed(lambda: mapped(applied, self._iterate(), threads), self._count)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Keeps the elements for which a function is true."""
        del name

        def iterate() -> Iterator[Any]:
            for item in map(as_element, self._iterate()):
                if bool(predicate(*item) if isinstance(item, tuple) else predicate(item)):
                    yield item

        return self._followed(iterate, UNKNOWN)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Gives the elements in a random order: each time one of the next `buffer_size`.

        Args:
            buffer_size: how many elements are kept to choose from; as many as there are for an order without bias.
            seed: of the orders; by default NumPy's generator draws one.
            reshuffle_each_iteration: whether each pass has another order, which it has by default.
            name: accepted for TensorFlow's sake.
        """
        del name
        orders = Orders("Dataset.shuffle", buffer_size, seed, reshuffle_each_iteration is not False)

        return self._followed(lambda: orders.shuffled(self._iterate), self._count)

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Joins so many elements to one, with a new first axis.

        Args:
            batch_size: how many.
            drop_remainder: whether a last batch with fewer is left out.
            num_parallel_calls, deterministic, name: accepted for TensorFlow's sake.
        """
        del num_parallel_calls, deterministic, name
        return self._batched(integer("Dataset.batch", "batch_size", batch_size, 1), drop_remainder, stacked)

    def padded_batch(
        self, batch_size: int, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False
    ) -> Dataset:
        """Joins so many elements to one; shorter ones are filled up to the longest of the batch.

        Args:
            batch_size: how many.
            padded_shapes: only `None`.
            padding_values: what they are filled up with, by default 0.
            drop_remainder: whether a last batch with fewer is left out.
        """
        if padded_shapes is not None:
            raise ValueError(f"Dataset.padded_batch: expected padded_shapes=None, got {padded_shapes!r}")
        value = 0 if padding_values is None else padding_values
        size = integer("Dataset.padded_batch", "batch_size", batch_size, 1)
        return self._batched(size, drop_remainder, lambda arrays: padded_to(arrays, value))

    def _batched(self, size: int, drop: bool, joined: Callable[[list[Array]], Array]) -> Dataset:
        count = self._count if self._count < 0 else self._count // size if drop else -(-self._count // size)

        def iterate() -> Iterator[Any]:
            items = self._iterate()
            while batch := list(itertools.islice(items, size)):
                if len(batch) == size or not drop:
                    yield joined_by(batch, joined)

        return self._of_batches(iterate, count)

    def unbatch(self, name: str | None = None) -> Dataset:
        """Gives the rows of each element."""
        del name

        def iterate() -> Iterator[Any]:
            for item in self._iterate():
                structure = arrays_of(item)
                for place in range(len(leaves_of(structure)[0])):
                    yield row_of(structure, place)

        made = self._followed(iterate, UNKNOWN)
        made.is_batched = False
        return made

    def take(self, count: int, name: str | None = None) -> Dataset:
        """Gives the first elements; -1: all."""
        del name
        if integer("Dataset.take", "count", count, -1) == -1:
            return self
        length = count if self._count == INFINITE else self._count if self._count < 0 else min(count, self._count)
        return self._followed(lambda: itertools.islice(self._iterate(), count), length)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """Leaves out the first elements; -1: all."""
        del name
        if integer("Dataset.skip", "count", count, -1) == -1:
            return self.take(0)
        length = self._count if self._count < 0 else max(self._count - count, 0)
        return self._followed(lambda: itertools.islice(self._iterate(), count, None), length)

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Gives the elements so many times, each a pass of its own; without end by default."""
        del name
        times = -1 if count is None else integer("Dataset.repeat", "count", count, -1)
        length = (
            UNKNOWN if self._count == UNKNOWN else self._count * times if self._count >= 0 and times >= 0 else INFINITE
        )

        def iterate() -> Iterator[Any]:
            for _ in itertools.count() if times == -1 else range(times):
                empty = True
                for item in self._iterate():
                    empty = False
                    yield item
                if empty:
                    return

        return self._followed(iterate, length)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """Gives the elements of this data set, and then those of another."""
        del name
        counts = self._count, dataset._count
        length = INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)
        return self._followed(lambda: itertools.chain(self._iterate(), dataset._iterate()), length)

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Gives pairs of a number and an element."""
        del name
        return self._followed(lambda: iter(enumerate(self._iterate(), start)), self._count)

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """Keeps the elements of the first whole pass in memory for later ones.

        Args:
            filename: only `""`.
            name: accepted for TensorFlow's sake.
        """
        del name
        if filename:
            raise ValueError(f"Dataset.cache: expected no filename, as elements are kept in memory, got {filename!r}")
        kept: list[list[Any]] = []

        def iterate() -> Iterator[Any]:
            if kept:
                yield from kept[0]
                return
            seen = []
            for item in self._iterate():
                seen.append(item)
                yield item
            kept[:] = [seen]

        return self._followed(iterate, self._count)

    def prefetch(self, buffer_size: int, name: str | None = None) -> Dataset:
        """Makes so many elements ahead, in a thread, while what takes them computes; `AUTOTUNE`: two."""
        del name
        size = integer("Dataset.prefetch", "buffer_size", buffer_size, -1)
        if size == 0:
            return self
        made = self._followed(lambda: ahead(self._iterate(), 2 if size == -1 else size), self._count)
        made.source = self.source
        return made

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Returns what a function makes of the data set."""
        return transformation_func(self)

    # What is known of it.

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Begins a pass; elements are plain arrays, and numbers those of NumPy."""
        return (map_leaves(lambda array: array[()], arrays_of(item)) for item in self._iterate())

    def cardinality(self) -> Element:
        """Returns the number of elements: -1 where there is no end, -2 where it is not known."""
        return np.asarray(self._count).view(Element)
