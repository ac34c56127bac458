"""Regions: steps that run steps of their own, once for each row, as long as a test holds, or one of two.

What a body carries on lies where the step's output lies, from turn to turn; rows of what is scanned and of what is made
lie in the whole, a row further on in each turn; all else lies in one workspace of the step. What a body computes from
values of the plan around alone is computed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.dtypes import NUMPY, of_array
from dlnative.graph.op import Spec
from dlnative.graph.planning.lower import LoweredIR, Lowering, Step, Value, needed_nodes
from dlnative.graph.region import Body, Branch, Loop, Scan
from dlnative.graph.tensor import Node

if TYPE_CHECKING:
    from dlnative.graph.planning.memory import Layout


class Place:
    """Where a value of a body lies: in a value of the plan around.

    Args:
        of: that value.
        start: the byte it begins at in the first turn.
        stride: how many bytes further it begins in each turn.
        turns: the number of turns.
        depth: how many regions are around the body.
    """

    __slots__ = ("depth", "of", "start", "stride", "turns")

    def __init__(self, of: Value, start: int = 0, stride: int = 0, turns: int = 1, depth: int = 0) -> None:
        self.of = of
        self.start = start
        self.stride = stride
        self.turns = turns
        self.depth = depth


class LoweredRegion:
    """What the only attribute of a region's op becomes.

    Args:
        kind: `"for"`, `"while"` or `"if"`.
        bodies: the body; the test and the body; or the two branches.
        turns: the number of turns, or the most of them; -1 where there is no limit.
        condition: what decides: a value of the test, or for a branch of the plan around.
        carries: how many of the step's first outputs may lie where as many of its first inputs lie, in that order.
        own: the keys of the values that the bodies compute or are given.
    """

    def __init__(
        self, kind: str, bodies: list[LoweredIR], turns: int, condition: Value | None, carries: int, own: set[int]
    ) -> None:
        self.kind = kind
        self.bodies = bodies
        self.turns = turns
        self.condition = condition
        self.carries = carries
        self.own = own
        self.layouts: list[Layout] = []
        self.workspace: Value | None = None


def lower_region(outer: Lowering, node: Node, inputs: list[Value], specs: list[Spec]) -> list[Value]:
    """Adds the step of a region, and returns its outputs."""
    attribute = node.attributes[0]
    if isinstance(attribute, Scan):
        return _Region(outer, node, inputs, specs).scan(attribute)
    if isinstance(attribute, Loop):
        return _Region(outer, node, inputs, specs).loop(attribute)
    assert isinstance(attribute, Branch)
    return _Region(outer, node, inputs, specs).branch(attribute)


class _Region:
    def __init__(self, outer: Lowering, node: Node, inputs: list[Value], specs: list[Spec]) -> None:
        self.outer = outer
        self.node = node
        self.inputs = inputs
        self.outputs = [Value(shape, dtype) for shape, dtype in specs]
        if outer.outer is not None:
            outer.own.update([value.key for value in self.outputs])
        self.own: set[int] = set()
        self.depth = 0
        while outer.outer is not None:
            self.depth += 1
            outer = outer.outer

    def inside(self, body: Body, captured: Sequence[Value], hoists: bool = True) -> Lowering:
        inner = Lowering(self.outer, hoists)
        for tensor, value in zip(body.captured, captured, strict=True):
            inner.values[id(tensor)] = value
        return inner

    def given(self, inner: Lowering, tensor: Any, place: Place) -> None:
        value = inner.values[id(tensor)] = Value(tensor.shape, tensor.dtype, origin=place)
        inner.own.add(value.key)

    def run(self, inner: Lowering, body: Body) -> list[Value]:
        """Lowers a body and returns its results."""
        for node in needed_nodes(body.results, inner.values):
            inner.add(node)
        self.own |= inner.own
        return [inner.value(tensor) for tensor in body.results]

    def step(self, region: LoweredRegion, outputs: list[Value], inits: list[Value]) -> list[Value]:
        step = Step(self.node.op, inits, outputs, (region,))
        refresh_inputs(step)
        self.outer.steps.append(step)
        return self.outputs

    def scan(self, scan: Scan) -> list[Value]:
        body, count, depth = scan.body, scan.carries, self.depth
        assert scan.turns is not None
        if not scan.turns:
            empty = [np.zeros(value.shape, NUMPY[value.dtype]) for value in self.outputs[count:]]
            return self.inputs[:count] + [self.outer.leaf(x.shape, of_array(x), x) for x in empty]
        rows = len(body.parameters) - count
        inner = self.inside(body, self.inputs[count + rows :])
        carried = []
        for index, (tensor, value, output) in enumerate(
            zip(body.parameters[:count], self.inputs[:count], self.outputs[:count], strict=True)
        ):
            if body.results[index] is tensor:  # it stays as it is
                inner.values[id(tensor)] = self.outputs[index] = value
            else:
                place = Place(output, 0, 0, scan.turns, depth)
                carried.append((index, place))
                self.given(inner, tensor, place)
        for tensor, value in zip(body.parameters[count:], self.inputs[count : count + rows], strict=True):
            self.given(inner, tensor, self.row(scan, value))
        results = self.run(inner, body)
        updates = [(place, results[index]) for index, place in carried]
        stacks = self.outputs[count:]
        updates += [(self.row(scan, whole), row) for whole, row in zip(stacks, results[count:], strict=True)]
        updates = [(place, value) for place, value in updates if value.origin is not place or not value.whole]
        region = LoweredRegion("for", [inner.lowered([], updates)], scan.turns, None, len(carried), self.own)
        return self.step(
            region, [*(place.of for _, place in carried), *stacks], [self.inputs[index] for index, _ in carried]
        )

    def row(self, scan: Scan, whole: Value) -> Place:
        assert scan.turns
        stride = whole.nbytes // scan.turns
        start = (scan.turns - 1) * stride if scan.reverse else 0
        return Place(whole, start, -stride if scan.reverse else stride, scan.turns, self.depth)

    def loop(self, loop: Loop) -> list[Value]:
        count = len(loop.body.parameters)
        places = [Place(output, 0, 0, 1, self.depth) for output in self.outputs]
        bodies, condition, first = [], None, count
        for body in (loop.test, loop.body):
            inner = self.inside(body, self.inputs[first : first + len(body.captured)])
            first += len(body.captured)
            for tensor, place in zip(body.parameters, places, strict=True):
                self.given(inner, tensor, place)
            results = self.run(inner, body)
            if body is loop.test:
                condition = results[0]
                bodies.append(inner.lowered(results, []))
            else:
                updates = [(place, value) for place, value in zip(places, results, strict=True)]
                updates = [(place, value) for place, value in updates if value.origin is not place or not value.whole]
                bodies.append(inner.lowered([], updates))
        region = LoweredRegion("while", bodies, -1 if loop.turns is None else loop.turns, condition, count, self.own)
        return self.step(region, list(self.outputs), self.inputs[:count])

    def branch(self, branch: Branch) -> list[Value]:
        bodies, first = [], 1
        for body in (branch.first, branch.second):
            inner = self.inside(body, self.inputs[first : first + len(body.captured)], hoists=False)
            first += len(body.captured)
            results = self.run(inner, body)
            places = [Place(output, 0, 0, 1, self.depth) for output in self.outputs]
            bodies.append(inner.lowered([], list(zip(places, results, strict=True))))
        region = LoweredRegion("if", bodies, 1, self.inputs[0], 0, self.own)
        return self.step(region, list(self.outputs), [])


def refresh_inputs(step: Step) -> None:
    """Makes what the bodies read from outside the inputs of a region's step, behind the values that are carried."""
    region: LoweredRegion = step.attributes[0]
    carried = step.inputs[: region.carries]
    outputs = {value.key for value in step.outputs}
    found: dict[int, Value] = {}

    def reads(value: Value) -> None:
        base = value.base
        if base.key not in region.own:
            found.setdefault(base.key, base)
        elif isinstance(base.origin, Place) and base.origin.of.key not in outputs:
            found.setdefault(base.origin.of.key, base.origin.of.base)

    for body in region.bodies:
        for inside in body.steps:
            for value in inside.inputs:
                reads(value)
        for value in (*body.results, *(value for _, value in body.updates)):
            reads(value)
    if region.condition is not None:
        reads(region.condition)
    step.inputs = [*carried, *found.values()]


