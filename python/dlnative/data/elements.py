"""Elements of data sets: arrays in nested tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Element(Array):
    """An array that a data set gives; `numpy()` is the plain array, for programs that call it on tensors."""

    def numpy(self) -> Array:
        """Returns the array."""
        return np.asarray(self)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return np.asarray(found).view(Element) if isinstance(found, (np.number, np.bool_)) else found

    def __hash__(self) -> int:  # type: ignore[override]
        """Numbers may be keys, as those of NumPy may."""
        if self.ndim:
            raise TypeError(f"expected a number as a key, got an array of shape {self.shape}")
        return hash(self.item())


def as_element(structure: Any) -> Any:
    """Returns nested values as an element: arrays in tuples and dicts."""
    return map_leaves(lambda array: array.view(Element), arrays_of(structure))


def map_leaves(function: Callable[[Array], Any], structure: Any) -> Any:
    """Applies a function to the leaves of nested tuples and dicts."""
    if isinstance(structure, tuple):
        items = [map_leaves(function, item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, dict):
        return {key: map_leaves(function, item) for key, item in structure.items()}
    return None if structure is None else function(structure)


def row_of(structure: Any, place: Any) -> Any:
    """Returns a row, or several, of nested arrays."""
    return map_leaves(lambda array: array[place], structure)


def leaves_of(structure: Any) -> list[Array]:
    """Returns the arrays in nested tuples and dicts."""
    found: list[Array] = []
    map_leaves(found.append, structure)
    return found


def arrays_of(structure: Any) -> Any:
    """Returns nested values with arrays as leaves; lists are arrays."""
    if isinstance(structure, tuple):
        items = [arrays_of(item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, dict):
        return {key: arrays_of(item) for key, item in structure.items()}
    if structure is None or isinstance(structure, np.ndarray):
        return structure
    return structure.to_numpy() if hasattr(structure, "to_numpy") else np.asarray(structure)


def typed(item: Any, types: Any) -> Any:
    """Returns nested values as arrays of types, nested alike."""
    if isinstance(types, tuple):
        return tuple([typed(part, kind) for part, kind in zip(item, types, strict=True)])
    if isinstance(types, dict):
        return {key: typed(item[key], kind) for key, kind in types.items()}
    return np.asarray(item, getattr(types, "as_numpy_dtype", types))


def joined_by(items: list[Any], joined: Callable[[list[Array]], Array]) -> Any:
    """Returns elements as one, their leaves joined by a function of a list of arrays."""
    structure = arrays_of(items[0])
    columns = zip(*[leaves_of(arrays_of(item)) for item in items], strict=True)
    made = iter([joined(list(column)) for column in columns])
    return map_leaves(lambda _: next(made), structure)


def stacked(arrays: list[Array]) -> Array:
    """Returns arrays of one shape along a new first axis."""
    if len({array.shape for array in arrays}) > 1:
        shapes = sorted({array.shape for array in arrays})
        raise ValueError(f"Dataset.batch: expected elements of one shape, got shapes {shapes[:3]}")
    return np.stack(arrays)


def padded_to(arrays: list[Array], value: Any) -> Array:
    """Returns arrays along a new first axis, filled up to the largest."""
    shape = np.max([array.shape for array in arrays], axis=0).astype(int)
    made = np.full((len(arrays), *shape), value, arrays[0].dtype)
    for place, array in enumerate(arrays):
        inside: tuple[Any, ...] = (place, *[slice(extent) for extent in array.shape])
        made[inside] = array
    return made
