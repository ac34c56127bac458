"""Calls of functions with arguments that they are made for: on both backends, in a plan, and on symbolic tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import KerasTensor, tree
from dlnative.backend import standardize_dtype
from dlnative.graph.function import Function

from . import calls
from .draw import Draw
from .tables import ARGUMENTS
from .values import Generator

# Where an array's values say what shape the result has.
_SHAPED_BY_VALUES = {"bincount", "nonzero"}


def _is_tensor(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _symbolic(value: Any) -> Any:
    return KerasTensor(value.shape, standardize_dtype(value.dtype)) if _is_tensor(value) else value


def _specs(result: Any) -> list[tuple[Any, ...]]:
    return [(tuple(np.shape(y)), str(standardize_dtype(y.dtype))) for y in tree.flatten(result) if hasattr(y, "dtype")]


def check(random: Generator) -> str | None:
    """Makes a call in all ways; returns what is wrong, or `None`."""
    draw = Draw(random)
    name = draw.pick(*ARGUMENTS)
    args, kwargs = ARGUMENTS[name](draw)
    line = calls.compare(name, args, kwargs)
    if line or name in _SHAPED_BY_VALUES:
        return line
    told = calls.told_call(name, args, kwargs)
    found = calls.run(name, args, kwargs, "cpu")
    places = [index for index, leaf in enumerate(tree.flatten(args)) if _is_tensor(leaf)]

    def function(*tensors: Any) -> Any:
        given = dict(zip(places, tensors, strict=True))
        leaves = [given.get(index, leaf) for index, leaf in enumerate(tree.flatten(args))]
        return calls.FUNCTIONS[name](*tree.pack_sequence_as(args, leaves), **kwargs)

    def attempt(way: Any, *tensors: Any) -> Any:
        try:
            with np.errstate(all="ignore"):
                return way(*tensors)
        except calls.REFUSALS as error:
            return error

    arrays = [tree.flatten(args)[place] for place in places]
    if not arrays:
        return None
    traced = attempt(Function(function), *arrays)
    symbols = attempt(function, *map(_symbolic, arrays))
    if isinstance(found, IndexError):
        return None  # an index that is out of range is known on arrays alone
    for what, result in (("in a plan", traced), ("symbolically", symbols)):
        if isinstance(found, Exception) or isinstance(result, Exception):
            if type(found) is not type(result):
                return f"{told}: {calls.told(found)}, {what} {calls.told(result)}"
        elif _specs(result) != _specs(found):
            return f"{told}: {_specs(found)}, {what} {_specs(result)}"
    if isinstance(found, Exception):
        return None
    line = calls.differ(traced, found, calls.scale(args))
    return f"{told}: in a plan, {line}" if line else None
