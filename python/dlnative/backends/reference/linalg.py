"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.backends.reference import elementwise

Array = np.ndarray[Any, Any]


def matmul(a: Array, b: Array, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """A B, or Aᵀ B, A Bᵀ, Aᵀ Bᵀ, over the last two axes."""
    left = np.swapaxes(a, -1, -2) if transpose_a else a
    right = np.swapaxes(b, -1, -2) if transpose_b else b
    return left @ right


def dense(x: Array, w: Array, *terms: Array, activation: str, residual: bool) -> Array:
    """act(x w + terms): a bias, a residual, or both."""
    z = x @ w
    for term in terms:
        z = z + term
    return z if activation == "linear" else getattr(elementwise, activation)(z)


def matmul_activation_gradient(
    dy: Array,
    w: Array,
    saved: Array,
    *terms: Array,
    transpose_a: bool,
    transpose_b: bool,
    activation: str,
    residual: bool,
) -> Array:
    """(dy w + residual) * act'(saved): what arrives before an activation, from the gradient behind the next layer."""
    arriving = matmul(dy, w, transpose_a, transpose_b)
    for term in terms:
        arriving = arriving + term
    return getattr(elementwise, f"{activation}_gradient")(arriving, saved)


def matmul_bias_gradient(x: Array, dy: Array) -> tuple[Array, Array]:
    """dw = xᵀ dy; db = the sum of the rows of dy."""
    return x.T @ dy, dy.sum(axis=0)
