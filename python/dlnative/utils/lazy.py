"""Names of a package whose modules are imported when somebody asks for them: an import has no time for what is rarely used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazily(
    package: str, modules: Mapping[str, Sequence[str]], elsewhere: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a package, whose `dir` lists from now on what it exports, imported or not.

    Args:
        package: the name of the package.
        modules: its modules, each with the names that the package takes from it; a module without names is one itself.
            A module of another package has its whole name.
        elsewhere: second names, each with the whole name of what it stands for, such as `"dlnative.layers.Conv2D"`.
    """
    exporter: Any = sys.modules[package]
    exporter.__dir__ = lambda: sorted(exporter.__all__)
    homes = {name: module for module, names in modules.items() for name in names or [module]}

    def get(name: str) -> Any:
        import importlib

        if name in homes:
            home = homes[name]
            module = importlib.import_module(home if home.startswith("dlnative.") else f"{package}.{home}")
            value = module if not modules[home] else getattr(module, name)
        elif elsewhere is not None and name in elsewhere:
            home, _, own = elsewhere[name].rpartition(".")
            value = getattr(importlib.import_module(home), own)
        elif name.startswith("_"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        else:
            from dlnative.legacy import names

            value = names.find(package, name)
        setattr(exporter, name, value)
        return value

    return get


def taken_from(namespace: str, package: str) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module that holds, under the names in its `__all__`, what a package holds.

    Args:
        namespace: the name of the module.
        package: the name of the package.
    """
    module: Any = sys.modules[namespace]
    module.__dir__ = lambda: sorted(module.__all__)

    def get(name: str) -> Any:
        if name not in module.__all__:
            raise AttributeError(f"module {namespace!r} has no attribute {name!r}")
        value = getattr(sys.modules[package], name)
        setattr(module, name, value)
        return value

    return get
