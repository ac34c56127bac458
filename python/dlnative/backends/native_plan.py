"""Programs as native modules take them: op codes instead of names, tuples of numbers instead of objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlnative.backends.backend import Executor
from dlnative.backends.program import Instruction, Program
from dlnative.dtypes import CODES
from dlnative.graph.op import OPS


def native_plan(program: Program, backend: str, native: Any, codes: Mapping[str, int]) -> Executor:
    """Returns a plan of a program.

    Args:
        program: the program.
        backend: the name of the backend, for messages.
        native: its module.
        codes: the ops that it has kernels for, and their codes.

    Raises:
        NotImplementedError: if an op has no kernel, and the host does not compute it.
        TypeError: if a kernel does not take the types of its operands.
        ValueError: if the program is malformed: it would read or write outside its memory.
    """
    if not program.checked:
        from dlnative.graph.program_check import check_program

        check_program(program, backend)

    def code_of(op: str) -> int:
        code = codes.get(op)
        if code is None:
            raise NotImplementedError(f'the {backend} backend has no kernel for the op "{op}"')
        return code

    instructions: list[Any] = []
    for step in program.instructions:
        region = step.region
        if region is not None:
            instructions.append((region.kind, step.inputs, (), (region.turns, *region.lengths), ()))
        elif step.op not in codes and _is_of_host(step):
            from dlnative.backends.host import number_of

            instructions.append(("host", step.inputs, step.outputs, (number_of(step, native),), ()))
        else:
            ints = tuple(code_of(value) if isinstance(value, str) else value for value in step.ints)
            instructions.append((code_of(step.op), step.inputs, step.outputs, ints, step.floats))
    buffers = [
        (buffer.space, buffer.offset, CODES[buffer.dtype], buffer.shape, buffer.moves) for buffer in program.buffers
    ]
    plan: Executor = native.Plan(
        program.arena_bytes, program.feeds, program.results, program.externals, buffers, instructions
    )
    return plan


def _is_of_host(step: Instruction) -> bool:
    """Tells whether NumPy computes an op, on every backend."""
    return step.op in OPS and OPS[step.op].roles.host
