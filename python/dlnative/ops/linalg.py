"""Keras's `keras.ops.linalg`: what of `dlnative.ops` computes with matrices."""

from __future__ import annotations

from dlnative.utils.lazy import taken_from

# ruff: noqa: F822 - what is asked for comes from the package.
__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "jvp", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "solve", "solve_triangular", "svd",
]  # fmt: skip
__getattr__ = taken_from(__name__, "dlnative.ops")
