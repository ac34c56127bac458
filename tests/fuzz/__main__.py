"""The driver: cases by number, in a process of their own, for so many seconds."""

from __future__ import annotations

import argparse
import faulthandler
import resource
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

# The longest that a case may take, in seconds; one that takes longer hangs.
_LIMIT = 60.0
_MEMORY = 6 << 30  # bytes of addresses; what needs more is a MemoryError


def check(number: int) -> str | None:
    """Runs a case; returns what is wrong, or `None`."""
    from . import calls, graphs, layers, models, ways

    random = np.random.Generator(np.random.Philox(number))
    kind = (calls, calls, calls, ways, ways, ways, graphs, graphs, layers, models)[number % 10]
    warnings.simplefilter("ignore")
    try:
        return kind.check(random)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:300]} ({Path(where.filename).name}:{where.lineno})"


def work(first: int) -> None:
    """Runs cases from a number on, for ever; tells before each one, and what it finds."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    number = first
    while True:
        print("case", number, flush=True)
        faulthandler.dump_traceback_later(_LIMIT, exit=True)  # also out of a call that never comes back
        line = check(number)
        if line:
            print("found", number, line.replace("\n", " ")[:600], flush=True)
        number += 1


def drive(seconds: float, first: int) -> int:
    """Returns how many cases were found to be wrong."""
    end = time.monotonic() + seconds
    number, count, found = first, 0, 0
    while time.monotonic() < end:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", "--work", str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            kind, _, rest = line.rstrip().partition(" ")
            if kind == "case":
                number = int(rest)
                count += 1
            elif kind == "found":
                found += 1
                print(rest, flush=True)
            if time.monotonic() >= end:
                break
        else:
            process.wait()
            assert process.stderr is not None
            found += 1
            said = process.stderr.read()
            said = said[said.find("Timeout") :][:600] if "Timeout" in said else said[-300:]
            print(f"{number} ended the process: {process.returncode} {said!r}", flush=True)
            number += 1
        process.kill()
        process.wait()
    print(f"{count} cases from {first} on, {found} found")
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case")
    parser.add_argument("--only", type=int, help="one case, in this process")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only is not None:
        line = check(chosen.only)
        print(line or "right")
        return line is not None
    if chosen.work is not None:
        work(chosen.work)
    return drive(chosen.seconds, chosen.seed) > 0


if __name__ == "__main__":
    sys.exit(main())
