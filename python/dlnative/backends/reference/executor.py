"""Runs a program in NumPy, one instruction after the other."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from dlnative.backends.program import ARENA, Array, Buffer, Program
from dlnative.backends.reference.functions import function_of
from dlnative.backends.selection import note_written
from dlnative.dtypes import NUMPY
from dlnative.graph.op import OPS
from dlnative.graph.type_rule import check_instruction


class ReferenceExecutor:
    """A program whose instructions are calls of reference functions on views of one arena."""

    def __init__(self, program: Program) -> None:
        self._feed_buffers = [program.buffers[number] for number in program.feeds]
        self._feeds = [np.zeros(buffer.shape, NUMPY[buffer.dtype]) for buffer in self._feed_buffers]
        spaces: list[Array] = [np.zeros(program.arena_bytes, np.uint8)]
        spaces += [feed.reshape(-1).view(np.uint8) for feed in self._feeds]
        spaces += program.externals
        assert ARENA == 0
        for step in program.instructions:
            inputs, outputs = ([program.buffers[n].dtype for n in numbers] for numbers in (step.inputs, step.outputs))
            op = OPS[step.op]
            check_instruction(op, inputs, outputs, step.keywords["steps"] if op.steps >= 0 else None, "reference")
        self._views = [_view(spaces[buffer.space], buffer) for buffer in program.buffers]
        self._results = [self._views[number] for number in program.results]
        self._steps = [
            (
                function_of(step.family, step.op),
                [self._views[number] for number in step.inputs],
                step.keywords,
                [self._views[number] for number in step.outputs],
            )
            for step in program.instructions
        ]
        written = {number for step in program.instructions for number in step.outputs}
        self._written = [
            self._views[number] for number in written if program.buffers[number].space > len(program.feeds)
        ]

    def _execute(self) -> None:
        with np.errstate(all="ignore"):
            for function, inputs, keywords, outputs in self._steps:
                _write(function(*inputs, **keywords), outputs)
        for view in self._written:
            note_written(view)

    def run(self, feeds: list[Array]) -> list[Array]:
        for feed, array, buffer in zip(self._feeds, feeds, self._feed_buffers, strict=True):
            if array.shape != buffer.shape or array.dtype != feed.dtype:
                raise ValueError(
                    f"run: expected an input of shape {buffer.shape} and dtype {buffer.dtype}, got {array.shape} and "
                    f"{array.dtype}"
                )
            feed[...] = array
        self._execute()
        return [view.copy() for view in self._results]

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
        deadline = time.perf_counter() + seconds
        while position + batch_size <= stop:
            end = position + batch_size
            rows: Any = slice(position, end) if order is None else order[position:end]
            for feed, source in zip(self._feeds, sources, strict=True):
                feed[...] = source[rows].reshape(feed.shape)
            self._execute()
            for sink, view in zip(sinks, self._results, strict=False):
                sink[position:end] = view
            position = end
            if time.perf_counter() >= deadline:
                break
        return position

    def profile(self, feeds: list[Array], repeats: int) -> list[float]:
        self.run(feeds)
        elapsed = [0.0] * len(self._steps)
        for _ in range(repeats):
            for index, (function, inputs, keywords, outputs) in enumerate(self._steps):
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
