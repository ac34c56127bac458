"""Measures how much the process grows over many build-compile-fit cycles and many predictions.

    python benchmarks/memory_growth.py [--cycles 1000] [--predictions 1000000]

Prints megabytes of resident memory. What grows once (caches, the thread pool, the allocator's own pools) is warmed up
first; what grows for ever shows in the numbers.
"""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path
from typing import Any

import numpy as np

import dlnative

WARM_UP_CYCLES = 50
WARM_UP_PREDICTIONS = 2000


def resident() -> float:
    """Returns the megabytes of memory that this process occupies."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def build(features: int = 20) -> Any:
    model = dlnative.Sequential(
        [
            dlnative.Input((features,)),
            dlnative.layers.Dense(32, activation="relu"),
            dlnative.layers.Dropout(0.1),
            dlnative.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def cycle(x: np.ndarray, y: np.ndarray) -> None:
    """Builds, compiles and trains a model, evaluates it and lets it go."""
    model = build()
    model.fit(x, y, batch_size=32, epochs=2, validation_split=0.2, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)


def cycles_growth(count: int, warm_up: int = WARM_UP_CYCLES) -> float:
    """Returns the growth in megabytes over so many cycles."""
    random = np.random.RandomState(0)
    x, y = random.uniform(-1, 1, (200, 20)).astype("float32"), random.randint(0, 3, 200)
    for _ in range(warm_up):
        cycle(x, y)
    before = resident()
    for _ in range(count):
        cycle(x, y)
    return resident() - before


def predictions_growth(count: int, warm_up: int = WARM_UP_PREDICTIONS) -> float:
    """Returns the growth in megabytes over so many predictions of one sample: half by call, half by `predict`."""
    model = build()
    x = np.zeros((1, 20), "float32")
    for _ in range(warm_up):
        model(x)
        model.predict(x, verbose=0)
    before = resident()
    for _ in range(count // 2):
        model(x)
        model.predict(x, verbose=0)
    return resident() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(f"{arguments.cycles} cycles: {cycles_growth(arguments.cycles):+.2f} MB", flush=True)
    print(f"{arguments.predictions} predictions: {predictions_growth(arguments.predictions):+.2f} MB")
    print(f"resident: {resident():.0f} MB")


if __name__ == "__main__":
    main()
