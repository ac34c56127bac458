"""Optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.optimizers.optimizer import Optimizer
from dlnative.utils.lazy import lazily
from dlnative.utils.registry import Registry

if TYPE_CHECKING:
    from dlnative.optimizers import legacy as legacy
    from dlnative.optimizers import schedules as schedules
    from dlnative.optimizers.adafactor import Adafactor as Adafactor
    from dlnative.optimizers.adagrad import Adadelta as Adadelta
    from dlnative.optimizers.adagrad import Adagrad as Adagrad
    from dlnative.optimizers.adam import Adam as Adam
    from dlnative.optimizers.adam import AdamW as AdamW
    from dlnative.optimizers.adamax import Adamax as Adamax
    from dlnative.optimizers.adamax import Lamb as Lamb
    from dlnative.optimizers.adamax import Nadam as Nadam
    from dlnative.optimizers.ftrl import Ftrl as Ftrl
    from dlnative.optimizers.lion import Lion as Lion
    from dlnative.optimizers.loss_scale import LossScaleOptimizer as LossScaleOptimizer
    from dlnative.optimizers.multi import MultiOptimizer as MultiOptimizer
    from dlnative.optimizers.multi import OptimizerMap as OptimizerMap
    from dlnative.optimizers.muon import Muon as Muon
    from dlnative.optimizers.rmsprop import RMSprop as RMSprop
    from dlnative.optimizers.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
    from dlnative.optimizers.sgd import SGD as SGD

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
    "legacy",
    "schedules",
    "serialize",
]

_LATER = {
    "adafactor": ["Adafactor"],
    "adagrad": ["Adadelta", "Adagrad"],
    "adam": ["Adam", "AdamW"],
    "adamax": ["Adamax", "Lamb", "Nadam"],
    "ftrl": ["Ftrl"],
    "legacy": [],
    "lion": ["Lion"],
    "loss_scale": ["LossScaleOptimizer"],
    "multi": ["MultiOptimizer", "OptimizerMap"],
    "muon": ["Muon"],
    "rmsprop": ["RMSprop"],
    "schedule_free": ["ScheduleFreeAdamW"],
    "schedules": [],
    "sgd": ["SGD"],
}
__getattr__ = lazily(__name__, _LATER)
_NAMES = [name for names in _LATER.values() for name in names if name != "OptimizerMap"]
_registry = Registry("optimizer", Optimizer, (), snake_case=False, later=_NAMES, load=__getattr__)


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
