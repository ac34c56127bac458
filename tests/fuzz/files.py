"""Model files that are damaged or hostile: each ends in one clear error, soon, in little memory, and runs nothing.

python -m tests.fuzz.files 10000               # from the root of the project; a second number is the first case
python -m tests.fuzz.files --only 1234         # one case again, here

Files of ONNX need the package `onnx`, plans `DLNATIVE_RUN_PLAN`, a build of examples/cpp; cases that cannot be made are left out.
"""

from __future__ import annotations

import copy
import functools
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import dlnative
from dlnative import layers, ops
from dlnative.saving.hdf5_reader import Group, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5

from . import exported

SECONDS, MEMORY = 1.0, 200 << 20  # that a file may take
ERRORS = (ValueError, TypeError, OSError)  # that say that a file cannot be loaded
CANARY = "ran-code-from-a-file"  # what a hostile file tries to write

Random = np.random.Generator


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


# Mutations.


def _flipped(random: Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(int(random.choice([1, 1, 2, 8, 64]))):
        place = int(random.integers(len(made)))
        made[place] = int(
            random.choice([0, 255, 1, made[place] ^ (1 << int(random.integers(8))), random.integers(256)])
        )
    return bytes(made)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: int(random.integers(len(data)))]


def _spliced(random: Random, data: bytes) -> bytes:
    a, b, c = sorted(int(place) for place in random.integers(len(data), size=3))
    return random.choice([data[:a] + data[b:], data[:b] + data[a:], data[:a] + data[b:c] + data[a:b] + data[c:]]).item()


def _numbers(random: Random, data: bytes) -> bytes:
    """Replaces words of 2, 4 or 8 bytes: sizes, counts and places."""
    made = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        width = int(random.choice([2, 4, 8]))
        place = int(random.integers(max(1, len(made) - width)))
        value = int(random.choice([0, 1, 2**15, 2**31 - 1, 2**32 - 1, 2**40, 2**63, len(data), random.integers(2**20)]))
        made[place : place + width] = (value % 2 ** (8 * width)).to_bytes(width, "little")
    return bytes(made[: len(data)])


_BYTES = (_flipped, _flipped, _cut, _spliced, _numbers)
_VALUES = (
    0, -1, 1, 2**31, 2**40, 2**63, 10**30, 1e308, float("nan"), "", "x" * 1000, "relu", None, True, [], {}, [None] * 5,
    [2**20, 2**20], [[1], [2]], "float64", "int8", "mixed_float16",
    {"class_name": "__lambda__", "config": {"value": ["4wAA", None, None]}},
    {"class_name": "function", "module": "os", "config": "system", "registered_name": "system"},
    {"class_name": "Popen", "module": "subprocess", "config": {"args": f"touch {CANARY}", "shell": True}, "registered_name": None},
    {"class_name": "Lambda", "module": "keras.layers", "config": {"function": {"class_name": "__lambda__", "config": {}}}},
    {"class_name": "__numpy__", "config": {"value": [1, 2], "dtype": "O"}},
    {"class_name": "__slice__", "config": {"start": 0, "stop": 2**60, "step": None}},
    {"class_name": "__keras_tensor__", "config": {"shape": [None, 2**40], "dtype": "float32", "keras_history": ["x", 0, 0]}},
)  # fmt: skip


