"""Nested lists, tuples (named ones too) and dicts, with `None` as a leaf: Keras's functions for them.

The leaves of a dict come in the order of its keys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph import tree as _tree
from dlnative.graph.tree import flatten, is_nested

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:  # noqa: N801 Keras's name
    """What a function given to `traverse` returns to put `None` in a place."""


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns each leaf with the keys and places that lead to it.

    Example:
        >>> flatten_with_path([{"foo": 42}])
        [((0, 'foo'), 42)]
    """
    return list(zip(_tree.paths(structure), flatten(structure), strict=True))


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Applies a function to the leaves of structures of one nesting, side by side, and returns that nesting.

    Args:
        func: the function.
        *structures: the structures.
        none_is_leaf: whether the function sees `None` too; otherwise it stays as it is.

    Example:
        >>> map_structure(lambda x, y: x * y, [[1], (2, 3)], [[10], (20, 30)])
        [[10], (40, 90)]

    Raises:
        TypeError: if `func` is no function.
        ValueError: if the structures differ.
    """
    _refuse_no_function(func)
    if not structures:
        raise ValueError("map_structure: expected at least one structure, got none")
    for other in structures[1:]:
        assert_same_structure(structures[0], other)
    columns = list(zip(*map(flatten, structures), strict=True))
    if not none_is_leaf:
        for column in columns:
            if any(leaf is None for leaf in column) and not all(leaf is None for leaf in column):
                raise ValueError(f"map_structure: expected None in all structures or none, got {column}")
        return pack_sequence_as(structures[0], [None if column[0] is None else func(*column) for column in columns])
    return pack_sequence_as(structures[0], [func(*column) for column in columns])


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Applies a function to what lies in structures in the places of another one's leaves, and returns its nesting.

    Example:
        >>> map_structure_up_to([None, [None]], str, [[1, 1], [2]])
        ['[1, 1]', ['2']]

    Raises:
        TypeError: if `func` is no function.
        ValueError: if the structures differ above these places.
    """
    _refuse_no_function(func)
    if not is_nested(shallow_structure):
        return func(*structures)
    for structure in structures:
        _same_kind(shallow_structure, structure)
    keys = _keys(shallow_structure)
    made = {
        key: map_structure_up_to(shallow_structure[key], func, *[structure[key] for structure in structures])
        for key in keys
    }
    if isinstance(shallow_structure, dict):
        return {key: made[key] for key in shallow_structure}
    return _tree.like(shallow_structure, list(made.values()))


def assert_same_structure(a: Any, b: Any) -> None:
    """Refuses structures of different nesting: other kinds of containers, lengths or keys.

    Raises:
        ValueError: if they differ.
    """
    if not is_nested(a):
        if is_nested(b):
            raise ValueError(f"expected a leaf, got a {type(b).__name__}: {b}")
        return
    _same_kind(a, b)
    for key in _keys(a):
        assert_same_structure(a[key], b[key])


def assert_same_paths(a: Any, b: Any) -> None:
    """Refuses structures whose leaves do not lie at the same keys and places; lists and tuples are alike.

    Raises:
        ValueError: if they differ.
    """
    first, second = set(_tree.paths(a)), set(_tree.paths(b))
    if first != second:
        raise ValueError(f"expected the same paths, got {first - second} in one and {second - first} in the other")


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """Returns the nesting of a structure with other leaves, given in their order.

    Example:
        >>> pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
        {'b': 3, 'a': (1, 2)}

    Raises:
        ValueError: if there are more or fewer than leaves.
    """
    count = len(flatten(structure))
    if not isinstance(flat_sequence, (list, tuple)) and not hasattr(flat_sequence, "__len__"):
        raise TypeError(f"pack_sequence_as: expected a sequence of leaves, got {flat_sequence!r}")
    if len(flat_sequence) != count:
        raise ValueError(f"pack_sequence_as: expected {count} leaves, got {len(flat_sequence)}")
    return _tree.pack(structure, flat_sequence)


def lists_to_tuples(structure: Any) -> Any:
    """Returns the structure with tuples for lists."""
    if isinstance(structure, dict):
        return {key: lists_to_tuples(item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        items = [lists_to_tuples(item) for item in structure]
        return tuple(items) if isinstance(structure, list) else _tree.like(structure, items)
    return structure


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to each shape, a tuple or list of numbers and `None`, in a structure."""
    _refuse_no_function(func)
    if isinstance(structure, (list, tuple)) and all(item is None or isinstance(item, int) for item in structure):
        return func(tuple(structure))
    if isinstance(structure, dict):
        return {key: map_shape_structure(func, item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _tree.like(structure, [map_shape_structure(func, item) for item in structure])
    raise ValueError(f"map_shape_structure: expected nested shapes, got {structure!r}")


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Applies a function to each part of a structure, to itself and its leaves too; what it returns takes the part's place.

    Args:
        func: the function; where it returns `None`, the part stays. `MAP_TO_NONE` puts `None` there.
        structure: the structure.
        top_down: whether a part comes before what is in it, which is left out if something takes its place.

    Raises:
        TypeError: if `func` is no function.
    """
    _refuse_no_function(func)
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if isinstance(structure, dict):
        made = {key: traverse(func, structure[key], top_down) for key in _tree.ordered_keys(structure)}
        structure = {key: made[key] for key in structure}
    elif isinstance(structure, (list, tuple)):
        structure = _tree.like(structure, [traverse(func, item, top_down) for item in structure])
    if not top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    return structure


def _refuse_no_function(func: Any) -> None:
    if not callable(func):
        raise TypeError(f"`func` must be callable: expected a function, got {func!r}")


def _keys(structure: Any) -> list[Any]:
    return _tree.ordered_keys(structure) if isinstance(structure, dict) else list(range(len(structure)))


def _same_kind(a: Any, b: Any) -> None:
    """Refuses two containers of different kinds, lengths or keys."""
    if isinstance(a, dict):
        if not isinstance(b, dict):
            raise ValueError(f"expected an instance of dict, got {type(b).__name__}: {b}")
        if _tree.ordered_keys(a) != _tree.ordered_keys(b):
            raise ValueError(f"expected the keys {_tree.ordered_keys(a)}, got {_tree.ordered_keys(b)}")
        return
    if type(a) is not type(b):
        raise ValueError(f"expected an instance of {type(a)}, got {type(b)}: {b}")
    if len(a) != len(b):
        raise ValueError(f"expected {len(a)} parts, got {len(b)}: {b}")
