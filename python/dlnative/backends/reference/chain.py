"""A chain of elementwise ops, and of reductions of what they make, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference import elementwise, reduction

Array = np.ndarray[Any, Any]

_REDUCTIONS = ("sum", "mean", "max", "min")


def elementwise_chain(*inputs: Array, results: int, row: int, steps: tuple[Any, ...]) -> Array | tuple[Array, ...]:
    """Each step is an op, the numbers of its operands, of its result, its type, and parameters: inputs first, then results.

    A reduction is one of all elements or, with a length of a row, of each row.
    """
    shape = max((x.shape for x in inputs), key=np.prod)
    size = int(np.prod(shape))
    values: dict[int, Array] = {n: x.reshape(-1) if x.size == size else x.reshape(()) for n, x in enumerate(inputs)}
    shapes: dict[int, tuple[int, ...]] = {}  # of what is reduced
    for name, operands, destination, dtype, parameters in steps:
        if name in _REDUCTIONS:
            shapes[destination] = (size // row,) if row else ()
            rows = values[operands[0]].reshape(-1, row or size)
            values[destination] = getattr(reduction, name)(rows, axis=1, count=1, keepdims=False)
            continue
        keywords = {"dtype": dtype} if name == "cast" else {}
        values[destination] = getattr(elementwise, name)(
            *(values[number] for number in operands), *parameters, **keywords
        )
    numbers = range(len(inputs), len(inputs) + results)
    found = tuple(values[number].reshape(shapes.get(number, shape)) for number in numbers)
    return found[0] if results == 1 else found
