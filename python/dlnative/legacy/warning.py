"""The warning of an older name: one for each, in a process."""

from __future__ import annotations

import warnings

_warned: set[str] = set()


def renamed(old: str, new: str) -> None:
    """Warns, the first time, that a name is an older one.

    Args:
        old: the older name.
        new: what replaces it.
    """
    if old not in _warned:
        _warned.add(old)
        warnings.warn(f"{old} is an older name of Keras: use {new}", FutureWarning, stacklevel=3)
