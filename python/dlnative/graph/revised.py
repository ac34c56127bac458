"""Objects whose attributes plans depend on: layers and optimizers."""

from __future__ import annotations

from typing import Any

from dlnative import version_counter as version
from dlnative.graph.trace import current_trace


class Revised:
    """An object with a revision: another object whenever an attribute has been set, once a plan asks for it.

    What is set while a function is traced is a part of the trace and does not count.
    """

    # Attributes that say nothing of what is computed: they are set while plans run.
    _not_traced: frozenset[str] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if "_revision" in self.__dict__:
            self._revise(name)

    def _revise(self, name: str) -> None:
        own = self.__dict__
        if name in own and name not in self._not_traced and current_trace() is None:
            own["_revision"] = object()
            version.bump()

    def plan_state(self) -> tuple[Any, ...]:
        """Returns what plans depend on; see `graph.trace.Dependency`."""
        return (self.__dict__.setdefault("_revision", None),)

    def containers(self) -> list[Any]:
        """Returns the lists, sets and dicts whose parts `plan_state` tells: they change without a sound."""
        return []
