"""Diagonals, triangles and products of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative.graph.op import OPS
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import (
    as_tensor,
    call,
    dtype_of,
    integer,
    invoke,
    normalize_axes,
    normalize_axis,
    operation,
    scalar,
    shown,
    unknown,
)
from dlnative.ops.elementwise import multiply, power, subtract, where
from dlnative.ops.indexing import get_item
from dlnative.ops.joining import stack
from dlnative.ops.product import matmul
from dlnative.ops.reduction import sum as sum_of
from dlnative.ops.reduction import to_summed
from dlnative.ops.shape import expand_dims, moveaxis, ravel, reshape, transpose


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Returns the diagonals in the planes of two axes, which become one axis, the last.

    Args:
        x: a tensor or array of rank 2 or more.
        offset: which diagonal, above the main one where positive.
        axis1, axis2: the axes of rows and of columns.
    """
    x = as_tensor(x)
    rank, k = len(x.shape), integer(offset, "diagonal: offset")
    if rank < 2:
        raise ValueError(f"diagonal: `x` must be at least 2-D, got shape {tuple(x.shape)}")
    first, second = normalize_axes((axis1, axis2), rank, "diagonal")
    rest = [axis for axis in range(rank) if axis not in (first, second)]
    x = transpose(x, (first, second, *rest))
    rows, columns = x.shape[:2]
    if rows is None or columns is None:
        return unknown((*x.shape[2:], None), x)
    count = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    row, column = max(-k, 0), max(k, 0)
    places = (row + np.arange(count)) * columns + column + np.arange(count)
    flat = call("reshape", x, attributes=((rows * columns, *x.shape[2:]),))
    return moveaxis(invoke(OPS["gather"], (flat, places), (0, True)), 0, -1)


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Returns the sums of diagonals; see `diagonal`."""
    return sum_of(diagonal(x, offset, axis1, axis2), -1)


@operation
def diag(x: Any, k: int = 0) -> Any:
    """Returns a matrix with a vector on a diagonal, or the diagonal of a matrix.

    Args:
        x: a tensor or array of rank 1 or 2.
        k: which diagonal, above the main one where positive.
    """
    x = as_tensor(x)
    offset = integer(k, "diag: k")
    if len(x.shape) == 2:
        return diagonal(x, offset)
    if len(x.shape) != 1:
        raise ValueError(f"diag: expected a vector or a matrix, got shape {tuple(x.shape)}")
    if x.shape[0] is None:
        return unknown((None, None), x)
    size = x.shape[0] + abs(offset)
    row, column = max(-offset, 0), max(offset, 0)
    count = np.arange(x.shape[0])
    places = np.full(size * size, -1)
    places[(row + count) * size + column + count] = count
    return reshape(invoke(OPS["gather"], (x, places), (0, False)), (size, size))


@operation
def diagflat(x: Any, k: int = 0) -> Any:
    """Returns a matrix with all elements of a tensor on a diagonal; see `diag`."""
    return diag(ravel(x), k)


def _triangle(x: Any, k: Any, name: str, lower: bool) -> Any:
    x = as_tensor(x)
    if len(x.shape) < 2:
        raise ValueError(f"{name}: expected a tensor of rank 2 or more, got shape {tuple(x.shape)}")
    rows, columns = x.shape[-2:]
    if rows is None or columns is None:
        return unknown(x.shape, x)
    inside = np.tri(rows, columns, integer(k, f"{name}: k") - (not lower), dtype="bool")
    return where(inside if lower else ~inside, x, scalar(0, x))


@operation
def tril(x: Any, k: int = 0) -> Any:
    """Returns matrices with zeros above a diagonal; see `diag`."""
    return _triangle(x, k, "tril", True)


@operation
def triu(x: Any, k: int = 0) -> Any:
    """Returns matrices with zeros below a diagonal; see `diag`."""
    return _triangle(x, k, "triu", False)


@operation
def outer(x1: Any, x2: Any) -> Any:
    """Returns the products of all pairs of elements: rows by those of `x1`, columns by those of `x2`.

    Args:
        x1, x2: tensors or arrays, taken as vectors.
    """
    a, b = promote(x1, x2)
    return multiply(expand_dims(ravel(a), 1), expand_dims(ravel(b), 0))


@operation
def inner(x1: Any, x2: Any) -> Any:
    """Returns the sums of products over the last axes of both.

    Args:
        x1, x2: tensors or arrays with last axes of one extent.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    if a.shape[-1] != b.shape[-1] and None not in (a.shape[-1], b.shape[-1]):
        raise ValueError(
            f"inner: expected the last dimension of both to agree, got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return tensordot(a, b, ((-1,), (-1,)))


@operation
def vdot(x1: Any, x2: Any) -> Any:
    """Returns the sum of products of all elements.

    Args:
        x1, x2: tensors or arrays of as many elements.
    """
    return matmul(ravel(x1), ravel(x2))


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Returns sums of products over axes.

    Args:
        x1, x2: tensors or arrays.
        axes: how many of the last axes of `x1` and first ones of `x2`; or two lists, of the axes of each.

    Raises:
        ValueError: if the extents of these axes differ.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    ranks = len(a.shape), len(b.shape)
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            raise ValueError(f"tensordot: expected two lists of axes, got {axes}")
        of_a, of_b = (item if isinstance(item, (tuple, list)) else (item,) for item in axes)
    else:
        count = integer(axes, "tensordot: axes")
        if not 0 <= count <= min(ranks):
            raise ValueError(f"tensordot: expected between 0 and {min(ranks)} axes, got {axes}")
        of_a, of_b = tuple(range(ranks[0] - count, ranks[0])), tuple(range(count))
    of_a, of_b = (
        normalize_axes(tuple(item), rank, "tensordot") for item, rank in zip((of_a, of_b), ranks, strict=True)
    )
    extents = [a.shape[axis] for axis in of_a], [b.shape[axis] for axis in of_b]
    if len(of_a) != len(of_b) or any(m != n and None not in (m, n) for m, n in zip(*extents, strict=True)):
        raise ValueError(
            f"tensordot: expected equal extents of axes {of_a} and {of_b}, got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    rest_a = tuple(axis for axis in range(ranks[0]) if axis not in of_a)
    rest_b = tuple(axis for axis in range(ranks[1]) if axis not in of_b)
    shape = tuple(a.shape[axis] for axis in rest_a) + tuple(b.shape[axis] for axis in rest_b)
    if None in a.shape or None in b.shape:
        return unknown(
            shape, matmul(call("reshape", a, attributes=((1, 1),)), call("reshape", b, attributes=((1, 1),)))
        )
    inside = math.prod(extents[0])
    rows = reshape(transpose(a, rest_a + of_a), (math.prod(a.shape[axis] for axis in rest_a), inside))
    columns = reshape(transpose(b, of_b + rest_b), (inside, math.prod(b.shape[axis] for axis in rest_b)))
    return reshape(matmul(rows, columns), shape)


@operation
def kron(x1: Any, x2: Any) -> Any:
    """Returns the Kronecker product: `x2` in the place of each element of `x1`, times that.

    Args:
        x1, x2: tensors or arrays.
    """
    a, b = promote(x1, x2)
    rank = max(len(a.shape), len(b.shape))
    shapes = [(1,) * (rank - len(x.shape)) + tuple(x.shape) for x in (a, b)]
    of_a, of_b, shape = [], [], []
    for m, n in zip(*shapes, strict=True):
        of_a += [m, 1]
        of_b += [1, n]
        shape.append(None if m is None or n is None else m * n)
    product = multiply(call("reshape", a, attributes=(tuple(of_a),)), call("reshape", b, attributes=(tuple(of_b),)))
    return call("reshape", product, attributes=(tuple(shape),))


@operation
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Returns the cross products of vectors of 2 or 3 components.

    Args:
        x1, x2: tensors or arrays that broadcast along their other axes.
        axisa, axisb: the axes of the components.
        axisc: their axis in the result; two vectors of 2 components give a number.
        axis: all three.
    """
    a, b = promote(x1, x2)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    sizes = a.shape[-1], b.shape[-1]
    if any(size not in (2, 3, None) for size in sizes):
        raise ValueError(f"cross: `x1`'s and `x2`'s dim must be 2 or 3 along the axis, got {sizes[0]} and {sizes[1]}")
    (a0, a1), (b0, b1) = ([get_item(x, (..., index)) for index in (0, 1)] for x in (a, b))
    third = subtract(multiply(a0, b1), multiply(a1, b0))
    if sizes == (2, 2):
        return third
    a2 = get_item(a, (..., 2)) if sizes[0] != 2 else None
    b2 = get_item(b, (..., 2)) if sizes[1] != 2 else None
    first, second = _less(a1, b2, a2, b1), _less(a2, b0, a0, b2)
    made = stack([first, second, third], -1)
    return moveaxis(made, -1, normalize_axis(axisc, len(made.shape), "cross"))


def _less(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Returns `a b - c d`, where a component that there is not is 0."""
    if a is None or b is None:
        return call("negative", multiply(c, d))
    return multiply(a, b) if c is None or d is None else subtract(multiply(a, b), multiply(c, d))


@operation
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Returns the powers of a vector's elements, from high to low or (`increasing`) from 0 on; N of them.

    Args:
        x: a vector.
        N: the number of columns, by default as many as rows.
        increasing: whether the powers grow from the first column to the last.
    """
    x = as_tensor(x)
    if len(x.shape) != 1:
        raise ValueError(f"vander: expected a vector, got shape {tuple(x.shape)}")
    if N is None and x.shape[0] is None:
        return unknown((None, None), to_summed(x))
    count = x.shape[0] if N is None else integer(N, "vander: N")
    if count < 0:
        raise ValueError(f"vander: expected N of 0 or more, got {N}")
    exponents = np.arange(count) if increasing else np.arange(count)[::-1]
    x = cast(x, "int32") if dtype_of(x) == "bool" else x
    return power(expand_dims(x, 1), cast(np.asarray(exponents, "int32"), dtype_of(x)))


@operation
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """Returns the sums `c[k] = sum(x1[n + k] x2[n])` of two vectors.

    Args:
        x1, x2: vectors.
        mode: which shifts k: `"valid"` (one vector lies inside the other), `"same"` (as many as the longer one has elements,
            from the middle), or `"full"` (they overlap at all).

    Example:
        >>> import numpy as np
        >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5]), "same").tolist()
        [2.0, 3.5, 3.0]
    """
    if mode not in ("valid", "same", "full"):
        raise ValueError(f'correlate: expected mode "valid", "same" or "full", got {shown(mode)}')
    a, b = (to_float(x) for x in promote(x1, x2))
    if len(a.shape) != 1 or len(b.shape) != 1:
        raise ValueError(f"correlate: expected two vectors, got shapes {tuple(a.shape)} and {tuple(b.shape)}")
    if None in (*a.shape, *b.shape):
        return unknown((None,), a)
    longer, shorter = a.shape[0], b.shape[0]
    if not longer or not shorter:
        raise ValueError("correlate: expected vectors with elements, got one of none")
    if longer < shorter:
        return get_item(correlate(b, a, mode), np.s_[::-1])
    before, behind = {"valid": (0, 0), "same": (shorter // 2, (shorter - 1) // 2), "full": (shorter - 1, shorter - 1)}[
        mode
    ]
    shifts = np.arange(longer + before + behind - shorter + 1)
    places = shifts[:, None] + np.arange(shorter) - before  # those outside count as zeros
    windows = invoke(OPS["gather"], (a, np.where(places < longer, places, -1)), (0, False))
    return matmul(windows, b)
