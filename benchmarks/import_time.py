"""Measures what `import dlnative` adds to NumPy's import: seconds and resident megabytes, medians of fresh processes.

python benchmarks/import_time.py [--rounds 11]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

PROGRAM = """
import sys, time
start = time.perf_counter()
for name in sys.argv[1:]:
    __import__(name)
seconds = time.perf_counter() - start
import resource
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def measure(*modules: str) -> tuple[float, float]:
    """Returns the seconds that the imports take in a new process, and its peak of resident megabytes."""
    command = [sys.executable, "-c", PROGRAM, *modules]
    seconds, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    choices = {"numpy": ["numpy"], "dlnative": ["dlnative"], "numpy, then dlnative": ["numpy", "dlnative"]}
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in choices}
    for modules in choices.values():
        measure(*modules)  # fills the disk cache
    for _ in range(rounds):
        for name, modules in choices.items():
            measured[name].append(measure(*modules))
    medians = {
        name: [statistics.median(column) for column in zip(*values, strict=True)] for name, values in measured.items()
    }
    for name, (seconds, megabytes) in medians.items():
        print(f"{name:22} {seconds * 1e3:7.1f} ms {megabytes:7.1f} MB")
    added = [b - a for a, b in zip(medians["numpy"], medians["dlnative"], strict=True)]
    print(f"{'added to NumPy':22} {added[0] * 1e3:7.1f} ms {added[1]:7.1f} MB")


if __name__ == "__main__":
    main()
