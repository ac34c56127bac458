"""A program: the instructions and buffers that the planner hands to a backend."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

ARENA = 0  # the space of the plan's own memory; feeds are spaces 1 to F, memory that others own comes after them


class Buffer:
    """A dense, row-major piece of memory.

    Args:
        space: which memory it lies in.
        offset: where, in bytes.
        shape: its shape.
        dtype: its element type.
    """

    __slots__ = ("dtype", "offset", "shape", "space")

    def __init__(self, space: int, offset: int, shape: tuple[int, ...], dtype: str) -> None:
        self.space = space
        self.offset = offset
        self.shape = shape
        self.dtype = dtype


class Instruction:
    """One call of a kernel.

    Args:
        op: the name of the op.
        family: the family of the op, which is the file of its kernel.
        inputs, outputs: numbers of buffers.
        ints, floats: the attributes as kernels take them; the name of an op stands for its code.
        keywords: the attributes by name, as reference functions take them.
        flops: floating-point operations.
        fused: the ops that the planner put together in it; empty if it is one op.
    """

    __slots__ = ("family", "floats", "flops", "fused", "inputs", "ints", "keywords", "op", "outputs")

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
    """

    __slots__ = (
        "arena_bytes", "buffers", "constant_bytes", "externals", "feeds", "instructions", "results", "unpacked_bytes",
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
    ) -> None:
        self.buffers = buffers
        self.instructions = instructions
        self.feeds = feeds
        self.results = results
        self.externals = externals
        self.arena_bytes = arena_bytes
        self.unpacked_bytes = unpacked_bytes
        self.constant_bytes = constant_bytes
