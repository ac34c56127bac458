"""Measures what leaving the number of threads to dlnative costs against the best fixed number.

    python benchmarks/thread_autotuning.py [--rounds 15]

Each network has a model for one thread and one for all; they take turns, and the medians of the ratios count. Then four
such models train at once, in threads of Python, and the time until all are done is compared.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from typing import Any

import numpy as np

import dlnative

NETWORKS = [
    ((4, 8, 8, 3), 16, 2000), ((80, 128, 128, 1), 32, 300), ((312, 64, 64, 1), 32, 300), ((64, 128, 64, 10), 32, 300),
    ((784, 64, 10), 64, 200), ((20, 256, 256, 2), 64, 200), ((784, 256, 128, 10), 128, 60),
]  # fmt: skip


class Training:
    """A model that trains with one number of threads: an epoch is `steps` steps."""

    def __init__(self, sizes: tuple[int, ...], batch_size: int, steps: int, threads: int) -> None:
        random = np.random.RandomState(0)
        self.batch_size, self.steps, self.threads = batch_size, steps, threads
        self.x = random.uniform(-1, 1, (batch_size * steps, sizes[0])).astype("float32")
        self.y: Any = random.randint(0, sizes[-1], len(self.x)) if sizes[-1] > 1 else self.x[:, :1]
        loss: Any = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True) if sizes[-1] > 1 else "mse"
        layers = [dlnative.layers.Dense(units, activation="relu") for units in sizes[1:-1]]
        self.model = dlnative.Sequential([dlnative.Input((sizes[0],)), *layers, dlnative.layers.Dense(sizes[-1])])
        self.model.compile("adam", loss)
        self.epoch()

    def epoch(self) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch_size, epochs=1, verbose=0, shuffle=False)


def microseconds(trainings: list[Training]) -> float:
    """Returns the time of a step of trainings that run at once."""
    dlnative.set_num_threads(trainings[0].threads)
    start = time.perf_counter()
    if len(trainings) == 1:
        trainings[0].epoch()
    else:
        workers = [threading.Thread(target=training.epoch) for training in trainings]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return (time.perf_counter() - start) / trainings[0].steps * 1e6


def compare(sizes: tuple[int, ...], batch_size: int, steps: int, at_once: int, most: int, rounds: int) -> None:
    sets = {}
    for threads in (1, most):
        dlnative.set_num_threads(threads)
        sets[threads] = [Training(sizes, batch_size, steps, threads) for _ in range(at_once)]
    times: dict[int, list[float]] = {1: [], most: []}
    for turn in range(rounds):
        for threads in (1, most) if turn % 2 else (most, 1):
            times[threads].append(microseconds(sets[threads]))
    ratio = statistics.median(b / a for a, b in zip(times[1], times[most], strict=True))
    one, all_threads = statistics.median(times[1]), statistics.median(times[most])
    name = f"{'-'.join(map(str, sizes))}, {batch_size}"
    print(
        f"{name:24} {at_once} at once: 1 thread {one:8.1f} us, {most} threads {all_threads:8.1f} us, ratio {ratio:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    most = dlnative.num_threads()
    if most == 1:
        raise SystemExit("thread_autotuning: expected more than one thread to choose from, got 1")
    for at_once in (1, 4):
        for sizes, batch_size, steps in NETWORKS:
            compare(sizes, batch_size, steps, at_once, most, rounds)


if __name__ == "__main__":
    main()
