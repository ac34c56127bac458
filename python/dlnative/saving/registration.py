"""The user's classes and functions that configurations may name: registered for good, or known within a scope."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

_Item = TypeVar("_Item")

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[dict[str, Any]] = ContextVar("custom_objects", default={})  # noqa: B039 (never changed in place)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[_Item], _Item]:
    """Registers a class or a function as `"package>name"`, so that files and configurations which name it can be loaded.

    Args:
        package: where it belongs.
        name: its name there; by default its own.

    Returns:
        A decorator.

    Raises:
        ValueError: for a class without `get_config`.

    Example:
        >>> from dlnative import layers
        >>> @register_keras_serializable("my_package")
        ... class Doubled(layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> get_registered_name(Doubled)
        'my_package>Doubled'
    """

    def register(item: _Item) -> _Item:
        own: Any = item
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(
                f"register_keras_serializable: Cannot register a class that does not have a get_config() method: {own.__name__}"
            )
        registered = f"{package}>{own.__name__ if name is None else name}"
        _objects[registered] = item
        _names[item] = registered
        return item

    return register


def get_custom_objects() -> dict[str, Any]:
    """Returns the dict of all registered classes and functions by name, which may be changed."""
    return _objects


def get_registered_name(obj: Any) -> Any:
    """Returns the name that a class or a function is registered under; its own if it is not."""
    try:
        return _names[obj]
    except (KeyError, TypeError):
        return obj.__name__


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: dict[str, Any] | None = None
) -> Any:
    """Returns what a name stands for; `None` if it is not known.

    Args:
        name: the name.
        custom_objects: what to look in after the scope and what is registered.
        module_objects: what to look in after that.
    """
    for known in (_scope.get(), _objects, custom_objects, module_objects):
        if known and name in known:
            return known[name]
    return None


class CustomObjectScope:
    """Makes classes and functions known by name within a `with` block.

    Args:
        custom_objects: a dict of them by name.

    Example:
        >>> from dlnative import activations
        >>> def twice(x):
        ...     return 2 * x
        >>> with CustomObjectScope({"twice": twice}):
        ...     activations.get("twice") is twice
        True
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects or {}
        self._tokens: list[Any] = []

    def __enter__(self) -> CustomObjectScope:
        self._tokens.append(_scope.set(dict(self.custom_objects)))
        return self

    def __exit__(self, *exception: object) -> None:
        _scope.reset(self._tokens.pop())


custom_object_scope = CustomObjectScope


def known_objects(custom_objects: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns all classes and functions of the user's by name: registered ones before those of the scope and the given."""
    return {**(custom_objects or {}), **_scope.get(), **_objects}
