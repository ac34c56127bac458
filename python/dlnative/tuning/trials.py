"""Trials, and the file that they are written to: a line of JSON for each that has ended."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from dlnative.tuning.hyperparameters import HyperParameters

ENDED = ("COMPLETED", "PRUNED")  # what failed is tried again


@dataclass
class Trial:
    """One setting of the hyperparameters, and what came of it.

    Args:
        trial_id: its number in the search, as text.
        values: what was chosen, by name, of the hyperparameters that it asked for.
        status: `"COMPLETED"`, `"FAILED"`, or `"PRUNED"`: stopped before its end.
        score: the best value of the objective, if it was completed; of several executions the mean.
        best_step: the epoch of that value.
        history: the values of each epoch by the metric's name, of the first execution.
        direction: `"min"` or `"max"`: which way the objective improves.
        seconds: how long it took.
        message: what went wrong.
        found: hyperparameters that were first asked for in this trial, as `from_config` takes them.
    """

    trial_id: str
    values: dict[str, Any]
    status: str = "RUNNING"
    score: float | None = None
    best_step: int | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    direction: str | None = None
    seconds: float = 0.0
    message: str | None = None
    found: list[dict[str, Any]] = field(default_factory=list)

    @property
    def hyperparameters(self) -> HyperParameters:
        """The hyperparameters, for a function that builds a model."""
        return HyperParameters(self.values)

    @property
    def epochs(self) -> int:
        """How many epochs it was trained for."""
        return max((len(values) for values in self.history.values()), default=0)


class Journal:
    """A file with a line of JSON for each trial that has ended, behind one that says what was searched for.

    A line is written with one call, and a new one begins with an end of line: what a process that was killed has left
    behind costs that line alone, whoever goes on writing.

    Args:
        path: the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> tuple[dict[str, Any] | None, list[Trial]]:
        """Returns what was searched for (`None` if there is no file) and the trials that were completed or pruned, each once."""
        if not os.path.exists(self.path):
            return None, []
        head: dict[str, Any] | None = None
        trials: dict[str, Trial] = {}
        with open(self.path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                    if "trial_id" not in entry:
                        head = head or entry
                    elif entry["status"] in ENDED:
                        trials.setdefault(entry["trial_id"], Trial(**entry))
                except (ValueError, TypeError, KeyError):  # an empty line, or one that was not written to its end
                    continue
        return head, list(trials.values())

    def begin(self, head: dict[str, Any]) -> None:
        """Writes what is searched for."""
        self._append(head)

    def add(self, trial: Trial) -> None:
        """Writes a trial that has ended; it is on the disk when this returns."""
        self._append(asdict(trial))

    def _append(self, entry: dict[str, Any]) -> None:
        line = f"\n{json.dumps(entry, default=float)}\n".encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            while line:
                line = line[os.write(handle, line) :]
            os.fsync(handle)
        finally:
            os.close(handle)
