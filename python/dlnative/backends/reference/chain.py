"""A chain of elementwise ops, and of sums over what they make, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference import elementwise, reduction

Array = np.ndarray[Any, Any]


def elementwise_chain(*inputs: Array, results: int, steps: tuple[Any, ...]) -> Array | tuple[Array, ...]:
    """Each step is an op, the numbers of its operands, of its result, and its type: inputs first, then results.

    A sum or a mean is one of all elements.
    """
    shape = max((x.shape for x in inputs), key=np.prod)
    size = int(np.prod(shape))
    values: dict[int, Array] = {n: x.reshape(-1) if x.size == size else x.reshape(()) for n, x in enumerate(inputs)}
    for name, operands, destination, dtype in steps:
        if name in ("sum", "mean"):
            values[destination] = getattr(reduction, name)(values[operands[0]], axis=0, count=1, keepdims=False)
            continue
        keywords = {"dtype": dtype} if name == "cast" else {}
        values[destination] = getattr(elementwise, name)(*(values[number] for number in operands), **keywords)
    made = [values[len(inputs) + number] for number in range(results)]
    found = tuple(value.reshape(shape) if value.ndim else value for value in made)
    return found[0] if results == 1 else found
