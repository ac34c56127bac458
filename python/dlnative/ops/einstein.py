"""Einstein summation by transposes, sums and matrix products."""

from __future__ import annotations

import math
from typing import Any

from dlnative.ops.conversion import cast, promote
from dlnative.ops.core import as_tensor, call, dtype_of, operation, shown, unknown
from dlnative.ops.elementwise import multiply
from dlnative.ops.joining import broadcast_to_extents
from dlnative.ops.matrices import diagonal
from dlnative.ops.product import matmul
from dlnative.ops.reduction import reduce
from dlnative.ops.shape import transpose

Labels = list[str]


def parse(subscripts: str, ranks: list[int]) -> tuple[list[Labels], Labels]:
    """Returns labels for the axes of each operand and of the result. What `...` stands for are numbers, as text.

    Raises:
        ValueError: if the subscripts do not fit the operands.
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: expected {len(terms)} operands for {subscripts!r}, got {len(ranks)}")
    widest = 0
    written = []
    for term, rank in zip(terms, ranks, strict=True):
        letters = term.replace("...", "")
        extra = rank - len(letters)
        if (
            term.count("...") > 1
            or not (letters.isalpha() or not letters)
            or extra < 0
            or (extra and "..." not in term)
        ):
            raise ValueError(f"einsum: expected subscripts for {rank} axes, got {term!r} in {subscripts!r}")
        widest = max(widest, extra if "..." in term else 0)
        written.append((term, extra))
    labels = []
    for term, extra in written:
        before, _, behind = term.partition("...")
        labels.append([*before, *(str(index) for index in range(widest - extra, widest) if "..." in term), *behind])
    ellipsis = [str(index) for index in range(widest)]
    if not arrow:
        everything = "".join(terms).replace("...", "")
        return labels, [*ellipsis, *sorted(label for label in set(everything) if everything.count(label) == 1)]
    before, dots, behind = right.partition("...")
    result = [*before, *(ellipsis if dots else []), *behind]
    known = {label for item in labels for label in item}
    letters = before + behind
    if "..." in behind or len(set(letters)) < len(letters) or not set(letters) <= known or (widest and not dots):
        raise ValueError(f"einsum: the result of {subscripts!r} is none of its operands' subscripts, each once")
    return labels, result


def _summed(x: Any, labels: Labels, needed: set[str]) -> tuple[Any, Labels]:
    """Takes diagonals for labels that come twice, and sums along those that nobody needs."""
    labels = list(labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second] and None not in (x.shape[first], x.shape[second]):
                raise ValueError(f"einsum: expected axes {label!r} of one extent, got shape {tuple(x.shape)}")
            x = diagonal(x, 0, first, second)
            labels = [item for index, item in enumerate(labels) if index not in (first, second)] + [label]
    axes = tuple(index for index, label in enumerate(labels) if label not in needed)
    return (reduce("sum", x, axes) if axes else x), [label for label in labels if label in needed]


def _contract(a: Any, of_a: Labels, b: Any, of_b: Labels, needed: set[str]) -> tuple[Any, Labels]:
    """Returns the product of two operands, summed over the labels that nobody else needs: one (batched) matrix product."""
    extents: dict[str, Any] = {}
    for x, labels in ((a, of_a), (b, of_b)):
        for label, extent in zip(labels, x.shape, strict=True):
            known = extents.get(label, 1)
            if known not in (1, None) and extent not in (1, None, known):
                raise ValueError(f"einsum: expected axes {label!r} of one extent, got {known} and {extent}")
            extents[label] = known if extent == 1 or (extent is None and known != 1) else extent
    both = [label for label in of_a if label in of_b]
    batch, inner = [label for label in both if label in needed], [label for label in both if label not in needed]
    rows, columns = ([label for label in labels if label not in both] for labels in (of_a, of_b))
    result = batch + rows + columns
    shape = tuple(extents[label] for label in result)
    if not inner:
        return multiply(_placed(a, of_a, result), _placed(b, of_b, result)), result
    left, right = _placed(a, of_a, batch + rows + inner, extents), _placed(b, of_b, batch + inner + columns, extents)
    if None in shape or None in [extents[label] for label in inner]:
        return unknown(shape, left), result
    stack, m, k, n = (math.prod(extents[label] for label in labels) for labels in (batch, rows, inner, columns))
    left = call("reshape", left, attributes=((stack, m, k),))
    right = call("reshape", right, attributes=((stack, k, n),))
    return call("reshape", _product(left, right), attributes=(shape,)), result


def _product(a: Any, b: Any) -> Any:
    """Returns the products of two stacks of matrices; a stack of one is a matrix."""
    if a.shape[0] != 1:
        return matmul(a, b)
    return matmul(
        call("reshape", a, attributes=(tuple(a.shape[1:]),)), call("reshape", b, attributes=(tuple(b.shape[1:]),))
    )


def _placed(x: Any, labels: Labels, order: Labels, extents: dict[str, Any] | None = None) -> Any:
    """Returns an operand with its axes in an order, extent 1 where it has none; or, with extents, broadcast to these."""
    x = transpose(x, [labels.index(label) for label in order if label in labels])
    own = iter(x.shape)
    shape = tuple(next(own) if label in labels else 1 for label in order)
    x = x if shape == tuple(x.shape) else call("reshape", x, attributes=(shape,))
    return x if extents is None else broadcast_to_extents(x, tuple(extents[label] for label in order))


@operation
def einsum(subscripts: str, *operands: Any) -> Any:
    """Returns sums of products by Einstein's convention.

    Args:
        subscripts: a letter for each axis of each operand, operands with commas between, and behind `->` those of the
            result; without, the result has the letters that come once, in alphabetical order. `...` stands for axes that
            broadcast.
        *operands: tensors or arrays.

    Raises:
        ValueError: if the subscripts do not fit the operands.

    Example:
        >>> import numpy as np
        >>> einsum("ij,kj->ik", np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])).tolist()
        [[11.0, 17.0]]
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: expected subscripts as text, got {shown(subscripts)}")
    tensors = [as_tensor(x) for x in operands]
    small = bool(tensors) and all(dtype_of(x) == "int8" for x in tensors)
    tensors = [cast(x, "int32") for x in tensors] if small else tensors
    for index in range(1, len(tensors)):
        tensors[0], tensors[index] = promote(tensors[0], tensors[index])
    tensors = [promote(x, tensors[0])[0] for x in tensors]
    labels, result = parse(subscripts, [len(x.shape) for x in tensors])
    common = dtype_of(tensors[0])  # of int8 with bool it is int8, though products of int8 are int32
    x, own = tensors[0], labels[0]
    for index in range(1, len(tensors) + 1):
        later = {label for item in labels[index:] for label in item} | set(result)
        x, own = _summed(x, own, later)
        if index < len(tensors):
            needed = {label for item in labels[index + 1 :] for label in item} | set(result)
            other, of_other = _summed(tensors[index], labels[index], needed | set(own))
            x, own = _contract(x, own, other, of_other, needed)
    y = transpose(x, [own.index(label) for label in result])
    return y if dtype_of(y) == common else cast(y, common)
