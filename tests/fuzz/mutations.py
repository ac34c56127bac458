"""What may have happened to a file of a model: bytes, members of archives, configurations, sizes that are not true."""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from typing import Any

import numpy as np

from dlnative.saving.hdf5_reader import Group, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5

from . import exported

CANARY = "ran-code-from-a-file"  # what a hostile file tries to write

Random = np.random.Generator


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
        if not places:  # all is deleted
            break
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


def mutated(random: Random, name: str, data: bytes) -> bytes:
    """Returns the bytes of a file of a name, mutated in one of the ways of its format."""
    ways = _WAYS.get(name, _WHOLE)
    return ways[int(random.integers(len(ways)))](random, data)
