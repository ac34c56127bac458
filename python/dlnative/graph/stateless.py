"""Running a traced function with other values of variables than their own, which it leaves as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph.trace import current_trace
from dlnative.graph.tree import map_structure
from dlnative.graph.variable import Variable


def run_with(
    variables: Sequence[Variable], values: Sequence[Any], function: Callable[[], Any]
) -> tuple[Any, list[Any]]:
    """Runs a function in the current trace and takes back what it assigns.

    Args:
        variables: variables.
        values: what they are while the function runs.
        function: the function.

    Returns:
        What the function returns, and the values that it leaves in the variables.
    """
    trace = current_trace()
    assert trace is not None
    before = dict(trace.updates)
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        result = map_structure(lambda leaf: trace.read(leaf) if isinstance(leaf, Variable) else leaf, function())
        return result, [trace.read(variable) for variable in variables]
    finally:
        for variable in variables:
            if variable in before:
                trace.updates[variable] = before[variable]
            else:
                trace.updates.pop(variable, None)
