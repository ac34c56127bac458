"""Factors of matrices. They have no kernels of their own: LAPACK, through NumPy, computes them on every backend of the host.

Gradients are reverse-mode rules for stacked real matrices; dX is the gradient that arrives at, or leaves, X.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import or_zeros
from dlnative.ops.core import call, invoke, operation, shown
from dlnative.ops.matrix_rules import (
    column,
    identity,
    inverse_gaps,
    known,
    lower,
    matrices,
    product,
    row,
    symmetric,
    total,
    transposed,
    triangular_solution,
    upper,
)

_SQUARE = ((1, 1), (3, 3), (2, 4, 4), (2, 1, 2, 2), (17, 17))
_SHAPES = ((1, 1), (3, 3), (4, 2), (2, 4), (2, 3, 5), (2, 5, 3), (19, 7))


def _infer_same(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, inputs[0].dtype)]


def _cholesky_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = sym(L⁻ᵀ Φ(Lᵀ dL) L⁻¹), Φ the lower triangle with half of the diagonal (Murray, "Differentiation of the Cholesky
    decomposition", 2016, equation 10)."""
    factor = node.outputs[0]
    inner = product(factor, grads[0], transpose_a=True)
    half = np.tri(factor.shape[-1]) - 0.5 * np.eye(factor.shape[-1])
    phi = call("multiply", inner, half.astype(factor.dtype))
    left = triangular_solution(transposed(factor), phi, False)
    return (symmetric(triangular_solution(transposed(factor), transposed(left), False)),)


register(
    Op(
        "cholesky",
        "factorization",
        _infer_same,
        gradient=_cholesky_gradient,
        samples=lambda: [Sample(Arg(shape, "definite")) for shape in _SQUARE],
        roles=HOST,
        tolerance=64.0,
        size="largest",
    )
)


