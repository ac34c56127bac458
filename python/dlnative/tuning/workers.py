"""Where trials run: in this process, or in others beside it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from dlnative.tuning.trials import Trial

Run = Callable[[Trial], Trial]


class Here:
    """Runs trials in this process, one after the other.

    Args:
        run: runs a trial.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.running: list[Trial] = []

    def has_room(self) -> bool:
        """Tells whether another trial can begin."""
        return not self.running

    def start(self, trial: Trial) -> None:
        """Begins a trial."""
        self.running.append(trial)

    def next(self) -> Trial:
        """Returns a trial that has ended."""
        return self._run(self.running.pop())

    def close(self) -> None:
        """Ends what still runs."""


class Processes:
    """Runs trials in processes that are copies of this one, so that data and functions need not be sent.

    The cores are shared out among them: what a small network does on two threads it does faster on one, twice at once.

    Args:
        run: runs a trial.
        count: how many processes.

    Raises:
        ValueError: where the system cannot copy processes.
    """

    def __init__(self, run: Run, count: int) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise ValueError("search: expected workers=1 on a system without fork, got more")
        self._run = run
        self._count = count
        self._idle: list[tuple[Any, Connection]] = []
        self._busy: dict[Connection, tuple[Any, Trial]] = {}

    @property
    def running(self) -> list[Trial]:
        """The trials that have begun and not ended."""
        return [trial for _, trial in self._busy.values()]

    def has_room(self) -> bool:
        """Tells whether another trial can begin."""
        return len(self._busy) < self._count

    def start(self, trial: Trial) -> None:
        """Begins a trial."""
        process, connection = self._idle.pop() if self._idle else self._forked()
        connection.send(trial)
        self._busy[connection] = process, trial

    def next(self) -> Trial:
        """Returns a trial that has ended; one whose process has ended without a result has failed.

        Raises:
            ValueError: if the search cannot go on.
        """
        connection: Any = wait(list(self._busy))[0]
        process, trial = self._busy.pop(connection)
        try:
            ended = connection.recv()
        except (EOFError, OSError):
            process.join()
            connection.close()
            trial.status, trial.message = "FAILED", f"its process ended with exit code {process.exitcode}"
            return trial
        self._idle.append((process, connection))
        if isinstance(ended, BaseException):
            raise ended
        result: Trial = ended
        return result

    def close(self) -> None:
        """Ends the processes."""
        for connection, (process, _) in self._busy.items():
            process.terminate()
            self._idle.append((process, connection))
        for process, connection in self._idle:
            connection.close()
            process.join()
        self._busy, self._idle = {}, []

    def _forked(self) -> tuple[Any, Connection]:
        ours, theirs = multiprocessing.Pipe()
        context: Any = multiprocessing.get_context("fork")
        others = [connection for _, connection in self._idle] + list(self._busy)
        process = context.Process(target=_work, args=(self._run, theirs, [ours, *others], self._count), daemon=True)
        with warnings.catch_warnings():
            # Python warns of threads; those of the native core begin anew in a copy.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        return process, ours


def _work(run: Run, connection: Connection, inherited: list[Connection], count: int) -> None:
    """Runs trials as long as the process that asks for them is there."""
    from dlnative.config import num_threads, set_num_threads

    for other in inherited:  # else nobody would hear that this process, or that one, has ended
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    set_num_threads(max(1, num_threads() // count))
    try:
        while True:
            trial = connection.recv()
            try:
                ended: Any = run(trial)
            except ValueError as error:  # of the search, not of the trial
                ended = error
            connection.send(ended)
    except (EOFError, OSError):
        os._exit(0)
