"""Compares every kernel of an installation with the reference, on every sample of the op table."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends import selection
from dlnative.backends.backend import Limits
from dlnative.backends.program import Program
from dlnative.backends.reference.functions import function_of
from dlnative.graph.op import OPS, Arg, Op, Sample
from dlnative.graph.planning.planner import plan
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace
from dlnative.utils.terminal import show

Array = np.ndarray[Any, Any]


class Report:
    """What a self-test found.

    `checked` counts calls of kernels; `failures` lists, for each that differs, a line with op, shapes and error.
    """

    def __init__(self) -> None:
        self.checked = 0
        self.failures: list[str] = []

    @property
    def passed(self) -> bool:
        """Whether kernels were checked and all of them agree."""
        return self.checked > 0 and not self.failures


def selftest(backend: str = "cpu", verbose: bool = True) -> Report:
    """Compares every kernel of a backend with the reference in float64.

    Args:
        backend: the backend to test.
        verbose: whether the result is printed.

    Returns:
        A `Report`.
    """
    report = Report()
    for op in OPS.values():
        for sample in op.samples:
            for dtype in dtypes_of(op):
                report.checked += 1
                failure = check(op, sample, dtype, backend)
                if failure:
                    report.failures.append(failure)
    if verbose:
        for line in report.failures:
            show(line)
        show(f"{report.checked - len(report.failures)} passed, {len(report.failures)} failed")
    return report


def dtypes_of(op: Op) -> list[str]:
    """Returns the types that an op computes in, as far as they can be had."""
    return [dtype for dtype in op.dtypes if dtypes.is_available(dtype)]


def arguments(op: Op, sample: Sample, dtype: str) -> list[Array]:
    """Returns the inputs of a sample, the same ones at every call."""
    seed = zlib.crc32(repr((op.name, dtype, [arg.shape for arg in sample.inputs], sample.attributes)).encode())
    generator = np.random.Generator(np.random.Philox(seed))
    return [_argument(generator, arg, arg.dtype or dtype) for arg in sample.inputs]


def _argument(generator: np.random.Generator, arg: Arg, dtype: str) -> Array:
    if arg.kind == "boolean" or dtype == "bool":
        return np.asarray(generator.random(arg.shape) < 0.5)
    if arg.kind == "state":
        return np.array([generator.integers(0, 2**62), generator.integers(0, 1000)], np.int64)
    if arg.kind == "probability":
        values = generator.random(arg.shape) + 0.01
        return np.asarray(values / values.sum(axis=-1, keepdims=True), dtype)
    if arg.kind == "integer" or dtypes.is_integer(dtype):
        low, high = (0, 9) if dtype.startswith("uint") else (int(np.floor(arg.low)), int(np.ceil(arg.high)))
        if arg.kind != "integer":
            high += 1
        return np.asarray(generator.integers(low, max(high, low + 1), arg.shape), dtype)
    return np.asarray(generator.uniform(arg.low, arg.high, arg.shape), dtypes.NUMPY[dtype])


def attributes_of(op: Op, sample: Sample) -> tuple[Any, ...]:
    """Returns a sample's attribute values in the order of the op table."""
    return tuple(sample.attributes[name] for name, _ in op.attributes)


def one_op_program(op: Op, sample: Sample, inputs: list[Array]) -> Program:
    """Returns the program of one op on inputs of these shapes."""
    trace = Trace()
    feeds = tuple(trace.feed(array.shape, array.dtype.name) for array in inputs)
    return plan(trace, list(Node(op, feeds, attributes_of(op, sample)).outputs), Limits())


def exact(op: Op, sample: Sample, inputs: list[Array]) -> list[Array]:
    """Returns the reference's results, computed in float64."""
    wide = [array.astype(np.float64) if array.dtype == np.float32 else array for array in inputs]
    with np.errstate(all="ignore"):
        results = function_of(op.family, op.name)(*wide, **op.keywords(attributes_of(op, sample)))
    return list(results) if isinstance(results, tuple) else [results]


def check(op: Op, sample: Sample, dtype: str, backend: str) -> str | None:
    """Runs one sample on a backend; returns a line on what differs, or `None`."""
    inputs = arguments(op, sample, dtype)
    shapes = ", ".join(str(array.shape) for array in inputs)
    label = f"{op.name}({shapes}; {sample.attributes}) {dtype} on {backend}"
    with np.errstate(all="ignore"):
        found = selection.get(backend).build(one_op_program(op, sample, inputs)).run(list(inputs))
    depth = inputs[0].shape[-1] if op.family == "linalg" and inputs[0].ndim else 1
    if op.family == "linalg":
        depth = max(depth, *(array.shape[0] for array in inputs if array.ndim))
    # A sum is as exact as its terms are large, however much of them cancels (Higham, Accuracy and Stability, section 4.2).
    terms = exact(op, sample, [np.abs(array) for array in inputs])[0] if op.name in ("sum", "mean") else None
    for number, (result, wanted) in enumerate(zip(found, exact(op, sample, inputs), strict=True)):
        line = compare(result, np.asarray(wanted), op.tolerance * max(depth, 1) ** 0.5, terms)
        if line:
            return f"{label}: output {number}: {line}"
    return None


def compare(found: Array, wanted: Array, tolerance: float, size: Array | None = None) -> str | None:
    """Compares a result with the exact one; returns a line on the largest difference, or `None`.

    Args:
        found: the result.
        wanted: what it should be.
        tolerance: for floats, in multiples of the rounding error, relative to the largest exact value.
        size: values to take the largest of instead, where the exact result is a difference of larger ones.
    """
    if found.shape != wanted.shape:
        return f"expected shape {wanted.shape}, got {found.shape}"
    if found.dtype.kind != "f":
        wrong = found != wanted.astype(found.dtype)
        return f"{int(wrong.sum())} of {found.size} elements differ" if wrong.any() else None
    if not found.size:
        return None
    if not np.array_equal(np.isnan(found), np.isnan(wanted)):
        return "NaN in other places than expected"
    infinite = np.isinf(wanted)
    if not np.array_equal(found[infinite], wanted[infinite].astype(found.dtype)):
        return "infinity in other places than expected"
    finite = np.isfinite(wanted)
    if not finite.any():
        return None
    # A value that the exact result has just below zero, or that is only an intermediate's rounding, is judged by the
    # size of the largest result.
    scale = float(np.abs(wanted[finite] if size is None else size).max())
    error = float(np.abs(found[finite].astype(np.float64) - wanted[finite]).max())
    bound = tolerance * float(np.finfo(found.dtype).eps) * scale
    return f"expected within {bound:.3g}, differs by {error:.3g}" if not error <= bound else None