def prune(step: Step, needed: set[int]) -> None:
    """Leaves out what nobody reads of the outputs of a region's step.

    Args:
        step: the step.
        needed: the keys of the values that are read behind it.
    """
    region: LoweredRegion = step.attributes[0]
    if region.kind == "while":
        return
    live = {value.key for value in step.outputs if value.key in needed}
    everything = [body.updates for body in region.bodies]
    while True:
        for body, updates in zip(region.bodies, everything, strict=True):
            body.updates = [(place, value) for place, value in updates if place.of.key in live]
        carried = {value.key for value in step.outputs[: region.carries]}
        read = {
            value.origin.of.key
            for body in region.bodies
            for value in _read(body)
            if isinstance(value.origin, Place) and value.origin.of.key in carried
        }
        if read <= live:
            break
        live |= read
    kept = [index for index in range(region.carries) if step.outputs[index].key in live]
    step.inputs = [*(step.inputs[index] for index in kept), *step.inputs[region.carries :]]
    step.outputs = [value for value in step.outputs if value.key in live]
    region.carries = len(kept)


def _read(body: LoweredIR) -> list[Value]:
    """Returns the values that are read for the sake of what a body writes."""
    read = [value for _, value in body.updates] + body.results
    needed = {value.key for value in read}
    for step in reversed(body.steps):
        if any(value.key in needed for value in step.outputs):
            read += step.inputs
            needed.update([value.key for value in step.inputs])
    return read
