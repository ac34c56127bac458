"""The variables of a model as a tree: nested dicts by the parts of their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlnative.utils.checks import numbers_for

_KINDS = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")


def _variables(model: Any, kind: str) -> list[Any]:
    if kind == "optimizer_variables":
        return [] if model.optimizer is None else list(model.optimizer.variables)
    return list(getattr(model, kind))


def state_tree(model: Any, value_format: str) -> dict[str, Any]:
    """See `Model.get_state_tree`."""
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            f'get_state_tree: expected value_format "backend_tensor" or "numpy_array", got {value_format!r}'
        )
    return {kind: _nested(model, _variables(model, kind)) for kind in _KINDS}


def _nested(model: Any, variables: list[Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    paths: set[str] = set()
    for variable in variables:
        if variable.path in paths:
            raise ValueError(
                f"{model._label}: The following variable path is found twice in the model: expected each path once, got "
                f"'{variable.path}'"
            )
        paths.add(variable.path)
        *parents, name = variable.path.split("/")
        place = tree
        for part in parents:
            place = place.setdefault(part, {})
        place[name] = variable.numpy()
    return tree


def set_state_tree(model: Any, tree: dict[str, Any]) -> None:
    """See `Model.set_state_tree`."""
    found = []
    for kind, values in tree.items():
        if kind not in _KINDS:
            raise ValueError(f"{model._label}: expected a state tree of {', '.join(_KINDS)}, got {kind!r}")
        known = {variable.path: variable for variable in _variables(model, kind)}
        for path, value in _flat(values):
            if path not in known:
                raise ValueError(f'{model._label}: expected one of the {kind} {list(known)}, got "{path}"')
            array = np.asarray(value)
            if array.shape != known[path].shape:
                raise ValueError(f'{model._label}: expected shape {known[path].shape} for "{path}", got {array.shape}')
            found.append((known[path], numbers_for(model._label, known[path], array)))
    for variable, array in found:
        variable.assign(array)


def _flat(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value
