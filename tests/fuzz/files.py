"""Model files that are damaged or hostile: each ends in one clear error, soon, in little memory, and runs nothing.

python -m tests.fuzz.files 10000               # from the root of the project; a second number is the first case
python -m tests.fuzz.files --only 1234         # one case again, here

Files of ONNX need the package `onnx`, plans `DLNATIVE_RUN_PLAN`, a build of examples/cpp; cases that cannot be made are left out.
"""

from __future__ import annotations

import functools
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import dlnative
from dlnative import layers, ops

from . import exported, mutations

SECONDS, MEMORY = 1.0, 200 << 20  # that a file may take
ERRORS = (ValueError, TypeError, OSError)  # that say that a file cannot be loaded


def _mlp() -> Any:
    return dlnative.Sequential(
        [
            dlnative.Input((4,)),
            layers.Dense(5, "relu", kernel_regularizer="l2"),
            layers.Dropout(0.5),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )


def _cnn() -> Any:
    x = inputs = dlnative.Input((8, 8, 3))
    x = layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(x))
    x = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(3, 2)(layers.DepthwiseConv2D(2)(x)))
    return dlnative.Model(inputs, layers.Dense(2)(x))


def _recurrent() -> Any:
    x = inputs = dlnative.Input((6,))
    x = layers.LSTM(3, return_sequences=True)(layers.Embedding(10, 4, mask_zero=True)(x))
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    return dlnative.Model(inputs, layers.Dense(2)(layers.SimpleRNN(3)(layers.TimeDistributed(layers.Dense(3))(x))))


def _transformer() -> Any:
    inputs = dlnative.Input((6,))
    x = layers.Embedding(10, 4)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 2)(x, x))
    x = ops.concatenate([ops.mean(x, axis=1), x[:, 0], ops.reshape(x, (-1, 24))], axis=-1)
    return dlnative.Model(inputs, layers.Dense(2)(ops.relu(x) * 2.0))


MAKERS = (_mlp, _cnn, _recurrent, _transformer)
NAMES = ("m.keras", "m.keras", "m.keras", "m.h5", "m.weights.h5", "m.weights.npz", "m.safetensors", *exported.NAMES)
WHOLE = ("m.keras", "m.h5")


@functools.cache
def models() -> list[Any]:
    """Returns the models whose files are mutated, trained for a step."""
    made = []
    for maker in MAKERS:
        model = maker()
        model.compile("adam", "mse", metrics=["mae", dlnative.metrics.AUC(name="auc")][: 1 + (maker is _mlp)])
        x = np.ones((4, *model.input_shape[1:]), "float32")
        model.train_on_batch(x, np.ones((4, 2), "float32"))
        made.append(model)
    return made


@functools.cache
def original(model: int, name: str) -> bytes:
    """Returns a file of a model as it is saved."""
    if name in exported.NAMES:
        return exported.original(models()[model], name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        (models()[model].save if name in WHOLE else models()[model].save_weights)(path)
        return path.read_bytes()


def _chosen(number: int) -> tuple[np.random.Generator, int, str]:
    random = np.random.Generator(np.random.Philox(number))
    return random, int(random.integers(len(MAKERS))), NAMES[int(random.integers(len(NAMES)))]


def kind(number: int) -> str:
    """Returns the name of the file of a case."""
    return _chosen(number)[2]


def left_out(number: int) -> bool:
    """Tells whether a case cannot be made here."""
    name = kind(number)
    return name in exported.NAMES and not exported.available(name)


def mutated(number: int) -> tuple[int, str, bytes]:
    """Returns a case: which model, the name of the file, and its bytes."""
    random, model, name = _chosen(number)
    return model, name, mutations.mutated(random, name, original(model, name))


def check(number: int) -> str | None:
    """Loads a file; returns what is wrong, or `None`."""
    model, name, data = mutated(number)
    before = _peak()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, name)
        path.write_bytes(data)
        begun = time.process_time()
        line = _loaded(model, str(path))
        seconds = time.process_time() - begun
        if (
            Path(mutations.CANARY).exists()
            or Path("/tmp", mutations.CANARY).exists()
            or sorted(os.listdir(folder)) != [name]
        ):
            return "something was written"
    if line:
        return line
    if seconds > SECONDS:
        return f"took {seconds:.1f} s"
    return f"took {(_peak() - before) >> 20} MB" if _peak() - before > MEMORY else None


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _loaded(model: int, path: str) -> str | None:
    try:
        if os.path.basename(path) in WHOLE:
            dlnative.saving.load_model(path)
        elif os.path.basename(path) in exported.NAMES:
            exported.load(path)
        else:
            models()[model].load_weights(path)
    except ERRORS as error:
        text = str(error)
        return (
            None if text and len(text) < 3000 else f"{type(error).__name__} of {len(text)} characters: {text[:100]!r}"
        )
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:300]} ({Path(where.filename).name}:{where.lineno})"
    return None


def work(first: int, count: int) -> None:
    """Runs cases; tells before each one, and what it finds."""
    models()
    for number in range(first, first + count):
        print("case", number, flush=True)
        if left_out(number):
            print("left", number, flush=True)
            continue
        line = check(number)
        if line:
            print("found", number, line.replace("\n", " "), flush=True)


def drive(count: int, first: int = 0) -> int:
    """Runs cases in processes of their own; returns how many were found to be wrong."""
    number, end, found, without = first, first + count, 0, 0
    while number < end:
        command = [sys.executable, "-m", "tests.fuzz.files", "--work", str(number), str(min(500, end - number))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            what, _, rest = line.rstrip().partition(" ")
            if what == "case":
                number = int(rest)
            elif what == "found":
                found += 1
                print(rest, flush=True)
            elif what == "left":
                without += 1
        if process.wait():
            found += 1
            print(f"{number} ended the process: {process.returncode} {process.stderr.read()[-300:]!r}", flush=True)
        number += 1
    print(f"{count} cases from {first} on, {without} of them left out, {found} found")
    return found


def main(arguments: list[str]) -> int:
    """The command."""
    if arguments[:1] == ["--work"]:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        work(int(arguments[1]), int(arguments[2]))
        return 0
    if arguments[:1] == ["--only"]:
        line = check(int(arguments[1]))
        print(line or "right")
        return line is not None
    return drive(int(arguments[0]) if arguments else 1000, int(arguments[1]) if len(arguments) > 1 else 0) > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
