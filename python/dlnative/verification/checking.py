"""One kernel, one sample: against the reference, in memory that shows what the kernel leaves and what it touches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends import selection
from dlnative.graph.op import Op, Sample
from dlnative.verification.judging import bounds, compare, exact
from dlnative.verification.samples import arguments, attributes_of, one_op_program

Array = np.ndarray[Any, Any]

_GUARD = 64  # bytes on both sides of an array
_MARK = 0xA5


class Guarded:
    """An array between two guards, which begins where its elements may begin and no better aligned than that.

    Args:
        like: its shape and type; an input's values, too.
        poisoned: whether it holds what no kernel may leave there: NaN, or the largest integer.
    """

    def __init__(self, like: Array, *, poisoned: bool) -> None:
        offset = _GUARD + like.itemsize
        self._bytes = np.full(offset + like.nbytes + _GUARD, _MARK, np.uint8)
        self._begin, self._end = offset, offset + like.nbytes
        self.array: Array = self._bytes[self._begin : self._end].view(like.dtype).reshape(like.shape)
        if not poisoned:
            self.array[...] = like
        elif like.dtype.kind in "fV":
            self.array[...] = np.nan
        elif like.dtype != np.bool_:
            self.array[...] = np.iinfo(like.dtype).max

    @property
    def intact(self) -> bool:
        """Whether nothing was written outside of the array."""
        outside = (self._bytes[: self._begin], self._bytes[self._end :])
        return all(bool((part == _MARK).all()) for part in outside)


def check(op: Op, sample: Sample, dtype: str, backend: str) -> str | None:
    """Runs one sample on a backend; returns a line on what differs, or `None`.

    The cpu backend runs it twice: as a plan, and as a bare kernel on arrays between guards.
    """
    inputs = arguments(op, sample, dtype)
    values = attributes_of(op, sample)
    shapes = ", ".join(str(array.shape) for array in inputs)
    label = f"{op.name}({shapes}; {sample.attributes}) {dtype} on {backend}"
    wanted = exact(op, values, inputs)
    executor = selection.get(backend).build(one_op_program(op, sample, inputs))
    with np.errstate(all="ignore"):
        runs = {"": executor.run(list(inputs))}
    allowed = bounds(op, values, inputs, wanted, runs[""])
    if backend == "cpu" and not op.roles.host:
        bare, line = run_guarded(op, values, inputs, runs[""])
        if line:
            return f"{label}: {line}"
        runs["as a bare kernel: "] = bare
    for how, found in runs.items():
        for number, (result, right, bound) in enumerate(zip(found, wanted, allowed, strict=True)):
            line = compare(result, right, bound)
            if line:
                return f"{label}: {how}output {number}: {line}"
    return None


def run_guarded(
    op: Op, values: tuple[Any, ...], inputs: Sequence[Array], like: Sequence[Array]
) -> tuple[list[Array], str | None]:
    """Runs a native kernel on guarded arrays.

    Args:
        op: the row of the op table.
        values: attribute values.
        inputs: the operands.
        like: arrays of the results' shapes and types.

    Returns:
        The results, and a line on what was written where nothing may be written, or `None`.
    """
    from dlnative import _native
    from dlnative.backends.cpu import OP_CODES

    given = [Guarded(array, poisoned=False) for array in inputs]
    made = [Guarded(array, poisoned=True) for array in like]
    codes, floats = op.encode(values)
    ints = tuple(OP_CODES[code] if isinstance(code, str) else code for code in codes)
    _native.call_op(OP_CODES[op.name], [item.array for item in given], [item.array for item in made], ints, floats)
    found = [item.array for item in made]
    if not all(item.intact for item in made):
        return found, "written outside of a result"
    same = [
        np.array_equal(item.array, array, equal_nan=array.dtype.kind == "f")
        for item, array in zip(given, inputs, strict=True)
    ]
    if not all(same) or not all(item.intact for item in given):
        return found, "written into an operand"
    return found, None
