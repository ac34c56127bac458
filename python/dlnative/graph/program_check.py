"""Checks of a program that no planner has made: whatever kernels take on trust, they take from the op table."""

from __future__ import annotations

from typing import Any

from dlnative.backends.program import Instruction, Program
from dlnative.graph.op import OPS, size_of
from dlnative.graph.tensor import Tensor
from dlnative.graph.type_rule import check_instruction


def check_program(program: Program, backend: str) -> None:
    """Refuses a program with an instruction that its row of the op table would not have made.

    Args:
        program: the program.
        backend: the name of the backend that would run it.

    Raises:
        TypeError: for types that an op does not take.
        ValueError: for another number of operands, attributes that are missing or differ from those that the kernel would
            get, and shapes that do not follow from them.
    """
    for number, step in enumerate(program.instructions):
        if step.region is None and step.op in OPS:
            _check(program, step, f'Program: instruction {number}, "{step.op}"', backend)


def _check(program: Program, step: Instruction, where: str, backend: str) -> None:
    op = OPS[step.op]
    inputs, outputs = (_tensors(program, numbers, where) for numbers in (step.inputs, step.outputs))
    low, high = op.arity
    if not low <= len(inputs) <= high:
        expected = f"{low}" if low == high else f"{low} to {high}"
        raise ValueError(f"{where}: expected {expected} inputs, got {len(inputs)}")
    missing = [name for name, _ in op.attributes if name not in step.keywords]
    if missing:
        raise ValueError(
            f"{where}: expected the attributes {', '.join(name for name, _ in op.attributes)}, got no {missing[0]}"
        )
    values = tuple(step.keywords[name] for name, _ in op.attributes)
    try:
        specs = op.infer(inputs, values)
        encoded = op.encode(values)
    except Exception as error:  # whatever a wrong shape or attribute leads to
        raise ValueError(f"{where}: {str(error) or type(error).__name__}") from error
    check_instruction(
        op, [x.dtype for x in inputs], [y.dtype for y in outputs], values[op.steps] if op.steps >= 0 else None, backend
    )
    if encoded != (tuple(step.ints), tuple(step.floats)):
        raise ValueError(f"{where}: expected the integers and floats {encoded}, got {(step.ints, step.floats)}")
    made: list[Any] = [(tuple(y.shape), y.dtype) for y in outputs]
    expected_specs: list[Any] = [(tuple(shape), dtype) for shape, dtype in specs]
    if op.steps >= 0:  # of a chain only the sizes matter
        made, expected_specs = ([(size_of(shape), dtype) for shape, dtype in x] for x in (made, expected_specs))
    if made != expected_specs:
        raise ValueError(f"{where}: expected outputs {specs}, got {made}")


def _tensors(program: Program, numbers: Any, where: str) -> list[Tensor]:
    count = len(program.buffers)
    for number in numbers:
        if not 0 <= number < count:
            raise ValueError(f"{where}: expected buffers in [0, {count}), got {number}")
    return [Tensor(tuple(program.buffers[n].shape), program.buffers[n].dtype) for n in numbers]
