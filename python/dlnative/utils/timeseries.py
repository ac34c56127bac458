"""Windows over a time series, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.data.dataset import Dataset
from dlnative.data.rows import Rows
from dlnative.utils.checks import integer

_NAME = "timeseries_dataset_from_array"


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Returns windows over a series: `data[i], data[i + rate], ...` for i = 0, stride, 2 stride, ...

    Args:
        data: an array, rows in the order of time.
        targets: what belongs to the window that begins at each row; `None`: windows alone.
        sequence_length: how many rows a window has.
        sequence_stride: how many rows lie between the beginnings of windows.
        sampling_rate: how many rows lie between those that are taken of a window.
        batch_size: windows in a batch; `None`: windows one by one.
        shuffle: whether windows come in a random order.
        seed: of the order.
        start_index, end_index: the first row that is used, and the one behind the last.
        format: only `"tf"`: the result has the methods of a `tf.data.Dataset`.

    Returns:
        A `Dataset` of `(windows, targets)`, or of windows.

    Raises:
        ValueError: for numbers out of range.

    Example:
        >>> import numpy as np
        >>> series = np.arange(10)
        >>> for x, y in timeseries_dataset_from_array(series[:-3], series[3:], 3, batch_size=2).take(1):
        ...     print(x.tolist(), y.tolist())
        [[0, 1, 2], [1, 2, 3]] [3, 4]
    """
    series = data.to_numpy() if hasattr(data, "to_numpy") else np.asarray(data)
    size = len(series)
    check_format(_NAME, format)
    start = 0 if start_index is None else integer(_NAME, "start_index", start_index)
    end = size if end_index is None else integer(_NAME, "end_index", end_index)
    if start < 0:
        raise ValueError(f"{_NAME}: `start_index` must be 0 or greater, got start_index={start_index}")
    if start and start >= size:
        raise ValueError(
            f"{_NAME}: `start_index` must be lower than the length of the data, {size}, got start_index={start_index}"
        )
    if end_index is not None:
        if end <= 0:
            raise ValueError(f"{_NAME}: `end_index` must be higher than 0, got end_index={end_index}")
        if start and end <= start:
            raise ValueError(
                f"{_NAME}: `end_index` must be higher than `start_index`, got start_index={start_index} and "
                f"end_index={end_index}"
            )
        if end >= size:
            raise ValueError(
                f"{_NAME}: `end_index` must be lower than the length of the data, {size}, got end_index={end_index}"
            )
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if integer(_NAME, name, value) <= 0:
            raise ValueError(f"{_NAME}: `{name}` must be higher than 0, got {name}={value}")
        if value >= size:
            raise ValueError(f"{_NAME}: `{name}` must be lower than the length of the data, {size}, got {name}={value}")
    length = integer(_NAME, "sequence_length", sequence_length, 1)
    count = end - start - (length - 1) * sampling_rate
    values = None
    if targets is not None:
        values = targets.to_numpy() if hasattr(targets, "to_numpy") else np.asarray(targets)
        count = min(count, len(values) - start)
    places = np.arange(start, start + max(count, 0), sequence_stride)
    offsets = np.arange(length) * sampling_rate

    def windows(numbers: Any) -> Any:
        first = places[numbers]
        found = series[first[:, None] + offsets]
        return found if values is None else (found, values[first])

    dataset: Dataset = Rows(windows, len(places))
    if shuffle:
        dataset = dataset.shuffle(max(len(places), 1), seed)
    return dataset if batch_size is None else dataset.batch(integer(_NAME, "batch_size", batch_size, 1))


def check_format(name: str, format: Any) -> None:
    """Refuses kinds of results of other libraries."""
    if format != "tf":
        raise ValueError(
            f'{name}: `format` should be "tf", whose methods the result has (not `"grain"`), got format={format!r}'
        )
