"""What an op does with its result before it writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends.reference import elementwise
from dlnative.graph.roles import Epilogue

Array = np.ndarray[Any, Any]


def finish(y: Array, operands: Sequence[Array], epilogue: Epilogue) -> Array:
    """y = act(y + bias + residual), then y act'(saved)."""
    for term in operands[: epilogue.bias + epilogue.residual]:
        y = y + term
    if epilogue.activation:
        name, *parameters = epilogue.activation
        y = getattr(elementwise, name)(y, *parameters)
    if epilogue.gradient_of:
        name, *parameters = epilogue.gradient_of
        y = getattr(elementwise, f"{name}_gradient")(y, operands[-1], *parameters)
    return y
