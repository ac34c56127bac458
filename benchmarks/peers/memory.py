"""The memory of a training step beyond parameters, gradients and optimizer state. Nothing is timed here."""

from __future__ import annotations

import workload
from processes import PeerError, start
from report import Page, Table
from training import TOLERANCE
from turns import Options, ready, verify

import machine

TEXT = """Kilobytes (1000 bytes) beyond parameters and optimizer state, which are equal for all. The batch itself (x and y) is
counted for nobody.

- dlnative: the arena, in which all intermediate values of the plan lie (activations, their gradients, the loss), and the
  scratch memory of its kernels, such as packed pieces of matrices. Gradients of parameters have memory of their own.
- PyTorch, saved: memory of the tensors that autograd keeps from forward to backward (`saved_tensors_hooks`), each
  piece once, without parameters and batch.
- PyTorch, peak: the most that its allocator has given out at once during a step, by the profiler's log, without the
  gradients of parameters; before Adam, forward and backward alone. In wide networks the peak is that of Adam's own
  temporary arrays, as large as a layer's kernel; dlnative's update has none. What MKL and oneDNN allocate for
  themselves, such as packed pieces of matrices, is not in it: compare it with dlnative's arena, without the scratch.
- With gradients: dlnative's arena, scratch and gradients; PyTorch's peak with the gradients that exist at that moment; the
  temporary memory that XLA planned for JAX's step, where gradients are intermediate values like others.

The losses of the first steps agreed."""


def _parameter_bytes(case: workload.Workload) -> int:
    return sum(weight.nbytes for weight in case.weights())


def run(options: Options) -> Page:
    threads = min(max(options.threads), machine.cores())
    workers = start(options.peers, threads, "Memory")
    without: list[tuple[str, dict[str, float]]] = []
    gradients: list[tuple[str, dict[str, float]]] = []
    try:
        for number, case in enumerate(workload.CASES):
            if options.cases is not None and number not in options.cases:
                continue
            values = ready(workers, "Memory", number, case)
            verify(case.name, {worker.title: own for worker, own in values.items()}, None, TOLERANCE)
            held = {}
            for worker in values:
                try:
                    held[worker.name] = worker.call("bytes")
                except PeerError as reason:
                    print(f"left out: {worker.title}, {case.name}: {reason}", flush=True)
            row, row_with = {}, {}
            if own := held.get("dlnative"):
                row = {"dlnative": own["arena"] + own["scratch"], "dlnative, arena": own["arena"]}
                row_with["dlnative"] = own["arena"] + own["scratch"] + _parameter_bytes(case)
            if torch := held.get("torch"):
                row |= {
                    "PyTorch, saved": torch["saved"],
                    "PyTorch, peak before Adam": torch["temporary before the update"],
                    "PyTorch, peak": torch["temporary"],
                }
                row_with["PyTorch"] = torch["with gradients"]
            if jax := held.get("jax"):
                row_with["JAX jit"] = jax["with gradients"]
            without.append((case.name, {title: value / 1e3 for title, value in row.items()}))
            gradients.append((case.name, {title: value / 1e3 for title, value in row_with.items()}))
    finally:
        for worker in workers:
            worker.close()
    tables = [
        Table(f"KB without gradients, threads: {threads}", "network, batch", without),
        Table(f"KB with gradients, threads: {threads}", "network, batch", gradients),
    ]
    return Page("Memory of a training step", TEXT, tables, {worker.title: worker.version for worker in workers})
