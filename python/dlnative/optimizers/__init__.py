"""Optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.optimizers.adam import Adam, AdamW
from dlnative.optimizers.optimizer import Optimizer
from dlnative.optimizers.rmsprop import RMSprop
from dlnative.optimizers.sgd import SGD
from dlnative.utils.lazy import lazily
from dlnative.utils.registry import Registry

if TYPE_CHECKING:
    from dlnative.optimizers import schedules as schedules
    from dlnative.optimizers.adafactor import Adafactor as Adafactor
    from dlnative.optimizers.adagrad import Adadelta as Adadelta
    from dlnative.optimizers.adagrad import Adagrad as Adagrad
    from dlnative.optimizers.adamax import Adamax as Adamax
    from dlnative.optimizers.adamax import Lamb as Lamb
    from dlnative.optimizers.adamax import Nadam as Nadam
    from dlnative.optimizers.ftrl import Ftrl as Ftrl
    from dlnative.optimizers.lion import Lion as Lion
    from dlnative.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
    from dlnative.optimizers.multi import MultiOptimizer as MultiOptimizer
    from dlnative.optimizers.multi import OptimizerMap as OptimizerMap
    from dlnative.optimizers.muon import Muon as Muon
    from dlnative.optimizers.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_LATER = {
    "adafactor": ["Adafactor"],
    "adagrad": ["Adadelta", "Adagrad"],
    "adamax": ["Adamax", "Lamb", "Nadam"],
    "ftrl": ["Ftrl"],
    "lion": ["Lion"],
    "loss_scale": ["LossScaleOptimizer"],
    "multi": ["MultiOptimizer", "OptimizerMap"],
    "muon": ["Muon"],
    "schedule_free": ["ScheduleFreeAdamW"],
    "schedules": [],
}
__getattr__ = lazily(__name__, _LATER)
_CLASSES = (SGD, RMSprop, Adam, AdamW)


def _later() -> dict[str, Any]:
    names = [name for names in _LATER.values() for name in names if name != "OptimizerMap"]
    return {name: globals().get(name) or __getattr__(name) for name in names}


_registry = Registry("optimizer", Optimizer, _CLASSES, snake_case=False, more=_later)


def serialize(optimizer: Optimizer) -> Any:
    """Returns the class name and the arguments of an optimizer."""
    return _registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes an optimizer from what `serialize` returned.

    Args:
        config: a dict with `class_name` (in any case) and `config`.
        custom_objects: classes by name, which come before dlnative's.
    """
    return _registry.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """Returns an optimizer given as itself, by name in any case, or by `serialize`'s dict; `None` stays `None`.

    Raises:
        ValueError: for an unknown name or another object.

    Example:
        >>> type(get("adamw")).__name__
        'AdamW'
    """
    if identifier is None or isinstance(identifier, (Optimizer, str, dict)):
        return _registry.get(identifier)
    raise ValueError(f"optimizer: expected a name, an Optimizer or a config, got {identifier!r}")
