"""What instructions take on GPUs, predicted from what they move and compute: held against measurements, and for choosing one.

An instruction that reads and writes B bytes and does F operations takes max(B / W, F / P, L), where W is the rate of the
memory, P that of multiply-adds without tensor cores in the type it computes in, and L what a kernel of a recording takes
before it does anything. Bytes that lie in a cache from the instruction before are counted like the others. Source of the
rates: the makers' data sheets; of L: published measurements of CUDA graphs, and our own (benchmarks/results/gpu.md).
"""

from __future__ import annotations

from typing import NamedTuple

from dlnative.backends.program import Instruction, Program
from dlnative.dtypes import ITEM_SIZES
from dlnative.graph.op import size_of


class Gpu(NamedTuple):
    """The rates of a GPU.

    Args:
        bandwidth: of its memory, in bytes a second.
        float32, float64: operations a second, a multiply-add counting two.
        launch: seconds that a kernel takes at least.
    """

    bandwidth: float
    float32: float
    float64: float
    launch: float = 1.3e-6


GPUS = {
    "A100": Gpu(2.04e12, 19.5e12, 9.7e12, 1.8e-6),
    "L4": Gpu(0.30e12, 30.3e12, 0.47e12),
    "L40S": Gpu(0.86e12, 91.6e12, 1.43e12),
    "RTX4090": Gpu(1.01e12, 82.6e12, 1.29e12),
    "H100": Gpu(3.35e12, 66.9e12, 33.5e12),
    "H200": Gpu(4.80e12, 66.9e12, 33.5e12),
    "B200": Gpu(8.00e12, 75.0e12, 37.0e12),
}


def gpu_of(name: str) -> Gpu:
    """Returns the rates of a GPU.

    Raises:
        ValueError: if its name is not in the table.
    """
    found = GPUS.get(name.upper().replace(" ", "").replace("NVIDIA", ""))
    if found is None:
        raise ValueError(f"plan: expected a GPU of {', '.join(GPUS)}, got {name!r}")
    return found


def predicted_seconds(program: Program, gpu: Gpu) -> list[float]:
    """Returns what each instruction of a step takes, all turns of the regions around together.

    A loop whose number of turns is not known counts once, and of a branch both ways; a region itself takes no time.
    """
    seconds = [0.0] * len(program.instructions)

    def add(first: int, last: int, turns: int) -> None:
        while first < last:
            step = program.instructions[first]
            if step.region is None:
                seconds[first] = _seconds(program, step, turns, gpu)
                first += 1
                continue
            inside = turns * (step.region.turns if step.region.kind == "for" else 1)
            first += 1
            for length in step.region.lengths:
                add(first, first + length, inside)
                first += length

    add(0, len(seconds), 1)
    return seconds


def _seconds(program: Program, step: Instruction, turns: int, gpu: Gpu) -> float:
    buffers = [program.buffers[number] for number in (*step.inputs, *step.outputs)]
    nbytes = turns * sum(size_of(buffer.shape) * ITEM_SIZES[buffer.dtype] for buffer in buffers)
    rate = gpu.float64 if any(buffer.dtype == "float64" for buffer in buffers) else gpu.float32
    return max(nbytes / gpu.bandwidth, step.flops / rate, turns * gpu.launch)
