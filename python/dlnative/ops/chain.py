"""A chain of elementwise ops, and of sums over what they make, in one pass: what the planner makes of large values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.chains import SUMS
from dlnative.graph.op import Arg, Op, Sample, Spec, register, size_of
from dlnative.graph.tensor import Tensor


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    """All results have the shape of the largest input, but sums and means, which are of all its elements."""
    results, steps = attributes
    shape = max((tensor.shape for tensor in inputs), key=size_of)
    specs = {destination: ((), dtype) if name in SUMS else (shape, dtype) for name, _, destination, dtype in steps}
    return [specs[len(inputs) + index] for index in range(results)]


# Inputs, results and steps. The values of a chain are numbered: inputs, results, temporaries.
_CHAINS: tuple[tuple[int, int, tuple[Any, ...]], ...] = (
    (3, 1, (("subtract", (0, 1), 4, "float32"), ("square", (4,), 4, "float32"), ("multiply", (4, 2), 3, "float32"))),
    (3, 2, (("subtract", (0, 1), 5, "float32"), ("square", (5,), 3, "float32"), ("multiply", (5, 2), 4, "float32"))),
    (2, 1, (("greater", (0, 1), 3, "bool"), ("where", (3, 0, 1), 2, "float32"))),
    (2, 2, (("subtract", (0, 1), 2, "float32"), ("square", (2,), 4, "float32"), ("mean", (4,), 3, "float32"))),
    (3, 1, (("multiply", (0, 1), 4, "float32"), ("add", (4, 2), 4, "float32"), ("sum", (4,), 3, "float32"))),
)

register(
    Op(
        "elementwise_chain",
        "chain",
        _infer,
        attributes=(("results", "int"), ("steps", "steps")),
        inplace=True,
        dtypes=("float32",),
        samples=lambda: [
            Sample(*[Arg(shape)] * 2, *[Arg(())] * (inputs - 2), results=results, steps=steps)
            for shape in ((1,), (7,), (1024,), (33, 65), (40000,))
            for inputs, results, steps in _CHAINS
        ],
    )
)
