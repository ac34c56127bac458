"""Verify, then time by turns: the one way in which training, products and single samples are measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from processes import PeerError, Worker, start

import machine


@dataclass
class Options:
    """What the command line says."""

    peers: list[str]
    threads: list[int]
    rounds: int
    seconds: float
    cases: list[int] | None = None


@dataclass
class Measured:
    """Seconds of one piece of work, the median of the rounds, by case and title."""

    threads: int
    rows: list[tuple[Any, dict[str, float]]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def verify(name: str, values: dict[str, list[float]], expected: list[float] | None, tolerance: float) -> None:
    """Ends everything unless all agree with what is expected, or with their median, up to `tolerance` of its largest."""
    middle = expected or [statistics.median(column) for column in zip(*values.values(), strict=True)]
    largest = max(map(abs, middle))
    for title, own in values.items():
        apart = max(abs(a - b) for a, b in zip(own, middle, strict=True)) / largest
        if not apart <= tolerance:
            raise SystemExit(f"{name}: {title} is {apart:.1e} off: {own[:5]}, not {middle[:5]}")


# Threads of some libraries keep a core busy for a while after their work is done: the next one's turn waits for that.
REST = 0.3


def calibrate(worker: Worker, seconds: float) -> int:
    """Warms up and returns how many pieces of work take so many seconds."""
    worker.call("time", 1)  # may compile
    count = 1
    elapsed, done = worker.call("time", count)
    while elapsed < seconds / 4:
        count *= 4
        elapsed, done = worker.call("time", count)
    return max(1, round(done * seconds / elapsed))


def take_turns(workers: list[Worker], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Returns the seconds a piece of work of each round, by title; a peer that fails on the way is left out."""
    counts: dict[Worker, int] = {}
    times: dict[Worker, list[float]] = {worker: [] for worker in workers}
    for turn in range(rounds + 1):
        for worker in list(times):
            try:
                if turn == 0:
                    counts[worker] = calibrate(worker, seconds)
                else:
                    time.sleep(REST)
                    elapsed, done = worker.call("time", counts[worker])
                    times[worker].append(elapsed / done)
            except PeerError as reason:
                print(f"left out: {worker.title}: {reason}", flush=True)
                del times[worker]
    return {worker.title: own for worker, own in times.items()}


def ready(workers: list[Worker], task: str, number: int, case: Any) -> dict[Worker, list[float]]:
    """Opens a case in every process that has it, and returns what each computes."""
    values = {}
    for worker in workers:
        try:
            if worker.open(task, number):
                values[worker] = worker.call("values")
        except PeerError as reason:
            print(f"left out: {worker.title}, {case.name}: {reason}", flush=True)
    return values


def measure(
    task: str,
    cases: list[Any],
    options: Options,
    tolerance: float,
    alongside: Callable[[int], list[Worker]] = lambda threads: [],
) -> list[Measured]:
    """Measures a task with each number of threads.

    Args:
        task: the name of the peers' class.
        cases: what the class is made for.
        options: peers, threads, rounds.
        tolerance: by how much results may differ.
        alongside: makes further processes, of which nothing is verified, for a number of threads.
    """
    found = []
    for threads in options.threads:
        if threads > machine.cores():
            print(f"left out: {threads} threads on {machine.cores()} cores", flush=True)
            continue
        workers, further = start(options.peers, threads, task), alongside(threads)
        measured = Measured(threads)
        try:
            for number, case in enumerate(cases):
                if options.cases is not None and number not in options.cases:
                    continue
                values = ready(workers, task, number, case)
                expected = case.expected() if hasattr(case, "expected") else None
                verify(case.name, {worker.title: own for worker, own in values.items()}, expected, tolerance)
                for worker in further:
                    worker.open(worker.title, number)
                times = take_turns([*values, *further], options.rounds, options.seconds)
                measured.rows.append((case, {title: statistics.median(own) for title, own in times.items()}))
                measured.versions |= {worker.title: worker.version for worker in values}
                spread = ", ".join(
                    f"{title} {min(own) * 1e6:.3g}–{max(own) * 1e6:.3g} µs"
                    for title, own in times.items()
                    if title in {worker.title for worker in values}
                )
                print(f"{case.name}, threads: {threads}: {spread}", flush=True)
        finally:
            for worker in [*workers, *further]:
                worker.close()
        found.append(measured)
    return found
