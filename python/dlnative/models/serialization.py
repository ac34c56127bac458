"""Objects as dicts of text and numbers, in Keras's format, and back: what configurations of models are made of."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

from dlnative.dtype_policies import DTypePolicy
from dlnative.graph.variable import Variable

# Where the public classes of this library live, and under which module Keras's files know them.
_HOMES = (
    "layers", "models", "optimizers", "optimizers.schedules", "losses", "metrics", "initializers", "regularizers",
    "constraints", "activations", "callbacks",
)  # fmt: skip
_MODELS = {"Functional": "keras.src.models.functional", "Model": "keras", "Sequential": "keras"}


def serialize(item: Any) -> Any:
    """Returns an object as a dict of `module`, `class_name`, `config` and `registered_name`; a layer that is built also with
    `build_config`. Numbers and text stay as they are, and so do lists and dicts of these.

    Args:
        item: the object.

    Raises:
        TypeError: for what has no configuration.

    Example:
        >>> from dlnative import layers
        >>> serialize(layers.Dense(3, name="last"))["class_name"]
        'Dense'
    """
    if item is None or isinstance(item, (bool, int, float, str)):
        return item
    if isinstance(item, (list, tuple)):
        return [serialize(part) for part in item]
    if isinstance(item, dict):
        return {key: serialize(part) for key, part in item.items()}
    if isinstance(item, np.generic):
        return item.item()
    if isinstance(item, (Variable, np.ndarray)):
        return {"class_name": "__numpy__", "config": {"value": np.asarray(item).tolist(), "dtype": str(item.dtype)}}
    if isinstance(item, DTypePolicy):
        return _described(item, type(item).__name__, item.get_config())
    if hasattr(item, "get_config"):
        made = _described(item, type(item).__name__, serialize(item.get_config()))
        build = item.get_build_config() if hasattr(item, "get_build_config") and item.built else None
        return made if build is None else {**made, "build_config": serialize(build)}
    if callable(item) and hasattr(item, "__name__"):
        return {**_described(item, "function", item.__name__), "registered_name": item.__name__}
    raise TypeError(f"serialize: expected an object with get_config(), got {item!r}")


def _described(item: Any, class_name: str, config: Any) -> dict[str, Any]:
    module = str(getattr(item, "__module__", None) if class_name == "function" else type(item).__module__)
    own = module.split(".")[0] == "dlnative"
    if own:
        name = getattr(item, "__name__", class_name)
        homes = [home for home in _HOMES if getattr(_home(home), name, None) in (item, type(item))]
        module = f"keras.{homes[0]}" if homes else module
        if class_name in _MODELS:
            return {
                "module": _MODELS[class_name],
                "class_name": class_name,
                "config": config,
                "registered_name": _registered(class_name),
            }
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": None if own else class_name,
    }


def _registered(class_name: str) -> str | None:
    """Keras registers the one class of models that it has no public name for."""
    return class_name if class_name == "Functional" else None


def _home(name: str) -> Any:
    return importlib.import_module(f"dlnative.{name}")


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes an object of what `serialize` returned.

    Args:
        config: the dict; numbers and text stay as they are, and so do lists and dicts of these.
        custom_objects: classes and functions of the user's, by name. Others are found in this library, and in modules that
            are loaded; no module is loaded for them.

    Raises:
        ValueError: for a class or function that is not found.
    """
    if isinstance(config, (list, tuple)):
        return [deserialize(part, custom_objects) for part in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {key: deserialize(part, custom_objects) for key, part in config.items()}
    name, inner = config["class_name"], config["config"]
    if name == "__numpy__":
        return np.array(inner["value"], dtype=inner["dtype"])
    if name == "function":
        return find(inner, config.get("module"), custom_objects)
    cls = find(name, config.get("module"), custom_objects)
    made = _made(cls, inner, custom_objects)
    build = config.get("build_config")
    if build and not getattr(made, "built", True) and hasattr(made, "build_from_config"):
        made.build_from_config(build)
    return made


def _made(cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    from dlnative.models.model import Model

    if isinstance(cls, type) and issubclass(cls, Model):
        return cls.from_config(config, custom_objects=custom_objects)
    return cls.from_config({key: _argument(part, custom_objects) for key, part in config.items()})


def _argument(value: Any, custom_objects: dict[str, Any] | None) -> Any:
    """Arguments that are layers or the user's objects are made here; others by the classes that take them."""
    if isinstance(value, dict) and {"class_name", "config"} <= value.keys():
        known = custom_objects is not None and value["class_name"] in custom_objects
        if known or str(value.get("module")).endswith((".layers", ".models")):
            return deserialize(value, custom_objects)
    if isinstance(value, list):
        return [_argument(part, custom_objects) for part in value]
    return value


def find(name: str, module: str | None = None, custom_objects: dict[str, Any] | None = None) -> Any:
    """Returns a class or function.

    Args:
        name: its name.
        module: where it was, if that is known.
        custom_objects: those of the user's, by name.

    Raises:
        ValueError: if there is none.
    """
    if custom_objects and name in custom_objects:
        return custom_objects[name]
    own = str(module).removeprefix("keras.").removeprefix("src.")
    for home in ([own] if own in _HOMES else []) + list(_HOMES) if _is_own(module) else []:
        found = getattr(_home(home), name, None)
        if found is not None:
            return found
    found = getattr(sys.modules.get(str(module)), name, None)
    if found is not None:
        return found
    raise ValueError(
        f'deserialize: expected a class or function of this library or in custom_objects, got "{name}" of {module}'
    )


def _is_own(module: str | None) -> bool:
    return module is None or module.split(".")[0] in ("keras", "dlnative", "keras_core")
