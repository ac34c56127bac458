"""Rematerialisation: what a function computes inside is not kept for its gradient, but computed again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.autodiff import pull_back
from dlnative.graph.op import size_of
from dlnative.graph.region import Body
from dlnative.graph.tensor import Node
from dlnative.graph.trace import current_trace
from dlnative.graph.tree import flatten_structure, map_structure, refill
from dlnative.ops.control import Traced, parameters_for
from dlnative.ops.core import as_tensor, call, invoke, is_symbolic, operation, shown, to_symbol
from dlnative.ops.region import GIVEN, replayed


class Rematerialized:
    """What a node with a rematerialised function knows: the function as a graph.

    Its inputs are the results, then what the function is given, then what it captures.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.count = len(body.results)

    def by_inputs(self, node: Node, grads: Sequence[Any]) -> Sequence[Any]:
        """Returns the gradients of the inputs: through a second run of the function, on copies of what it was given.

        The copies are other values to the planner, so nothing of the first run is found again in the second.
        """
        given = node.inputs[self.count :]
        arguments = [call("copy", x) for x in given[: len(self.body.parameters)]]
        inputs = [*arguments, *given[len(arguments) :]]
        results = replayed(self.body, arguments, inputs[len(arguments) :])
        arriving = [(y, to_symbol(dy)) for y, dy in zip(results, grads, strict=True) if dy is not None]
        sources = [x for x in inputs if dtypes.is_float(x.dtype)]
        found = pull_back(
            [y for y, _ in arriving], [dy for _, dy in arriving], sources, lambda a, b: call("add", a, b),
            {id(x) for x in inputs},
        )  # fmt: skip
        by_source = {id(x): dx for x, dx in zip(sources, found, strict=True)}
        return [None] * self.count + [by_source.pop(id(x), None) for x in inputs]


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function that takes less memory in training: its gradient runs it again instead of keeping what is inside.

    Args:
        f: a function of tensors, or of nested ones, and of other arguments. Random numbers are the same in both runs;
            variables that it assigns are assigned once.

    Returns:
        A function that gives the same values and the same gradients.

    Raises:
        TypeError: if `f` is not callable.

    Source:
        Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> from dlnative import ops
        >>> wave = dlnative.remat(lambda x: ops.sin(ops.sin(x)))
        >>> value, gradient = dlnative.value_and_grad(lambda x: ops.sum(wave(x)))(np.zeros(2, "float32"))
        >>> gradient.tolist()
        [1.0, 1.0]
    """
    if not callable(f):
        raise TypeError(f"remat: expected a function, got {shown(f)}")

    return rematerialized(f)


def rematerialized(f: Callable[..., Any], threshold: int | None = None) -> Callable[..., Any]:
    """Returns what `remat` does; with a threshold only where the results have more elements."""

    @operation
    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        if current_trace() is None and not is_symbolic(args, kwargs):
            return f(*args, **kwargs)
        if any(extent is None for x in flatten_structure((args, kwargs)) for extent in getattr(x, "shape", ()) or ()):
            return f(*args, **kwargs)  # a functional model is recorded
        return _run(f, args, kwargs, threshold)

    return run


def _run(f: Callable[..., Any], args: Any, kwargs: Any, threshold: int | None) -> Any:
    leaves = [to_symbol(as_tensor(x)) for x in flatten_structure((args, kwargs)) if hasattr(x, "shape")]
    parameters = parameters_for(leaves)
    pending = iter(parameters)
    given = map_structure(lambda x: next(pending) if hasattr(x, "shape") else x, (args, kwargs))
    traced = Traced("remat", lambda args, kwargs: f(*args, **kwargs), given)
    variables = list(traced.trace.updates)
    results = flatten_structure(traced.result)
    if threshold is not None and sum(size_of(y.shape) for y in results) <= threshold:
        return f(*args, **kwargs)
    made = [*results, *map(traced.left, variables), *(loss for _, loss in traced.trace.losses)]
    body, captured = traced.body([*parameters, *map(traced.read, variables)], made)
    inputs = [*leaves, *map(traced.outer.read, variables)]
    outputs = replayed(body, inputs, captured)
    passed = invoke(GIVEN, [*outputs, *inputs, *captured], (Rematerialized(body),))
    outputs = list(passed) if isinstance(passed, tuple) else [passed]
    rest = outputs[len(results) :]
    for variable, value in zip(variables, rest, strict=False):
        traced.outer.assign(variable, value)
    for (owner, _), loss in zip(traced.trace.losses, rest[len(variables) :], strict=True):
        traced.outer.losses.append((owner, loss))
    return refill(traced.result, outputs[: len(results)])
