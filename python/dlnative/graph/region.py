"""Regions: parts of a graph that a node runs as a whole, once, many times or not at all.

The only attribute of such a node says what it does with its bodies. Its inputs are what the bodies are given, and then the
tensors from outside that they read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dlnative.graph.op import Shape
from dlnative.graph.tensor import Node, Tensor


class Parameter:
    """The source of a leaf that stands for what a body is given when it runs."""


PARAMETER = Parameter()


def parameter(shape: Shape, dtype: str) -> Tensor:
    """Returns a leaf for what a body is given."""
    return Tensor(shape, dtype, source=PARAMETER)


class Body:
    """A function of tensors, as a graph.

    Args:
        parameters: the leaves that stand for what it is given.
        results: what it computes.
        captured: tensors from outside, as the body knows them.
    """

    __slots__ = ("captured", "parameters", "results")

    def __init__(self, parameters: Sequence[Tensor], results: Sequence[Tensor], captured: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)
        self.results = list(results)
        self.captured = list(captured)

    def nodes(self) -> list[Node]:
        """Returns the nodes between what it is given and its results, in order."""
        known = {id(tensor) for tensor in (*self.parameters, *self.captured)}
        found: dict[int, Node] = {}
        stack = [tensor for tensor in self.results if id(tensor) not in known]
        while stack:
            node = stack.pop().node
            if node is not None and node.serial not in found:
                found[node.serial] = node
                stack += [tensor for tensor in node.inputs if id(tensor) not in known]
        return [found[serial] for serial in sorted(found)]


class Scan:
    """A body that runs once for each row of some tensors, and hands values on from turn to turn.

    The body's parameters are the carried values and a row of each tensor that is scanned; its results are the carried
    values for the next turn, and a row of each tensor that is made. So are the inputs and outputs of the node.

    Args:
        body: the body.
        carries: the number of values that are handed on.
        turns: how many times it runs; `None` if that is not known while a functional model is recorded.
        reverse: whether rows are visited from the last to the first.
    """

    __slots__ = ("body", "carries", "reverse", "turns")

    def __init__(self, body: Body, carries: int, turns: int | None, reverse: bool) -> None:
        self.body = body
        self.carries = carries
        self.turns = turns
        self.reverse = reverse

    def stacked(self, row: Tensor) -> tuple[Shape, str]:
        """Returns shape and type of the tensor that has `row` in each turn."""
        return (self.turns, *row.shape), row.dtype


class Loop:
    """A body that runs as long as another one, the test, gives true for the carried values; at most `turns` times.

    Both have the carried values as parameters, and their captured tensors one after the other in the node's inputs.
    """

    __slots__ = ("body", "test", "turns")

    def __init__(self, test: Body, body: Body, turns: int | None) -> None:
        self.test = test
        self.body = body
        self.turns = turns


class Branch:
    """Two bodies, of which the first runs if the node's first input is true, else the second.

    They have no parameters; their captured tensors follow one after the other in the node's inputs.
    """

    __slots__ = ("first", "second")

    def __init__(self, first: Body, second: Body) -> None:
        self.first = first
        self.second = second


def captured_tensors(
    results: Sequence[Tensor], parameters: Sequence[Tensor], outside: Callable[[Tensor], bool]
) -> list[Tensor]:
    """Returns the tensors that a body reads from outside.

    Args:
        results, parameters: those of the body.
        outside: whether the body does not compute a tensor itself.
    """
    given = {id(tensor) for tensor in parameters}
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack = list(results)
    while stack:
        tensor = stack.pop()
        if id(tensor) in given or id(tensor) in found or isinstance(tensor.source, np.ndarray):
            continue
        if tensor.node is None or outside(tensor):
            found[id(tensor)] = tensor
        elif tensor.node.serial not in seen:
            seen.add(tensor.node.serial)
            stack.extend(tensor.node.inputs)
    return list(found.values())
