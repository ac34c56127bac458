"""Runs the examples in the docstrings."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import dlnative

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(dlnative.__path__, "dlnative.")
    if not info.name.endswith(("__main__", "_native"))
)
NEEDS = {"dlnative.tuning.bayesian": "optuna"}  # what the examples of a module need beside NumPy


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) >= 12
