"""Operations that move elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.dtypes import NUMPY

Array = np.ndarray[Any, Any]


def reshape(x: Array, shape: tuple[int, ...]) -> Array:
    return x.reshape(shape)


def transpose(x: Array, permutation: tuple[int, ...]) -> Array:
    return np.transpose(x, permutation)


def concatenate(*xs: Array, axis: int) -> Array:
    return np.concatenate(xs, axis=axis)


def slice(x: Array, starts: tuple[int, ...], steps: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    index = tuple(
        np.s_[start : stop if (stop := start + extent * step) >= 0 else None : step] if extent else np.s_[:0]
        for start, step, extent in zip(starts, steps, shape, strict=True)
    )
    return x[index]


def pad(x: Array, before: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    y = np.zeros(shape, x.dtype)
    y[tuple(np.s_[start : start + extent] for start, extent in zip(before, x.shape, strict=True))] = x
    return y


def broadcast_to(x: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(x, shape)


def one_hot(indices: Array, classes: int, dtype: str) -> Array:
    return (indices[..., None] == np.arange(classes)).astype(dtype)


def view(x: Array, shape: tuple[int, ...], dtype: str) -> Array:
    return np.ascontiguousarray(x).reshape(-1).view(NUMPY[dtype]).reshape(shape)
