"""What `fit`, `evaluate` and `predict` are given: checked, cut and brought into the form that plans are fed with.

Everything that can be wrong with data is found here, before anything is computed or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tree import flatten_structure

Array = np.ndarray[Any, Any]


class Data:
    """Arrays with one row for each sample.

    Args:
        x: the inputs, in the model's order.
        y: the targets, one for each output, `None` where there is none.
        sample_weight: the weights, one for each output, `None` where there are none.
    """

    __slots__ = ("plans", "sample_weight", "size", "x", "y")

    def __init__(self, x: list[Array], y: list[Array | None], sample_weight: list[Array | None]) -> None:
        self.x = x
        self.y = y
        self.sample_weight = sample_weight
        self.size = len(x[0]) if x else 0
        self.plans: dict[Any, Any] = {}  # that take their batches from here; see Steps.get

    def arrays(self) -> list[Array]:
        """Returns all arrays, in the order in which plans are fed."""
        return [array for array in (*self.x, *self.y, *self.sample_weight) if array is not None]

    def rows(self, start: int, stop: int) -> Data:
        """Returns some of the samples, as views."""

        def cut(arrays: Sequence[Array | None]) -> list[Any]:
            return [None if array is None else array[start:stop] for array in arrays]

        return Data(cut(self.x), cut(self.y), cut(self.sample_weight))


def to_rows(what: str, value: Any, *, finite: bool = True) -> Array:
    """Returns an array of numbers with at least one axis.

    Raises:
        TypeError: if it does not hold numbers.
        ValueError: if it has no axis, or holds NaN or infinity where `finite` is asked for.
    """
    if hasattr(value, "to_numpy") and not isinstance(value, np.ndarray):
        value = value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{what}: expected an array, got rows of different lengths") from None
    try:
        dtypes.of_array(array)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    if array.ndim == 0:
        raise ValueError(f"{what}: expected an array with one row for each sample, got a single number")
    if finite and array.dtype.kind == "f" and array.size:
        check_finite(what, array)
    if dtypes.NUMPY[dtypes.of_array(array)] is not array.dtype:
        array = array.astype(dtypes.of_array(array))
    return np.ascontiguousarray(array)


def check_finite(what: str, array: Array) -> None:
    """Refuses NaN and infinity. A finite sum means that all terms are finite, so most arrays take one fast pass."""
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum(dtype=array.dtype)):
            return
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(index) for index in np.unravel_index(int(bad.argmax()), array.shape))
        raise ValueError(f"{what}: expected finite numbers, got {array[place]} at {place} ({int(bad.sum())} in all)")


def same_length(call: str, named: Sequence[tuple[str, Array | None]]) -> int:
    """Returns the number of samples, refusing arrays of different lengths and empty ones."""
    present = [(name, array) for name, array in named if array is not None]
    first_name, first = present[0]
    for name, array in present[1:]:
        if len(array) != len(first):
            raise ValueError(f"{call}: expected {len(first)} rows in {name} as in {first_name}, got {len(array)}")
    if len(first) == 0:
        raise ValueError(f"{call}: expected at least one sample, got an empty {first_name}")
    return len(first)


def target_leaves(call: str, y: Any, names: Sequence[str], count: int) -> list[Array | None]:
    """Returns the targets in the order of the outputs; a dict is taken by the outputs' names."""
    if y is None:
        return [None] * count
    if isinstance(y, dict):
        unknown = [key for key in y if key not in names]
        if unknown:
            raise ValueError(f'{call}: expected targets for the outputs {list(names)}, got "{unknown[0]}"')
        leaves: list[Any] = [y.get(name) for name in names]
    elif count > 1:
        leaves = flatten_structure(y) if isinstance(y, (list, tuple)) else [y]
        if len(leaves) != count:
            raise ValueError(f"{call}: expected targets for {count} outputs, got {len(leaves)}")
    else:
        leaves = [y[0] if isinstance(y, (list, tuple)) and len(y) == 1 and isinstance(y[0], np.ndarray) else y]
    return [None if leaf is None else to_rows(f"{call}: y", leaf) for leaf in leaves]


def weight_leaves(call: str, weights: Any, names: Sequence[str], count: int) -> list[Array | None]:
    """Returns the sample weights for each output; one array serves all."""
    if weights is None:
        return [None] * count
    if isinstance(weights, dict):
        leaves: list[Any] = [weights.get(name) for name in names]
    elif isinstance(weights, (list, tuple)) and count > 1 and len(weights) == count:
        leaves = list(weights)
    else:
        leaves = [weights] * count
    found: list[Array | None] = []
    for leaf in leaves:
        array = None if leaf is None else to_rows(f"{call}: sample_weight", leaf)
        found.append(None if array is None else array.astype(dtypes.floatx(), copy=False))
    return found


def class_weights(call: str, y: Sequence[Array | None], weights: dict[int, float]) -> list[Array | None]:
    """Returns the weight of each sample's class; a class that is not listed counts 1."""
    if not isinstance(weights, dict):
        raise TypeError(f"{call}: expected class_weight as a dict from class to weight, got {type(weights).__name__}")
    if len(y) != 1 or y[0] is None:
        raise ValueError(f"{call}: expected one target for class_weight, got {len(y)}")
    labels = y[0]
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] != 1 else labels[..., 0]
    labels = np.round(labels).astype(np.int64)
    result = np.ones(labels.shape, dtypes.floatx())
    for label, weight in weights.items():
        if not isinstance(weight, (int, float, np.number)) or isinstance(weight, bool):
            raise TypeError(
                f"{call}: expected class_weight to map classes to numbers, got {weight!r} for class {label}"
            )
        result[labels == int(label)] = float(weight)
    return [result]


def split(call: str, data: Data, fraction: float) -> tuple[Data, Data]:
    """Cuts off the last samples for validation.

    Args:
        call: who asks.
        data: the samples.
        fraction: the share of the samples, in (0, 1).
    """
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
        raise ValueError(f"{call}: expected a validation_split in (0, 1), got {fraction!r}")
    at = int(np.floor(data.size * (1.0 - fraction)))
    if at == 0 or at == data.size:
        raise ValueError(
            f"{call}: expected validation_split to leave samples on both sides, got {fraction} of {data.size} samples"
        )
    return data.rows(0, at), data.rows(at, data.size)


def checked_count(call: str, name: str, value: Any, least: int = 1) -> int:
    """Returns an int that is not below `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{call}: expected {name} to be an integer of {least} or more, got {value!r}")
    return int(value)
