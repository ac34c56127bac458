"""A progress bar that looks as Keras's does."""

from __future__ import annotations

import sys
import time
from typing import Any

_BOLD, _GREEN, _WHITE, _END = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """Shows how many of a number of steps are done, how long they take, and values.

    Args:
        target: the number of steps, `None` if it is not known.
        width: the length of the bar in characters.
        verbose: 1 shows a bar, 2 a line at the end, 0 nothing.
        interval: the least time between two updates on the screen, in seconds.
        unit_name: what a step is called.
    """

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05, unit_name: str = "step"
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._start = time.perf_counter()
        self._shown = 0.0
        self._length = 0

    def update(self, current: int, values: list[tuple[str, Any]] | None = None, finalize: bool | None = None) -> None:
        """Shows that `current` steps are done.

        Args:
            current: the number of steps.
            values: names and numbers to show.
            finalize: whether this is the end; by default when the target is reached.
        """
        now = time.perf_counter()
        last = finalize if finalize is not None else self.target is not None and current >= self.target
        if self.verbose == 1 and (last or now - self._shown >= self.interval):
            self._bar(current, values or [], last, now)
        elif self.verbose == 2 and last:
            count = f"{current}/{self.target}" if self.target else str(current)
            elapsed = f"{now - self._start:.0f}s -{self._pace(current, now)}"
            print(f"{count} - {elapsed}{_listed(values or [])}", flush=True)

    def _bar(self, current: int, values: list[tuple[str, Any]], last: bool, now: float) -> None:
        if self.target:
            digits = len(str(self.target))
            done = int(self.width * current / self.target)
            count = f"{current:>{digits}}/{self.target}"
            bar = f"{_BOLD}{count}{_END} {_GREEN}{'━' * done}{_END}{_WHITE}{'━' * (self.width - done)}{_END}"
            length = len(count) + 1 + self.width
        else:
            bar = f"{current:>7}/Unknown"
            length = len(bar)
        remaining = (now - self._start) / max(current, 1) * ((self.target or 0) - current)
        clock = f"{now - self._start:.0f}s" if last or not self.target else _clock(remaining)
        rest = f"{self._pace(current, now)}{_listed(values)}"
        length += 1 + len(clock) + len(rest)
        blank = " " * max(0, self._length - length)
        begin = "\b" * self._length + "\r"
        sys.stdout.write(f"{begin}{bar} {_BOLD}{clock}{_END}{rest}{blank}" + ("\n" if last else ""))
        sys.stdout.flush()
        self._length = length
        self._shown = now

    def _pace(self, current: int, now: float) -> str:
        seconds = (now - self._start) / max(current, 1)
        if seconds >= 1:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _listed(values: list[tuple[str, Any]]) -> str:
    return "".join(f" - {name}: {_number(float(value))}" for name, value in values)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
