"""What shape and gradient rules of functions of matrices are written in: stacked along leading axes, which may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.op import OPS
from dlnative.graph.roles import PLAIN
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import current_trace
from dlnative.ops.conversion import to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, scalar, to_symbol
from dlnative.ops.pointwise import broadcast_shapes
from dlnative.ops.shape import swapaxes


def matrices(x: Any, name: str, square: bool = False) -> Any:
    """Returns a tensor of floats whose last two axes are those of matrices.

    Raises:
        ValueError: if it has fewer axes or, where square matrices are asked for, these are not known to be square.
    """
    x = as_tensor(x)
    if len(x.shape) < 2:
        raise ValueError(f"{name}: Input should have rank >= 2. Received: input.shape = {tuple(x.shape)}")
    if square and (x.shape[-1] != x.shape[-2] or x.shape[-1] is None):
        raise ValueError(f"{name}: expected square matrices, got shape {tuple(x.shape)}")
    if x.shape[-1] is None or x.shape[-2] is None:
        raise ValueError(
            f"{name}: Input should have its last 2 dimensions fully-defined. Received: input.shape = {tuple(x.shape)}"
        )
    return to_float(x)


def stacked_alike(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Returns two stacks of matrices, broadcast to common leading axes."""
    batch = broadcast_shapes(name, tuple(a.shape[:-2]), tuple(b.shape[:-2]))

    def spread(x: Any) -> Any:
        shape = (*batch, *x.shape[-2:])
        return x if tuple(x.shape) == shape else call("broadcast_to", x, attributes=(shape,))

    return spread(a), spread(b)


def transposed(x: Any) -> Any:
    """Returns matrices with rows and columns exchanged."""
    return swapaxes(x, -1, -2)


def product(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Returns products of matrices that are stacked alike."""
    return call("matmul", a, b, attributes=(transpose_a, transpose_b, PLAIN))


def symmetric(x: Any) -> Any:
    """Returns the symmetric part of matrices."""
    return call("multiply", call("add", x, transposed(x)), scalar(0.5, x))


def identity(x: Any) -> Any:
    """Returns the identity matrix with the rows of a stack of matrices, for each of them."""
    eye: Any = np.eye(x.shape[-2], dtype=dtype_of(x))
    shape = (*x.shape[:-1], x.shape[-2])
    if len(shape) == 2:
        return eye
    return call("broadcast_to", to_symbol(eye) if isinstance(x, Tensor) else eye, attributes=(shape,))


def masked(x: Any, mask: np.ndarray[Any, Any]) -> Any:
    """Returns matrices with zeros where a mask is false."""
    return call("where", mask, x, scalar(0.0, x))


def _triangle(x: Any, k: int) -> np.ndarray[Any, Any]:
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, k, dtype="bool")


def lower(x: Any, k: int = 0) -> Any:
    """Returns the lower triangles of matrices, up to a diagonal."""
    return masked(x, _triangle(x, k))


def upper(x: Any, k: int = 0) -> Any:
    """Returns the upper triangles of matrices, from a diagonal on."""
    return masked(x, ~_triangle(x, k - 1))


def on_diagonal(x: Any) -> Any:
    """Returns diagonal matrices of vectors."""
    return masked(column(x), np.eye(x.shape[-1], dtype="bool"))


def row(x: Any) -> Any:
    """Returns vectors as rows, by which columns of matrices are scaled."""
    return call("reshape", x, attributes=((*x.shape[:-1], 1, x.shape[-1]),))


def column(x: Any) -> Any:
    """Returns vectors as columns, by which rows of matrices are scaled."""
    return call("reshape", x, attributes=((*x.shape, 1),))


def inverse_gaps(values: Any) -> Any:
    """Returns matrices of 1 / (values[j] - values[i]), and 0 on the diagonal."""
    eye = np.eye(values.shape[-1], dtype="bool")
    gaps = call("where", eye, scalar(1.0, values), call("subtract", row(values), column(values)))
    return masked(call("reciprocal", gaps), ~eye)


def triangular_solution(a: Any, b: Any, lower: bool) -> Any:
    """Returns the solutions of triangular systems that are stacked alike."""
    return invoke(OPS["solve_triangular"], (a, b), (lower,))


def rounding(x: Any) -> float:
    """The rounding error of the type, times the larger extent of matrices."""
    dtype = dtype_of(x)
    eps = float(np.finfo(dtype if dtype in ("float32", "float64") else "float32").eps)
    return eps * max(x.shape[-2:])


def total(terms: Sequence[Any]) -> Any:
    """Returns the sum of tensors."""
    y = terms[0]
    for term in terms[1:]:
        y = call("add", y, term)
    return y


def known(y: Any) -> bool:
    """Whether a result has values, which somebody looks at."""
    return isinstance(y, np.ndarray) and current_trace() is None
