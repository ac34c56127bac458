"""The planner: from a trace to a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends.backend import Limits
from dlnative.backends.program import ARENA, Array, Buffer, Instruction, Program
from dlnative.graph.arena import padded
from dlnative.graph.op import OPS, Op, size_of
from dlnative.graph.planning.chains import chain
from dlnative.graph.planning.fuse import fuse
from dlnative.graph.planning.lower import Lowered, Step, Value, lower
from dlnative.graph.planning.memory import Layout, assign_memory
from dlnative.graph.storage import zeroed
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import Trace
from dlnative.graph.variable import Variable


def plan(trace: Trace, results: Sequence[Tensor], limits: Limits) -> Program:
    """Returns the program that computes `results` and the trace's updates, and then runs its finalizers.

    Args:
        trace: what tracing left behind.
        results: what the program returns.
        limits: what the backend's kernels can do.
    """
    lowered = lower(trace, results)
    fuse(lowered)
    _remove_unused(lowered)
    chain(lowered, limits)
    written = {variable for finalizer in trace.finalizers for variable in finalizer.outputs}
    layout = assign_memory(lowered, written)
    assembler = _Assembler(trace, layout)
    for step in lowered.steps:
        assembler.step(step)
    for finalizer in trace.finalizers:
        assembler.instruction(
            OPS[finalizer.op],
            [assembler.variable(variable) for variable in finalizer.inputs],
            [assembler.variable(variable) for variable in finalizer.outputs],
            finalizer.attributes,
            (),
        )
    return assembler.program([assembler.buffer(value) for value in lowered.results])


def _remove_unused(plan: Lowered) -> None:
    needed = plan.kept()
    steps: list[Step] = []
    for step in reversed(plan.steps):
        if any(value.key in needed for value in step.outputs):
            steps.append(step)
            needed.update([value.key for value in step.inputs])
    plan.steps = steps[::-1]


def _flops_each(name: str) -> int:
    """Returns the operations of an elementwise op for one element."""
    flops = OPS[name].flops
    return flops([(), (), ()], [()]) if flops is not None else 1


_MOST_BYTES = 2**62  # addresses have 63 bits, and what is computed with them should not come near


class _Assembler:
    """Numbers spaces and buffers and writes instructions."""

    def __init__(self, trace: Trace, layout: Layout) -> None:
        self.layout = layout
        self.buffers: list[Buffer] = []
        self.instructions: list[Instruction] = []
        self.externals: list[Array] = []
        self.constants: list[tuple[int, Array]] = []
        self.constant_bytes = 0
        self._numbers: dict[Any, int] = {}
        self._spaces: dict[int, int] = {}
        self._first_external = 1 + len(trace.feeds)
        self.feeds = [self.number(1 + index, 0, feed.shape, feed.dtype) for index, feed in enumerate(trace.feeds)]

    def number(self, space: int, offset: int, shape: tuple[int, ...], dtype: str) -> int:
        key = (space, offset, shape, dtype)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.buffers)
            self.buffers.append(Buffer(space, offset, shape, dtype))
        return found

    def external(self, root: Array) -> int:
        space = self._spaces.get(id(root))
        if space is None:
            space = self._spaces[id(root)] = self._first_external + len(self.externals)
            self.externals.append(root)
        return space

    def variable(self, variable: Variable, shape: tuple[int, ...] | None = None, offset: int = 0) -> int:
        root, shape = self.external(variable.root), variable.shape if shape is None else shape
        return self.number(root, variable.offset + offset, shape, variable.dtype)

    def buffer(self, value: Value) -> int:
        pinned = self.layout.pinned.get(value.key)
        if pinned is not None:
            return self.variable(pinned, value.shape, value.offset)
        origin = value.origin
        if origin is None:
            return self.number(ARENA, self.layout.offsets[value.key] + value.offset, value.shape, value.dtype)
        if isinstance(origin, Variable):
            return self.variable(origin, value.shape, value.offset)
        if isinstance(origin, int):
            return self.number(1 + origin, value.offset, value.shape, value.dtype)
        return self.constant(value)

    def constant(self, value: Value) -> int:
        key = ("constant", value.key, value.shape)
        found = self._numbers.get(key)
        if found is None:
            array = np.ascontiguousarray(value.origin)
            # The space is numbered when all externals are known: -1 until then.
            found = self._numbers[key] = len(self.buffers)
            self.buffers.append(Buffer(-1, self.constant_bytes, value.shape, value.dtype))
            self.constants.append((self.constant_bytes, array))
            self.constant_bytes += padded(array.nbytes)
        return found

    def step(self, step: Step) -> None:
        inputs = [self.buffer(value) for value in step.inputs]
        outputs = [self.buffer(value) for value in step.outputs]
        self.instruction(step.op, inputs, outputs, step.attributes, step.fused)

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
                op.name, op.family, tuple(inputs), tuple(outputs), ints, floats, op.keywords(attributes), flops, fused
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
        )
