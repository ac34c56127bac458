"""Checks of the arguments that layers are made with."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from dlnative.config import image_data_format


def checked_number(layer: Any, name: str, value: Any, low: float = 0.0, high: float = float("inf")) -> float:
    """Returns a number in `[low, high]` as a float.

    Raises:
        ValueError: if it is none.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        if high < float("inf"):
            expected = (
                f"Invalid value received for argument `{name}`. Expected a float value between {low:g} and {high:g}"
            )
        elif low == 0:
            expected = f"{name} of a {type(layer).__name__} layer cannot be None or a negative value"
        else:
            expected = f"expected {name} to be a number"
        raise ValueError(f"{layer._label}: {expected}, got {value!r}")
    return float(value)


def checked_count(label: str, name: str, value: Any) -> int:
    """Returns a positive integer.

    Raises:
        ValueError: if it is none.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        count = operator.index(value)
    except TypeError:
        raise ValueError(f"{label}: `{name}` must be a positive integer, got {value!r}") from None
    if count <= 0:
        raise ValueError(f"{label}: `{name}` must be a positive integer, got {value!r}")
    return count


def checked_extents(label: str, name: str, value: Any, count: int, low: int = 1) -> tuple[int, ...]:
    """Returns `count` integers of at least `low`, given as such a sequence or as one for all.

    Raises:
        ValueError: if there are others, or another number of them.
    """
    listed = [value] * count if hasattr(value, "__index__") else value
    try:
        found = tuple([operator.index(item) for item in listed])
    except TypeError:
        found = ()
    if len(found) != count or any(item < low for item in found) or any(isinstance(item, bool) for item in listed):
        kind = "positive" if low == 1 else "non-negative"
        raise ValueError(f"{label}: expected {count} {kind} integers for {name}, got {value!r}")
    return found


def checked_borders(label: str, name: str, value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Returns a pair of non-negative integers, before and behind, for each of `count` axes.

    Args:
        label: the layer, for messages.
        name: the argument.
        value: one integer for all, one for each axis, or a pair for each axis.
        count: the number of axes.
    """
    listed = [value] * count if hasattr(value, "__index__") else list(value) if hasattr(value, "__len__") else []
    if len(listed) != count:
        raise ValueError(f"{label}: expected {name} to have {count} elements, got {value!r}")
    pairs = [checked_extents(label, name, item, 2, low=0) for item in listed]
    return tuple([(before, behind) for before, behind in pairs])


def checked_data_format(label: str, value: Any) -> str:
    """Returns `"channels_last"` or `"channels_first"`; `None` gives `config.image_data_format()`."""
    found = image_data_format() if value is None else str(value).lower()
    if found not in ("channels_last", "channels_first"):
        raise ValueError(f'{label}: expected data_format "channels_last" or "channels_first", got {value!r}')
    return found


def checked_axes(label: str, axis: Any, shape: Any) -> list[int]:
    """Returns an axis or several, counted from the front.

    Raises:
        ValueError: for one that the shape has not.
    """
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    for item in axes:
        if not -len(shape) <= item < len(shape):
            raise ValueError(
                f"{label}: Axis {item} is out of bounds for input shape {tuple(shape)}: expected one in "
                f"[{-len(shape)}, {len(shape)}), got axis={axis}"
            )
    return [item % len(shape) for item in axes]


def checked_window(label: str, name: str, value: Any, rank: int, low: int = 1) -> tuple[int, ...]:
    """Returns an integer of at least `low` for each axis, given as such or as one for all.

    Raises:
        ValueError: if there are others, or another number of them.
    """
    listed = [value] * rank if hasattr(value, "__index__") else value
    try:
        found = tuple([operator.index(item) for item in listed])
    except TypeError:
        found = ()
    if len(found) != rank:
        raise ValueError(f"{label}: The `{name}` argument must be a tuple of {rank} integers, got {name}={value!r}")
    wrong = {item for item in found if item < low}
    if wrong:
        sign = ">" if low == 1 else ">="
        raise ValueError(
            f"{label}: The `{name}` argument must be a tuple of {rank} integers. Received {name}={found}, including values "
            f"{wrong} that do not satisfy `value {sign} 0`"
        )
    return found
