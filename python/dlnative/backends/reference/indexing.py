"""Operations that choose elements by number."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_JOIN = {1: np.add, 2: np.maximum, 3: np.minimum, 4: np.multiply}


def gather(x: Array, indices: Array, axis: int, nan: bool) -> Array:
    outside = (indices < 0) | (indices >= x.shape[axis])
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    missing = np.nan if nan and x.dtype.kind not in "iub" else 0
    if x.shape[axis] == 0:
        return np.full(shape, missing, x.dtype)
    y = np.array(np.take(x, np.where(outside, 0, indices), axis))
    y[(np.s_[:],) * axis + (outside,)] = missing
    return y


def scatter(x: Array, indices: Array, updates: Array, axis: int, reduction: int) -> Array:
    y = np.moveaxis(x.copy(), axis, 0)
    rows = np.moveaxis(updates, range(axis, axis + indices.ndim), range(indices.ndim))
    rows = rows.reshape(indices.size, *y.shape[1:])
    for index, row in zip(indices.ravel().tolist(), rows, strict=True):
        if 0 <= index < len(y):
            y[index] = row if reduction == 0 else _JOIN[reduction](y[index], row)
    return np.moveaxis(y, 0, axis)


def argsort(x: Array, descending: bool) -> Array:
    if not descending:
        return np.argsort(x, axis=-1, kind="stable").astype(np.int32)
    # Backwards twice, so that equal elements keep their order; NaN comes first.
    order = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return (x.shape[-1] - 1 - order).astype(np.int32)


def unique(x: Array, axis: int, size: int, fill: float, filled: bool) -> tuple[Array, Array, Array, Array]:
    """The first `size` distinct elements, or slices along an axis, in order; places that are left repeat the first, or `fill`."""
    whole = axis < 0
    values, index, inverse, counts = np.unique(x, True, True, True, axis=None if whole else axis, equal_nan=False)
    kept = np.arange(size)
    missing = kept >= len(index)
    kept = np.where(missing, 0, kept)
    place = 0 if whole else axis
    if not len(index):
        shape = (size,) if whole else (*x.shape[:axis], size, *x.shape[axis + 1 :])
        return np.full(shape, fill, x.dtype), kept, inverse.reshape(x.shape if whole else -1), kept
    taken = values.take(kept, place)
    if filled:
        shape = tuple(size if other == place else 1 for other in range(values.ndim))
        taken = np.where(missing.reshape(shape), np.asarray(fill).astype(x.dtype), taken)
    return taken, index[kept], inverse.reshape(x.shape if whole else -1), np.where(missing, 0, counts[kept])
