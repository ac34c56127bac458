"""Tensors and arrays of given values: zeros, ones, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Tensor
from dlnative.ops.core import as_tensor, call, dtype_of, operation, to_array


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Returns zeros with the shape and, unless another is given, the dtype of a tensor."""
    return _full_like(x, 0, dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Returns ones with the shape and, unless another is given, the dtype of a tensor."""
    return _full_like(x, 1, dtype)


def _full_like(x: Any, value: int, dtype: Any) -> Any:
    x = as_tensor(x)
    name = dtype_of(x) if dtype is None else dtypes.standardize(dtype)
    if isinstance(x, Tensor):
        filler = Tensor((), name, source=np.asarray(value, name))
        return call("broadcast_to", filler, attributes=(x.shape,))
    return np.full(x.shape, value, name)


def zeros(shape: Sequence[int], dtype: Any = None) -> np.ndarray[Any, Any]:
    """Returns an array of zeros."""
    return np.zeros(tuple(shape), dtypes.standardize(dtype))


def ones(shape: Sequence[int], dtype: Any = None) -> np.ndarray[Any, Any]:
    """Returns an array of ones."""
    return np.ones(tuple(shape), dtypes.standardize(dtype))


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Returns evenly spaced numbers; as `numpy.arange`, int32 or the default float type unless a dtype is given."""
    array = np.arange(0 if stop is None else start, start if stop is None else stop, step)
    return array.astype(dtypes.standardize(dtype)) if dtype is not None else to_array(array.tolist())
