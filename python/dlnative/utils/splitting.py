"""Cutting data sets in two."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dlnative.data.dataset import Dataset
from dlnative.data.elements import leaves_of, map_leaves, row_of
from dlnative.data.rows import Rows

_NAME = "split_dataset"


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Returns the first and the last elements of a data set, as two.

    Args:
        dataset: an array, a list or tuple of arrays, a `Dataset`, or anything with a length whose items are samples.
        left_size, right_size: how many samples, or which share of them in [0, 1]; one may be left out.
        shuffle: whether samples are shuffled before.
        seed: of the order.
        preferred_backend: whose data sets are wanted; all but `"torch"` have the methods of `tf.data.Dataset`.

    Returns:
        Two `Dataset`s of samples; of batches as large as before, if a `Dataset` of batches was given.

    Raises:
        TypeError: for something else.
        ValueError: for sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), len(right)
        (8, 2)
    """
    if preferred_backend == "torch":
        raise ValueError(f'{_NAME}: expected preferred_backend=None, as data sets of torch are not made, got "torch"')
    if left_size is None and right_size is None:
        raise ValueError(f"{_NAME}: At least one of the `left_size` or `right_size` must be specified, got neither")
    structure, batch_size = _samples(dataset)
    count = len(leaves_of(structure)[0])
    left, right = _sizes(left_size, right_size, count)
    order = np.random.default_rng(seed).permutation(count) if shuffle else np.arange(count)
    made = []
    for places in (order[:left], order[count - right :]):
        part: Dataset = Rows(partial(_rows_of, structure, places), len(places))
        made.append(part if batch_size is None else part.batch(batch_size))
    return made[0], made[1]


def _rows_of(structure: Any, places: Any, numbers: Any) -> Any:
    return row_of(structure, places[numbers])


def _samples(dataset: Any) -> tuple[Any, int | None]:
    """Returns all samples of a data set as nested arrays, and the size of its batches if it has any."""
    if isinstance(dataset, np.ndarray):
        return dataset, None
    if isinstance(dataset, (list, tuple)):
        if not dataset:
            raise ValueError(f"{_NAME}: Received an empty list dataset, expected at least one array")
        for place, array in enumerate(dataset):
            if not isinstance(array, np.ndarray):
                raise ValueError(
                    f"{_NAME}: Expected a list of `numpy.ndarray` objects, got {type(array).__name__} at index {place}"
                )
            if len(array) != len(dataset[0]):
                raise ValueError(
                    f"{_NAME}: expected arrays of one length, {len(dataset[0])}, got {len(array)} at index {place}"
                )
        return tuple(dataset), None
    if not (hasattr(dataset, "__iter__") or (hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"))):
        raise TypeError(f"{_NAME}: expected arrays or a data set, got {type(dataset).__name__}")
    items = list(dataset) if hasattr(dataset, "__iter__") else [dataset[place] for place in range(len(dataset))]
    if not items:
        raise ValueError(f"{_NAME}: expected at least one sample, got none")
    batched = isinstance(dataset, Dataset) and dataset.is_batched
    join = np.concatenate if batched else np.stack
    columns = [leaves_of(_as_tuples(item)) for item in items]
    if len({len(column) for column in columns}) != 1:
        raise ValueError(f"{_NAME}: expected samples of one structure, got others among them")
    joined = iter([join([np.asarray(leaf) for leaf in leaves]) for leaves in zip(*columns, strict=True)])
    structure = map_leaves(lambda _: next(joined), _as_tuples(items[0]))
    return structure, len(leaves_of(items[0])[0]) if batched else None


def _as_tuples(item: Any) -> Any:
    return tuple(map(_as_tuples, item)) if isinstance(item, (list, tuple)) else item


def _sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    found: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        real = isinstance(size, (int, float, np.number)) and not isinstance(size, bool)
        if size is not None and not real:
            raise TypeError(f"{_NAME}: Invalid `{name}` Type, expected an integer or a float or None, got {size!r}")
        share = isinstance(size, (float, np.floating))
        if size is not None and not 0 <= size <= (1 if share else count):
            raise ValueError(
                f"{_NAME}: `{name}` should be a share in [0, 1] or a number of samples in [0, {count}], got {size!r}"
            )
        found.append(None if size is None else round(size * count) if share else int(size))
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ValueError(
            f"{_NAME}: The sum of `left_size` and `right_size` is greater than 1, expected shares: got {left} and {right}"
        )
    first, last = found
    first = count - (last or 0) if first is None else first
    last = count - first if last is None else last
    if first + last > count:
        raise ValueError(
            f"{_NAME}: The sum of `left_size` and `right_size` is greater than the number of samples, {count}: got {first} and "
            f"{last}"
        )
    if not first or not last:
        raise ValueError(f"{_NAME}: expected samples on both sides, got {first} and {last} of {count}")
    return first, last
