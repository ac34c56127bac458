"""Nested tuples, lists and dicts: their leaves, and the same nesting with other leaves."""

from __future__ import annotations

from typing import Any


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


def map_structure(function: Any, structure: Any) -> Any:
    """Applies `function` to each leaf of nested tuples, lists and dicts, in the order of `flatten_structure`, and returns
    the same nesting."""
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
    """Returns the leaves of nested tuples, lists and dicts, in order; `None` is no leaf."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten_structure(item)]
    if isinstance(structure, dict):
        return [leaf for key in ordered_keys(structure) for leaf in flatten_structure(structure[key])]
    return [] if structure is None else [structure]
