"""Measures dlnative beside its peers, in turn in one run: checks that the results agree, times, writes tables and plots.

    python benchmarks/peers/run.py [--parts training networks gemm convolution latency weight memory] [--peers dlnative torch ...]
                                   [--threads 2 1] [--rounds 7] [--seconds 0.4] [--cases 0 2] [--output FOLDER]

Every peer that can be imported runs in a process of its own, pinned to the same cores; the others are left out with one
line. First all must compute the same; then they are timed by turns, round after round, and the median of the rounds
counts: whatever disturbs the machine disturbs all of them. Each part writes PART.md and, with matplotlib, PART.png.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import convolution  # noqa: E402
import gemm  # noqa: E402
import latency  # noqa: E402
import memory  # noqa: E402
import networks  # noqa: E402
import report  # noqa: E402
import training  # noqa: E402
import weight  # noqa: E402
from processes import PEERS  # noqa: E402
from turns import Options  # noqa: E402

PARTS = {
    "training": training.run,
    "networks": networks.run,
    "gemm": gemm.run,
    "convolution": convolution.run,
    "latency": latency.run,
    "weight": weight.run,
    "memory": memory.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of one measurement")
    parser.add_argument("--cases", type=int, nargs="+", help="only these rows of each table, counted from 0")
    parser.add_argument("--output", type=Path, default=FOLDER.parent / "results")
    arguments = parser.parse_args()
    peers = list(dict.fromkeys(["dlnative", *arguments.peers]))  # the first column: all others are compared with it
    options = Options(peers, arguments.threads, arguments.rounds, arguments.seconds, arguments.cases)
    for name in arguments.parts:
        print(f"== {name}", flush=True)
        how = f"{options.rounds} rounds of {options.seconds:g} s, median"
        if name == "weight":
            how = f"{options.rounds} rounds, median"
        elif name == "memory":
            how = "counted, not timed"
        else:
            how += f"; threads: {', '.join(map(str, options.threads))}"
        report.write(name, PARTS[name](options), how, arguments.output)


if __name__ == "__main__":
    main()
