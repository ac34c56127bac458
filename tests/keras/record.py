"""What a program returned, as JSON that keeps types and order; and the comparison of two such records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FIXTURES = Path(__file__).parent / "fixtures"
RELATIVE = 1e-5


def encode(value: Any) -> Any:
    """Returns a JSON value in which every type that matters to a user can be told from the others."""
    if value is None or isinstance(value, bool | str):
        return value
    if type(value) is int:
        return value
    if type(value) is float:
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[key, encode(item)] for key, item in value.items()]}
    array = np.asarray(value)  # an array, a scalar of NumPy's, or a tensor of the library's
    if array.dtype == object:
        raise TypeError(f"cannot record a {type(value).__name__}")
    flat = [encode(item) for item in array.ravel().tolist()]
    return {"array": array.dtype.name, "shape": list(array.shape), "values": flat}


def load(group: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{group}.json").read_text())


def save(group: str, records: dict[str, Any]) -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(record, separators=(',', ':'))}" for name, record in records.items()]
    (FIXTURES / f"{group}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def differences(expected: Any, actual: Any, where: str = "", relative: float = RELATIVE) -> list[str]:
    """Returns one line for each place where two encoded records differ."""
    if isinstance(expected, float) and isinstance(actual, float):
        return _compare_floats(np.array([expected]), np.array([actual]), where, relative)
    if type(expected) is not type(actual):
        return [f"{where}: expected {_short(expected)}, got {_short(actual)}"]
    if isinstance(expected, dict):
        if expected.keys() != actual.keys():
            return [f"{where}: expected {_short(expected)}, got {_short(actual)}"]
        if "dict" in expected:
            return _compare_dicts(expected["dict"], actual["dict"], where, relative)
        if "array" in expected:
            return _compare_arrays(expected, actual, where, relative)
        return differences(expected["tuple"], actual["tuple"], where, relative)
    if isinstance(expected, list):
        if len(expected) != len(actual):
            return [f"{where}: expected {len(expected)} items, got {len(actual)}"]
        if expected and all(isinstance(item, float) for item in expected + actual):
            return _compare_floats(np.array(expected), np.array(actual), where, relative)
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{where}[{index}]", relative)]
    return [] if expected == actual else [f"{where}: expected {expected!r}, got {actual!r}"]


def _compare_dicts(expected: list[Any], actual: list[Any], where: str, relative: float) -> list[str]:
    expected_keys = [key for key, _ in expected]
    actual_keys = [key for key, _ in actual]
    if expected_keys != actual_keys:
        return [f"{where}: expected keys {expected_keys}, got {actual_keys}"]
    pairs = zip(expected, actual, strict=True)
    return [line for (key, e), (_, a) in pairs for line in differences(e, a, f"{where}.{key}".lstrip("."), relative)]


def _compare_arrays(expected: dict[str, Any], actual: dict[str, Any], where: str, relative: float) -> list[str]:
    for part in ("array", "shape"):
        if expected[part] != actual[part]:
            return [f"{where}: expected {expected['array']}{expected['shape']}, got {actual['array']}{actual['shape']}"]
    if not expected["array"].startswith("float"):
        return [] if expected["values"] == actual["values"] else [f"{where}: {expected['values']} {actual['values']}"]
    wanted, got = np.array(expected["values"], float), np.array(actual["values"], float)
    # An entry near zero is the difference of larger ones: its error is measured against the largest entry.
    scale = float(np.abs(wanted).max(initial=0.0))
    return _compare_floats(wanted, got, where, relative, scale)


def _compare_floats(
    expected: np.ndarray, actual: np.ndarray, where: str, relative: float, scale: float | None = None
) -> list[str]:
    allowed = relative * (np.abs(expected) if scale is None else scale) + 1e-9
    with np.errstate(invalid="ignore"):
        close = (np.abs(expected - actual) <= allowed) | (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    if close.all():
        return []
    worst = int(np.argmin(close))
    return [
        f"{where}: {int((~close).sum())} of {close.size} differ, first at {worst}: "
        f"expected {expected[worst]:.9g}, got {actual[worst]:.9g}"
    ]


def largest_deviation(expected: Any, actual: Any) -> float:
    """Returns the largest relative deviation, found by asking with ever stricter tolerances; inf where kinds differ."""
    for exponent in range(-8, 1):
        for step in (1.0, 2.0, 5.0):
            if not differences(expected, actual, relative=step * 10.0**exponent):
                return float(step * 10.0**exponent)
    return float("inf")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 80 else text[:77] + "..."
