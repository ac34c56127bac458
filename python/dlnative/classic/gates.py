"""Truth tables of logic gates with two inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.utils.registry import unknown

GATES = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
    "xor": (0, 1, 1, 0),
    "xnor": (1, 0, 0, 1),
}


def gate_data(name: str, dtype: str = "float32") -> tuple[Any, Any]:
    """Returns the four inputs of a gate and its outputs.

    Args:
        name: a key of `GATES`, in any case.
        dtype: the type of both arrays.

    Returns:
        Inputs of shape (4, 2), from (0, 0) to (1, 1), and outputs of shape (4,).

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> x, y = gate_data("xor", "int32")
        >>> y.tolist()
        [0, 1, 1, 0]
    """
    outputs = GATES.get(str(name).lower())
    if outputs is None:
        raise ValueError(unknown("gate", str(name), GATES))
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype), np.array(outputs, dtype)