def _places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Returns all pairs of a dict or list and a key in it."""
    stack = [value]
    while stack:
        item = stack.pop()
        keys = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in keys:
            found.append((item, key))
            stack.append(item[key])
    return found


def _config(random: Random, data: bytes) -> bytes:
    config = json.loads(data)
    for _ in range(int(random.choice([1, 1, 2, 5]))):
        places = _places(config, [])
        item, key = places[int(random.integers(len(places)))]
        way = int(random.integers(6))
        if way == 0 and isinstance(item, dict):
            del item[key]
        elif way == 1:
            other, place = places[int(random.integers(len(places)))]
            part = json.dumps(other[place])
            if len(part) < 10**5:
                item[key] = json.loads(part)
        elif way == 2 and isinstance(item[key], (int, float)) and not isinstance(item[key], bool):
            item[key] = [item[key] * 10**6, -item[key], item[key] + 1, item[key] * 1000][int(random.integers(4))]
        elif way == 3:
            for _ in range(int(random.choice([3, 50, 250]))):
                item[key] = [item[key]] if random.random() < 0.5 else {"config": item[key], "class_name": "Dense"}
                if len(json.dumps(item[key])) > 10**5:
                    break
        else:
            item[key] = copy.deepcopy(_VALUES[int(random.integers(len(_VALUES)))])
    return json.dumps(config).encode()


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _in_config(random: Random, data: bytes) -> bytes:
    members = _members(data)
    return _zipped({**members, "config.json": _config(random, members["config.json"])})


def _in_member(random: Random, data: bytes) -> bytes:
    """Mutates the bytes of a member, whose sum is right again."""
    members = _members(data)
    name = list(members)[int(random.integers(len(members)))]
    mutate = _BYTES[int(random.integers(len(_BYTES)))]
    return _zipped({**members, name: mutate(random, members[name])})


def _bomb(random: Random, data: bytes) -> bytes:
    """A few bytes that would become many."""
    members = _members(data)
    name = [name for name in members if name != "metadata.json"][int(random.integers(len(members) - 1))]
    size = int(random.choice([10**7, 10**8]))
    fill = (b" ", b"\0", b"[", b'{"a":', b"[],")[int(random.integers(5))]
    return _zipped({**members, name: fill * (size // len(fill))}, zipfile.ZIP_DEFLATED)


def _declared(random: Random, data: bytes) -> bytes:
    """Sizes of members that are not those of their bytes."""
    made = bytearray(data)
    entry = data.find(b"PK\x01\x02", int(random.integers(len(data))) if random.random() < 0.5 else 0)
    entry = entry if entry >= 0 else data.find(b"PK\x01\x02")
    if entry < 0:
        return data
    offset = int(random.choice([10, 20, 24, 42]))
    value = int(random.choice([0, 1, 2**31, 2**32 - 1, 2**32 - 2, len(data), random.integers(2**20)]))
    struct.pack_into("<I" if offset != 10 else "<H", made, entry + offset, value % 2 ** (32 if offset != 10 else 16))
    return bytes(made)


def _outside(random: Random, data: bytes) -> bytes:
    """Files of layers that would lie in another folder."""
    names = ["../../", "/tmp/", "assets/../../", "assets/..\\", "assets/a/../../../", "assets/C:/", "assets//"]
    return _zipped({**_members(data), f"{names[int(random.integers(len(names)))]}{CANARY}": b"x"})


def copied(group: Group) -> Tree:
    """Returns what a file has, so that it may be changed and written again."""
    tree = Tree(
        {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in group.attrs.items()}
    )
    for name in group:
        part = group.get(name)
        tree.parts[name] = copied(part) if isinstance(part, Group) else Array(part.read())  # type: ignore[union-attr]
    return tree


def _in_attribute(random: Random, data: bytes) -> bytes:
    """Mutates the configuration in a file of Keras 2."""
    tree = copied(Hdf5File(data, "file").root)
    name = ("model_config", "model_config", "training_config")[int(random.integers(3))]
    tree.attrs[name] = _config(random, tree.attrs[name].encode()).decode()
    stream = io.BytesIO()
    write_hdf5(tree, stream)
    return stream.getvalue()


_WHOLE = (_flipped, _cut, _spliced, _numbers)
_KERAS = (
    *_WHOLE,
    _in_config,
    _in_config,
    _in_config,
    _in_config,
    _in_member,
    _in_member,
    _in_member,
    _bomb,
    _declared,
    _outside,
)
_WAYS = {
    "m.keras": _KERAS,
    "m.h5": (*_WHOLE, *[_in_attribute] * 5),
    "m.weights.npz": (*_WHOLE, _in_member, _declared),
    "m.onnx": (*_WHOLE, *[exported.in_messages] * 8),
}


def _chosen(number: int) -> tuple[Random, int, str]:
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
    ways = _WAYS.get(name, _WHOLE)
    return model, name, ways[int(random.integers(len(ways)))](random, original(model, name))


# Judging.


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
        if Path(CANARY).exists() or Path("/tmp", CANARY).exists() or sorted(os.listdir(folder)) != [name]:
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