@operation
def cholesky(x: Any, upper: bool = False) -> Any:
    """Returns the triangular factor L of symmetric positive definite matrices A = L Lᵀ.

    Of a matrix that is not symmetric, the symmetric part is taken.

    Args:
        x: a tensor or array of shape `(..., M, M)`.
        upper: whether to return Lᵀ.

    Returns:
        A tensor or array of shape `(..., M, M)`; where it is computed in a plan, NaN for a matrix that is not positive
        definite.

    Raises:
        ValueError: if the matrices are not square; on arrays, also if one is not positive definite.

    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    y = invoke(OPS["cholesky"], (matrices(x, "cholesky", square=True),))
    if known(y):
        if np.isnan(y).any():
            raise ValueError("cholesky: expected positive definite matrices, got one that is not")
        y = y[...]  # another array than the op's: the next call, too, comes by here
    return transposed(y) if upper else y


@operation
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """Returns the inverses of matrices A = L Lᵀ from their triangular factors L.

    Args:
        x: factors, a tensor or array of shape `(..., M, M)`.
        upper: whether these are Lᵀ.

    Returns:
        A tensor or array of shape `(..., M, M)`.

    Example:
        >>> cholesky_inverse([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.25, 0.0], [0.0, 0.0625]]
    """
    x = matrices(x, "cholesky_inverse", square=True)
    inverse = triangular_solution(x, identity(x), not upper)
    return product(inverse, inverse, transpose_a=not upper, transpose_b=bool(upper))


def _infer_lu(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,) = inputs
    *batch, rows, columns = x.shape
    return [(x.shape, x.dtype), ((*batch, min(rows, columns)), "int32"), ((*batch, rows), "int32")]


def _lu_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """A = P L U gives dA = P L⁻ᵀ (tril(Lᵀ dL, -1) + triu(dU Uᵀ)) U⁻ᵀ for square matrices (Walter and Lehmann, "Algorithmic
    differentiation of linear algebra functions", 2010, section 3)."""
    both, _, order = node.outputs
    if both.shape[-1] != both.shape[-2]:
        raise NotImplementedError(f"lu_factor: expected square matrices for a gradient, got shape {tuple(both.shape)}")
    eye = identity(both)
    lower_factor, upper_factor = call("add", lower(both, -1), eye), upper(both)
    of_lower = lower(product(lower_factor, lower(grads[0], -1), transpose_a=True), -1)
    of_upper = upper(product(upper(grads[0]), upper_factor, transpose_b=True))
    inner = triangular_solution(transposed(lower_factor), call("add", of_lower, of_upper), False)
    outer = transposed(triangular_solution(upper_factor, transposed(inner), False))
    places = invoke(OPS["argsort"], (order,), (False,))
    from dlnative.ops.indexing import take_along_axis

    return (take_along_axis(outer, column(places), -2),)


register(
    Op(
        "lu",
        "factorization",
        _infer_lu,
        gradient=_lu_gradient,
        results=("float32", "float64", "int32"),
        samples=lambda: [Sample(Arg(shape, "definite")) for shape in _SQUARE],
        roles=HOST,
        tolerance=64.0,
        size="largest",
    )
)


@operation
def lu_factor(x: Any) -> tuple[Any, Any]:
    """Returns the factors of matrices A = P L U: L is lower triangular with ones on the diagonal, U upper triangular.

    Args:
        x: a tensor or array of shape `(..., M, N)`.

    Returns:
        L (without its diagonal) and U in one tensor of shape `(..., M, N)`, and pivots (int32) of shape
        `(..., min(M, N))`: row `i` was exchanged with row `pivots[i]`, one after the other.

    Example:
        >>> factors, pivots = lu_factor([[1.0, 2.0], [2.0, 6.0]])
        >>> factors.tolist(), pivots.tolist()
        ([[2.0, 6.0], [0.5, -1.0]], [1, 1])
    """
    return invoke(OPS["lu"], (matrices(x, "lu_factor"),))[:2]


def _infer_qr(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,), (complete,) = inputs, attributes
    *batch, rows, columns = x.shape
    inner = rows if complete else min(rows, columns)
    return [((*batch, rows, inner), x.dtype), ((*batch, inner, columns), x.dtype)]


def _qr_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = (dQ + Q S) R⁻ᵀ, S the lower triangle of R dRᵀ - dQᵀ Q mirrored at the diagonal (Walter and Lehmann, 2010, section 4);
    of a wide matrix (X Y) = Q (U V), dY = Q dV, and X has the rule with dQ + Y dVᵀ in place of dQ."""
    (x,), (q, r) = node.inputs, node.outputs
    rows, columns = x.shape[-2:]
    if rows > columns and node.attributes[0]:
        raise NotImplementedError('qr: expected mode="reduced" for the gradient of matrices of more rows than columns')
    dq, dr = or_zeros(node, grads)
    rest = None
    if columns > rows:
        cut = (..., slice(rows, None))
        right, dv, r, dr = x[cut], dr[cut], r[..., :rows], dr[..., :rows]
        dq = call("add", dq, product(right, dv, transpose_b=True))
        rest = product(q, dv)
    inner = call("subtract", product(r, dr, transpose_b=True), product(dq, q, transpose_a=True))
    mirrored = call("add", lower(inner), transposed(lower(inner, -1)))
    dx = call("add", dq, product(q, mirrored))
    dx = transposed(triangular_solution(r, transposed(dx), False))
    if rest is not None:
        from dlnative.ops.joining import concatenate

        dx = concatenate([dx, rest], axis=-1)
    return (dx,)


register(
    Op(
        "qr",
        "factorization",
        _infer_qr,
        attributes=(("complete", "bool"),),
        gradient=_qr_gradient,
        samples=lambda: [
            Sample(shape, complete=complete)
            for shape in _SHAPES
            for complete in (False, True)
            if not complete or shape[-2] <= shape[-1]
        ],
        roles=HOST,
        tolerance=256.0,
        size="largest",
    )
)


@operation
def qr(x: Any, mode: str = "reduced") -> tuple[Any, Any]:
    """Returns the factors of matrices A = Q R: the columns of Q are orthonormal, R is upper triangular.

    Args:
        x: a tensor or array of shape `(..., M, N)`.
        mode: `"reduced"`, or `"complete"` for a square Q.

    Returns:
        Q of shape `(..., M, K)` and R of shape `(..., K, N)`, with K = min(M, N), or M if it is complete. A complete Q of
        more rows than columns has no gradient.

    Raises:
        ValueError: for another mode, or a tensor of fewer than two axes.

    Example:
        >>> q, r = qr([[-3.0, 1.0], [-4.0, 2.0]])
        >>> (q @ r).round(5).tolist()
        [[-3.0, 1.0], [-4.0, 2.0]]
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(
            "`mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
            f"Received: mode={mode if isinstance(mode, str) else shown(mode)}"
        )
    return invoke(OPS["qr"], (matrices(x, "qr"),), (mode == "complete",))


def _infer_svd(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,), (full_matrices, compute_uv) = inputs, attributes
    *batch, rows, columns = x.shape
    inner = min(rows, columns)
    values = ((*batch, inner), x.dtype)
    if not compute_uv:
        return [values]
    of_u, of_v = (rows, columns) if full_matrices else (inner, inner)
    return [((*batch, rows, of_u), x.dtype), values, ((*batch, of_v, columns), x.dtype)]


def _svd_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = U (J S + S K + diag(ds)) Vᵀ + (1 - U Uᵀ) dU S⁻¹ Vᵀ + U S⁻¹ dVᵀ (1 - V Vᵀ), with J = F (Uᵀ dU - dUᵀ U) and
    K = F (Vᵀ dV - dVᵀ V) elementwise, and F_ij = 1 / (s_j² - s_i²) (Townsend, "Differentiating the singular value
    decomposition", 2016)."""
    (x,), (full_matrices, compute_uv) = node.inputs, node.attributes
    du, ds, dvt = grads if compute_uv else (None, grads[0], None)
    rows, columns = x.shape[-2:]
    if full_matrices and rows != columns and (du is not None or dvt is not None):
        raise NotImplementedError("svd: expected full_matrices=False for the gradient of singular vectors")
    if compute_uv and (not full_matrices or rows == columns):
        u, s, vt = node.outputs
    else:
        u, s, vt = invoke(OPS["svd"], (x,), (False, True))
    terms = [] if ds is None else [call("multiply", u, row(ds))]
    outside = []
    gaps = inverse_gaps(call("square", s)) if du is not None or dvt is not None else None
    if du is not None:
        inner = product(u, du, transpose_a=True)
        j = call("multiply", gaps, call("subtract", inner, transposed(inner)))
        terms.append(product(u, call("multiply", j, row(s))))
        if rows > columns:
            terms.append(call("divide", call("subtract", du, product(u, inner)), row(s)))
    if dvt is not None:
        inner = product(vt, dvt, transpose_b=True)
        k = call("multiply", gaps, call("subtract", inner, transposed(inner)))
        terms.append(product(u, call("multiply", column(s), k)))
        if columns > rows:
            rest = call("subtract", dvt, product(inner, vt, transpose_a=True))
            outside.append(product(call("divide", u, row(s)), rest))
    dx = product(total(terms), vt)
    return (total([dx, *outside]),)


register(
    Op(
        "svd",
        "factorization",
        _infer_svd,
        attributes=(("full_matrices", "bool"), ("compute_uv", "bool")),
        gradient=_svd_gradient,
        samples=lambda: [
            Sample(shape, full_matrices=full, compute_uv=compute_uv)
            for shape in _SHAPES
            for full, compute_uv in ((False, True), (True, True), (False, False))
            if not (full and compute_uv) or shape[-1] == shape[-2]
        ],
        roles=HOST,
        tolerance=256.0,
        size="largest",
    )
)


@operation
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Returns the singular values of matrices A = U diag(s) Vᵀ, and their singular vectors.

    Args:
        x: a tensor or array of shape `(..., M, N)`.
        full_matrices: whether U and V are square; otherwise they have K = min(M, N) columns.
        compute_uv: whether to return them.

    Returns:
        U of shape `(..., M, M)` or `(..., M, K)`, s of shape `(..., K)`, from the largest on, and Vᵀ of shape `(..., N, N)` or
        `(..., K, N)`; s alone without them. Vectors have a gradient where they are not more than K.

    Example:
        >>> svd([[3.0, 0.0], [0.0, -4.0]], compute_uv=False).tolist()
        [4.0, 3.0]
    """
    return invoke(OPS["svd"], (matrices(x, "svd"),), (bool(full_matrices), bool(compute_uv)))


__all__ = ["cholesky", "cholesky_inverse", "lu_factor", "qr", "svd"]
