"""Finds objects by name: initializers, regularizers, constraints."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from dlnative.utils.naming import to_snake_case


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Returns the message for a name that is not known: with the names that look like it, or else with some others."""
    import difflib

    names = sorted(set(known), key=lambda item: (item.lower() != item, item))
    alike = difflib.get_close_matches(name.lower(), names, 3, 0.6)
    if alike:
        return f"{kind}: expected a known name, such as {', '.join(alike)}, got {name!r}"
    plain = [item for item in names if item == item.lower()] or names
    rest = f" or {len(plain) - 12} more" if len(plain) > 12 else ""
    return f"{kind}: expected one of {', '.join(plain[:12])}{rest}, got {name!r}"


class Registry:
    """The classes of one kind, by class name and in snake case.

    Args:
        kind: what they are called in messages.
        base: the class that they derive from.
        classes: the classes.
        aliases: further names.
    """

    def __init__(self, kind: str, base: type, classes: Sequence[type], aliases: dict[str, type] | None = None) -> None:
        self.kind = kind
        self.base = base
        self._classes = classes
        self._aliases = aliases or {}

    @functools.cached_property
    def classes(self) -> dict[str, type]:
        """The classes by all their names, worked out at the first question: an import has no time for it."""
        found: dict[str, type] = {}
        for cls in self._classes:
            found[cls.__name__] = found[to_snake_case(cls.__name__)] = cls
        return found | self._aliases

    def get(self, identifier: Any) -> Any:
        """Returns an object given as itself, a class, a name, a function or a config; `None` stays `None`.

        Raises:
            ValueError: for an unknown name or another kind of object.
        """
        if identifier is None or isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, str):
            return self._class(identifier)()
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if callable(identifier):
            return identifier
        raise ValueError(f"{self.kind}: expected a name, an object or a function, got {identifier!r}")

    def _class(self, name: str) -> type:
        cls = self.classes.get(name)
        if cls is None:
            raise ValueError(unknown(self.kind, name, self.classes))
        return cls

    def serialize(self, item: Any) -> Any:
        """Returns the class name and the arguments of an object; the name of a function."""
        if item is None:
            return None
        if isinstance(item, self.base):
            return {"class_name": type(item).__name__, "config": item.get_config()}  # type: ignore[attr-defined]
        return getattr(item, "__name__", str(item))

    def deserialize(self, config: Any) -> Any:
        """Makes an object from what `serialize` returned."""
        if not isinstance(config, dict):
            return self.get(config)
        return self._class(str(config.get("class_name")))(**config.get("config", {}))
