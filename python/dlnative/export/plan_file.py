"""A planned inference program as a file that C++ programs load; docs/export.md describes the format."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends.backend import Limits
from dlnative.backends.program import ARENA, Array, Buffer, Instruction, Program
from dlnative.export.inference import Inference
from dlnative.graph.op import size_of
from dlnative.graph.planning.planner import plan
from dlnative.saving.files import replacing

_MAGIC = b"dlplan\r\n"
_VERSION = 1
_LINE = 64  # bytes of a cache line, from which weights begin
_KINDS = {"for": 1, "while": 2, "if": 3}


def write_plan(model: Any, filepath: Any, input_signature: Any = None, batch_size: int = 1) -> None:
    """Writes the plan of what a model computes when it does not train.

    Args:
        model: the model.
        filepath: the file.
        input_signature: shapes and types of the inputs.
        batch_size: rows in a batch, where the first axis is open.

    Raises:
        ValueError: if another axis is open, or the model needs Python to run. Nothing is then written.
    """
    from dlnative.utils.checks import integer

    batch_size = integer("export", "batch_size", batch_size, 1)
    inference = Inference("export", model, input_signature, {"batch": batch_size})
    open_axes = [(given.name, axis) for given in inference.inputs for axis in given.symbols]
    if open_axes:
        name, axis = open_axes[0]
        raise ValueError(
            f'export: expected the size of axis {axis} of "{name}" in input_signature, got one that is open'
        )
    program = plan(inference.trace, inference.results, Limits())
    names = [given.name for given in inference.inputs], inference.output_names
    contents = plan_bytes(program, inference.model_name, *names)
    with replacing(filepath) as file:
        file.write(contents)


def plan_bytes(program: Program, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Returns the contents of a file.

    Args:
        program: the program.
        name: the name of the network.
        inputs, outputs: the names of its feeds and results.

    Raises:
        ValueError: for an op that only Python has.
    """
    from dlnative.backends.cpu import OP_CODES, CpuBackend

    for step in program.instructions:
        if step.region is None and step.op not in OP_CODES:
            raise ValueError(f'export: expected ops with a native kernel, got "{step.op}"')
        if any(program.buffers[number].space != ARENA for number in step.outputs):
            raise ValueError(
                f'export: expected a program that leaves its weights as they are, got "{step.op}" that writes'
            )
    CpuBackend().build(program)  # it checks types, sizes and places
    buffers, weights = _with_one_space(program)
    ops: dict[str, int] = {}
    instructions = [_instruction(step, ops) for step in program.instructions]
    parts = [
        _text(name), _list(map(_text, inputs)), _list(map(_text, outputs)), _numbers(program.feeds), _numbers(program.results),
        struct.pack("<q", program.arena_bytes), _list(map(_text, ops)), _list(map(_buffer, buffers)), _list(instructions),
        struct.pack("<Q", len(weights)), weights,
    ]  # fmt: skip
    body = b"".join(parts)
    return _MAGIC + struct.pack("<IIQQ", _VERSION, 0, len(body) + 32, checksum(body)) + body


def checksum(contents: bytes) -> int:
    """Returns FNV-1a over words of 64 bits, the last one filled up with zeros; each is folded in once more by halves."""
    total = 0xCBF29CE484222325
    for word in np.frombuffer(contents + b"\0" * (-len(contents) % 8), "<u8").tolist():
        total = (total ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        total ^= total >> 32
    return total


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _list(items: Any) -> bytes:
    parts = list(items)
    return struct.pack("<Q", len(parts)) + b"".join(parts)


def _numbers(values: Sequence[float], kind: str = "i") -> bytes:
    return struct.pack(f"<Q{len(values)}{kind}", len(values), *values)


def _buffer(buffer: Buffer) -> bytes:
    moves = [struct.pack("<qq", *move) for move in buffer.moves]
    place = struct.pack("<iiq", buffer.space, dtypes.CODES[buffer.dtype], buffer.offset)
    return place + _numbers(buffer.shape, "q") + _list(moves)


def _instruction(step: Instruction, ops: dict[str, int]) -> bytes:
    """An instruction; an op, also among the integers, is the number of its name in a list."""
    region = step.region
    values: Sequence[int | str] = step.ints if region is None else (region.turns, *region.lengths)
    number = ops.setdefault(step.op, len(ops)) if region is None else 0
    places = [place for place, value in enumerate(values) if isinstance(value, str)]
    ints = [ops.setdefault(value, len(ops)) if isinstance(value, str) else value for value in values]
    return b"".join(
        [
            struct.pack("<ii", 0 if region is None else _KINDS[region.kind], number),
            _numbers(step.inputs),
            _numbers(step.outputs if region is None else ()),
            _numbers(ints, "q"),
            _numbers(places),
            _numbers(step.floats if region is None else (), "d"),
        ]
    )


def _with_one_space(program: Program) -> tuple[list[Buffer], bytes]:
    """Returns the buffers, and the weights: the pieces of others' memory that are read, in one space behind the feeds."""
    first = 1 + len(program.feeds)
    pieces: dict[int, list[list[int]]] = {}
    for buffer in program.buffers:
        if buffer.space >= first:
            begin, end = _span(buffer)
            pieces.setdefault(buffer.space, []).append([begin, end])
    contents: list[bytes] = []
    total = 0
    moved: dict[int, list[tuple[int, int, int]]] = {}  # begin and end, and where the piece now begins
    for space, ranges in pieces.items():
        merged: list[list[int]] = []
        for begin, end in sorted(ranges):
            if merged and begin <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([begin, end])
        raw: Array = program.externals[space - first].reshape(-1).view(np.uint8)
        for begin, end in merged:
            fill = (begin - total) % _LINE  # a piece lies as far behind a cache line as it did
            contents += [b"\0" * fill, raw[begin:end].tobytes()]
            moved.setdefault(space, []).append((begin, end, total + fill))
            total += fill + end - begin
    buffers = []
    for buffer in program.buffers:
        if buffer.space >= first:
            low, high = _span(buffer)
            shift = next(place - begin for begin, end, place in moved[buffer.space] if begin <= low and high <= end)
            buffers.append(Buffer(first, buffer.offset + shift, buffer.shape, buffer.dtype, buffer.moves))
        else:
            buffers.append(buffer)
    return buffers, b"".join(contents)


def _span(buffer: Buffer) -> tuple[int, int]:
    """Returns the bytes that a buffer takes in all turns of the regions around."""
    begin, end = buffer.offset, buffer.offset + size_of(buffer.shape) * dtypes.ITEM_SIZES[buffer.dtype]
    for nbytes, turns in buffer.moves:
        last = nbytes * (turns - 1) if turns > 0 else 0
        begin, end = begin + min(last, 0), end + max(last, 0)
    return begin, end
