"""A progress bar that looks as Keras's does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlnative.utils.terminal import has_colors, in_notebook, redraws, show

_NOTEBOOK_INTERVAL = 0.25  # each update is a message, which the browser keeps
_BOLD, _GREEN, _WHITE, _END = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """Shows how many of a number of steps are done, how long they take, and values.

    In a terminal and in a notebook the bar is drawn again and again; into a file or a pipe goes one line at the end,
    without colors, which `NO_COLOR` switches off elsewhere, too.

    Args:
        target: the number of steps, `None` if it is not known.
        width: the length of the bar in characters.
        verbose: 1 shows a bar, 2 a line at the end, 0 nothing.
        interval: the least time between two updates on the screen, in seconds, in a notebook at least 0.25; 0: each update
            is shown, in a file or a pipe in a line of its own.
        stateful_metrics: names of values that are shown as they are; the others are averaged over the steps.
        stateless_metrics: instead, names of values that are averaged; the others are shown as they are.
        unit_name: what a step is called.

    Raises:
        ValueError: if both kinds of names are given.
    """

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None, stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:  # fmt: skip
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar: expected stateful_metrics or stateless_metrics, got both: Only one of them can be given"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = max(interval, _NOTEBOOK_INTERVAL) if interval and in_notebook() else interval
        self.unit_name = unit_name
        self._as_they_are = None if stateful_metrics is None else set(stateful_metrics)
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._values: dict[str, tuple[Any, int]] = {}
        self.seen = 0
        self._redraws, self._colors = redraws(), has_colors()
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
        for name, value in values or []:
            self._values[name] = self._averages(name, value, max(current - self.seen, 1), last)
        self.seen = current
        due = (self._redraws or self.interval == 0) and now - self._shown >= self.interval
        if self.verbose == 1 and (last or due):
            self._bar(current, last, now)
        elif self.verbose == 2 and last:
            count = f"{current}/{self.target}" if self.target else str(current)
            show(f"{count} - {now - self._start:.0f}s -{self._pace(current, now)}{self._listed()}")

    def add(self, n: int, values: list[tuple[str, Any]] | None = None) -> None:
        """Shows that `n` more steps are done; see `update`."""
        self.update(self.seen + n, values)

    def _averages(self, name: str, value: Any, steps: int, last: bool) -> tuple[Any, int]:
        """Returns what is shown of a value, as a sum and the number of steps in it."""
        averaged = name in self._averaged if self._averaged is not None else name not in (self._as_they_are or ())
        if not averaged or last:
            return value, 1
        total, count = self._values.get(name, (0.0, 0))
        return total + np.asarray(value) * steps, count + steps

    def _bar(self, current: int, last: bool, now: float) -> None:
        bold, green, white, end = (_BOLD, _GREEN, _WHITE, _END) if self._colors else ("", "", "", "")
        if self.target:
            digits = len(str(self.target))
            done = min(int(self.width * current / self.target), self.width)
            count = f"{current:>{digits}}/{self.target}"
            bar = f"{bold}{count}{end} {green}{'━' * done}{end}{white}{'━' * (self.width - done)}{end}"
            length = len(count) + 1 + self.width
        else:
            bar = f"{current:>7}/Unknown"
            length = len(bar)
        remaining = (now - self._start) / max(current, 1) * ((self.target or 0) - current)
        clock = f"{now - self._start:.0f}s" if last or not self.target else _clock(remaining)
        rest = f"{self._pace(current, now)}{self._listed()}"
        length += 1 + len(clock) + len(rest)
        blank = " " * max(0, self._length - length)
        begin = "\b" * self._length + "\r" if self._redraws else ""
        show(f"{begin}{bar} {bold}{clock}{end}{rest}{blank}", end="\n" if last or not self._redraws else "")
        self._length = length
        self._shown = now

    def _pace(self, current: int, now: float) -> str:
        seconds = (now - self._start) / max(current, 1)
        if seconds >= 1:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _listed(self) -> str:
        """Returns the values by name; of a vector, the mean."""
        return "".join(
            f" - {name}: {_number(float(np.mean(total)) / count)}" for name, (total, count) in self._values.items()
        )


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
