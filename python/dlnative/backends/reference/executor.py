"""Runs a program in NumPy, one instruction after the other."""

from __future__ import annotations

import time
from _thread import _local as ThreadLocal  # as in threading, which takes 3 ms to import
from typing import Any

import numpy as np

from dlnative.backends.backend import Executor, Limits
from dlnative.backends.program import ARENA, Array, Buffer, Program
from dlnative.backends.reference.functions import function_of
from dlnative.backends.selection import invalidate
from dlnative.dtypes import NUMPY
from dlnative.graph.op import OPS
from dlnative.graph.type_rule import check_instruction


class ReferenceBackend:
    """Programs interpreted in NumPy, a short readable function for each op."""

    name = "reference"
    limits = Limits()

    def build(self, program: Program) -> Executor:
        """Returns an executor of a program.

        Raises:
            NotImplementedError: if an op has no reference function.
            TypeError: if it does not take the types of its operands.
        """
        return ReferenceExecutor(program)

    def invalidate(self, array: Array) -> None:
        """Nothing is kept of the memory of others."""


class _Memory:
    """The memory of a program for one thread, and its instructions as calls on views of it."""

    def __init__(self, program: Program) -> None:
        buffers = program.buffers
        self.feeds = [np.zeros(buffers[number].shape, NUMPY[buffers[number].dtype]) for number in program.feeds]
        spaces: list[Array] = [np.zeros(program.arena_bytes, np.uint8)]
        spaces += [feed.reshape(-1).view(np.uint8) for feed in self.feeds]
        spaces += program.externals
        assert ARENA == 0
        views = [_view(spaces[buffer.space], buffer) for buffer in buffers]
        self.results = [views[number] for number in program.results]
        self.steps = [
            (
                function_of(step.family, step.op),
                [views[number] for number in step.inputs],
                step.keywords,
                [views[number] for number in step.outputs],
            )
            for step in program.instructions
        ]
        written = {number for step in program.instructions for number in step.outputs}
        self.written = [views[number] for number in written if buffers[number].space > len(program.feeds)]

    def execute(self) -> None:
        with np.errstate(all="ignore"):
            for function, inputs, keywords, outputs in self.steps:
                _write(function(*inputs, **keywords), outputs)
        for view in self.written:
            invalidate(view)


class ReferenceExecutor:
    """A program whose instructions are calls of reference functions; each thread that runs it has memory of its own."""

    prepacked_bytes = 0

    def __init__(self, program: Program) -> None:
        for step in program.instructions:  # what cannot run is refused now
            function_of(step.family, step.op)
            inputs, outputs = ([program.buffers[n].dtype for n in numbers] for numbers in (step.inputs, step.outputs))
            op = OPS[step.op]
            check_instruction(op, inputs, outputs, step.keywords["steps"] if op.steps >= 0 else None, "reference")
        self._program = program
        self._of_thread = ThreadLocal()

    def _memory(self) -> _Memory:
        memory: _Memory | None = self._of_thread.__dict__.get("memory")
        if memory is None:
            memory = self._of_thread.memory = _Memory(self._program)
        return memory

    def run(self, feeds: list[Array]) -> list[Array]:
        memory = self._memory()
        for feed, array in zip(memory.feeds, feeds, strict=True):
            if array.shape != feed.shape or array.dtype != feed.dtype:
                raise ValueError(
                    f"run: expected an input of shape {feed.shape} and dtype {feed.dtype}, got {array.shape} and "
                    f"{array.dtype}"
                )
            feed[...] = array
        memory.execute()
        return [view.copy() for view in memory.results]

    def call(self, *feeds: Any) -> Array | None:
        buffers = self._program.buffers
        wanted = [buffers[number] for number in self._program.feeds]
        if len(feeds) != len(wanted) or len(self._program.results) != 1 or not buffers[self._program.results[0]].shape:
            return None
        for feed, buffer in zip(feeds, wanted, strict=True):
            plain = feed.__class__ is np.ndarray and feed.dtype == buffer.dtype and feed.dtype.isnative
            if not plain or feed.shape != buffer.shape or not feed.flags.c_contiguous:
                return None
        return self.run(list(feeds))[0]

    def run_steps(
        self,
        sources: list[Array],
        sinks: list[Array],
        order: Array | None,
        position: int,
        stop: int,
        batch_size: int,
        seconds: float,
    ) -> int:
        memory = self._memory()
        deadline = time.perf_counter() + seconds
        while position + batch_size <= stop:
            end = position + batch_size
            rows: Any = slice(position, end) if order is None else order[position:end]
            for feed, source in zip(memory.feeds, sources, strict=True):
                feed[...] = source[rows].reshape(feed.shape)
            memory.execute()
            for sink, view in zip(sinks, memory.results, strict=False):
                sink[position:end] = view
            position = end
            if time.perf_counter() >= deadline:
                break
        return position

    def profile(self, feeds: list[Array], repeats: int) -> list[float]:
        self.run(feeds)
        elapsed = [0.0] * len(self._memory().steps)
        for _ in range(repeats):
            for index, (function, inputs, keywords, outputs) in enumerate(self._memory().steps):
                start = time.perf_counter_ns()
                _write(function(*inputs, **keywords), outputs)
                elapsed[index] += time.perf_counter_ns() - start
        return elapsed


def _view(space: Array, buffer: Buffer) -> Array:
    dtype = NUMPY[buffer.dtype]
    size = int(np.prod(buffer.shape, dtype=np.int64))
    return space[buffer.offset : buffer.offset + size * dtype.itemsize].view(dtype).reshape(buffer.shape)


def _write(result: Any, outputs: list[Array]) -> None:
    results = result if isinstance(result, tuple) else (result,)
    for output, value in zip(outputs, results, strict=True):
        output[...] = np.asarray(value).reshape(output.shape)
