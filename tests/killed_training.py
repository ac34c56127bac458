"""Training that is killed at random moments, again and again, and goes on.

    python tests/killed_training.py 50             # so many times; a second number is the seed

After each kill the file of the model must be complete, and in the end the bits be those of a run that nobody killed.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def train(folder: str, epochs: int) -> None:
    """The program: it does not know whether it was killed before."""
    import dlnative
    from dlnative import callbacks, layers

    dlnative.utils.set_random_seed(3)
    x, y = np.random.rand(96, 16), np.random.rand(96, 4)  # noqa: NPY002
    model = dlnative.Sequential(
        [
            dlnative.Input((16,)),
            layers.Dense(64, "relu"),
            layers.Dropout(0.3),
            layers.BatchNormalization(),
            layers.Dense(4),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    saving = [
        callbacks.BackupAndRestore(f"{folder}/backup", save_freq=2),
        callbacks.ModelCheckpoint(f"{folder}/model.keras", save_freq=1),
        callbacks.LambdaCallback(on_train_begin=lambda logs: print("begun", flush=True)),
    ]
    model.fit(x, y, epochs=epochs, batch_size=16, verbose=0, callbacks=saving)
    np.savez(f"{folder}/ending.npz", *[v.numpy() for v in [*model.variables, *model.optimizer.variables]])
    Path(f"{folder}/ending.npz").rename(f"{folder}/end.npz")  # it may be killed here, too


def started(folder: Path, epochs: int) -> subprocess.Popen[str]:
    """Returns the program, whose training has begun."""
    command = [sys.executable, __file__, "--train", str(folder), str(epochs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as lines:
        lines.readline()
    return process


def end_of(folder: Path) -> list[Any]:
    """Returns the variables that a training ended with."""
    with np.load(folder / "end.npz") as arrays:
        return [arrays[name] for name in arrays]


def run(times: int, seed: int, folder: Path, epochs: int = 12) -> int:
    """Kills the program; returns how often.

    Args:
        times: how often, if it does not end before that: it then begins anew.
        seed: of the moments.
        folder: an empty folder.
        epochs: how long it trains.

    Raises:
        AssertionError: if a file is not complete, or the bits are others.
    """
    import dlnative

    random = np.random.Generator(np.random.Philox(seed))
    whole, cut = folder / "whole", folder / "cut"
    whole.mkdir()
    cut.mkdir()
    process = started(whole, epochs)
    begun = time.perf_counter()
    assert process.wait() == 0
    seconds = time.perf_counter() - begun
    killed = ends = 0
    while killed < times or not (cut / "end.npz").exists():
        process = started(cut, epochs)
        if killed < times:
            time.sleep(float(random.random() * seconds * 0.4))
            process.send_signal(signal.SIGKILL)
        if process.wait() == 0:
            ends += 1
            same(whole, cut)
            if killed < times:
                (cut / "end.npz").unlink()
        else:
            killed += 1
        if (cut / "model.keras").exists():
            dlnative.saving.load_model(cut / "model.keras")
        assert len(list(cut.glob(".*.partial"))) <= 1
    same(whole, cut)
    return killed


def same(whole: Path, cut: Path) -> None:
    """Compares the ends of two trainings, bit by bit."""
    pairs = list(zip(end_of(whole), end_of(cut), strict=True))
    for place, (variable, found) in enumerate(pairs):
        assert variable.tobytes() == found.tobytes(), f"variable {place} of {len(pairs)} has other bits"


if __name__ == "__main__":
    if sys.argv[1] == "--train":
        train(sys.argv[2], int(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            print(
                "killed",
                run(int(sys.argv[1]), int((*sys.argv, 0)[2]), Path(scratch)),
                "times: complete files, same bits",
            )
