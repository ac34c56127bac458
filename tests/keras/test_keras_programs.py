"""Programs written for Keras give Keras's answers: names, types, orders and shapes, and numbers to 1e-5."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from programs import GROUPS
from record import differences, encode, load

import dlnative

FOLDER = Path(__file__).parent
PROGRAMS = [(group, name) for group, programs in GROUPS.items() for name in programs]


@pytest.fixture(scope="session")
def expected() -> dict[str, dict[str, Any]]:
    return {group: load(group) for group in GROUPS}


@pytest.mark.parametrize(("group", "name"), PROGRAMS, ids=[f"{group}-{name}" for group, name in PROGRAMS])
def test_same_as_keras(backend: str, group: str, name: str, expected: dict[str, dict[str, Any]]) -> None:
    actual = encode(GROUPS[group][name](dlnative))
    lines = differences(expected[group][name], actual)
    assert not lines, "\n".join(lines)


def test_every_program_has_its_answer(expected: dict[str, dict[str, Any]]) -> None:
    for group, programs in GROUPS.items():
        assert [*programs] == [name for name in expected[group] if name != "versions"]


def test_fixtures_stay_small() -> None:
    assert sum(path.stat().st_size for path in (FOLDER / "fixtures").iterdir()) < 400_000


def test_programs_name_no_library() -> None:
    """The module is an argument: only then does the same text run with both libraries."""
    for path in (FOLDER / "programs").glob("*.py"):
        assert not re.search(r"^\s*(import|from) (keras|dlnative)", path.read_text(), re.MULTILINE), path.name


@pytest.mark.parametrize(
    ("expected_value", "actual_value"),
    [
        (1.0, 1.0001),
        (1.0, 1),
        (1.0, float("nan")),
        ([1.0], [1.0, 1.0]),
        ((1.0,), [1.0]),
        ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}),
        ({"loss": [1.0, 2.0]}, {"loss": [1.0, -2.0]}),
        ("loss", "Loss"),
        (True, 1),
    ],
)
def test_the_comparison_sees_differences(expected_value: Any, actual_value: Any) -> None:
    assert differences(encode(expected_value), encode(actual_value))
    assert not differences(encode(expected_value), encode(expected_value))
