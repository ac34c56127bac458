"""Modules that Keras once had, as `keras.layers.convolutional` or `keras.utils.np_utils`: found when they are imported."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ENGINE = ("layers", "models", "utils", "")
# Each with the packages in which its names are today; "" is dlnative itself.
MODULES = {
    **dict.fromkeys(
        [
            f"layers.{name}"
            for name in (
                "advanced_activations", "convolutional", "convolutional_recurrent", "core", "cudnn_recurrent", "embeddings",
                "experimental", "experimental.preprocessing", "local", "merge", "noise", "normalization",
                "pooling", "preprocessing", "recurrent", "wrappers",
            )
        ],
        ("layers",),
    ),
    **dict.fromkeys(
        [f"utils.{name}" for name in ("data_utils", "generic_utils", "io_utils", "layer_utils", "np_utils", "vis_utils")],
        ("utils", "saving"),
    ),
    "engine": _ENGINE,
    **dict.fromkeys(
        [
            f"engine.{name}"
            for name in ("base_layer", "functional", "input_layer", "input_spec", "network", "sequential", "topology", "training")
        ],
        _ENGINE,
    ),
    "objectives": ("losses",),
    "optimizers.experimental": ("optimizers",),
    "preprocessing.image_dataset": ("utils",),
    "preprocessing.text_dataset": ("utils",),
    "preprocessing.timeseries": ("utils",),
    "wrappers.scikit_learn": (),
}  # fmt: skip
# What is nowhere else today.
_SINGLE = {
    ("layers.merge", "_Merge"): "merge.Merge",
    ("wrappers.scikit_learn", "KerasClassifier"): "scikit_learn.KerasClassifier",
    ("wrappers.scikit_learn", "KerasRegressor"): "scikit_learn.KerasRegressor",
}


def attribute(module: str, name: str) -> Any:
    """Returns what an older module held, from where it is today, with a warning that says where.

    Args:
        module: the whole name of the module.
        name: the name that is looked for in it.

    Raises:
        AttributeError: if there is no such thing.
    """
    older = module.removeprefix("dlnative.")
    if (older, name) in _SINGLE:
        file, _, own = _SINGLE[older, name].rpartition(".")
        return getattr(importlib.import_module(f"dlnative.legacy.{file}"), own)
    if not name.startswith("_"):
        if f"{older}.{name}" in MODULES:
            return importlib.import_module(f"{module}.{name}")
        for package in MODULES.get(older, ()):
            home = importlib.import_module(f"dlnative.{package}".rstrip("."))
            if hasattr(home, name):
                from dlnative.legacy.warning import renamed

                renamed(f"keras.{older}", f"keras.{package}".rstrip("."))
                return getattr(home, name)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


class Finder:
    """Finds these modules, where no file is one."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> ModuleSpec | None:
        """Returns how a module is made; `None` if it is none of these."""
        if not name.startswith("dlnative.") or name[9:] not in MODULES:
            return None
        return ModuleSpec(name, Finder(), is_package=True)  # type: ignore[arg-type]

    @staticmethod
    def create_module(_: ModuleSpec) -> None:
        """Leaves it to Python."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Fills a module: it looks for names when somebody asks."""
        name = module.__name__

        def get(attribute_name: str) -> Any:
            if attribute_name == "__all__":  # for `from ... import *`
                homes = [sys.modules[f"dlnative.{package}".rstrip(".")] for package in MODULES[name[9:]] if package]
                return [public for home in homes for public in home.__all__]
            return attribute(name, attribute_name)

        module.__getattr__ = get  # type: ignore[method-assign]
