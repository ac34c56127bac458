"""The CPU backend: hands programs to the native core."""

from __future__ import annotations

from typing import Any

from dlnative import _native
from dlnative.backends.backend import Executor, Limits
from dlnative.backends.program import Array, Program
from dlnative.dtypes import CODES, ITEM_SIZES
from dlnative.graph.op import OPS

if dict(_native.dtypes()) != ITEM_SIZES:
    raise ImportError(f"dlnative._native: expected the element types {ITEM_SIZES}, got {dict(_native.dtypes())}")
OP_CODES = {name: code for code, name in enumerate(_native.op_names())}


class CpuBackend:
    """The kernels of this machine's instruction set."""

    name = "cpu"
    limits = Limits()

    def build(self, program: Program) -> Executor:
        """Returns a native plan of a program.

        Raises:
            NotImplementedError: if an op has no CPU kernel.
            TypeError: if a kernel does not take the types of its operands.
            ValueError: if the program is malformed: it would read or write outside its memory.
        """
        if not program.checked:
            from dlnative.graph.program_check import check_program

            check_program(program, self.name)
        instructions: list[Any] = []
        for step in program.instructions:
            region = step.region
            if region is not None:
                instructions.append((region.kind, step.inputs, (), (region.turns, *region.lengths), ()))
                continue
            code = OP_CODES.get(step.op)
            if code is None and step.op in OPS and OPS[step.op].roles.host:
                from dlnative.backends.host import number_of

                instructions.append(("host", step.inputs, step.outputs, (number_of(step, _native),), ()))
                continue
            if code is None:
                raise NotImplementedError(f'the cpu backend has no kernel for the op "{step.op}"')
            ints = tuple(OP_CODES[value] if isinstance(value, str) else value for value in step.ints)
            instructions.append((code, step.inputs, step.outputs, ints, step.floats))
        buffers = [
            (buffer.space, buffer.offset, CODES[buffer.dtype], buffer.shape, buffer.moves) for buffer in program.buffers
        ]
        return _native.Plan(
            program.arena_bytes, program.feeds, program.results, program.externals, buffers, instructions
        )

    # Weights that were packed from this memory are packed anew before they are next used.
    invalidate = staticmethod(_native.invalidate_prepacked)

    def place(self, arrays: list[Array]) -> list[Any]:
        """Arrays lie where they are computed with."""
        return arrays

    def leave(self) -> None:
        """Variables are always up to date."""
