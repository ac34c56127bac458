"""The samples of the op table as arrays and as programs."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends.backend import Limits
from dlnative.backends.program import Program
from dlnative.graph.op import Arg, Op, Sample
from dlnative.graph.planning.planner import plan
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace

Array = np.ndarray[Any, Any]


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
        given = np.asarray(generator.random(arg.shape) < 0.5)
        if arg.kind == "mask":
            given[..., 0] = True
        return given
    if arg.kind == "definite":
        noise = generator.uniform(-0.25, 0.25, arg.shape)
        return np.asarray(noise + noise.swapaxes(-1, -2) + np.diag(2.0 + 1.5 * np.arange(arg.shape[-1])), dtype)
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
