"""The form in which Keras 2 described objects: `class_name` and `config` alone, functions by their names."""

from __future__ import annotations

import inspect
from typing import Any

from dlnative.saving.registration import custom_object_scope, get_registered_name, get_registered_object
from dlnative.saving.serialization import check_depth

_NESTED = "__passive_serialization__"  # marks a description within a description


def serialize_keras_object(instance: Any) -> Any:
    """Returns an object as a dict of its class's name and its configuration, a function or class as its name.

    Args:
        instance: an object with `get_config`, a function, a class or `None`.

    Raises:
        ValueError: for anything else.

    Example:
        >>> from dlnative import regularizers
        >>> serialize_keras_object(regularizers.L1(0.5))
        {'class_name': 'L1', 'config': {'l1': 0.5}}
    """
    if instance is None:
        return None
    instance = inspect.unwrap(instance)
    if hasattr(instance, "get_config") and not isinstance(instance, type):
        config = {key: _inner(item) for key, item in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"serialize_keras_object: expected a function or an object with `get_config()`, got {instance!r}")


def _inner(item: Any) -> Any:
    if isinstance(item, dict) or not (hasattr(item, "get_config") or hasattr(item, "__name__")):
        return item
    found = serialize_keras_object(item)
    return {**found, _NESTED: True} if isinstance(found, dict) else found


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """Makes an object of what `serialize_keras_object` of this module returned.

    Args:
        identifier: the dict, or a name: of a function, which is returned, or of a class, which is called. A function or
            `None` stays what it is.
        module_objects: classes and functions by name.
        custom_objects: further ones, which come first, as registered ones do.
        printable_module_name: what errors call the object.

    Raises:
        ValueError: if the name is not known, or `identifier` is nothing of these.

    Example:
        >>> from dlnative import regularizers
        >>> config = {"class_name": "L1", "config": {"l1": 0.5}}
        >>> float(deserialize_keras_object(config, vars(regularizers)).l1)
        0.5
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        found = _known(identifier, module_objects, custom_objects, printable_module_name)
        return found() if isinstance(found, type) else found
    if not isinstance(identifier, dict) or not {"class_name", "config"} <= identifier.keys():
        raise ValueError(
            f"deserialize_keras_object: expected a name, or a dict with `class_name` and `config`, as a serialized "
            f"{printable_module_name}, got {identifier!r}"
        )
    check_depth(identifier)
    cls = _known(identifier["class_name"], module_objects, custom_objects, printable_module_name)
    config = identifier["config"]
    if isinstance(config, dict):
        config = {key: _outer(key, item, module_objects, custom_objects) for key, item in config.items()}
    make = getattr(cls, "from_config", None)
    if make is None:
        make = _by_keyword(cls)
    elif "custom_objects" in inspect.signature(make).parameters:
        return make(config, custom_objects=custom_objects)
    with custom_object_scope(custom_objects or {}):
        return make(config)


def _by_keyword(function: Any) -> Any:
    return lambda config: function(**config)


def _outer(key: str, item: Any, module_objects: Any, custom_objects: Any) -> Any:
    if isinstance(item, dict) and _NESTED in item:
        return deserialize_keras_object(item, module_objects, custom_objects, "config_item")
    if isinstance(item, str) and key != "name":
        found = get_registered_object(item, custom_objects, module_objects)
        if inspect.isfunction(found):
            return found
    return item


def _known(name: Any, module_objects: Any, custom_objects: Any, kind: str) -> Any:
    found = get_registered_object(name, custom_objects, module_objects) if isinstance(name, str) else None
    if found is None:
        raise ValueError(
            f"deserialize_keras_object: Unknown {kind}: {name!r}: expected a name in module_objects, in custom_objects, "
            f"in a `custom_object_scope`, or of what is registered"
        )
    return found


__all__ = ["deserialize_keras_object", "serialize_keras_object"]
