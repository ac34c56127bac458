"""Times every instruction of a step and holds it against what the machine could do: its roofline.

An instruction that does F operations on B bytes cannot take less time than max(F / P, B / W), where P is the rate of
multiply-adds of the cores and W the rate at which they read so many bytes, from a cache or from memory. Source:
Williams, Waterman & Patterson, "Roofline: an insightful visual performance model for multicore architectures", 2009.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np

from dlnative.backends import selection
from dlnative.backends.program import Instruction, Program
from dlnative.dtypes import ITEM_SIZES
from dlnative.graph.op import size_of
from dlnative.utils.html import folded

_SIZES = tuple(1 << power for power in range(14, 27, 2))  # bytes, from the first cache to memory
_SECONDS = 0.3  # how long a step is timed


class Limits:
    """What all threads of this machine reach together, measured: operations a second, and bytes a second.

    Args:
        flops: floating-point operations a second, by multiply-adds on registers.
        reading: bytes a second, by how many bytes are read over and over: the fewer, the nearer they are.
    """

    __slots__ = ("flops", "reading")

    def __init__(self, flops: float, reading: dict[int, float]) -> None:
        self.flops = flops
        self.reading = reading

    def seconds(self, flops: int, nbytes: int) -> float:
        """Returns the shortest time that an instruction can take, all of whose bytes are as near as they can be."""
        nearest = max((size for size in self.reading if size <= nbytes), default=min(self.reading))
        return max(flops / self.flops, nbytes / self.reading[nearest])


def measure_limits() -> Limits:
    """Returns the limits of this machine, which takes about a quarter of a second."""
    from dlnative import _native

    flops = max(_native.measure_fma(0.01) for _ in range(8)) * _native.num_threads()
    reading = {size: _native.measure_read(size, 0.02) for size in _SIZES}
    for far, near in pairwise(reversed(_SIZES)):  # where something disturbed the nearer
        reading[near] = max(reading[near], reading[far])
    return Limits(flops, reading)


def _size(nbytes: int) -> str:
    return f"{nbytes >> 20} MB" if nbytes >> 20 else f"{nbytes >> 10} KB"


class Profile:
    """The times of the instructions of a step; `print` and `str` give a table.

    Args:
        title: what was timed.
        program: the step.
        seconds: the median time of each instruction.
        limits: what the machine could do.
    """

    def __init__(self, title: str, program: Program, seconds: list[float], limits: Limits) -> None:
        self.title = title
        self.program = program
        self.seconds = seconds
        self.limits = limits

    def traffic(self, step: Instruction) -> int:
        """Returns the bytes that an instruction reads and writes."""
        return sum(size for _, size in self._places(step))

    def footprint(self, step: Instruction) -> int:
        """Returns the bytes that it reads or writes, those that it writes where it has read once."""
        return sum(dict(self._places(step)).values())

    def _places(self, step: Instruction) -> list[tuple[tuple[int, int], int]]:
        buffers = [self.program.buffers[index] for index in (*step.inputs, *step.outputs)]
        return [((b.space, b.offset), size_of(b.shape) * ITEM_SIZES[b.dtype]) for b in buffers]

    def __repr__(self) -> str:
        count, total = len(self.seconds), sum(self.seconds)
        return f"<{self.title}: {count} instructions, {total * 1e6:.2f} µs>"

    def _repr_html_(self) -> str:
        return folded(repr(self), str(self))

    def __str__(self) -> str:
        rows = [("#", "op", "µs", "of step", "GFLOP/s", "GB/s", "of limit", "")]
        total = sum(self.seconds) or 1e-12
        bound = 0.0
        for number, (step, seconds) in enumerate(zip(self.program.instructions, self.seconds, strict=True)):
            nbytes = self.traffic(step)
            possible = self.limits.seconds(step.flops, self.footprint(step))
            bound += possible
            spent = max(seconds, 1e-9)
            rows.append(
                (
                    str(number),
                    step.op,
                    f"{seconds * 1e6:.2f}",
                    f"{seconds / total:.1%}",
                    f"{step.flops / spent * 1e-9:.1f}",
                    f"{nbytes / spent * 1e-9:.1f}",
                    f"{possible / spent:.0%}",
                    "█" * round(20 * seconds / total),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        lines = [self.title]
        for row in rows:
            cells = [
                cell.ljust(w) if i == 1 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=False))
            ]
            lines.append(("  ".join(cells) + "  " + row[-1]).rstrip())
        rates = ", ".join(f"{rate * 1e-9:.0f} from {_size(size)}" for size, rate in self.limits.reading.items())
        lines.append(
            f"{total * 1e6:.2f} µs a step; at the limits of this machine {bound * 1e6:.2f} µs: "
            f"{self.limits.flops * 1e-9:.0f} GFLOP/s, and GB/s {rates}"
        )
        return "\n".join(lines)

    def plot(self, path: Any) -> None:
        """Draws the roofline, and each instruction under it, into an image file.

        Args:
            path: the file; its ending says the format.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        from dlnative.utils.charts import new_figure

        figure = new_figure("profile", 8, 5)
        axes = figure.add_subplot()
        intensity = np.logspace(-2, 3, 200)
        for size, rate in self.limits.reading.items():
            roof = np.minimum(self.limits.flops, intensity * rate)
            axes.loglog(intensity, roof * 1e-9, label=f"{_size(size)}: {rate * 1e-9:.0f} GB/s")
        for number, (step, seconds) in enumerate(zip(self.program.instructions, self.seconds, strict=True)):
            nbytes = self.footprint(step)
            if step.flops and nbytes and seconds > 0:
                point = step.flops / nbytes, step.flops / seconds * 1e-9
                axes.plot(*point, "o", markersize=4 + 16 * seconds / sum(self.seconds), alpha=0.6)
                axes.annotate(f"{number} {step.op}", point, textcoords="offset points", xytext=(5, 3), fontsize=7)
        axes.set(xlabel="operations a byte", ylabel="GFLOP/s", title=self.title)
        axes.legend(loc="lower right")
        axes.grid(True, which="both", alpha=0.2)
        figure.savefig(path, dpi=150)


def profile_step(title: str, compiled: Any, feeds: list[Any]) -> Profile:
    """Times the instructions of a plan, and leaves the variables that it writes as they were.

    Args:
        title: what is timed.
        compiled: the plan.
        feeds: a batch.
    """
    program, executor = compiled.program, compiled.executor
    for array in program.externals:
        selection.read(array)
    saved = [array.copy() for array in program.externals]
    times: list[list[float]] = []
    try:
        executor.profile(feeds, 3)
        end = time.perf_counter() + _SECONDS
        while len(times) < 5 or (time.perf_counter() < end and len(times) < 2000):
            times.append(executor.profile(feeds, 1))
    finally:
        for array, before in zip(program.externals, saved, strict=True):
            array[...] = before
            selection.invalidate(array)
    medians = np.median(np.array(times), axis=0) * 1e-9
    return Profile(title, program, [float(value) for value in medians], measure_limits())
