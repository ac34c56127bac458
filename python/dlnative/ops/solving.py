"""Systems of linear equations, determinants and inverses. They have no kernels of their own; see `factorization.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import gradient_of
from dlnative.ops.conversion import promote
from dlnative.ops.core import as_tensor, call, invoke, operation
from dlnative.ops.matrix_rules import (
    column,
    identity,
    lower,
    matrices,
    product,
    rounding,
    stacked_alike,
    transposed,
    triangular_solution,
    upper,
)

_SQUARE = ((1, 1), (3, 3), (2, 4, 4), (2, 1, 2, 2))
_SYSTEMS = (
    ((1, 1), (1, 1)),
    ((3, 3), (3, 2)),
    ((2, 4, 4), (2, 4, 1)),
    ((2, 1, 2, 2), (2, 1, 2, 3)),
    ((17, 17), (17, 5)),
)


def _infer_solution(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    a, b = inputs
    if a.shape[-1] != a.shape[-2] or a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"solve: expected square matrices and as many rows, got {tuple(a.shape)} and {tuple(b.shape)}")
    return [(b.shape, b.dtype)]


def _solve_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """X = A⁻¹ B gives dB = A⁻ᵀ dX and dA = -dB Xᵀ (Giles, "An extended collection of matrix derivative results", 2008)."""
    db = invoke(OPS["solve"], (transposed(node.inputs[0]), grads[0]))
    return call("negative", product(db, node.outputs[0], transpose_b=True)), db


def _triangular_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (is_lower,) = node.attributes
    db = triangular_solution(transposed(node.inputs[0]), grads[0], not is_lower)
    da = call("negative", product(db, node.outputs[0], transpose_b=True))
    return (lower if is_lower else upper)(da), db


def _solver(name: str, gradient: Any, samples: Any, attributes: tuple[tuple[str, str], ...] = ()) -> None:
    register(
        Op(
            name,
            "solving",
            _infer_solution,
            attributes=attributes,
            gradient=gradient,
            samples=samples,
            roles=HOST,
            tolerance=256.0,
            size="largest",
        )
    )


_solver("solve", _solve_gradient, lambda: [Sample(Arg(a, "definite"), b) for a, b in _SYSTEMS])
_solver(
    "solve_triangular",
    _triangular_gradient,
    lambda: [Sample(Arg(a, "definite"), b, lower=lower) for a, b in _SYSTEMS for lower in (False, True)],
    (("lower", "bool"),),
)


def _infer_det(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape[:-2], inputs[0].dtype)]


def _infer_same(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, inputs[0].dtype)]


def _by_matrix(x: Any) -> Any:
    return column(column(x))


def _det_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = cof(A) d, which a matrix without an inverse has, too."""
    return (call("multiply", _by_matrix(grads[0]), invoke(OPS["cofactor"], (node.inputs[0],))),)


def _slogdet_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = A⁻ᵀ d of the logarithm; the sign is constant."""
    if grads[1] is None:
        return (None,)
    (x,) = node.inputs
    return (call("multiply", _by_matrix(grads[1]), invoke(OPS["solve"], (transposed(x), identity(x)))),)


def _cofactor_of_inverse(x: Any) -> Any:
    inverse = invoke(OPS["solve"], (transposed(x), identity(x)))
    return call("multiply", _by_matrix(invoke(OPS["det"], (x,))), inverse)


def _of_square(name: str, infer: Any, gradient: Any) -> None:
    register(
        Op(
            name,
            "solving",
            infer,
            gradient=gradient,
            samples=lambda: [Sample(Arg(shape, low=0.5)) for shape in _SQUARE],
            roles=HOST,
            tolerance=512.0,
            size="largest",
        )
    )


_of_square("det", _infer_det, _det_gradient)
_of_square("slogdet", lambda inputs, attributes: _infer_det(inputs, attributes) * 2, _slogdet_gradient)
_of_square("cofactor", _infer_same, gradient_of(_cofactor_of_inverse))


def _infer_pinv(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    *batch, rows, columns = inputs[0].shape
    return [((*batch, columns, rows), inputs[0].dtype)]


def _pinv_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dA = -Pᵀ dP Pᵀ + (1 - A P) dPᵀ P Pᵀ + Pᵀ P dPᵀ (1 - P A) where the rank stays as it is (Golub and Pereyra, "The
    differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", 1973)."""
    (a,), (p,), (dp,) = node.inputs, node.outputs, grads
    main = product(product(p, dp, transpose_a=True), p, transpose_b=True)
    left = product(product(dp, p, transpose_a=True), p, transpose_b=True)
    left = call("subtract", left, product(a, product(p, left)))
    right = product(product(p, p, transpose_a=True), dp, transpose_b=True)
    right = call("subtract", right, product(product(right, p), a))
    return (call("subtract", call("add", left, right), main),)


register(
    Op(
        "pinv",
        "solving",
        _infer_pinv,
        attributes=(("rcond", "float"),),
        gradient=_pinv_gradient,
        samples=lambda: [Sample(shape, rcond=1e-4) for shape in ((1, 1), (3, 3), (4, 2), (2, 2, 5), (19, 7))],
        roles=HOST,
        tolerance=512.0,
        size="largest",
    )
)


