"""Nested tuples (named ones too), lists and dicts: their leaves, and the same nesting with other leaves.

The leaves of a dict come in the order of its keys. Where a place may be empty, `None` is a leaf (`flatten`, `pack`); where
tensors alone are looked for, it is none (`flatten_structure`, `refill`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Path = tuple[Any, ...]  # keys and places


def is_nested(value: Any) -> bool:
    """Tells whether a value is a list, a tuple or a dict."""
    return isinstance(value, (list, tuple, dict))


def ordered_keys(structure: dict[Any, Any]) -> list[Any]:
    """Returns the keys of a dict in their order; as they came if they have none."""
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def like(structure: Any, items: list[Any]) -> Any:
    """Returns items as a list or tuple of the kind that `structure` is, a named tuple among them."""
    kind = type(structure)
    return kind(*items) if hasattr(structure, "_fields") else kind(items)


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to each leaf, `None` among them, in the order of `flatten`, and returns the same nesting."""
    kind = structure.__class__
    if kind is tuple:
        return tuple([map_structure(function, item) for item in structure])
    if kind is list:
        return [map_structure(function, item) for item in structure]
    if isinstance(structure, dict):
        if not structure:
            return {}
        found = {key: map_structure(function, structure[key]) for key in ordered_keys(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        return like(structure, [map_structure(function, item) for item in structure])
    return function(structure)


def flatten_structure(structure: Any) -> list[Any]:
    """Returns the leaves, in order; `None` is no leaf."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten_structure(item)]
    if isinstance(structure, dict):
        return [leaf for key in ordered_keys(structure) for leaf in flatten_structure(structure[key])]
    return [] if structure is None else [structure]


def refill(structure: Any, leaves: Iterable[Any]) -> Any:
    """Returns the same nesting with other leaves, in the order of `flatten_structure`; `None` stays."""
    pending = iter(leaves)
    return map_structure(lambda leaf: None if leaf is None else next(pending), structure)


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves, in order, `None` among them.

    Example:
        >>> flatten({"b": [1, None], "a": (2,)})
        [2, 1, None]
    """
    if isinstance(structure, dict):
        structure = [structure[key] for key in ordered_keys(structure)]
    elif not isinstance(structure, (list, tuple)):
        return [structure]
    found: list[Any] = []
    for item in structure:
        if isinstance(item, (list, tuple, dict)):
            found += flatten(item)
        else:
            found.append(item)
    return found


def pack(structure: Any, leaves: Iterable[Any]) -> Any:
    """Returns the same nesting with other leaves, in the order of `flatten`."""
    pending = iter(leaves)
    return map_structure(lambda _: next(pending), structure)


def form(structure: Any) -> Any:
    """Returns what the nesting is, and which leaves are `None`, as something hashable."""
    if isinstance(structure, dict):
        return ("dict", *[(key, form(structure[key])) for key in ordered_keys(structure)])
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, *[form(item) for item in structure])
    return structure is None


def paths(structure: Any, path: Path = ()) -> list[Path]:
    """Returns the keys and places that lead to each leaf, in the order of `flatten`."""
    if isinstance(structure, dict):
        return [found for key in ordered_keys(structure) for found in paths(structure[key], (*path, key))]
    if isinstance(structure, (list, tuple)):
        return [found for index, item in enumerate(structure) for found in paths(item, (*path, index))]
    return [path]
