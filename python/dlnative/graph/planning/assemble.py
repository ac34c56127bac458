"""Assembling: steps whose values have places become a program of buffers and instructions."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.program import ARENA, Array, Buffer, Instruction, Moves, Program, Region
from dlnative.graph.arena import padded
from dlnative.graph.op import OPS, SERVING, Op, size_of
from dlnative.graph.planning.lower import Step, Value
from dlnative.graph.planning.memory import Layout
from dlnative.graph.planning.regions import LoweredRegion, Place
from dlnative.graph.storage import zeroed
from dlnative.graph.trace import Trace
from dlnative.graph.variable import Variable

_MOST_BYTES = 2**62  # addresses have 63 bits, and what is computed with them should not come near


def _flops_each(name: str) -> int:
    """Returns the operations of an elementwise op for one element."""
    flops = OPS[name].flops
    return flops([(), (), ()], [()]) if flops is not None else 1


class Assembler:
    """Numbers spaces and buffers and writes instructions."""

    def __init__(self, trace: Trace, layout: Layout) -> None:
        self.layout = layout
        self.buffers: list[Buffer] = []
        self.instructions: list[Instruction] = []
        self.externals: list[Array] = []
        self.constants: list[tuple[int, Array]] = []
        self.constant_bytes = 0
        self.pinned: dict[int, Variable | Place] = dict(layout.pinned)
        self.inside: dict[int, Any] = {}  # what lies in the workspace of a region: that, and where
        self.turns = 1  # of all regions around
        self._constant_offsets: dict[int, int] = {}
        self._numbers: dict[Any, int] = {}
        self._spaces: dict[int, int] = {}
        self._first_external = 1 + len(trace.feeds)
        self.feeds = [self.number(1 + index, 0, feed.shape, feed.dtype) for index, feed in enumerate(trace.feeds)]

    def number(self, space: int, offset: int, shape: tuple[int, ...], dtype: str, moves: Moves = ()) -> int:
        key = (space, offset, shape, dtype, moves)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.buffers)
            self.buffers.append(Buffer(space, offset, shape, dtype, moves))
        return found

    def external(self, root: Array) -> int:
        space = self._spaces.get(id(root))
        if space is None:
            space = self._spaces[id(root)] = self._first_external + len(self.externals)
            self.externals.append(root)
        return space

    def variable(self, variable: Variable, shape: tuple[int, ...] | None = None, offset: int = 0) -> int:
        root, shape = self.external(variable.root), variable.shape if shape is None else shape
        return self.number(root, variable.offset + offset, shape, variable.own_dtype)

    def buffer(self, value: Value) -> int:
        offset = self.layout.offsets.get(value.key)
        if offset is not None:  # as most are
            return self.number(ARENA, offset + value.offset, value.shape, value.dtype)
        space, offset, moves = self.located(value)
        return self.number(space, offset, value.shape, value.dtype, moves)

    def located(self, value: Value) -> tuple[int, int, Moves]:
        """Returns where a value lies: space, offset, and how it moves with the turns of the regions around."""
        found: Any = self.pinned.get(value.key)
        if found is None:
            found = value.origin
        if found is None:
            return self.in_workspace(value)
        if isinstance(found, Variable):
            return self.external(found.root), found.offset + value.offset, ()
        if isinstance(found, Place):
            space, offset, moves = self.located(found.of)
            if found.stride:
                moves = (*moves, *[(0, 1)] * (found.depth - len(moves)), (found.stride, found.turns))
            return space, offset + found.start + value.offset, moves
        if isinstance(found, int):
            return 1 + found, value.offset, ()
        return -1, self.constant(value), ()

    def in_workspace(self, value: Value) -> tuple[int, int, Moves]:
        offset = self.layout.offsets.get(value.key)
        if offset is not None:
            return ARENA, offset + value.offset, ()
        workspace, offset = self.inside[value.key]
        space, start, moves = self.located(workspace)
        return space, start + offset + value.offset, moves

    def constant(self, value: Value) -> int:
        """Returns where a constant lies in their block, whose space is -1 until all externals are known."""
        offset = self._constant_offsets.get(value.key)
        if offset is None:
            array = np.ascontiguousarray(value.origin)
            offset = self._constant_offsets[value.key] = self.constant_bytes
            self.constants.append((offset, array))
            self.constant_bytes += padded(array.nbytes)
        return offset

    def step(self, step: Step) -> None:
        if step.op.roles.region:
            self.region(step)
            return
        inputs = [self.buffer(value) for value in step.inputs]
        outputs = [self.buffer(value) for value in step.outputs]
        self.instruction(step.op, inputs, outputs, step.attributes, step.fused)

    def region(self, step: Step) -> None:
        """Writes a region: one instruction that says how many of those behind it belong to each body."""
        lowered: LoweredRegion = step.attributes[0]
        for init, final in zip(step.inputs[: lowered.carries], step.outputs[: lowered.carries], strict=True):
            if self.located(init) != self.located(final):
                self.instruction(SERVING["copying"], [self.buffer(init)], [self.buffer(final)], (), ())
        place = len(self.instructions)
        region = Region(lowered.kind, lowered.turns, ())
        condition = lowered.condition if lowered.kind == "if" else None
        inputs = () if condition is None else (self.buffer(condition),)
        self.instructions.append(Instruction(step.op.name, step.op.family, inputs, (), (), (), {}, 0, (), region))
        turns, self.turns = self.turns, self.turns * (lowered.turns if lowered.kind == "for" else 1)
        for body, layout in zip(lowered.bodies, lowered.layouts, strict=True):
            first = len(self.instructions)
            for key, offset in layout.offsets.items():
                self.inside[key] = lowered.workspace, offset
            self.pinned.update(layout.pinned)
            for inside in body.steps:
                self.step(inside)
            region.lengths += (len(self.instructions) - first,)
            if body.results:
                self.instructions[place].inputs = tuple(self.buffer(value) for value in body.results)
        self.turns = turns

    def instruction(
        self, op: Op, inputs: list[int], outputs: list[int], attributes: tuple[Any, ...], fused: tuple[str, ...]
    ) -> None:
        ints, floats = op.encode(attributes)
        buffers = self.buffers
        ins = [buffers[number].shape for number in inputs]
        outs = [buffers[number].shape for number in outputs]
        flops = op.flops(ins, outs) if op.flops is not None else sum(map(size_of, outs))
        if op.steps >= 0:
            flops = sum(_flops_each(step[0]) for step in attributes[op.steps]) * max(map(size_of, ins))
        self.instructions.append(
            Instruction(
                op.name,
                op.family,
                tuple(inputs),
                tuple(outputs),
                ints,
                floats,
                op.keywords(attributes),
                flops * self.turns,
                fused,
            )
        )

    def program(self, results: list[int]) -> Program:
        if self.constants:
            block = zeroed(self.constant_bytes)
            for offset, array in self.constants:
                block[offset : offset + array.nbytes] = array.reshape(-1).view(np.uint8)
            space = self.external(block)
            for buffer in self.buffers:
                if buffer.space < 0:
                    buffer.space = space
        if self.layout.arena_bytes > _MOST_BYTES:
            large = max(self.buffers, key=lambda buffer: size_of(buffer.shape))
            raise ValueError(f"a value of shape {large.shape} and dtype {large.dtype} is too large for any memory")
        return Program(
            self.buffers,
            self.instructions,
            self.feeds,
            results,
            self.externals,
            self.layout.arena_bytes,
            self.layout.unpacked_bytes,
            self.constant_bytes,
            checked=True,
        )
