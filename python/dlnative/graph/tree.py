"""Nested tuples, lists and dicts: their leaves, and the same nesting with other leaves."""

from __future__ import annotations

from typing import Any


def map_structure(function: Any, structure: Any) -> Any:
    """Applies `function` to each leaf of nested tuples, lists and dicts, and returns the same nesting."""
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_structure(function, item) for item in structure)
    if isinstance(structure, dict):
        return {key: map_structure(function, item) for key, item in structure.items()}
    return function(structure)


def flatten_structure(structure: Any) -> list[Any]:
    """Returns the leaves of nested tuples, lists and dicts, in order; `None` is no leaf."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten_structure(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten_structure(structure[key])]
    return [] if structure is None else [structure]
