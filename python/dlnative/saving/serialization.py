"""Objects as dicts of text and numbers, in Keras's format, and back: what the configuration of a model is made of.

    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3, ...}, "registered_name": None}

A layer that is built also has its `build_config`, a model that is compiled its `compile_config`. A class or a function is
found among those of this library and those that the user has made known; no module is loaded or searched for one.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from dlnative.graph.variable import Variable
from dlnative.saving import functions, names
from dlnative.saving.registration import CustomObjectScope, get_registered_name, get_registered_object, known_objects
from dlnative.symbolic import KerasTensor
from dlnative.utils.naming import shortened

MOST_LEVELS = 200  # how deep a configuration may be nested
_safe: ContextVar[bool | None] = ContextVar("safe_mode", default=None)
_unsafe_everywhere: list[bool] = []
_shared: ContextVar[dict[int, Any] | None] = ContextVar("shared_objects", default=None)


class ConfigError(TypeError):
    """Says of which object a configuration cannot be that of."""


def enable_unsafe_deserialization() -> None:
    """Lets every later load run the lambdas that a file holds: only for files whose source is trusted."""
    _unsafe_everywhere[:] = [True]


def in_safe_mode() -> bool | None:
    """Returns whether lambdas are refused; `None` outside of a load."""
    inside = _safe.get()
    return False if inside is None and _unsafe_everywhere else inside


@contextmanager
def sharing() -> Iterator[None]:
    """Makes objects that are found twice in what is serialized, or deserialized, one object."""
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def serialize_keras_object(obj: Any) -> Any:
    """Returns an object as a dict that JSON takes; numbers, text, and lists and dicts of these stay as they are.

    Args:
        obj: the object: anything with `get_config()`, a function, or a nest of these.

    Raises:
        TypeError: for what has no configuration.

    Example:
        >>> from dlnative import layers
        >>> serialize_keras_object(layers.Dense(3, name="last"))["class_name"]
        'Dense'
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, list):
        return [serialize_keras_object(part) for part in obj]
    if isinstance(obj, tuple):
        return tuple([serialize_keras_object(part) for part in obj])
    if isinstance(obj, dict):
        return {key: serialize_keras_object(part) for key, part in obj.items()}
    plain = _plain(obj)
    if plain is not None:
        return plain
    if isinstance(obj, types.FunctionType):
        return functions.described(obj)
    if hasattr(obj, "get_config") and not isinstance(obj, type):
        config = obj.get_config()
        if not isinstance(config, dict):
            raise TypeError(
                f"The `get_config()` method of {obj} should return a dict. It returned: {config}: expected a dict"
            )
        made = _described(type(obj), serialize_keras_object(config))
        for part in ("build_config", "compile_config"):
            found = getattr(obj, f"get_{part}", lambda: None)()
            if found is not None:
                made[part] = serialize_keras_object(found)
        return _noted(obj, made)
    if hasattr(obj, "__name__"):
        return functions.described(obj)
    raise TypeError(
        f"Cannot serialize object {obj} of type {type(obj)}: expected an object with get_config(), got none"
    )


def _plain(obj: Any) -> Any:
    """Returns what stands for a value that JSON does not have; `None` for another object."""
    if isinstance(obj, bytes):
        return _special("bytes", {"value": obj.decode("utf-8")})
    if isinstance(obj, slice):
        parts = {name: serialize_keras_object(getattr(obj, name)) for name in ("start", "stop", "step")}
        return _special("slice", parts)
    if obj is Ellipsis:
        return _special("ellipsis", {})
    if isinstance(obj, KerasTensor):
        history = getattr(obj.history, "function", None)
        name = getattr(history, "name", getattr(history, "__name__", None))
        return _special(
            "keras_tensor",
            {"shape": obj.shape, "dtype": obj.dtype, "keras_history": None if history is None else [name, 0, 0]},
        )
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, (Variable, np.ndarray)):
        array = np.asarray(obj)
        if not array.ndim and not isinstance(obj, Variable):
            return array.item()
        return _special("numpy", {"value": array.tolist(), "dtype": str(obj.dtype)})
    if isinstance(obj, np.dtype) or (isinstance(obj, type) and issubclass(obj, np.generic)):
        return np.dtype(obj).name
    return None


