"""Eigenvalues and eigenvectors of matrices, through NumPy as `factorization.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import call, invoke, operation
from dlnative.ops.matrix_rules import (
    inverse_gaps,
    known,
    masked,
    matrices,
    on_diagonal,
    product,
    symmetric,
    total,
    transposed,
)

_SQUARE = ((1, 1), (3, 3), (2, 4, 4), (2, 1, 2, 2))


def _infer_eigen(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,) = inputs
    return [(x.shape[:-1], x.dtype), (x.shape, x.dtype)]


def _eigh_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = sym(V (diag(dw) + F (Vᵀ dV)) Vᵀ), F_ij = 1 / (w_j - w_i) elementwise (Giles, "An extended collection of matrix
    derivative results", 2008, section 3.1)."""
    (w, v), (dw, dv) = node.outputs, grads
    terms = [] if dw is None else [on_diagonal(dw)]
    if dv is not None:
        terms.append(call("multiply", inverse_gaps(w), product(v, dv, transpose_a=True)))
    return (symmetric(product(product(v, total(terms)), v, transpose_b=True)),)


def _eig_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = V⁻ᵀ (diag(dw) + F (G - Vᵀ V diag(G))) Vᵀ with G = Vᵀ dV: that of section 3.1 of Giles (2008) for vectors of length 1."""
    (w, v), (dw, dv) = node.outputs, grads
    terms = [] if dw is None else [on_diagonal(dw)]
    if dv is not None:
        inner = product(v, dv, transpose_a=True)
        diagonal = masked(inner, np.eye(v.shape[-1], dtype="bool"))
        turned = call("subtract", inner, product(product(v, v, transpose_a=True), diagonal))
        terms.append(call("multiply", inverse_gaps(w), turned))
    middle = product(total(terms), v, transpose_b=True)
    return (invoke(OPS["solve"], (transposed(v), middle)),)


for _name, _gradient in (("eigh", _eigh_gradient), ("eig", _eig_gradient)):
    register(
        Op(
            _name,
            "factorization",
            _infer_eigen,
            gradient=_gradient,
            samples=lambda: [Sample(Arg(shape, "definite")) for shape in _SQUARE],
            roles=HOST,
            tolerance=256.0,
            size="largest",
        )
    )


@operation
def eigh(x: Any) -> tuple[Any, Any]:
    """Returns the eigenvalues and eigenvectors of symmetric matrices A = V diag(w) Vᵀ.

    Of a matrix that is not symmetric, the symmetric part is taken.

    Args:
        x: a tensor or array of shape `(..., M, M)`.

    Returns:
        w of shape `(..., M)`, from the smallest on, and V of shape `(..., M, M)`, whose columns are the vectors.

    Example:
        >>> values, vectors = eigh([[2.0, 0.0], [0.0, 1.0]])
        >>> values.tolist()
        [1.0, 2.0]
    """
    return invoke(OPS["eigh"], (matrices(x, "eigh", square=True),))


@operation
def eig(x: Any) -> tuple[Any, Any]:
    """Returns the eigenvalues and eigenvectors of matrices, A V = V diag(w), that have real ones.

    Args:
        x: a tensor or array of shape `(..., M, M)`.

    Returns:
        w of shape `(..., M)`, in no order, and V of shape `(..., M, M)`, whose columns are the vectors, of length 1. Where they
        are computed in a plan, NaN for a matrix that has complex ones.

    Raises:
        ValueError: on arrays, if a matrix has complex eigenvalues: there are no complex tensors.

    Example:
        >>> values, vectors = eig([[2.0, 1.0], [0.0, 3.0]])
        >>> values.tolist()
        [2.0, 3.0]
    """
    w, v = invoke(OPS["eig"], (matrices(x, "eig", square=True),))
    if known(w) and np.isnan(w).any():
        raise ValueError("eig: expected matrices with real eigenvalues, got one with complex eigenvalues or NaN")
    return w, v


__all__ = ["eig", "eigh"]
