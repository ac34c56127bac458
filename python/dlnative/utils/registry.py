"""Finds objects by name: initializers, regularizers, constraints, losses, metrics, optimizers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dlnative.saving.registration import CustomObjectScope, get_registered_object, known_objects
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


_functions: dict[str, Callable[..., Any]] = {}  # functions that a config may name
_loaders: list[Callable[[], Any]] = []  # what imports modules that publish more


def publish_later(load: Callable[[], Any]) -> None:
    """Says what imports modules that publish functions, for a name that is not known yet."""
    _loaders.append(load)


def publish(functions: Iterable[Callable[..., Any]]) -> None:
    """Makes functions ones that a config may name."""
    _functions.update({function.__name__: function for function in functions})


def name_of_function(function: Any) -> Any:
    """Returns a published function by its name, in Keras's format, any other function as it is: what a config holds."""
    name = getattr(function, "__name__", None)
    if name is None or _functions.get(name) is not function:
        return function
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def published(name: str) -> Any:
    """Returns the published function of a name; `None` if there is none."""
    if name not in _functions:
        for load in _loaders:
            load()
    return _functions.get(name)


def named_function(name: Any) -> Any:
    """Returns the function of `name_of_function`.

    Raises:
        ValueError: for an unknown name.
    """
    if isinstance(name, dict):
        from dlnative.saving.serialization import deserialize_keras_object

        return deserialize_keras_object(name)
    if not isinstance(name, str):
        return name
    found = published(name)
    if found is None:
        raise ValueError(unknown("function", name, _functions))
    return found


class Registry:
    """The classes and functions of one kind by name, in any case: class names, in snake case too, names of functions, aliases.

    A name in another case than those means what it means in lower case.

    Args:
        kind: what they are called in messages.
        base: the class that they derive from.
        classes: the classes.
        aliases: further names; the name of a class for one that is not imported yet.
        snake_case: whether classes also have names in snake case, instead of in lower case.
        functions: functions that have the names of this kind, too.
        later: names of further classes and functions: what is not imported before it is asked for.
        load: returns one of those.
    """

    def __init__(
        self,
        kind: str,
        base: type,
        classes: Sequence[type],
        aliases: dict[str, Any] | None = None,
        functions: Sequence[Callable[..., Any]] = (),
        snake_case: bool = True,
        later: Sequence[str] = (),
        load: Callable[[str], Any] | None = None,
    ) -> None:
        self.kind = kind
        self.base = base
        self._classes = classes
        self._functions = functions
        self._snake_case = snake_case
        self._later = later
        self._load = load
        self._aliases = aliases or {}

    @functools.cached_property
    def names(self) -> dict[str, Any]:
        """The classes and functions by all their names, worked out at the first question: an import has no time for it.

        What is not imported yet stands there by its own name.
        """
        classes: dict[str, Any] = {name: name for name in self._later if name != name.lower()}
        classes.update({cls.__name__: cls for cls in self._classes})
        functions: dict[str, Any] = {name: name for name in self._later if name == name.lower()}
        functions.update({function.__name__: function for function in self._functions})
        found = dict(classes)
        for name, cls in classes.items():
            found.setdefault(to_snake_case(name) if self._snake_case else name.lower(), cls)
        return found | functions | self._aliases

    def _find(self, name: str) -> Any:
        found = self.names.get(name)
        return self._load(found) if isinstance(found, str) and self._load is not None else found

    def get(self, identifier: Any) -> Any:
        """Returns an object given as itself, a class, a name, a function or a config; `None` stays `None`.

        The name of a class gives an object, the name of a function the function.

        Raises:
            ValueError: for an unknown name or another kind of object.
        """
        if identifier is None or isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, (str, dict)):
            return self.deserialize(identifier)
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if callable(identifier):
            return identifier
        base = self.base.__name__
        article = "an" if base[0] in "AEIO" else "a"
        raise ValueError(f"{self.kind}: expected a name, {article} {base} or a function, got {identifier!r}")

    def named(self, name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Returns the class or the function of a name.

        Args:
            name: the name.
            custom_objects: classes and functions by name, which come first.

        Raises:
            ValueError: for an unknown name.
        """
        found = get_registered_object(name, custom_objects) if isinstance(name, str) else None
        if found is not None:
            return found
        if isinstance(name, str):
            found = self._find(name) or self._find(name.lower())
        if found is None:
            raise ValueError(unknown(self.kind, str(name), self.names))
        return found

    def serialize(self, item: Any) -> Any:
        """Returns an object as a dict in Keras's format; the name of a function of this kind; `None` for `None`."""
        name = getattr(item, "__name__", None)
        if name is not None and self._find(name) is item:
            return name
        from dlnative.saving.serialization import serialize_keras_object

        return serialize_keras_object(item)

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes an object from what `serialize` returned.

        Args:
            config: a name, or a dict with `class_name` and `config`.
            custom_objects: classes and functions by name, which come first.

        Raises:
            ValueError: for an unknown name.
        """
        arguments: dict[str, Any] = {}
        if isinstance(config, dict):
            name, given = config.get("class_name"), config.get("config")
            registered = config.get("registered_name")
            if name == "__lambda__":
                from dlnative.saving.serialization import deserialize_keras_object

                return deserialize_keras_object(config, custom_objects)
            if name == "function":
                name, given = given, None
            elif registered and get_registered_object(registered, custom_objects) is not None:
                name = registered
            arguments = dict(given or {})
        elif isinstance(config, str):
            name = config
        else:
            return self.get(config)
        found = self.named(name, custom_objects)
        if not isinstance(found, type):
            return found
        make = found.from_config if hasattr(found, "from_config") else lambda config: found(**config)
        if not custom_objects:
            return make(arguments)
        with CustomObjectScope(known_objects(custom_objects)):
            return make(arguments)
