"""One op on arrays: a plan of one instruction, kept for the next call with the same shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends import selection
from dlnative.backends.program import Executor
from dlnative.graph.op import Op
from dlnative.graph.planner import plan
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace

_MOST_PLANS = 512
_plans: dict[Any, Executor] = {}


def evaluate(op: Op, inputs: tuple[Any, ...], attributes: tuple[Any, ...]) -> Any:
    """Runs an op on arrays.

    Args:
        op: the row of the op table.
        inputs: arrays of supported dtypes.
        attributes: attribute values.

    Returns:
        An array (a NumPy scalar for rank 0), or a tuple of them.
    """
    backend = selection.backend()
    key = (op.name, backend, attributes, tuple((x.shape, x.dtype.num) for x in inputs))
    executor = _plans.get(key)
    if executor is None:
        with Trace() as trace:
            feeds = tuple(trace.feed(x.shape, dtypes.of_array(x)) for x in inputs)
            outputs = Node(op, feeds, attributes).outputs
        executor = selection.build(plan(trace, list(outputs)), backend)
        while len(_plans) >= _MOST_PLANS:
            _plans.pop(next(iter(_plans)), None)
        _plans[key] = executor
    results = executor.run([np.asarray(x, order="C") for x in inputs])
    if len(results) == 1:
        return results[0] if results[0].ndim else results[0][()]
    return tuple(results)
