"""Classes as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, register, zero_gradient
from dlnative.ops.conversion import cast, to_index
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, normalize_axis, operation
from dlnative.ops.elementwise import equal
from dlnative.ops.reduction import reduce
from dlnative.ops.shape import moveaxis

register(
    Op(
        "one_hot",
        "shape",
        lambda inputs, attributes: [((*inputs[0].shape, attributes[0]), attributes[1])],
        attributes=(("classes", "shape"), ("dtype", "output_dtype")),
        gradient=zero_gradient,
        flops=lambda ins, outs: 0,
        dtypes=("int32", "int64"),
        results=dtypes.DTYPES,
        samples=lambda: [
            Sample(Arg(shape, "integer", -2, 7), classes=5, dtype=dtype)
            for shape in ((), (4,), (3, 2))
            for dtype in ("float32", "float64", "int32", "bool")
        ],
    )
)


def _classes(num_classes: Any, sparse: bool, name: str) -> int:
    if sparse:
        raise ValueError(f"{name}: expected sparse=False, there are no sparse tensors")
    classes = integer(num_classes, f"{name}: num_classes")
    if classes < 0:
        raise ValueError(f"{name}: expected num_classes of 0 or more, got {num_classes}")
    return classes


@operation
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Returns vectors of zeros with a one at the index; an index out of range gives zeros.

    Args:
        x: integers of any shape.
        num_classes: the extent of the new axis.
        axis: the place of the new axis.
        dtype: the dtype of the result, by default float32.
        sparse: only False: there are no sparse tensors.

    Example:
        >>> one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    classes = _classes(num_classes, sparse, "one_hot")
    x = as_tensor(x)
    axis = normalize_axis(axis, len(x.shape) + 1, "one_hot")
    name = dtypes.standardize(dtype)
    if dtypes.is_float(dtype_of(x)):
        column = call("reshape", x, attributes=((*x.shape, 1),))
        y = cast(equal(column, np.arange(classes, dtype="int32")), name)
    else:
        y = invoke(OPS["one_hot"], (to_index(x),), (classes, name))
    return y if axis == len(x.shape) else moveaxis(y, -1, axis)


@operation
def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Returns vectors with ones at all indices that a row of integers names.

    Args:
        inputs: integers of shape `(..., N)`, N for each row.
        num_classes: the number of classes.
        axis: the place of the classes before the rows are joined, along the second axis (the first one of a vector).
        dtype: the dtype of the result, by default float32.
        sparse: only False: there are no sparse tensors.

    Example:
        >>> multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    classes = _classes(num_classes, sparse, "multi_hot")
    x = as_tensor(inputs)
    y = one_hot(x, classes, axis, "int32")
    return cast(reduce("max", y, 1 if len(x.shape) > 1 else 0), dtypes.standardize(dtype))
