"""A program: the instructions and buffers that the planner hands to a backend."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ARENA = 0  # the space of the plan's own memory; feeds are spaces 1 to F, memory that others own comes after them


Moves = tuple[tuple[int, int], ...]


class Buffer:
    """A dense, row-major piece of memory, perhaps a part of another one.

    Args:
        space: which memory it lies in.
        offset: where, in bytes.
        shape: its shape.
        dtype: its element type.
        moves: for each region around the instructions that name it, from the outermost on, how many bytes it moves in
            each turn, and the number of turns.
    """

    __slots__ = ("dtype", "moves", "offset", "shape", "space")

    def __init__(self, space: int, offset: int, shape: tuple[int, ...], dtype: str, moves: Moves = ()) -> None:
        self.space = space
        self.offset = offset
        self.shape = shape
        self.dtype = dtype
        self.moves = moves


class Region:
    """What makes an instruction one that runs instructions behind it: its bodies, one after the other.

    Args:
        kind: `"for"` runs its body so many times. `"while"` runs its first body and then, if its first input is true, the
            second, again and again. `"if"` runs its first body if its first input is true, else the second.
        turns: how many times at most; -1 where there is no limit.
        lengths: the number of instructions of each body, those of regions in it included.
    """

    __slots__ = ("kind", "lengths", "turns")

    def __init__(self, kind: str, turns: int, lengths: tuple[int, ...]) -> None:
        self.kind = kind
        self.turns = turns
        self.lengths = lengths


class Instruction:
    """One call of a kernel, or a region.

    Args:
        op: the name of the op.
        family: the family of the op, which is the file of its kernel.
        inputs, outputs: numbers of buffers.
        ints, floats: the attributes as kernels take them; the name of an op stands for its code.
        keywords: the attributes by name, as reference functions take them.
        flops: floating-point operations, in all turns of the regions around.
        fused: the ops that the planner put together in it; empty if it is one op.
        region: what it does with the instructions behind it, if it is a region.
    """

    __slots__ = ("family", "floats", "flops", "fused", "inputs", "ints", "keywords", "op", "outputs", "region")

    def __init__(
        self,
        op: str,
        family: str,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        ints: tuple[int | str, ...],
        floats: tuple[float, ...],
        keywords: dict[str, Any],
        flops: int,
        fused: tuple[str, ...],
        region: Region | None = None,
    ) -> None:
        self.op = op
        self.family = family
        self.inputs = inputs
        self.outputs = outputs
        self.ints = ints
        self.floats = floats
        self.keywords = keywords
        self.flops = flops
        self.fused = fused
        self.region = region


class Program:
    """A planned computation.

    Args:
        buffers: all buffers; instructions name them by number.
        instructions: in the order of execution.
        feeds: the buffer of each feed.
        results: the buffers that a run returns.
        externals: memory that others own: byte arrays of constants, parameters, slots and states.
        arena_bytes: the size of the plan's own memory.
        unpacked_bytes: what that memory would be if every intermediate value had its own.
        constant_bytes: the size of the constants among the externals.
        checked: whether each instruction was made by its row of the op table, as the planner's are. A backend whose kernels
            take attributes and shapes on trust checks those of other programs.
    """

    __slots__ = (
        "arena_bytes", "buffers", "checked", "constant_bytes", "externals", "feeds", "instructions", "results",
        "unpacked_bytes",
    )  # fmt: skip

    def __init__(
        self,
        buffers: list[Buffer],
        instructions: list[Instruction],
        feeds: list[int],
        results: list[int],
        externals: list[Array],
        arena_bytes: int,
        unpacked_bytes: int,
        constant_bytes: int,
        checked: bool = False,
    ) -> None:
        self.buffers = buffers
        self.instructions = instructions
        self.feeds = feeds
        self.results = results
        self.externals = externals
        self.arena_bytes = arena_bytes
        self.unpacked_bytes = unpacked_bytes
        self.constant_bytes = constant_bytes
        self.checked = checked
