"""Checks of arguments that are numbers: what a Python number may be, a NumPy number may be too; NaN and infinity never."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes


def number(owner: str, name: str, value: Any, low: float | None = None, high: float | None = None, *, open_low: bool = False,
           open_high: bool = False, words: str | None = None) -> float:  # fmt: skip
    """Returns a finite number in a range as a float.

    Args:
        owner: who asks.
        name: of the argument.
        value: the argument: a Python number, a NumPy number, or an array or variable of rank 0.
        low, high: the range, `None` where it has no end.
        open_low, open_high: whether the ends are outside of it.
        words: what the error says that the argument must be, in Keras's words where programs look for them.

    Raises:
        ValueError: for anything else.

    Example:
        >>> number("SGD", "momentum", np.float32(0.5), 0, 1)
        0.5
    """
    found = _as_float(value)
    if not math.isfinite(found):
        found = math.nan
    too_low = low is not None and not (found > low or (found == low and not open_low))
    too_high = high is not None and not (found < high or (found == high and not open_high))
    if math.isnan(found) or too_low or too_high:
        words = words or f"expected {name} {_range(low, high, open_low, open_high)}"
        raise ValueError(f"{owner}: {words}, got {value!r}")
    return found


def integer(
    owner: str, name: str, value: Any, low: int | None = None, high: int | None = None, words: str | None = None
) -> int:
    """Returns an integer of at least `low` and at most `high`, given as a Python or NumPy integer; for `words` see `number`.

    Raises:
        ValueError: for anything else.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or (low is not None and value < low) or (high is not None and value > high):
        limits = "" if low is None else f" of {low} or more" if high is None else f" in [{low}, {high}]"
        raise ValueError(f"{owner}: {words or f'expected {name} to be an integer{limits}'}, got {value!r}")
    return int(value)


def flag(owner: str, name: str, value: Any) -> bool:
    """Returns a truth value given as one of Python or NumPy.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{owner}: expected {name} to be True or False, got {value!r}")
    return bool(value)


def listed(owner: str, weights: Any) -> list[Any]:
    """Returns the values of weights, given as a list or anything else that can be gone through, but text and dicts.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(weights, (str, bytes, dict)) or not hasattr(weights, "__iter__"):
        raise TypeError(f"{owner}: expected a list of arrays as weights, got {type(weights).__name__}")
    return list(weights)


def numbers_for(owner: str, variable: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Returns an array in the type of a variable.

    Raises:
        ValueError: if it does not hold numbers, or complex ones.
    """
    try:
        return dtypes.converted(array, variable.dtype)
    except TypeError:
        raise ValueError(f'{owner}: expected numbers for "{variable.path}", got an array of {array.dtype}') from None


def takes(function: Any, *args: Any) -> bool:
    """Tells whether a function can be called with these arguments.

    Example:
        >>> takes(lambda epoch: epoch, 1), takes(lambda epoch: epoch, 1, 2)
        (True, False)
    """
    import inspect

    try:
        inspect.signature(function).bind(*args)
    except ValueError:  # built in, without a signature
        return True
    except TypeError:
        return False
    return True


def _as_float(value: Any) -> float:
    if isinstance(value, (bool, np.bool_, str, bytes)) or tuple(getattr(value, "shape", ())) != ():
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _range(low: float | None, high: float | None, open_low: bool, open_high: bool) -> str:
    if low is None and high is None:
        return "to be a finite number"
    if high is None:
        return f"to be a finite number {'above' if open_low else 'of at least'} {low:g}"
    if low is None:
        return f"to be a finite number {'below' if open_high else 'of at most'} {high:g}"
    return f"in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
