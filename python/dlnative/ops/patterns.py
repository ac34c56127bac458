"""Axes by name: `rearrange`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dlnative.ops.core import as_tensor, call, integer, operation, shown
from dlnative.ops.shape import transpose

Groups = list[list[str]]


def _side(text: str, pattern: str) -> Groups:
    """Returns the names of each axis of one side of a pattern: one, or those in parentheses."""
    groups: Groups = []
    if not re.fullmatch(r"\s*((\w+|\([\w\s]*\))\s*)*", text):
        raise ValueError(f"rearrange: expected names of axes, some of them in parentheses, got {pattern!r}")
    for word in re.findall(r"\w+|\([^)]*\)", text):
        groups.append(word.strip("()").split())
    return groups


def _extents(groups: Groups, shape: Any, lengths: Mapping[str, Any], pattern: str) -> dict[str, Any]:
    """Returns the extent of each named axis; of one in a group, what the others leave."""
    if len(groups) != len(shape):
        raise ValueError(
            f"rearrange: expected a tensor of rank {len(groups)} for {pattern!r}, got shape {tuple(shape)}"
        )
    extents: dict[str, Any] = {name: integer(length, f"rearrange: {name}") for name, length in lengths.items()}
    for group, whole in zip(groups, shape, strict=True):
        open_names = [name for name in group if name not in extents]
        if len(open_names) > 1:
            raise ValueError(f"rearrange: expected the lengths of all axes but one of {group} in {pattern!r}")
        known = 1
        for name in group:
            known *= extents.get(name, 1)
        if open_names:
            extents[open_names[0]] = None if whole is None else whole // max(known, 1)
            known *= 1 if whole is None else extents[open_names[0]]
        if whole is not None and known != whole:
            raise ValueError(f"rearrange: axes {group} of {pattern!r} do not make an axis of {whole}")
    return extents


@operation
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Splits, orders and joins axes as a pattern of their names says.

    Args:
        tensor: a tensor or array.
        pattern: names of the axes before and after `->`; names in parentheses are one axis together.
        axes_lengths: the extents of axes in parentheses before `->`; one of each group may be left out.

    Returns:
        A tensor or array of the same elements.

    Raises:
        ValueError: if the pattern is none, its sides name different axes, or extents do not fit.

    Source:
        Rogozhnikov, "Einops: clear and reliable tensor manipulations with Einstein-like notation", ICLR 2022.

    Example:
        >>> import numpy as np
        >>> rearrange(np.arange(6), "(row column) -> column row", row=2).tolist()
        [[0, 3], [1, 4], [2, 5]]
    """
    x = as_tensor(tensor)
    sides = pattern.split("->") if isinstance(pattern, str) else ()
    if len(sides) != 2:
        raise ValueError(f"rearrange: expected a pattern with one '->', got {shown(pattern)}")
    before, after = (_side(side, pattern) for side in sides)
    names, wanted = ([name for group in groups for name in group] for groups in (before, after))
    if sorted(names) != sorted(wanted) or len(set(names)) < len(names) or not set(axes_lengths) <= set(names):
        raise ValueError(f"rearrange: expected each axis once on both sides of {pattern!r}, got {shown(axes_lengths)}")
    extents = _extents(before, x.shape, axes_lengths, pattern)
    x = call("reshape", x, attributes=(tuple(extents[name] for name in names),))
    x = transpose(x, [names.index(name) for name in wanted])
    shape = []
    for group in after:
        parts: list[Any] = [extents[name] for name in group]
        whole: Any = 1
        for part in parts:
            whole = None if part is None or whole is None else whole * part
        shape.append(whole)
    return call("reshape", x, attributes=(tuple(shape),))


__all__ = ["rearrange"]