def _system(name: str, a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Returns matrices, right-hand sides as matrices, stacked alike, and whether these were vectors."""
    a, b = promote(matrices(a, name, square=name != "lstsq"), as_tensor(b))
    vectors = len(b.shape) == len(a.shape) - 1 or len(b.shape) == 1
    if len(b.shape) < 1 or b.shape[-1 if vectors else -2] != a.shape[-2]:
        raise ValueError(
            f"{name}: expected right-hand sides with as many rows as the matrices, got shapes {tuple(a.shape)} and "
            f"{tuple(b.shape)}"
        )
    return *stacked_alike(name, a, column(b) if vectors else b), vectors


def _without_columns(x: Any, vectors: bool) -> Any:
    return call("reshape", x, attributes=(tuple(x.shape[:-1]),)) if vectors else x


@operation
def solve(a: Any, b: Any) -> Any:
    """Returns the solutions X of A X = B.

    Args:
        a: a tensor or array of shape `(..., M, M)`.
        b: right-hand sides of shape `(..., M, K)`, or vectors of shape `(..., M)`. Leading axes broadcast.

    Returns:
        A tensor or array like `b`; NaN for a matrix without an inverse.

    Raises:
        ValueError: if the matrices are not square, or the shapes do not fit.

    Example:
        >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
        [1.0, 0.5]
    """
    a, b, vectors = _system("solve", a, b)
    return _without_columns(invoke(OPS["solve"], (a, b)), vectors)


@operation
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """Returns the solutions X of A X = B with triangular matrices.

    Args:
        a: a tensor or array of shape `(..., M, M)`; only one triangle is read.
        b: right-hand sides of shape `(..., M, K)`, or vectors of shape `(..., M)`. Leading axes broadcast.
        lower: whether that is the lower triangle; otherwise it is the upper one.

    Returns:
        A tensor or array like `b`.

    Raises:
        ValueError: if the matrices are not square, or the shapes do not fit.

    Example:
        >>> solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 5.0], lower=True).tolist()
        [1.0, 1.0]
    """
    a, b, vectors = _system("solve_triangular", a, b)
    return _without_columns(invoke(OPS["solve_triangular"], (a, b), (bool(lower),)), vectors)


@operation
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """Returns the shortest X of those that minimise the length of each column of A X - B: pinv(A) B.

    Args:
        a: a tensor or array of shape `(..., M, N)`.
        b: right-hand sides of shape `(..., M, K)`, or vectors of shape `(..., M)`.
        rcond: singular values of at most this times the largest count as 0; by default the type's rounding error times the
            larger of M and N.

    Returns:
        A tensor or array of shape `(..., N, K)` or `(..., N)`.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> lstsq([[1.0, 0.0], [1.0, 0.0]], [1.0, 3.0]).round(5).tolist()
        [2.0, 0.0]
    """
    a, b, vectors = _system("lstsq", a, b)
    cut = rounding(a) if rcond is None else float(rcond)
    return _without_columns(product(invoke(OPS["pinv"], (a,), (cut,)), b), vectors)


@operation
def inv(x: Any) -> Any:
    """Returns the inverses of matrices.

    Args:
        x: a tensor or array of shape `(..., M, M)`.

    Returns:
        A tensor or array of that shape; NaN for a matrix without an inverse.

    Raises:
        ValueError: if the matrices are not square.

    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    x = matrices(x, "inv", square=True)
    return invoke(OPS["solve"], (x, identity(x)))


@operation
def det(x: Any) -> Any:
    """Returns the determinants of matrices.

    Args:
        x: a tensor or array of shape `(..., M, M)`.

    Returns:
        A tensor or array of shape `(...)`.

    Raises:
        ValueError: if the matrices are not square.

    Example:
        >>> float(det([[2.0, 1.0], [0.0, 4.0]]))
        8.0
    """
    return invoke(OPS["det"], (matrices(x, "det", square=True),))


@operation
def slogdet(x: Any) -> tuple[Any, Any]:
    """Returns the signs of the determinants of matrices, and the logarithms of their absolute values.

    Args:
        x: a tensor or array of shape `(..., M, M)`.

    Returns:
        Two tensors or arrays of shape `(...)`: 1, -1 or 0, and the logarithms, which are finite where a determinant overflows.

    Raises:
        ValueError: if the matrices are not square.

    Example:
        >>> sign, logarithm = slogdet([[-1.0, 0.0], [0.0, 1.0]])
        >>> float(sign), float(logarithm)
        (-1.0, 0.0)
    """
    return invoke(OPS["slogdet"], (matrices(x, "slogdet", square=True),))


@operation
def logdet(x: Any) -> Any:
    """Returns the logarithms of the absolute values of determinants; see `slogdet`."""
    return invoke(OPS["slogdet"], (matrices(x, "logdet", square=True),))[1]


@operation
def pinv(x: Any, rcond: float | None = None) -> Any:
    """Returns the pseudoinverses (Moore-Penrose) of matrices.

    Args:
        x: a tensor or array of shape `(..., M, N)`.
        rcond: singular values of at most this times the largest count as 0; by default ten times the type's rounding error
            times the larger of M and N.

    Returns:
        A tensor or array of shape `(..., N, M)`.

    Raises:
        ValueError: if it has fewer than two axes.

    Example:
        >>> pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    x = matrices(x, "pinv")
    return invoke(OPS["pinv"], (x,), (10.0 * rounding(x) if rcond is None else float(rcond),))


__all__ = ["det", "inv", "logdet", "lstsq", "pinv", "slogdet", "solve", "solve_triangular"]
