"""Training steps of the multilayer perceptrons of benchmarks/peers/workload.py by PyTorch on a GPU, in microseconds.

usage: torch_steps.py FILE

Forward, loss, backward and fused Adam in float32 without tensor cores, on a batch that is gathered on the device:
eager; compiled; the step as one CUDA graph; 16 steps in a CUDA graph.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

WORKLOADS = [
    ("4-8-8-3, 16", (4, 8, 8, 3), 16, True),
    ("80-128-128-1, 32, MSE", (80, 128, 128, 1), 32, False),
    ("784-256-128-10, 128", (784, 256, 128, 10), 128, True),
    ("784-1024-1024-10, 256", (784, 1024, 1024, 10), 256, True),
]
BATCHES = 64
TOGETHER = 16


class Job:
    """A network with its data on the device, and one training step of it."""

    def __init__(self, sizes: tuple[int, ...], batch: int, classes: bool) -> None:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1]).cuda()
        self.loss = nn.CrossEntropyLoss() if classes else nn.MSELoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, eps=1e-7, fused=True, capturable=True)
        samples = batch * BATCHES
        self.x = torch.randn(samples, sizes[0], device="cuda")
        labels = torch.randint(0, sizes[-1], (samples,), device="cuda")
        self.y = labels if classes else torch.randn(samples, sizes[-1], device="cuda")
        self.order = torch.randperm(samples, device="cuda").view(BATCHES, batch)

    def step(self, rows: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.x[rows]), self.y[rows])
        loss.backward()
        self.optimizer.step()
        return loss


def microseconds(run: Callable[[int], object], steps_of_a_run: int = 1) -> float:
    """Returns the time of a step when `run` is called with 0, 1, 2, ..., measured for about half a second."""
    for i in range(4):
        run(i)
    torch.cuda.synchronize()
    count, best = 8, float("inf")
    while True:
        begin = time.perf_counter()
        for i in range(count):
            run(i)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - begin
        best = min(best, seconds / (count * steps_of_a_run))
        if seconds > 0.25:
            return best * 1e6
        count *= 2


def graph_of(job: Job, steps: int) -> Callable[[int], object]:
    rows = job.order[:steps].clone()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for i in range(3):
            job.step(rows[i % steps])
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    job.optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        for i in range(steps):
            job.step(rows[i])

    def run(i: int) -> None:
        first = i * steps % (BATCHES - steps + 1)
        rows.copy_(job.order[first : first + steps])
        graph.replay()

    return run


def eager(job: Job) -> float:
    return microseconds(lambda i: job.step(job.order[i % BATCHES]))


def compiled(job: Job) -> float:
    step = torch.compile(job.step)
    return microseconds(lambda i: step(job.order[i % BATCHES]))


MODES: dict[str, Callable[[Job], float]] = {
    "graph": lambda job: microseconds(graph_of(job, 1)),
    f"graph of {TOGETHER} steps": lambda job: microseconds(graph_of(job, TOGETHER), TOGETHER),
    "eager": eager,
    "compiled": compiled,
}


def main(file: str) -> None:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")
    results = []
    for mode, measure in MODES.items():
        for name, sizes, batch, classes in WORKLOADS:
            try:
                each = measure(Job(sizes, batch, classes))
            except Exception as error:  # one mode that fails leaves the others
                print(f"{mode} {name}: {error!r}"[:300], flush=True)
                continue
            results.append({"name": name, "mode": mode, "us": round(each, 2)})
            print(f"{mode:20} {name:26} {each:9.1f} us", flush=True)
            with open(file, "w") as out:
                json.dump(
                    {"torch": torch.__version__, "device": torch.cuda.get_device_name(), "results": results},
                    out,
                    indent=1,
                )


if __name__ == "__main__":
    main(sys.argv[1])
