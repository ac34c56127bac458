"""The bytes of a tensor as elements of another type, and casts that stay within a type's range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, zero_gradient
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, dtype_of, invoke, operation
from dlnative.ops.elementwise import maximum, minimum


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(attributes[0], attributes[1])]


register(
    Op(
        "view",
        "shape",
        _infer,
        attributes=(("shape", "shape"), ("dtype", "output_dtype")),
        gradient=zero_gradient,
        flops=lambda ins, outs: 0,
        dtypes=("float32",),
        operands={0: dtypes.DTYPES},
        results=dtypes.DTYPES,
        samples=lambda: [
            Sample(Arg((3, 8), "integer", -9, 9, "int32"), shape=shape, dtype=dtype)
            for shape, dtype in (((3, 32), "uint8"), ((3, 8), "int32"), ((3, 4), "int64"))
        ],
        tolerance=0.0,
    )
)


@operation
def view(x: Any, dtype: Any = None) -> Any:
    """Returns the bytes of a tensor as elements of another type.

    Args:
        x: a tensor or array.
        dtype: the type, by default that of x. Where its elements are smaller or larger, the last axis becomes longer or shorter.

    Raises:
        ValueError: if the last axis does not hold whole elements of the type.

    Example:
        >>> import numpy as np
        >>> view(np.array([1.0], "float32"), "int32").tolist()
        [1065353216]
    """
    x = as_tensor(x)
    old = dtype_of(x)
    new = old if dtype is None else dtypes.standardize(dtype)
    before, after = dtypes.ITEM_SIZES[old], dtypes.ITEM_SIZES[new]
    shape = tuple(x.shape)
    if before != after:
        if not shape:
            raise ValueError(f"view: expected an axis to make longer or shorter, got a scalar of {old} for {new}")
        if shape[-1] is not None:
            if shape[-1] * before % after:
                raise ValueError(f"view: expected a last axis of whole {new}, got shape {shape} of {old}")
            shape = (*shape[:-1], shape[-1] * before // after)
    return x if old == new else invoke(OPS["view"], (x,), (shape, new))


def _limits(dtype: str) -> tuple[float | int, float | int]:
    if dtype == "bool":
        return 0, 1
    if dtypes.is_float(dtype):
        most = {"bfloat16": 3.3895313892515355e38, "float16": 65504.0}.get(dtype)
        most = float(np.finfo(dtype).max) if most is None else most
        return -most, most
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


@operation
def saturate_cast(x: Any, dtype: Any) -> Any:
    """Converts to another dtype; what does not fit becomes its smallest or largest value.

    Args:
        x: a tensor or array.
        dtype: the dtype.
    """
    x = as_tensor(x)
    old, new = dtype_of(x), dtypes.standardize(dtype)
    (low, high), (new_low, new_high) = _limits(old), _limits(new)
    bounds = []
    for own, other, inward in ((low, new_low, max), (high, new_high, min)):
        bound = np.asarray(inward(own, other), dtypes.NUMPY[old])
        if dtypes.is_float(old) and abs(float(bound)) > abs(other):  # rounded outwards: the next number inside
            bound = np.asarray(np.nextafter(bound, np.zeros((), bound.dtype)))
        bounds.append(bound)
    if old == "bool":
        return cast(x, new)
    return cast(minimum(maximum(x, bounds[0]), bounds[1]), new)
