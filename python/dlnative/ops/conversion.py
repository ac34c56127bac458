"""Element types: `cast`, and the type that operands have together. Making arrays and tensors of what users give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Op, Sample, Spec, register
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Tensor
from dlnative.graph.variable import Variable
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, operation


def _infer_cast(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, attributes[0])]


register(
    Op(
        "cast",
        "elementwise",
        _infer_cast,
        attributes=(("dtype", "dtype"),),
        gradient=lambda node, grads: (
            call("cast", grads[0], attributes=(node.inputs[0].dtype,))
            if dtypes.is_float(node.inputs[0].dtype)
            else None,
        ),
        dtypes=dtypes.DTYPES,
        results=dtypes.DTYPES,
        samples=lambda: [Sample((3, 17), dtype=dtype) for dtype in dtypes.DTYPES if dtypes.is_available(dtype)],
        roles=Roles(pointwise=True, chainable=True, serves="casting"),
    )
)


def _infer_copy(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, inputs[0].dtype)]


register(
    Op(
        "copy",
        "elementwise",
        _infer_copy,
        gradient=lambda node, grads: grads,
        dtypes=dtypes.DTYPES,
        samples=lambda: [Sample((3, 17)), Sample(())],
        roles=Roles(serves="copying"),
    )
)


@operation
def cast(x: Any, dtype: Any) -> Any:
    """Converts to another dtype; floats are cut towards zero, and anything but zero is true.

    Args:
        x: a tensor or array.
        dtype: the name of a dtype.
    """
    x = as_tensor(x)
    name = dtypes.standardize(dtype)
    return x if dtype_of(x) == name else invoke(OPS["cast"], (x,), (name,))


# A float64 of NumPy is one of Python's floats, too: beside an array it takes the array's type, beside a number it keeps its own.
_NUMBERS = (bool, int, float)


def promote(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Returns two operands as tensors or arrays of one dtype; a Python number takes the type of the other."""
    if (isinstance(x1, _NUMBERS) and not isinstance(x2, _NUMBERS)) or (type(x1) in _NUMBERS and type(x2) is np.float64):
        x2 = as_tensor(x2)
        dtype = dtypes.of_scalar(x1, dtype_of(x2))
        x1 = dtypes.of_number(x1, dtype)
    elif (isinstance(x2, _NUMBERS) and not isinstance(x1, _NUMBERS)) or (
        type(x2) in _NUMBERS and type(x1) is np.float64
    ):
        x1 = as_tensor(x1)
        dtype = dtypes.of_scalar(x2, dtype_of(x1))
        x2 = dtypes.of_number(x2, dtype)
    else:
        x1, x2 = as_tensor(x1), as_tensor(x2)
    first, second = dtype_of(x1), dtype_of(x2)
    if first != second:
        common = dtypes.result_type(first, second)
        x1 = x1 if first == common else cast(x1, common)
        x2 = x2 if second == common else cast(x2, common)
    return x1, x2


def to_float(x: Any) -> Any:
    """Returns a tensor or array of a float type; integers become the default float type."""
    x = as_tensor(x)
    return x if dtypes.is_float(dtype_of(x)) else cast(x, dtypes.floatx())


def to_index(x: Any) -> Any:
    """Returns class numbers or indices in a type that kernels take: int32 and int64 as they are, all others in int64."""
    x = as_tensor(x)
    return x if dtype_of(x) in ("int32", "int64") else cast(x, "int64")


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """Returns a tensor or array, of the given dtype if there is one.

    Args:
        x: a tensor, an array, numbers or nested lists of numbers.
        dtype: the name of a dtype.
        sparse, ragged: whether tensors of these kinds stay as they are; every tensor is dense, so it is the same either way.

    Raises:
        OverflowError: if a Python integer does not fit in the dtype, which without one is int32.
    """
    if dtype is None:
        return as_tensor(x)
    if not hasattr(x, "dtype"):
        return dtypes.as_array(x, dtypes.standardize(dtype))
    return cast(x, dtype)


def dtype(x: Any) -> str:
    """Returns the dtype of a tensor, array or number, by name."""
    return dtypes.standardize(x.dtype) if hasattr(x, "dtype") else dtype_of(as_tensor(x))


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """Returns a NumPy array of an array, a number or a variable.

    Raises:
        ValueError: for a symbolic tensor, which has no value.
    """
    if isinstance(x, Tensor):
        raise ValueError(f"convert_to_numpy: expected a tensor that has a value, got {x!r}")
    return x.numpy() if isinstance(x, Variable) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Tells whether `x` is an array, a variable or a symbolic tensor."""
    return isinstance(x, (np.ndarray, Variable, Tensor))