def _special(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": f"__{name}__", "config": config}


def _described(cls: type, config: Any) -> dict[str, Any]:
    public = names.public_name(cls)
    if public is not None:
        module, name = public
        registered = "Functional" if name == "Functional" else None  # Keras has no public name for it
    else:
        module, name, registered = cls.__module__, cls.__name__, get_registered_name(cls)
    return {
        "module": None if module == "__main__" else module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


def _noted(obj: Any, made: dict[str, Any]) -> dict[str, Any]:
    """Gives an object that was serialized before, and this one, the number that says that they are the same."""
    seen = _shared.get()
    if seen is not None:
        _, first = seen.setdefault(id(obj), (obj, made))
        if first is not made:
            first["shared_object_id"] = made["shared_object_id"] = id(obj)
    return made


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Makes an object of what `serialize_keras_object` returned.

    Args:
        config: the dict; numbers and text stay as they are, and so do lists and dicts of these.
        custom_objects: classes and functions of the user's, by name; registered ones, and those of a
            `CustomObjectScope`, come first.
        safe_mode: whether a lambda is refused. Otherwise its code is loaded, and may do anything.
        **kwargs: `module_objects`, a dict of further classes and functions by name, for configurations that name no module.

    Raises:
        ValueError: for a lambda in safe mode, or a configuration that is nested too deep.
        TypeError: for a class or function that is not known, or arguments that its class does not take.
    """
    module_objects = kwargs.pop("module_objects", None)
    if kwargs:
        raise TypeError(f'deserialize_keras_object: unknown argument "{next(iter(kwargs))}"')
    known = known_objects(custom_objects)
    outer = in_safe_mode()
    token = _safe.set(safe_mode if outer is None else outer)
    try:
        check_depth(config)
        return _made(config, known, module_objects)
    finally:
        _safe.reset(token)


def check_depth(config: Any) -> None:
    """Refuses configurations that are nested deeper than any model is.

    Raises:
        ValueError: for more than 200 levels.
    """
    level: list[Any] = [config]
    for _ in range(MOST_LEVELS):
        level = [
            part
            for item in level
            if isinstance(item, (dict, list, tuple))
            for part in (item.values() if isinstance(item, dict) else item)
            if isinstance(part, (dict, list, tuple))
        ]
        if not level:
            return
    raise ValueError(f"deserialize: expected a configuration of at most {MOST_LEVELS} levels, got one that is deeper")


def _made(config: Any, known: dict[str, Any], module_objects: dict[str, Any] | None = None) -> Any:
    if isinstance(config, str) and known.get(config) is not None:
        return known[config]
    if isinstance(config, str) and module_objects and config in module_objects:
        found = module_objects[config]
        return found() if isinstance(found, type) else found
    if config is None or isinstance(config, (bool, int, float, str)):
        return config
    if isinstance(config, (list, tuple)):
        return [_made(part, known) for part in config]
    if not isinstance(config, dict):
        raise TypeError(f"Could not parse config: expected a dict, list, text or number, got {config!r}")
    if "class_name" not in config or "config" not in config:
        return {key: _made(part, known) for key, part in config.items()}
    name = config["class_name"]
    inner = {} if config["config"] is None else config["config"]
    if not isinstance(name, str):
        raise TypeError(f"deserialize: expected class_name to be text, got {name!r}")
    if name.startswith("__"):
        return _special_made(name, inner, known)
    if name == "function":
        if not isinstance(inner, str):
            raise TypeError(f"Expected 'config' to be a non-null str for a function, instead got {inner!r}")
        return functions.found(inner, config, known)
    return _object(name, inner, config, known, module_objects)


def _special_made(name: str, inner: Any, known: dict[str, Any]) -> Any:
    try:
        if name == "__keras_tensor__":
            return KerasTensor(inner["shape"], inner["dtype"])
        if name in ("__tensor__", "__numpy__"):
            return np.array(inner["value"], dtype=inner["dtype"])
        if name == "__bytes__":
            return inner["value"].encode("utf-8")
        if name == "__ellipsis__":
            return Ellipsis
        if name == "__slice__":
            return slice(*[_made(inner[part], known) for part in ("start", "stop", "step")])
        if name == "__lambda__":
            return functions.loaded_lambda(inner, in_safe_mode())
    except (KeyError, AttributeError) as error:
        raise TypeError(f"deserialize: expected the parts of a {name}, got {inner!r}") from error
    if name == "__typespec__" and not isinstance(inner, (list, tuple)):
        raise TypeError(f"Expected 'config' to be a list or a tuple for a __typespec__, instead got {inner!r}")
    raise TypeError(f"deserialize: expected a class, got {name!r}, which only TensorFlow has")


def _object(
    name: str, inner: Any, config: dict[str, Any], known: dict[str, Any], module_objects: dict[str, Any] | None
) -> Any:
    if not isinstance(inner, dict):
        raise TypeError(f"Expected 'config' to be a dict for {name}, instead got {type(inner).__name__}")
    shared = _shared.get()
    number = config.get("shared_object_id")
    if shared is not None and number in shared:
        return shared[number]
    cls = _class(name, config, known, module_objects)
    if not isinstance(cls, type):
        return cls
    if not hasattr(cls, "from_config"):
        raise TypeError(
            f"Unable to reconstruct an instance of '{name}' because the class is missing a `from_config()` method"
        )
    with CustomObjectScope(known):
        try:
            made = cls.from_config(dict(inner))
        except ConfigError:
            raise
        except TypeError as error:
            raise ConfigError(
                f"{cls} could not be deserialized properly: expected a config that its from_config() takes, in which "
                f"components that are objects are explicitly deserialized, got {shortened(inner)}: {error}"
            ) from error
        build = config.get("build_config")
        if build and not getattr(made, "built", True) and hasattr(made, "build_from_config"):
            made.build_from_config(build)
        compiling = config.get("compile_config")
        if compiling and hasattr(made, "compile_from_config"):
            made.compile_from_config(compiling)
    if shared is not None and number is not None:
        shared[number] = made
    return made


def _class(name: str, config: dict[str, Any], known: dict[str, Any], module_objects: dict[str, Any] | None) -> Any:
    registered = config.get("registered_name")
    for key in (registered, name):
        if isinstance(key, str) and key in known:
            return known[key]
    if module_objects and name in module_objects:
        return module_objects[name]
    module = config.get("module")
    found = names.public_class(module, name)
    if found is None:
        raise TypeError(
            f"Could not locate class '{name}' of {module}: expected a class of this library, one that is decorated with "
            f"`@keras.saving.register_keras_serializable()`, or one in custom_objects"
        )
    if registered and registered not in (name, found.__name__):
        raise ValueError(
            f"`registered_name={shortened(registered)}` was provided in the config, but '{module}.{name}' resolved to a Keras "
            "built-in: expected no registered name for a class of this library"
        )
    return found


__all__ = [
    "check_depth",
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "get_registered_object",
    "in_safe_mode",
    "serialize_keras_object",
    "sharing",
]
