"""Optimizers."""

from __future__ import annotations

from typing import Any

from dlnative.optimizers.adam import Adam, AdamW
from dlnative.optimizers.optimizer import Optimizer
from dlnative.optimizers.rmsprop import RMSprop
from dlnative.optimizers.sgd import SGD

__all__ = ["Adam", "AdamW", "Optimizer", "RMSprop", "SGD", "deserialize", "get", "serialize"]

_CLASSES: dict[str, type[Any]] = {cls.__name__.lower(): cls for cls in (SGD, RMSprop, Adam, AdamW)}


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Returns the class name and the arguments of an optimizer."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: dict[str, Any]) -> Optimizer:
    """Makes an optimizer from what `serialize` returned."""
    name = str(config.get("class_name"))
    cls = _CLASSES.get(name.lower())
    if cls is None:
        raise ValueError(f"optimizer: expected one of {', '.join(sorted(_CLASSES))}, got {name!r}")
    made: Optimizer = cls.from_config(config.get("config", {}))
    return made


def get(identifier: Any) -> Optimizer:
    """Returns an optimizer given as itself, by name, or by `serialize`'s dict.

    Raises:
        ValueError: for an unknown name or another object.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier})
    raise ValueError(f"optimizer: expected an Optimizer or one of {', '.join(sorted(_CLASSES))}, got {identifier!r}")
