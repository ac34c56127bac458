"""Networks for other programs that are damaged or hostile: files of ONNX, and plans for C++.

`tests/fuzz/files.py` runs these cases, too. Plans are loaded by the program that `DLNATIVE_RUN_PLAN` names, a build of
examples/cpp.
"""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import dlnative
from dlnative.export.plan_file import checksum

Random = np.random.Generator
PROGRAM = os.environ.get("DLNATIVE_RUN_PLAN", "")
NAMES = ("m.onnx", "m.onnx", "m.dlplan")
SECONDS, MEMORY = 1, 256 << 20  # for a plan; the program alone takes 10 MB
_HEADER = 32  # bytes of a plan before what its checksum is of


def available(name: str) -> bool:
    """Tells whether there is what such a file is written and read with."""
    if name == "m.dlplan":
        return bool(PROGRAM)
    try:
        import onnx  # noqa: F401
    except ImportError:
        return False
    return True


def original(model: Any, name: str) -> bytes:
    """Returns a model as it is exported."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        model.export(path, verbose=False)
        return path.read_bytes()


# Mutations of the messages of an ONNX file.


def _graphs(graph: Any) -> list[Any]:
    found = [graph]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _graphs(attribute.g)
    return found


def _copy(message: Any) -> Any:
    made = type(message)()
    made.CopyFrom(message)
    return made


def _one(random: Random, items: Any) -> Any:
    return items[int(random.integers(len(items)))]


_EXTENTS = (0, -1, 1, 3, 2**20, 2**31, 2**40, 2**62, -(2**63))
_LOCATIONS = ("../m.onnx", "/etc/passwd", "m.onnx", "", "a/../../m.onnx", "\0", "x" * 5000)
_OPERATORS = (
    "Add", "MatMul", "Reshape", "Gather", "Concat", "Tile", "Expand", "ConstantOfShape", "Range", "Loop", "If", "Scan",
    "LSTM", "Conv", "Resize", "Split", "Slice", "Pad", "Cast", "OneHot", "TopK", "Einsum", "Identity", "Sequence", "",
)  # fmt: skip
_NUMBERS = (0, -1, 1, 7, 2**31 - 1, 2**40, -(2**62))


def _in_tensor(random: Random, graph: Any) -> None:
    if not graph.initializer:
        return
    tensor = _one(random, graph.initializer)
    way = int(random.integers(6))
    if way == 0 and tensor.dims:
        tensor.dims[int(random.integers(len(tensor.dims)))] = _one(random, _EXTENTS)
    elif way == 1:
        tensor.dims.append(_one(random, _EXTENTS))
    elif way == 2:
        tensor.data_type = int(random.integers(-1, 30))
    elif way == 3:
        tensor.raw_data = tensor.raw_data[: int(random.integers(len(tensor.raw_data) + 1))]
    elif way == 4:
        size = len(tensor.raw_data)
        tensor.raw_data = random.integers(0, 256, size, dtype=np.uint8).tobytes()
    else:
        tensor.data_location = 1
        tensor.external_data.add(key="location", value=_one(random, _LOCATIONS))
        tensor.external_data.add(key="length", value=_one(random, ("8", "-1", "x", str(2**62))))


def _in_node(random: Random, graph: Any) -> None:
    if not graph.node:
        return
    node = _one(random, graph.node)
    names = [name for other in graph.node for name in (*other.input, *other.output)] + ["nothing", ""]
    way = int(random.integers(6))
    if way == 0 and node.input:
        node.input[int(random.integers(len(node.input)))] = _one(random, names)
    elif way == 1:
        node.input.append(_one(random, names))
    elif way == 2:
        node.op_type = _one(random, _OPERATORS)
    elif way == 3 and node.output:
        node.output[int(random.integers(len(node.output)))] = _one(random, names)
    elif way == 4:
        node.domain = _one(random, ("ai.onnx.ml", "com.microsoft", "os", ""))
    elif node.attribute:
        attribute = _one(random, node.attribute)
        if attribute.ints:
            attribute.ints[int(random.integers(len(attribute.ints)))] = _one(random, _NUMBERS)
        attribute.i = _one(random, _NUMBERS)
        if random.random() < 0.3:
            attribute.type = int(random.integers(0, 12))
            attribute.name = _one(random, ("axis", "perm", "to", "body", "value", "kernel_shape", attribute.name))


def _in_interface(random: Random, graph: Any) -> None:
    values = [*graph.input, *graph.output]
    if not values:
        return
    value = _one(random, values)
    way = int(random.integers(3))
    if way == 0:
        value.type.tensor_type.elem_type = int(random.integers(-1, 30))
    elif way == 1:
        for axis in value.type.tensor_type.shape.dim:
            axis.dim_value = _one(random, _EXTENTS)
    else:
        value.name = _one(random, ("nothing", "", "x" * 1000))


def _in_order(random: Random, graph: Any) -> None:
    if len(_graphs(graph)) > 20:  # copies of messages that are nested deeper are refused by protobuf
        return
    nodes = list(graph.node)
    random.shuffle(nodes)  # type: ignore[arg-type]
    copies = [_copy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies[: int(random.integers(len(copies) + 1))])


def _within(random: Random, graph: Any) -> None:
    """Graphs in graphs in graphs."""
    if len(_graphs(graph)) > 1:
        return
    inner = _copy(graph)
    for _ in range(int(_one(random, (3, 30, 60)))):
        outer = type(graph)(name="outer")
        node = outer.node.add(op_type="If", input=[graph.input[0].name if graph.input else "x"], output=["y"])
        for name in ("then_branch", "else_branch"):
            attribute = node.attribute.add(name=name, type=5)
            if name == "then_branch":
                attribute.g.CopyFrom(inner)
        outer.input.extend(graph.input)
        outer.output.add(name="y")
        inner = outer
    graph.CopyFrom(inner)


def in_messages(random: Random, data: bytes) -> bytes:
    """Mutates what an ONNX file says."""
    import onnx

    model = onnx.ModelProto.FromString(data)
    for _ in range(int(_one(random, (1, 1, 2, 5)))):
        graph = _one(random, _graphs(model.graph))
        way = int(random.integers(12))
        if way < 4:
            _in_tensor(random, graph)
        elif way < 8:
            _in_node(random, graph)
        elif way == 8:
            _in_interface(random, graph)
        elif way == 9:
            _in_order(random, graph)
        elif way == 10:
            _within(random, model.graph)
        else:
            model.opset_import[0].version = _one(random, _NUMBERS)
    made: bytes = model.SerializeToString()
    return made


def beside_the_sum(mutate: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    """Returns a mutation of lists, names and counts of a plan, whose size and checksum are right again."""

    def changed(random: Random, data: bytes) -> bytes:
        body = mutate(random, data[_HEADER:])
        return data[:16] + struct.pack("<QQ", len(body) + _HEADER, checksum(body)) + body

    return changed


# Judging.


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def load(path: str) -> None:
    """Loads a file.

    Raises:
        ValueError: with the one line that says what is wrong with it.
        RuntimeError: if it is not one line.
    """
    if path.endswith(".onnx"):
        model = dlnative.onnx.load(path)
        try:
            model(
                [
                    np.zeros([extent or 2 for extent in given.shape or ()], given.dtype)
                    for given in model.input_signature
                ]
            )
        except (ValueError, TypeError, MemoryError):
            return
        return
    done = subprocess.run([PROGRAM, path], capture_output=True, timeout=20, check=False, preexec_fn=_limits)
    if done.returncode == 1 and done.stderr.startswith(b"load: ") and done.stderr.count(b"\n") == 1:
        raise ValueError(done.stderr.decode(errors="replace"))
    if done.returncode:
        raise RuntimeError(f"the program ended with {done.returncode}, {done.stderr[:200]!r}")
