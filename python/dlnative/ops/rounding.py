"""Rounding, and what else leaves integers as they are."""

from __future__ import annotations

from typing import Any

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, operation, scalar


@operation
def ceil(x: Any) -> Any:
    """Returns the smallest integer not below x, elementwise."""
    return call("negative", call("floor", call("negative", to_float(x))))


@operation
def trunc(x: Any) -> Any:
    """Returns x without what is behind the point, elementwise."""
    x = as_tensor(x)
    return invoke(OPS["trunc"], (x,)) if dtypes.is_float(dtype_of(x)) else x


@operation
def round(x: Any, decimals: int | None = 0) -> Any:
    """Rounds to the nearest number with so many decimals, halves to the even neighbour, elementwise.

    Args:
        x: a tensor or array.
        decimals: how many; with -1, for instance, to tens.

    Example:
        >>> import numpy as np
        >>> round(np.array([0.5, 1.5, 2.345]), 1).tolist()
        [0.5, 1.5, 2.3]
    """
    places = 0 if decimals is None else integer(decimals, "round: decimals")
    x = as_tensor(x)
    dtype = dtype_of(x)
    if not dtypes.is_float(dtype):
        if places >= 0:
            return x
        return cast(round(cast(x, "float64"), places), dtype)
    if places == 0:
        return invoke(OPS["round"], (x,))
    factor = scalar(10.0 ** abs(places), x)
    if places > 0:
        return call("divide", invoke(OPS["round"], (call("multiply", x, factor),)), factor)
    return call("multiply", invoke(OPS["round"], (call("divide", x, factor),)), factor)
