"""Measures how long networks take from their layers to the first step: building, compiling, planning, training one batch.

    python benchmarks/compile_time.py [--rounds 21]

Each round builds a new model. Planning is what the first train_on_batch takes beyond the second: tracing,
differentiation, ordering and placing the buffers, with the loss, the metric and the optimizer inside. ResNet-20 and the
GPT are those of benchmarks/peers; building them includes setting their weights.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlnative

sys.path.insert(0, str(Path(__file__).with_name("peers")))
import keras_networks
import network

MLPS = [(4, 8, 8, 3), (784, 256, 128, 10), (312, 64, 64, 1)]
NETWORKS = [case for case in network.CASES if case.kind == "residual" or case.context == 64]


def lap(times: dict[str, list[float]], name: str, start: float) -> float:
    now = time.perf_counter()
    times.setdefault(name, []).append((now - start) * 1e3)
    return now


def mlp(sizes: tuple[int, ...], times: dict[str, list[float]]) -> None:
    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (32, sizes[0])).astype("float32")
    y: Any = random.randint(0, sizes[-1], 32) if sizes[-1] > 1 else x[:, :1]
    loss: Any = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True) if sizes[-1] > 1 else "mse"
    start = time.perf_counter()
    layers = [dlnative.layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = dlnative.Sequential([dlnative.Input((sizes[0],)), *layers, dlnative.layers.Dense(sizes[-1])])
    train(model, loss, x, y, lap(times, "build", start), times)


def peer(case: network.Network, times: dict[str, list[float]]) -> None:
    x, y = (values[: case.batch] for values in case.data())
    start = time.perf_counter()
    model = keras_networks.build(dlnative, case)
    loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True)
    train(model, loss, x, y, lap(times, "build", start), times)


def train(model: Any, loss: Any, x: Any, y: Any, start: float, times: dict[str, list[float]]) -> None:
    model.compile("adam", loss)
    start = lap(times, "compile", start)
    model.train_on_batch(x, y)
    start = lap(times, "first batch", start)
    model.train_on_batch(x, y)
    lap(times, "second batch", start)
    parts = [times[name][-1] for name in ("compile", "first batch", "second batch")]
    times.setdefault("compile and plan", []).append(parts[0] + parts[1] - parts[2])


def report(title: str, times: dict[str, list[float]]) -> None:
    line = ", ".join(f"{name} {statistics.median(values):.2f}" for name, values in times.items())
    print(f"{title:16} ms: {line} (first round: {times['compile and plan'][0]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for sizes in MLPS:
        times: dict[str, list[float]] = {}
        for _ in range(rounds):
            mlp(sizes, times)
        report("-".join(map(str, sizes)), times)
    for case in NETWORKS:
        times = {}
        for _ in range(rounds):
            peer(case, times)
        report(case.name, times)


if __name__ == "__main__":
    main()
