"""Names for objects that were given none."""

from __future__ import annotations

import re
from typing import Any

_counts: dict[str, int] = {}
_in_snake_case: dict[str, str] = {}


def to_snake_case(name: str) -> str:
    """Returns a class name in lower case with underscores: `"BatchNormalization"` becomes `"batch_normalization"`.

    Example:
        >>> to_snake_case("BatchNormalization")
        'batch_normalization'
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def shortened(value: Any, most: int = 500) -> str:
    """Returns what a message shows of a value: its text, the end of which is left out if it is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def auto_name(prefix: str) -> str:
    """Returns a name that was not given before: `"dense"`, `"dense_1"`, `"dense_2"`."""
    base = _in_snake_case.get(prefix)
    if base is None:
        base = _in_snake_case[prefix] = to_snake_case(prefix)
    count = _counts.get(base, 0)
    _counts[base] = count + 1
    return base if count == 0 else f"{base}_{count}"


def get_uid(prefix: str = "") -> int:
    """Returns how many names, or numbers, a prefix has been given with this one: 1, 2, ..."""
    _counts[prefix] = _counts.get(prefix, 0) + 1
    return _counts[prefix]


def reset_names() -> None:
    """Begins to count anew."""
    _counts.clear()
