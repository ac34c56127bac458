"""A process that holds one peer: reads a request a line, answers with a line of JSON.

Requests: {"open": [task, number of the case]} makes the peer's object of that task (the class of that name in its
module), {"call": [method, arguments...]} calls a method of it. The process is pinned to as many cores as it may use
threads, before any library is loaded, so that no peer takes more than the others.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def pin(threads: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:threads])
    for name in ("OMP", "MKL", "OPENBLAS", "DLNATIVE"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"


def main(module_name: str, threads: int) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not get between the answers
    pin(threads)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

    def answer(value: Any) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        module = importlib.import_module(module_name)
        import network
        import product
        import sample
        import window
        import workload
    except ImportError as error:
        answer({"missing": str(error).splitlines()[0]})
        return
    cases: dict[str, list[Any]] = {
        "Training": workload.CASES,
        "Networks": network.CASES,
        "Memory": workload.CASES,
        "Gemm": product.CASES,
        "Convolution": window.CASES,
        "Limit": product.CASES,
        "Latency": sample.CASES,
        "Generation": sample.TOKENS,
    }
    answer({"title": module.TITLE, "version": module.version()})
    peer: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "open" in request:
                task, number = request["open"]
                peer = None  # frees the last one first
                peer = getattr(module, task)(cases[task][number], threads)
                answer(True)
            else:
                method, *arguments = request["call"]
                answer(getattr(peer, method)(*arguments))
        except NotImplementedError:  # the peer has the task, but not this case
            answer(False)
        except Exception as error:
            lines = str(error).splitlines() or [""]
            answer({"failed": f"{type(error).__name__}: {lines[0]}"})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
