"""A chain of elementwise ops, and of reductions of what they make, in one pass: what the planner makes of large values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Tensor

_MOST_STEPS, _MOST_VALUES = 16, 48  # as in csrc/ops/chain.cpp


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    """All results have the shape of the largest input, but reductions: of all its elements, or of rows of so many."""
    results, row, steps = attributes
    shape = max((tensor.shape for tensor in inputs), key=size_of)
    size = size_of(shape)
    if any(tensor.shape != shape and size_of(tensor.shape) != 1 for tensor in inputs):
        raise ValueError(f"expected inputs of shape {shape} or of one element, got {[x.shape for x in inputs]}")
    if row < 0 or (row and size % row) or results < 1 or not 1 <= len(steps) <= _MOST_STEPS:
        raise ValueError(f"expected rows in {size} elements, results and steps, got {row}, {results} and {len(steps)}")
    specs: dict[int, Spec] = {}
    known = set(range(len(inputs)))
    for name, operands, destination, dtype, parameters in steps:
        op = OPS[name]
        reduces = bool(op.roles.reduces)
        if not (reduces or (op.family == "elementwise" and op.roles.chainable)) or len(operands) != op.arity[1]:
            raise ValueError(
                f"expected elementwise ops and reductions of one operand or more, got {name} of {operands}"
            )
        if not known.issuperset(operands) or not len(inputs) <= destination < _MOST_VALUES:
            raise ValueError(
                f"expected {name} to read what there is and to write no input, got {operands} to {destination}"
            )
        if not reduces and len(parameters) != sum(kind == "float" for _, kind in op.attributes):
            raise ValueError(f"expected the parameters of {name}, got {parameters}")
        specs[destination] = ((size // row,) if row else ()) if reduces else shape, dtype
        known = known - {destination} if reduces else known | {destination}
    return [specs[len(inputs) + index] for index in range(results)]


def _step(name: str, operands: tuple[int, ...], destination: int, *parameters: float, dtype: str = "float32") -> Any:
    return name, operands, destination, dtype, parameters


# Inputs, results and steps. The values of a chain are numbered: inputs, results, temporaries.
_CHAINS: tuple[tuple[int, int, tuple[Any, ...]], ...] = (
    (3, 1, (_step("subtract", (0, 1), 4), _step("square", (4,), 4), _step("multiply", (4, 2), 3))),
    (3, 2, (_step("subtract", (0, 1), 5), _step("square", (5,), 3), _step("multiply", (5, 2), 4))),
    (2, 1, (_step("greater", (0, 1), 3, dtype="bool"), _step("where", (3, 0, 1), 2))),
    (2, 2, (_step("subtract", (0, 1), 2), _step("square", (2,), 4), _step("mean", (4,), 3))),
    (3, 1, (_step("multiply", (0, 1), 4), _step("add", (4, 2), 4), _step("sum", (4,), 3))),
    (2, 1, (_step("leaky_relu", (0,), 3, 0.25), _step("elu", (1,), 4, 2.0), _step("add", (3, 4), 2))),
)
_ROWS = (
    (2, 1, (_step("subtract", (0, 1), 3), _step("absolute", (3,), 3), _step("mean", (3,), 2))),
    (2, 3, (_step("multiply", (0, 1), 2), _step("max", (2,), 3), _step("negative", (2,), 5), _step("sum", (5,), 4))),
)

register(
    Op(
        "elementwise_chain",
        "chain",
        _infer,
        attributes=(("results", "int"), ("row", "int"), ("steps", "steps")),
        inplace=True,
        arity=(1, _MOST_VALUES),
        dtypes=("float32",),
        roles=Roles(serves="chaining"),
        size="chain",
        samples=lambda: (
            [
                Sample(*[Arg(shape)] * 2, *[Arg(())] * (inputs - 2), results=results, row=0, steps=steps)
                for shape in ((1,), (7,), (1024,), (33, 65), (40000,))
                for inputs, results, steps in _CHAINS
            ]
            + [
                Sample(*[Arg((rows, row))] * 2, results=results, row=row, steps=steps)
                for rows, row in ((1, 1), (5, 1), (1, 9), (700, 3), (17, 784), (3, 1024), (3, 1025), (11, 4096))
                for _, results, steps in _ROWS
            ]
        ),
    )
)
