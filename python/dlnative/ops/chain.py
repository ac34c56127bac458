"""A chain of elementwise ops, and of reductions of what they make, in one pass: what the planner makes of large values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Tensor


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    """All results have the shape of the largest input, but reductions: of all its elements, or of rows of so many."""
    results, row, steps = attributes
    shape = max((tensor.shape for tensor in inputs), key=size_of)
    reduced = (size_of(shape) // row,) if row else ()
    specs = {
        destination: (reduced if OPS[name].roles.reduces else shape, dtype) for name, _, destination, dtype, _ in steps
    }
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
