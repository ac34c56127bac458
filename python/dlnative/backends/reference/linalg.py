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


def dense(x: Array, w: Array, *terms: Array, activation: tuple[Any, ...], residual: bool) -> Array:
    """act(x w + terms): a bias, a residual, or both. An activation is a name and its parameters."""
    z = x @ w
    for term in terms:
        z = z + term
    name, *parameters = activation
    return z if name == "linear" else getattr(elementwise, name)(z, *parameters)


def matmul_activation_gradient(
    dy: Array,
    w: Array,
    saved: Array,
    *terms: Array,
    transpose_a: bool,
    transpose_b: bool,
    activation: tuple[Any, ...],
    residual: bool,
) -> Array:
    """(dy w + residual) * act'(saved): what arrives before an activation, from the gradient behind the next layer."""
    arriving = matmul(dy, w, transpose_a, transpose_b)
    for term in terms:
        arriving = arriving + term
    name, *parameters = activation
    return getattr(elementwise, f"{name}_gradient")(arriving, saved, *parameters)


def matmul_bias_gradient(x: Array, dy: Array) -> tuple[Array, Array]:
    """dw = xᵀ dy; db = the sum of the rows of dy."""
    return x.T @ dy, dy.sum(axis=0)
