"""How far a result may be from the exact one: element by element, by the element's own size where the op allows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends.reference.functions import function_of
from dlnative.graph.op import Op
from dlnative.graph.roles import Epilogue

Array = np.ndarray[Any, Any]


def exact(op: Op, values: tuple[Any, ...], inputs: Sequence[Array]) -> list[Array]:
    """Returns the reference's results, computed in float64."""
    wide = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in inputs]
    with np.errstate(all="ignore"):
        results = function_of(op.family, op.name)(*wide, **op.keywords(values))
    return [np.asarray(result) for result in (results if isinstance(results, tuple) else (results,))]


def bounds(
    op: Op, values: tuple[Any, ...], inputs: Sequence[Array], wanted: Sequence[Array], found: Sequence[Array]
) -> list[Array]:
    """Returns how far each element of each result may be from the exact one.

    Args:
        op: the row of the op table, whose `size` and `tolerance` say how it is judged.
        values: attribute values.
        inputs: the operands.
        wanted: the exact results.
        found: results, whose types say how they are rounded.
    """
    with np.errstate(all="ignore"):
        sizes = _SIZES[op.size](op, values, inputs, wanted)
        # What is denormal is flushed, in the result or on the way there.
        eps = [float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 0.0 for array in found]
        return [np.maximum(op.tolerance * each * size, _TINY) for each, size in zip(eps, sizes, strict=True)]


_TINY = 2.0**-120


def _element(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    return [np.abs(array) for array in wanted]


def _argument(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    found = []
    for array in wanted:
        size = np.abs(array)
        for operand in inputs:
            magnitude = np.abs(operand) if _reaches(operand, array) else np.abs(operand).max(initial=0.0)
            size = np.maximum(size, magnitude)
        found.append(size)
    return found


def _reaches(operand: Array, result: Array) -> bool:
    """Whether an operand broadcasts to the shape of a result."""
    try:
        return np.broadcast_shapes(operand.shape, result.shape) == result.shape
    except ValueError:
        return False


def _chain(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    """As an argument or as terms: a chain may end in sums."""
    terms = exact(op, values, [np.abs(array) for array in inputs])
    sizes = _argument(op, values, inputs, wanted)
    return [np.maximum(size, np.abs(term)) for size, term in zip(sizes, terms, strict=True)]


def _terms(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    """A sum is as exact as its terms are large, however much of them cancels (Higham, Accuracy and Stability of Numerical
    Algorithms, section 4.2); an activation stretches its error by no more than its slope."""
    plain, slope = [], 1.0
    for value in values:
        if isinstance(value, Epilogue):
            slope = 2.0 if value.activation or value.gradient_of else 1.0
            inputs = inputs[: len(inputs) - bool(value.gradient_of)]
            value = value._replace(activation=(), gradient_of=())
        plain.append(value)
    sizes = exact(op, tuple(plain), [np.abs(array) for array in inputs])
    return [slope * np.maximum(size, np.abs(result)) for size, result in zip(sizes, wanted, strict=True)]


def _row(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    found = []
    for array in wanted:
        rows = array.reshape(inputs[0].shape) if array.size == inputs[0].size else array[..., None]
        size = np.maximum(np.abs(rows).max(axis=-1, keepdims=True, initial=0.0), 1.0)
        found.append(np.broadcast_to(size, rows.shape).reshape(array.shape))
    return found


def _column(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    """The first result as by rows; the others are sums over the rows of the first operand, each times about 1."""
    terms = np.abs(inputs[0]).reshape(-1, inputs[0].shape[-1]).sum(axis=0)
    return [*_row(op, values, inputs, wanted[:1]), *[np.maximum(np.abs(array), terms) for array in wanted[1:]]]


def _largest(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    """By the largest element: a gradient is a sum over all queries or keys of a head."""
    return [np.maximum(np.abs(array).max(initial=0.0), 1.0) * np.ones(array.shape) for array in wanted]


def _update(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    """By what is added to an operand, and twice the rounding of that: it may have been scaled before."""
    found = []
    for output, array in enumerate(wanted):
        (place,) = op.reusable(values, output, len(inputs))
        before = inputs[place].astype(np.float64)
        found.append(np.abs(array - before) + np.maximum(np.abs(before), np.abs(array)) * (2.0 / op.tolerance))
    return found


def _unit(op: Op, values: Any, inputs: Sequence[Array], wanted: Sequence[Array]) -> list[Array]:
    return [np.maximum(np.abs(array), 1.0) for array in wanted]


_SIZES = {
    "element": _element,
    "argument": _argument,
    "chain": _chain,
    "terms": _terms,
    "row": _row,
    "column": _column,
    "largest": _largest,
    "update": _update,
    "unit": _unit,
}


def compare(found: Array, wanted: Array, bound: Array | float) -> str | None:
    """Compares a result with the exact one; returns a line on the worst element, or `None`.

    Args:
        found: the result.
        wanted: what it should be.
        bound: how far a float may be from that.
    """
    if found.shape != wanted.shape:
        return f"expected shape {wanted.shape}, got {found.shape}"
    if found.dtype.kind not in "fV":
        wrong = found != wanted.astype(found.dtype)
        return f"{int(wrong.sum())} of {found.size} elements differ" if wrong.any() else None
    result = found.astype(np.float64)
    for name, test in (("NaN", np.isnan), ("infinity", np.isinf)):
        if not np.array_equal(test(result), test(wanted)):
            return f"{name} in other places than expected"
    infinite = np.isinf(wanted)
    if not np.array_equal(result[infinite], wanted[infinite]):
        return "infinity of another sign than expected"
    finite = np.isfinite(wanted)
    error = np.where(finite, np.abs(result - np.where(finite, wanted, 0.0)), 0.0)
    excess = error - np.broadcast_to(bound, error.shape)
    if not (excess > 0).any():
        return None
    place = tuple(map(int, np.unravel_index(int(excess.argmax()), excess.shape)))
    limit = float(np.broadcast_to(bound, error.shape)[place])
    return f"expected {wanted[place]:.9g} within {limit:.3g} at {place}, got {result[place]:.9g}"
