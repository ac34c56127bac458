"""Systems of linear equations, determinants and inverses. Where a matrix has no inverse, what would need it is NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference.factorization import each

Array = np.ndarray[Any, Any]


def solve(a: Array, b: Array) -> Array:
    return each(np.linalg.solve, a, b)[0]


def solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    """By substitution; the other triangle of `a` is not read."""
    x = b.copy()
    size = a.shape[-1]
    for i in range(size) if lower else range(size - 1, -1, -1):
        done = slice(0, i) if lower else slice(i + 1, size)
        known = (a[..., i, None, done] @ x[..., done, :])[..., 0, :]
        x[..., i, :] = (x[..., i, :] - known) / a[..., i, i, None]
    return x


def det(x: Array) -> Array:
    return np.asarray(np.linalg.det(x))


def slogdet(x: Array) -> tuple[Array, Array]:
    sign, logarithm = np.linalg.slogdet(x)
    return np.asarray(sign), np.asarray(logarithm)


def cofactor(x: Array) -> Array:
    """The derivative of the determinant: det(X) X⁻ᵀ, from X = U S Vᵀ as det(U) det(V) U diag(prod of the other s) Vᵀ, which a
    matrix without an inverse has, too."""
    u, s, vt = each(lambda a: tuple(np.linalg.svd(a)), x, iterative=True)
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], axis=-1), axis=-1)
    behind = np.cumprod(np.concatenate([ones, s[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return sign[..., None, None] * ((u * (before * behind)[..., None, :]) @ vt)


def pinv(x: Array, rcond: float) -> Array:
    u, s, vt = each(lambda a: tuple(np.linalg.svd(a, False)), x, iterative=True)
    kept = s > x.dtype.type(rcond) * s.max(axis=-1, keepdims=True, initial=0)
    inverse = np.where(kept | np.isnan(s), 1 / np.where(kept, s, 1) + 0 * s, 0)
    return (vt.swapaxes(-1, -2) * inverse[..., None, :]) @ u.swapaxes(-1, -2)
