"""The CUDA backend: hands programs to the kernels of cuda/, on a GPU or, to prove them, on the CPU."""

from __future__ import annotations

import importlib
import os
from types import ModuleType
from typing import Any

from dlnative.backends.backend import Executor, Limits
from dlnative.backends.program import Array, Program
from dlnative.dtypes import CODES


def _module() -> ModuleType:
    on_host = os.environ.get("DLNATIVE_CUDA_HOST") == "1"
    return importlib.import_module("dlnative._cuda_host" if on_host else "dlnative._cuda")


class CudaBackend:
    """Kernels of a GPU. With `DLNATIVE_CUDA_HOST=1` the same kernels, thread by thread on the CPU."""

    name = "cuda"
    # A launch takes longer than the arithmetic of a small chain, so all are worth it.
    limits = Limits(chain_elements=1)

    def __init__(self) -> None:
        self._native = _module()
        self._codes = {name: code for code, name in enumerate(self._native.op_names())}

    def build(self, program: Program) -> Executor:
        """Returns a plan of a program, recorded.

        Raises:
            NotImplementedError: if an op has no CUDA kernel, or a part of the program is repeated or left out by a
                condition.
            TypeError: if a kernel does not take the types of its operands.
            ValueError: if the program is malformed.
        """
        if not program.checked:
            from dlnative.graph.program_check import check_program

            check_program(program, self.name)
        instructions: list[Any] = []
        for step in program.instructions:
            region = step.region
            if region is not None:
                if region.kind != "for":
                    raise NotImplementedError('the cuda backend runs no "while" and no "if" yet')
                instructions.append((region.kind, step.inputs, (), (region.turns, *region.lengths), ()))
                continue
            code = self._codes.get(step.op)
            if code is None:
                raise NotImplementedError(f'the cuda backend has no kernel for the op "{step.op}"')
            ints = tuple(self._codes[value] if isinstance(value, str) else value for value in step.ints)
            instructions.append((code, step.inputs, step.outputs, ints, step.floats))
        buffers = [
            (buffer.space, buffer.offset, CODES[buffer.dtype], buffer.shape, buffer.moves) for buffer in program.buffers
        ]
        plan: Executor = self._native.Plan(
            program.arena_bytes, program.feeds, program.results, program.externals, buffers, instructions
        )
        return plan

    def has_kernel(self, op: str) -> bool:
        """Returns whether there is a kernel for an op, for some types."""
        return op in self._codes

    def invalidate(self, array: Array) -> None:
        """Nothing is kept of an array from one run to the next."""
