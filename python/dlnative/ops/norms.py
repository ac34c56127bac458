"""Norms of vectors and matrices, and the rank of matrices."""

from __future__ import annotations

import math
from typing import Any

from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, call, invoke, normalize_axes, operation, scalar, shown, unknown
from dlnative.ops.elementwise import absolute, greater, multiply, not_equal, power, sqrt, square
from dlnative.ops.matrix_rules import matrices, rounding
from dlnative.ops.reduction import max as max_of
from dlnative.ops.reduction import min as min_of
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.shape import expand_dims, moveaxis, ravel, reshape


def _of_vectors(x: Any, ord: Any, axis: int | tuple[int, ...], keepdims: bool) -> Any:
    if ord in (None, 2):
        return sqrt(sum_of(square(x), axis, keepdims))
    if isinstance(ord, str) or not isinstance(ord, (int, float)):
        raise ValueError(f"norm: expected a number for the order of a norm of vectors, got {shown(ord)}")
    if math.isinf(ord):
        return (max_of if ord > 0 else min_of)(absolute(x), axis, keepdims)
    if ord == 0:
        return sum_of(cast(not_equal(x, 0), x.dtype), axis, keepdims)
    if ord == 1:
        return sum_of(absolute(x), axis, keepdims)
    return power(sum_of(power(absolute(x), float(ord)), axis, keepdims), 1.0 / ord)


def _of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    rows, columns = axes
    if ord in (None, "fro"):
        return _of_vectors(x, None, axes, keepdims)
    if ord in ("nuc", 2, -2):
        planes = moveaxis(x, axes, (-2, -1))
        if None in planes.shape[-2:]:
            kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(x.shape))
            return unknown(kept if keepdims else _without(x.shape, axes), x)
        values = invoke(OPS["svd"], (planes,), (False, False))
        y = {"nuc": sum_of, 2: max_of, -2: min_of}[ord](values, -1)
        return expand_dims(y, axes) if keepdims else y
    if ord in (1, -1, math.inf, -math.inf):
        summed, chosen = (rows, columns) if abs(ord) == 1 else (columns, rows)
        sums = sum_of(absolute(x), summed, True)
        y = (max_of if ord > 0 else min_of)(sums, chosen, True)
        return y if keepdims else call("reshape", y, attributes=(_without(y.shape, axes),))
    raise ValueError(f"norm: expected the order of a norm of matrices, 1, 2, inf, 'fro' or 'nuc', got {shown(ord)}")


def _without(shape: Any, axes: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(extent for axis, extent in enumerate(shape) if axis not in axes)


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns norms of vectors, along one axis, or of matrices, in the plane of two.

    Args:
        x: a tensor or array.
        ord: of vectors `p` for (sum |x|^p)^(1/p), `inf` and `-inf` for the largest and smallest absolute value, 0 for the number
            of elements that are not 0, and `None` for 2. Of matrices `"fro"` or `None` for the square root of the sum of
            squares, `"nuc"` for the sum of singular values, 2 and -2 for the largest and smallest of these, 1 and -1 for the
            largest and smallest sum of the absolute values of a column, `inf` and `-inf` for those of a row.
        axis: an axis, or two. `None` takes a tensor of rank 1 or 2 as what it is; without `ord`, one of any rank as a vector.
        keepdims: whether these axes stay, with extent 1.

    Raises:
        ValueError: if there is no such norm, or no such axis.

    Example:
        >>> float(norm([3.0, 4.0])), norm([[3.0, 4.0], [1.0, 0.0]], axis=1).tolist()
        (5.0, [5.0, 1.0])
    """
    x = to_float(as_tensor(x))
    rank = len(x.shape)
    if axis is None and ord is None:
        y = _of_vectors(ravel(x) if rank != 1 else x, None, 0, False)
        return reshape(y, (1,) * rank) if keepdims else y
    axes = normalize_axes(axis, rank, "norm")
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError(f"norm: expected one axis or two, got {shown(axis)} for shape {tuple(x.shape)}")


@operation
def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """Returns the ranks of matrices: how many singular values are larger than a tolerance.

    Args:
        x: a tensor or array of shape `(..., M, N)`.
        tol: the tolerance; by default the type's rounding error times the larger of M and N and the largest singular value.

    Returns:
        A tensor or array (int32) of shape `(...)`.

    Raises:
        ValueError: if it has fewer than two axes.

    Example:
        >>> int(matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
        1
    """
    x = matrices(x, "matrix_rank")
    values = invoke(OPS["svd"], (x,), (False, False))
    if tol is None:
        least = multiply(max_of(values, -1, True), scalar(rounding(x), values))
    else:
        least = scalar(float(tol), values)
    return sum_of(cast(greater(values, least), "int32"), -1)


__all__ = ["matrix_rank", "norm"]
