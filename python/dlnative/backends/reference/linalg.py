"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference.epilogue import finish
from dlnative.graph.roles import PLAIN, Epilogue

Array = np.ndarray[Any, Any]


def matmul(
    a: Array,
    b: Array,
    *operands: Array,
    transpose_a: bool = False,
    transpose_b: bool = False,
    epilogue: Epilogue = PLAIN,
) -> Array | tuple[Array, Array]:
    """A B, or Aᵀ B, A Bᵀ, Aᵀ Bᵀ, over the last two axes, and its epilogue."""
    left = np.swapaxes(a, -1, -2) if transpose_a else a
    right = np.swapaxes(b, -1, -2) if transpose_b else b
    y = finish(left @ right, operands, epilogue)
    return (y, b.sum(axis=0)) if epilogue.sums else y
