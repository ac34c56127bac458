"""What all tests share: both backends, the instruction sets, the count of skips, and quiet repeatable runs."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.backends import selection

# CUDA's kernels where they are asked for: on a GPU, or on the CPU where they were built for it.
CUDA = os.environ.get("DLNATIVE_REQUIRE_CUDA") == "1" or os.environ.get("DLNATIVE_CUDA_HOST") == "1"
BACKENDS = ("reference", "cpu", *(["cuda"] if CUDA else []))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cuda: needs a CUDA device; with DLNATIVE_REQUIRE_CUDA=1 a skip is a failure")
    config.addinivalue_line("markers", "process: starts processes of its own")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once on each backend."""
    with dlnative.backend.use_backend(request.param):
        yield request.param


@pytest.fixture
def native() -> Iterator[Any]:
    """Computes on a GPU; the native module of the backend."""
    with selection.use_backend("cuda"):
        yield selection.current().native  # type: ignore[attr-defined]


@pytest.fixture
def random() -> np.random.RandomState:
    return np.random.RandomState(0)


@pytest.fixture
def python() -> Any:
    """Runs a Python program in a process of its own and returns what it prints."""

    def run(program: str, *arguments: str, timeout: float = 120, **environment: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | environment,
        )
        assert result.returncode == 0, f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    return run


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A skipped CUDA test fails where the machine is said to have a device."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.skipped and item.get_closest_marker("cuda") and os.environ.get("DLNATIVE_REQUIRE_CUDA") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although DLNATIVE_REQUIRE_CUDA=1: {report.longrepr[2]}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Counts what was skipped, by reason, so that a skip cannot go unseen."""
    reasons = collections.Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")
