"""Arrays of what `fit`, `evaluate` and `predict` are given: lists, arrays, frames and series, checked and converted.

Everything that can be wrong with data is found here, before anything is computed or changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tree import flatten, like, map_structure

Array = np.ndarray[Any, Any]


class OfDevice(Array):
    """A copy of an array that lies on a device, for what is checked here; batches are taken from the one there."""

    resident: Any = None


def floats_of(dtype: str | None) -> str:
    """Returns the type that floats are fed in to a model or layer of a type: float64 where that is float64."""
    return "float64" if dtype == "float64" else dtypes.floatx()


def fed_dtype(array: Array, floats: str) -> str:
    """Returns the type that an array is fed in: as it is, floats in `floats`."""
    name = dtypes.of_array(array)
    return floats if dtypes.is_float(name) else name


def to_arrays(what: str, structure: Any, floats: str, *, finite: bool = True) -> Any:
    """Returns nested arrays: lists of numbers become arrays, lists and dicts of arrays keep their nesting.

    Args:
        what: what they are, for messages.
        structure: the arrays; `None` stays `None`.
        floats: the type that floats will be fed in.
        finite: whether NaN, infinity, and what is infinite in that type, are refused.

    Raises:
        TypeError, ValueError: see `to_rows`.
    """
    if not _holds_arrays(structure):
        return to_rows(what, structure, floats, finite=finite)
    if isinstance(structure, dict):
        return {key: to_arrays(what, item, floats, finite=finite) for key, item in structure.items()}
    return like(structure, [to_arrays(what, item, floats, finite=finite) for item in structure])


def _holds_arrays(value: Any) -> bool:
    """Tells lists and dicts of arrays from lists of numbers."""
    if isinstance(value, dict):
        return True
    if isinstance(value, (list, tuple)):
        return any(item is None or isinstance(item, dict) or _is_array(item) or _holds_arrays(item) for item in value)
    return False


def _is_array(value: Any) -> bool:
    return len(getattr(value, "shape", ())) > 0


def to_rows(what: str, value: Any, floats: str | None = None, *, finite: bool = True) -> Array:
    """Returns an array of numbers with at least one axis.

    Args:
        what: what it is, for messages.
        value: an array, lists of numbers, a frame or a series.
        floats: the type that floats will be fed in.
        finite: whether NaN, infinity, and what is infinite in that type, are refused.

    Raises:
        TypeError: if it does not hold numbers.
        ValueError: if it has no axis, or holds NaN or infinity where `finite` is asked for.
    """
    if value is None:
        return value  # type: ignore[return-value]
    if hasattr(value, "to_numpy") and not isinstance(value, np.ndarray):
        value = _from_frame(what, value)
    if value.__class__ is not np.ndarray:
        _refuse_misfits(what, value)
    device = None if value.__class__ is np.ndarray else dtypes.adopt(value)
    try:
        array = np.asarray(value if device is None else device)
    except ValueError:
        raise ValueError(f"{what}: expected an array, got rows of different lengths") from None
    try:
        name = dtypes.of_array(array)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    if array.ndim == 0:
        raise ValueError(f"{what}: expected an array with one row for each sample, got a single number")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if finite and array.dtype.kind == "f" and array.size:
        check_finite(what, array, floats)
    if dtypes.NUMPY[name] is not array.dtype:
        array = array.astype(name)
    if device is None:
        return np.ascontiguousarray(array)
    copy = np.ascontiguousarray(array).view(OfDevice)
    copy.resident = device if device.dtype == copy.dtype else None
    return copy


def check_finite(what: str, array: Array, floats: str | None = None) -> None:
    """Refuses NaN and infinity, and numbers that are infinite in the type they will be fed in.

    A finite sum means that all terms are finite, so most arrays take one fast pass.
    """
    with np.errstate(all="ignore"):
        narrowed = floats is not None and array.dtype.itemsize > np.dtype(floats).itemsize
        if narrowed:
            limit = np.finfo(floats).max  # type: ignore[arg-type]
            if array.max() <= limit and array.min() >= -limit:
                return
            bad = ~(np.abs(array) <= limit)
        else:
            if np.isfinite(array.sum(dtype=array.dtype)):
                return
            bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(index) for index in np.unravel_index(int(bad.argmax()), array.shape))
        kind = f"numbers that are finite in {floats}" if narrowed else "finite numbers"
        raise ValueError(f"{what}: expected {kind}, got {array[place]} at {place} ({int(bad.sum())} in all)")


def _refuse_misfits(what: str, value: Any) -> None:
    """Refuses what NumPy would make an array of that means something else."""
    if isinstance(value, np.ma.MaskedArray) and value.mask.any():
        raise ValueError(f"{what}: expected an array without masked elements, got {int(value.mask.sum())} of them")
    if callable(value) and not hasattr(value, "__array__"):
        raise TypeError(f"{what}: expected data, got the function {getattr(value, '__name__', value)!r}: call it")


def _from_frame(what: str, value: Any) -> Any:
    """Returns the numbers of a frame or a series: also where columns differ in type, hold booleans, or may lack values."""
    try:
        array = value.to_numpy()
    except (TypeError, ValueError):  # columns that have no type in common
        array = np.empty(0, object)
    if array.dtype != object:
        return array
    if not hasattr(value, "columns"):
        return _from_series(value, array)
    columns = []
    for place, name in enumerate(value.columns):
        column = value.iloc[:, place] if hasattr(value, "iloc") else value[name]
        numbers = _from_series(column, column.to_numpy())
        if numbers.dtype.kind not in "biuf":
            raise TypeError(f'{what}: expected columns of numbers, got "{name}" of dtype {column.dtype}')
        columns.append(numbers)
    return np.stack(columns, axis=1)


def _from_series(series: Any, array: Array) -> Array:
    kind = getattr(series.dtype, "kind", "O")
    if array.dtype != object or kind not in "biuf":
        return array
    if bool(series.isna().any()):
        return np.asarray(series.to_numpy(dtype="float64", na_value=np.nan))
    return np.asarray(series.to_numpy(dtype={"b": "bool", "f": "float64"}.get(kind, "int64")))


def leaves_of(structure: Any) -> list[Any]:
    """Returns the arrays of nested ones, without the places that are empty."""
    return [leaf for leaf in flatten(structure) if leaf is not None]


def in_dtype(structure: Any, dtype: str) -> Any:
    """Returns nested arrays in a type."""
    return map_structure(lambda leaf: None if leaf is None else leaf.astype(dtype, copy=False), structure)
