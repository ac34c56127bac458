"""Times one training step of dlnative beside its peers, in turn in one run, and prints and saves the ratios.

    python benchmarks/peers/run.py [--threads 2 1] [--rounds 7] [--seconds 0.4] [--peers dlnative torch jax sklearn]

A step is forward, loss, backward and Adam. Every peer that can be imported runs in a process of its own, pinned to the
same cores. First all start from equal weights and their losses over a few steps must agree; then they are timed by
turns, round after round, and the median of the rounds counts: whatever disturbs the machine disturbs all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from workload import WORKLOADS, Workload

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import machine  # noqa: E402

PEERS = ["dlnative", "torch", "jax", "sklearn", "keras"]
STEPS_COMPARED = 5
TOLERANCE = 1e-4


class Worker:
    """A peer in its own process."""

    def __init__(self, name: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER / "worker.py"), f"{name}_peer", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.name = name
        hello = self._read()
        self.missing = hello.get("missing")
        self.title = hello.get("title", name)
        self.version = hello.get("version")

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return {"missing": f"its process ended with {self.process.wait()}"}
        return json.loads(line)

    def ask(self, **request: int) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self._read()
        if isinstance(answer, dict):
            raise RuntimeError(f"{self.title}: {answer.get('failed') or answer.get('missing')}")
        return answer

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def verify(workers: list[Worker], workload: Workload) -> None:
    """Raises an error unless all losses over the first steps agree."""
    losses = {worker.title: worker.ask(losses=STEPS_COMPARED) for worker in workers}
    middle = [statistics.median(values) for values in zip(*losses.values(), strict=True)]
    for title, values in losses.items():
        apart = max(abs(a - b) / abs(b) for a, b in zip(values, middle, strict=True))
        if not apart <= TOLERANCE:
            raise SystemExit(f"{workload.name}: the losses of {title} are {apart:.1e} off: {values}, not {middle}")


def measure(workers: list[Worker], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Returns for each peer the microseconds a step of each round."""
    steps = {}
    for worker in workers:  # warms up, and finds how many steps fill the time of a round
        count = 4
        elapsed, done = worker.ask(time=count)
        while elapsed < seconds / 4:
            count *= 4
            elapsed, done = worker.ask(time=count)
        steps[worker.title] = max(1, round(done * seconds / elapsed))
    times: dict[str, list[float]] = {worker.title: [] for worker in workers}
    for _ in range(rounds):
        for worker in workers:
            elapsed, done = worker.ask(time=steps[worker.title])
            times[worker.title].append(elapsed / done * 1e6)
    return times


def table(rows: list[tuple[str, dict[str, float]]], titles: list[str]) -> list[str]:
    """Returns a Markdown table: microseconds a step and, for the peers, how many times dlnative's."""
    own = titles[0]
    lines = ["| network, batch | " + " | ".join(titles) + " |", "| --- |" + " ---: |" * len(titles)]
    for name, medians in rows:
        cells = []
        for title in titles:
            if title not in medians:
                cells.append("–")
            elif title == own:
                cells.append(f"{medians[title]:.3g}")
            else:
                cells.append(f"{medians[title]:.3g} ({medians[title] / medians[own]:.2f}×)")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def report(threads: int, arguments: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    workers = [Worker(name, threads) for name in arguments.peers]
    for worker in workers:
        if worker.missing and worker.name == "dlnative":
            raise SystemExit(f"dlnative cannot be imported: {worker.missing}")
        if worker.missing:
            print(f"left out: {worker.name}: {worker.missing}", flush=True)
    workers = [worker for worker in workers if not worker.missing]
    if not workers:
        raise SystemExit("none of the peers is installed")
    rows = []
    try:
        for index in arguments.workloads:
            workload = WORKLOADS[index]
            taking_part = [worker for worker in workers if worker.name != "sklearn" or index < 3]
            for worker in taking_part:
                worker.ask(open=index)
            verify(taking_part, workload)
            times = measure(taking_part, arguments.rounds, arguments.seconds)
            rows.append((workload.name, {title: statistics.median(values) for title, values in times.items()}))
            spread = ", ".join(f"{title} {min(v):.3g}–{max(v):.3g}" for title, v in times.items())
            print(f"{workload.name}, threads: {threads}: {spread} µs", flush=True)
    finally:
        for worker in workers:
            worker.close()
    count = "one thread" if threads == 1 else f"{threads} threads"
    title = f"## Microseconds a training step, {count} (in brackets: times {workers[0].title}'s)"
    versions = {worker.title: str(worker.version) for worker in workers}
    return [title, "", *table(rows, [worker.title for worker in workers]), ""], versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1], help="thread counts, one table each")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of one measurement")
    parser.add_argument("--peers", nargs="+", default=PEERS[:4], choices=PEERS)
    parser.add_argument("--workloads", type=int, nargs="+", default=list(range(len(WORKLOADS))))
    parser.add_argument("--output", type=Path, default=FOLDER.parent / "results" / "peers.md")
    arguments = parser.parse_args()
    lines = ["# One training step: forward, loss, backward, Adam", ""]
    versions: dict[str, str] = {}
    for threads in arguments.threads:
        if threads > machine.cores():
            print(f"left out: {threads} threads on {machine.cores()} cores")
            continue
        section, used = report(threads, arguments)
        lines += section
        versions |= used
    facts = machine.describe() + [item for item in versions.items() if item[0] != "dlnative"]
    facts.append(("rounds", f"{arguments.rounds} of {arguments.seconds} s, median"))
    lines += ["## Where and with what", "", *(f"- {name}: {value}" for name, value in facts), ""]
    text = "\n".join(lines)
    print("\n" + text)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(text)
    print(f"written to {arguments.output}")


if __name__ == "__main__":
    main()
