"""Nested tuples, lists and dicts: their leaves, and the same nesting with other leaves."""

from __future__ import annotations

from typing import Any


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
        found = {key: map_structure(function, structure[key]) for key in sorted(structure)}
        return {key: found[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        mapped = [map_structure(function, item) for item in structure]
        return kind(*mapped) if hasattr(structure, "_fields") else kind(mapped)
    return function(structure)


def flatten_structure(structure: Any) -> list[Any]:
    """Returns the leaves of nested tuples, lists and dicts, in order; `None` is no leaf."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten_structure(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten_structure(structure[key])]
    return [] if structure is None else [structure]
