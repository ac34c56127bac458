"""The names that the classes of this library have in files: Keras's module and class name, and back."""

from __future__ import annotations

import functools
import importlib
from typing import Any

# Where public classes live, below `dlnative` here and below `keras` in files.
_HOMES = (
    "layers", "optimizers", "optimizers.schedules", "losses", "metrics", "initializers", "regularizers", "constraints",
    "random", "models", "dtype_policies", "utils", "distillation", "applications.convnext", "applications.inception_resnet_v2",
)  # fmt: skip
# Homes that are imported for the sake of these alone.
_ONLY = {
    "random": ("SeedGenerator",), "utils": ("FeatureSpace",),
    "distillation": ("Distiller", "FeatureDistillation", "LogitsDistillation"),
    "applications.convnext": ("LayerScale",), "applications.inception_resnet_v2": ("CustomScaleLayer",),
}  # fmt: skip
# Those that Keras knows by another module than their home's.
_ELSEWHERE = {
    "Functional": "keras.src.models.functional", "Model": "keras", "Sequential": "keras", "DTypePolicy": "keras",
    "InputSpec": "keras", "Variable": "keras", "LayerScale": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}  # fmt: skip


def _attribute(home: str, name: str) -> Any:
    if name not in _ONLY.get(home, (name,)):
        return None
    module = importlib.import_module(f"dlnative.{home}")
    return getattr(module, name, None) if name in getattr(module, "__all__", vars(module)) else None


@functools.lru_cache(maxsize=4096)
def public_name(cls: type) -> tuple[str, str] | None:
    """Returns Keras's module and name of a class of this library; `None` for another class, or one that is not public."""
    if cls.__module__.split(".")[0] != "dlnative":
        return None
    name = cls.__name__
    if name in _ELSEWHERE:
        return _ELSEWHERE[name], name
    for home in _HOMES:
        if _attribute(home, name) is cls:
            return f"keras.{home}", name
    return None


def public_class(module: Any, name: str) -> type | None:
    """Returns the class of this library that Keras's module and name stand for; `None` if there is none.

    Args:
        module: the module, if that is known; one of Keras or of this library.
        name: the name. Names of classes are unique but for those of losses and metrics, which the module tells apart.
    """
    if module is not None and (not isinstance(module, str) or module.split(".")[0] not in _PACKAGES):
        return None
    parts = [] if module is None else module.split(".")
    likely = [home for home in _HOMES if home.split(".")[-1] in parts]
    for home in dict.fromkeys([*likely, *_HOMES]):
        found = _attribute(home, name)
        if isinstance(found, type) and hasattr(found, "from_config"):
            return found
    return None


_PACKAGES = ("keras", "dlnative", "keras_core", "tf_keras", "tensorflow")
