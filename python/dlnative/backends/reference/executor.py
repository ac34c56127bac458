"""Runs a program in NumPy, one instruction after the other."""

from __future__ import annotations

import time
from _thread import _local as ThreadLocal  # as in threading, which takes 3 ms to import
from typing import Any

import numpy as np

from dlnative.backends.backend import Executor, Limits
from dlnative.backends.program import ARENA, Array, Buffer, Program, Region
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

    def place(self, arrays: list[Array]) -> list[Any]:
        """Arrays lie where they are computed with."""
        return arrays

    def leave(self) -> None:
        """Variables are always up to date."""


_KEPT_BYTES = 1 << 16  # what a plan holds for a thread from one run to the next; more is made anew


class _Memory:
    """The memory of a program for one thread, and its instructions as calls on views of it."""

    def __init__(self, program: Program) -> None:
        buffers = program.buffers
        self.feeds = [np.zeros(buffers[number].shape, NUMPY[buffers[number].dtype]) for number in program.feeds]
        spaces: list[Array] = [np.zeros(program.arena_bytes, np.uint8)]
        spaces += [feed.reshape(-1).view(np.uint8) for feed in self.feeds]
        spaces += program.externals
        assert ARENA == 0
        self.spaces = spaces
        self.nbytes = program.arena_bytes + sum(feed.nbytes for feed in self.feeds)
        self.program = program
        # What moves with the turns of a region is viewed anew in each turn.
        self.views = [None if buffer.moves else _view(spaces[buffer.space], buffer) for buffer in buffers]
        self.results = [_view(spaces[buffers[number].space], buffers[number]) for number in program.results]
        self.functions = [
            function_of(step.family, step.op) if step.region is None else None for step in program.instructions
        ]
        written = {buffers[number].space for step in program.instructions for number in step.outputs}
        self.written = [spaces[space] for space in written if space > len(program.feeds)]

    def execute(self) -> None:
        with np.errstate(all="ignore"):
            self.run(0, len(self.functions), ())
        for array in self.written:
            invalidate(array)

    def run(self, first: int, last: int, turns: tuple[int, ...]) -> None:
        """Runs instructions.

        Args:
            first, last: the numbers of the first one, and of that behind the last.
            turns: the turns of the regions around, from the outermost on.
        """
        while first < last:
            step, function = self.program.instructions[first], self.functions[first]
            first += 1
            if function is not None:
                inputs = [self.view(number, turns) for number in step.inputs]
                _write(function(*inputs, **step.keywords), [self.view(number, turns) for number in step.outputs])
            elif step.region is not None:
                self.run_region(step.region, step.inputs, first, turns)
                first += sum(step.region.lengths)

    def run_region(self, region: Region, inputs: tuple[int, ...], first: int, turns: tuple[int, ...]) -> None:
        middle = first + region.lengths[0]
        last = first + sum(region.lengths)
        if region.kind == "for":
            for turn in range(region.turns):
                self.run(first, last, (*turns, turn))
        elif region.kind == "while":
            turn = 0
            while turn != region.turns:
                self.run(first, middle, (*turns, turn))
                if not self.view(inputs[0], (*turns, turn)):
                    break
                self.run(middle, last, (*turns, turn))
                turn += 1
        elif self.view(inputs[0], turns):
            self.run(first, middle, (*turns, 0))
        else:
            self.run(middle, last, (*turns, 0))

    def view(self, number: int, turns: tuple[int, ...]) -> Array:
        """Returns a buffer in certain turns of the regions around."""
        view = self.views[number]
        if view is None:
            buffer = self.program.buffers[number]
            moved = sum(turn * stride for turn, (stride, _) in zip(turns, buffer.moves, strict=False))
            view = _view(self.spaces[buffer.space], buffer, moved)
        return view


class ReferenceExecutor:
    """A program whose instructions are calls of reference functions; each thread that runs it has memory of its own."""

    prepacked_bytes = 0

    def __init__(self, program: Program) -> None:
        for step in program.instructions:  # what cannot run is refused now
            if step.region is not None:
                continue
            function_of(step.family, step.op)
            inputs, outputs = ([program.buffers[n].dtype for n in numbers] for numbers in (step.inputs, step.outputs))
            op = OPS[step.op]
            check_instruction(op, inputs, outputs, step.keywords["steps"] if op.steps >= 0 else None, "reference")
        self._program = program
        self._of_thread = ThreadLocal()

    def _memory(self) -> _Memory:
        memory: _Memory | None = self._of_thread.__dict__.get("memory")
        if memory is None:
            memory = _Memory(self._program)
            if memory.nbytes <= _KEPT_BYTES:
                self._of_thread.memory = memory
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
        memory = self._memory()
        elapsed = [0.0] * len(memory.functions)
        for _ in range(repeats):
            index = 0
            while index < len(elapsed):  # a region counts as a whole
                region = self._program.instructions[index].region
                behind = index + 1 + (sum(region.lengths) if region is not None else 0)
                start = time.perf_counter_ns()
                memory.run(index, behind, ())
                elapsed[index] += time.perf_counter_ns() - start
                index = behind
        return elapsed


def _view(space: Array, buffer: Buffer, moved: int = 0) -> Array:
    dtype = NUMPY[buffer.dtype]
    first = buffer.offset + moved
    size = int(np.prod(buffer.shape, dtype=np.int64))
    return space[first : first + size * dtype.itemsize].view(dtype).reshape(buffer.shape)


def _write(result: Any, outputs: list[Array]) -> None:
    results = result if isinstance(result, tuple) else (result,)
    for output, value in zip(outputs, results, strict=True):
        output[...] = np.asarray(value).reshape(output.shape)
