"""Nested inputs, targets and weights: a place may be empty, so that here, unlike in `graph/tree.py`, `None` is a leaf."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[Any, ...]  # keys and places


def is_nested(value: Any) -> bool:
    """Tells whether a value is a list, a tuple or a dict."""
    return isinstance(value, (list, tuple, dict))


def keys_of(mapping: dict[Any, Any]) -> list[Any]:
    """Returns the keys in the order in which their values are leaves: sorted, where they can be."""
    try:
        return sorted(mapping)
    except TypeError:
        return list(mapping)


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves, `None` among them; those of a dict in the order of its keys.

    Example:
        >>> flatten({"b": [1, None], "a": (2,)})
        [2, 1, None]
    """
    if isinstance(structure, dict):
        return [leaf for key in keys_of(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def pack(structure: Any, leaves: Any) -> Any:
    """Returns the same nesting with other leaves, in the order of `flatten`.

    Args:
        structure: nested lists, tuples (named ones too) and dicts.
        leaves: the leaves, a sequence or an iterator.
    """
    pending = leaves if isinstance(leaves, Iterator) else iter(leaves)
    return transform(lambda _: next(pending), structure)


def transform(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to each leaf, in the order of `flatten`, and returns the same nesting."""
    if isinstance(structure, dict):
        made = {key: transform(function, structure[key]) for key in keys_of(structure)}
        return {key: made[key] for key in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[transform(function, item) for item in structure])
    if isinstance(structure, (list, tuple)):
        items = [transform(function, item) for item in structure]
        return items if isinstance(structure, list) else tuple(items)
    return function(structure)


def form(structure: Any) -> Any:
    """Returns what the nesting is, and which leaves are `None`, as something hashable."""
    if isinstance(structure, dict):
        return ("dict", *[(key, form(structure[key])) for key in keys_of(structure)])
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, *[form(item) for item in structure])
    return structure is None


def paths(structure: Any, path: Path = ()) -> list[Path]:
    """Returns the keys and places that lead to each leaf, in the order of the leaves."""
    if isinstance(structure, dict):
        return [found for key in keys_of(structure) for found in paths(structure[key], (*path, key))]
    if isinstance(structure, (list, tuple)):
        return [found for index, item in enumerate(structure) for found in paths(item, (*path, index))]
    return [path]
