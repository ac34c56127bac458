"""Measures how long an MLP takes from its layers to its first step: building, compiling, planning, training one batch.

    python benchmarks/compile_time.py [--rounds 21]

Each round builds a new model. Planning is what the first train_on_batch takes beyond the second: tracing,
differentiation, ordering and placing the buffers, with the loss, the metric and the optimizer inside.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

import dlnative

NETWORKS = [(4, 8, 8, 3), (784, 256, 128, 10), (312, 64, 64, 1)]


def lap(times: dict[str, list[float]], name: str, start: float) -> float:
    now = time.perf_counter()
    times.setdefault(name, []).append((now - start) * 1e3)
    return now


def once(sizes: tuple[int, ...], times: dict[str, list[float]]) -> None:
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (32, sizes[0])).astype("float32")
    y: Any = random.randint(0, sizes[-1], 32) if sizes[-1] > 1 else x[:, :1]
    loss: Any = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True) if sizes[-1] > 1 else "mse"
    start = time.perf_counter()
    layers = [dlnative.layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = dlnative.Sequential([dlnative.Input((sizes[0],)), *layers, dlnative.layers.Dense(sizes[-1])])
    start = lap(times, "build", start)
    model.compile("adam", loss)
    start = lap(times, "compile", start)
    model.train_on_batch(x, y)
    start = lap(times, "first batch", start)
    model.train_on_batch(x, y)
    lap(times, "second batch", start)
    parts = [times[name][-1] for name in ("compile", "first batch", "second batch")]
    times.setdefault("compile and plan", []).append(parts[0] + parts[1] - parts[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for sizes in NETWORKS:
        times: dict[str, list[float]] = {}
        for _ in range(rounds):
            once(sizes, times)
        line = ", ".join(f"{name} {statistics.median(values):.2f}" for name, values in times.items())
        print(f"{'-'.join(map(str, sizes)):16} ms: {line} (first round: {times['compile and plan'][0]:.2f})")


if __name__ == "__main__":
    main()
