"""Factors of matrices, stacked along leading axes. A matrix that has none (or holds NaN) gives NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def each(function: Callable[..., Any], *stacks: Array, iterative: bool = False) -> tuple[Array, ...]:
    """Returns what a function of `numpy.linalg` makes of stacked matrices; NaN for each one where it fails.

    Args:
        function: a function that takes stacks and returns arrays.
        stacks: arrays of the same leading axes.
        iterative: whether it iterates until values settle, which those of a matrix with an infinity may never do: then it is
            not called for such a matrix.
    """
    usable = np.logical_and.reduce([np.isfinite(x).all(axis=(-2, -1)) for x in stacks]) if iterative else np.True_

    def called(*matrices: Array) -> tuple[Array, ...]:
        made = function(*matrices)
        return tuple(made) if isinstance(made, tuple) else (made,)

    try:
        if usable.all():
            return called(*stacks)
    except np.linalg.LinAlgError:
        pass
    batch = stacks[0].shape[:-2]
    like = called(*[np.eye(*x.shape[-2:], dtype=x.dtype) for x in stacks])  # what one gives
    results = [np.full((*batch, *y.shape), np.nan, y.dtype) for y in like]
    for index in np.ndindex(batch):
        if not np.broadcast_to(usable, batch)[index]:
            continue
        try:
            made = called(*[x[index] for x in stacks])
        except np.linalg.LinAlgError:
            continue
        for result, y in zip(results, made, strict=True):
            result[index] = y
    return tuple(results)


def symmetric(x: Array) -> Array:
    """Returns the symmetric part of matrices."""
    return (x + x.swapaxes(-1, -2)) * x.dtype.type(0.5)


def cholesky(x: Array) -> Array:
    return each(np.linalg.cholesky, symmetric(x))[0]


def qr(x: Array, complete: bool) -> tuple[Array, ...]:
    return each(lambda a: tuple(np.linalg.qr(a, "complete" if complete else "reduced")), x)


def svd(x: Array, full_matrices: bool, compute_uv: bool) -> tuple[Array, ...] | Array:
    made = each(lambda a: tuple(np.linalg.svd(a, full_matrices)), x, iterative=True)
    return made if compute_uv else made[1]


def eigh(x: Array) -> tuple[Array, ...]:
    return each(lambda a: tuple(np.linalg.eigh(a)), symmetric(x), iterative=True)


def eig(x: Array) -> tuple[Array, Array]:
    values, vectors = each(lambda a: tuple(np.linalg.eig(a)), x, iterative=True)
    unreal = (np.abs(values.imag) > 0).any(axis=-1)
    return (
        np.where(unreal[..., None], np.nan, values.real),
        np.where(unreal[..., None, None], np.nan, vectors.real),
    )


def lu(x: Array) -> tuple[Array, Array, Array]:
    """By Gaussian elimination with partial pivoting (Golub and Van Loan, Matrix Computations, algorithm 3.4.1)."""
    *batch, rows, columns = x.shape
    a = x.reshape(-1, rows, columns).copy()
    every = np.arange(len(a))
    order = np.tile(np.arange(rows, dtype="int32"), (len(a), 1))
    pivots = np.zeros((len(a), min(rows, columns)), "int32")
    for k in range(pivots.shape[1]):
        pivot = k + np.abs(a[:, k:, k]).argmax(axis=1)
        pivots[:, k] = pivot
        for array in (a, order):
            array[every, k], array[every, pivot] = array[every, pivot], array[every, k]
        divisor = a[:, k, k, None]
        a[:, k + 1 :, k] = np.where(divisor == 0, 0, a[:, k + 1 :, k] / divisor)
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    return a.reshape(x.shape), pivots.reshape(*batch, -1), order.reshape(*batch, rows)
