"""Reductions over `count` neighbouring axes from `axis` on."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _axes(axis: int, count: int) -> tuple[int, ...]:
    return tuple(range(axis, axis + count))


def sum(x: Array, axis: int, count: int, keepdims: bool) -> Array:
    return np.sum(x, axis=_axes(axis, count), keepdims=keepdims, dtype=x.dtype)


def mean(x: Array, axis: int, count: int, keepdims: bool) -> Array:
    number = int(np.prod(x.shape[axis : axis + count]))
    return np.sum(x, axis=_axes(axis, count), keepdims=keepdims, dtype=x.dtype) / x.dtype.type(number)


def max(x: Array, axis: int, count: int, keepdims: bool) -> Array:
    return np.max(x, axis=_axes(axis, count), keepdims=keepdims)


def min(x: Array, axis: int, count: int, keepdims: bool) -> Array:
    return np.min(x, axis=_axes(axis, count), keepdims=keepdims)


def argmax(x: Array, axis: int, keepdims: bool) -> Array:
    return np.argmax(x, axis=axis, keepdims=keepdims).astype(np.int32)


def argmin(x: Array, axis: int, keepdims: bool) -> Array:
    return np.argmin(x, axis=axis, keepdims=keepdims).astype(np.int32)
