"""Training steps of the multilayer perceptrons of torch_steps.py by `fit` on the CUDA backend, in microseconds.

usage: python_steps.py FILE

Forward, loss, backward and Adam in float32 on batches of a data set on the device: `fit` over epochs of 512 steps, with the
metric of the loss; `train_on_batch` of arrays of the host, and of the device. Beside them what `model.plan(gpu=...)`
predicts for a step, and each instruction's predicted and measured time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import dlnative
from dlnative.backends import gpus, selection
from dlnative.data.batches import Data
from dlnative.models.epoch import feeds_of

WORKLOADS = [
    ("4-8-8-3, 16", (4, 8, 8, 3), 16, True),
    ("80-128-128-1, 32, MSE", (80, 128, 128, 1), 32, False),
    ("784-256-128-10, 128", (784, 256, 128, 10), 128, True),
    ("784-1024-1024-10, 256", (784, 1024, 1024, 10), 256, True),
]
STEPS = int(os.environ.get("DLNATIVE_STEPS", "512"))  # of an epoch
SECONDS = 0.4  # how long each way is timed


def model_of(sizes: tuple[int, ...], classes: bool) -> Any:
    dlnative.utils.set_random_seed(0)
    layers: list[Any] = [dlnative.Input((sizes[0],))]
    layers += [dlnative.layers.Dense(units, "relu") for units in sizes[1:-1]]
    layers.append(dlnative.layers.Dense(sizes[-1]))
    model = dlnative.Sequential(layers)
    loss = dlnative.losses.SparseCategoricalCrossentropy(from_logits=True) if classes else "mse"
    model.compile(dlnative.optimizers.Adam(1e-3, epsilon=1e-7), loss)
    return model


def data_of(sizes: tuple[int, ...], samples: int, classes: bool) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.standard_normal((samples, sizes[0]), dtype=np.float32)
    if classes:
        return x, random.integers(0, sizes[-1], samples)
    return x, random.standard_normal((samples, sizes[-1]), dtype=np.float32)


def microseconds(run: Callable[[int], object], steps_of_a_run: int) -> float:
    """Returns the time of a step when `run` is told to run so often, without what a run takes once."""
    run(1)
    begin = time.perf_counter()
    run(1)
    once = time.perf_counter() - begin
    count = max(2, round(SECONDS / once))
    begin = time.perf_counter()
    run(1 + count)
    return (time.perf_counter() - begin - once) / (count * steps_of_a_run) * 1e6


def repeat(step: Callable[[], object]) -> Callable[[int], object]:
    return lambda count: [step() for _ in range(count)]


def instructions(model: Any, x: Any, y: Any, batch: int, gpu: gpus.Gpu | None) -> list[dict[str, Any]]:
    """Returns the predicted and the measured time of each instruction of a training step."""
    data = Data(x, y)
    compiled = model._steps.get("train", data, batch)
    feeds = feeds_of(compiled, data.arrays, batch)
    compiled.executor.profile(feeds, 3)
    measured = np.min([compiled.executor.profile(feeds, 1) for _ in range(20)], axis=0) * 1e-3
    predicted = gpus.predicted_seconds(compiled.program, gpu) if gpu is not None else [0.0] * len(measured)
    return [
        {"op": step.op, "predicted_us": round(guess * 1e6, 2), "measured_us": round(float(took), 2)}
        for step, guess, took in zip(compiled.program.instructions, predicted, measured, strict=True)
    ]


def main(file: str) -> None:
    dlnative.backend.set_backend("cuda")
    backend: Any = selection.current()
    device = backend.device
    named = [name for name in gpus.GPUS if name in device["name"].replace(" ", "").upper()]
    gpu = gpus.GPUS[named[0]] if named else None
    results: list[dict[str, Any]] = []
    for name, sizes, batch, classes in WORKLOADS:
        x, y = data_of(sizes, batch * STEPS, classes)
        model = model_of(sizes, classes)
        few = x[:batch], y[:batch]
        there = tuple(map(backend.native.DeviceArray.upload, few))

        def fit(epochs: int, model: Any = model, x: Any = x, y: Any = y, batch: int = batch) -> object:
            return model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)

        ways: dict[str, tuple[Callable[[int], object], int]] = {
            "fit": (fit, STEPS),
            "train_on_batch": (repeat(lambda model=model, few=few: model.train_on_batch(*few)), 1),
            "train_on_batch, arrays of the device": (
                repeat(lambda model=model, there=there: model.train_on_batch(*there)),
                1,
            ),
        }
        result: dict[str, Any] = {"name": name}
        for way, (run, steps) in ways.items():
            result[way] = round(microseconds(run, steps), 2)
            print(f"{way:40} {name:26} {result[way]:9.1f} us", flush=True)
        result["together"] = max(plan.executor.steps_together for plan in model._steps.plans)
        result["instructions"] = instructions(model, *few, batch, gpu)
        result["predicted"] = round(sum(step["predicted_us"] for step in result["instructions"]), 2)
        print(f"{'predicted':40} {name:26} {result['predicted']:9.1f} us", flush=True)
        results.append(result)
        with open(file, "w") as out:
            commit = os.environ.get("DLNATIVE_COMMIT", "unknown")
            json.dump(
                {"device": device["name"], "driver": device["driver"], "commit": commit, "results": results},
                out,
                indent=1,
            )


if __name__ == "__main__":
    main(sys.argv[1])
