"""Ops whose attribute is a part of the graph: a scan, a loop as long as a test holds, a branch; and their gradients.

The gradient of a scan is a scan the other way round. What it needs of the turns of the first one is stacked by that as
further results. A loop and a branch run again what they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.apply import apply
from dlnative.graph.autodiff import pull_back
from dlnative.graph.op import Op, Spec, register
from dlnative.graph.region import Body, Branch, captured_tensors
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor, serial_now
from dlnative.graph.type_rule import TypeRule
from dlnative.ops.core import call, invoke, to_symbol
from dlnative.ops.creation import zeros_like


class _AnyTypes(TypeRule):
    """Operands of any types: what they are for, the bodies say."""

    def takes(self, inputs: Sequence[str], outputs: Sequence[str] = ()) -> bool:
        return True


def _region(name: str, infer: Any, gradient: Any) -> Op:
    op = Op(
        name,
        "control",
        infer,
        attributes=(("region", "region"),),
        gradient=gradient,
        inplace=lambda values, output: (output,) if output < values[0].carries else (),  # what is carried
        roles=Roles(region=True),
    )
    op.types = _AnyTypes(dtypes.DTYPES, {}, None)
    op.accepted = op.types.accepted
    return register(op)


def _infer_scan(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (scan,) = attributes
    finals = [(x.shape, x.dtype) for x in inputs[: scan.carries]]
    return finals + [scan.stacked(row) for row in scan.body.results[scan.carries :]]


def _add(a: Tensor, b: Tensor) -> Any:
    return call("add", a, b)


def _floats(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if dtypes.is_float(tensor.dtype)]


def _scan_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    from dlnative.ops.scan_gradient import ScanGradient

    return ScanGradient(node, grads).by_inputs()


def _zeros(like: Tensor) -> Tensor:
    return to_symbol(zeros_like(like))


def _infer_loop(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (loop,) = attributes
    return [(x.shape, x.dtype) for x in inputs[: len(loop.body.parameters)]]


def _loop_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """That of a scan of as many turns as the loop may have, which does nothing when the test has failed."""
    (loop,) = node.attributes
    if loop.turns is None:
        raise NotImplementedError("while_loop: expected `maximum_iterations` where a gradient is taken, got None")
    from dlnative.ops.control import scan_rows
    from dlnative.ops.loops import cond

    count, asked = len(loop.body.parameters), len(loop.test.captured)
    inits = node.inputs[:count]

    def turn(carry: Any, _: None) -> Any:
        active, *values = carry
        again = call("logical_and", active, replayed(loop.test, values, node.inputs[count : count + asked])[0])
        body_inputs = node.inputs[count + asked :]
        after = cond(again, lambda: replayed(loop.body, values, body_inputs), lambda: list(values))
        return (again, *after), None

    (_, *finals), _ = scan_rows("while_loop", turn, (True, *inits), None, loop.turns, False)
    arriving = [(final, to_symbol(dy)) for final, dy in zip(finals, grads, strict=True) if dy is not None]
    sources = _floats(node.inputs)
    found = pull_back([y for y, _ in arriving], [dy for _, dy in arriving], sources, _add, {id(x) for x in node.inputs})
    by_source = {id(x): dx for x, dx in zip(sources, found, strict=True)}
    gradients: list[Any] = []
    for x in node.inputs:  # an input that is there twice gets its gradient once
        gradients.append(by_source.pop(id(x), None))
    return gradients


def replayed(body: Body, arguments: Sequence[Tensor], captured: Sequence[Tensor]) -> list[Tensor]:
    """Returns what a body computes of other tensors."""
    known = {id(x): y for x, y in zip((*body.parameters, *body.captured), (*arguments, *captured), strict=True)}
    for inside in body.nodes():
        made = apply(inside.op, tuple(known.get(id(x), x) for x in inside.inputs), inside.attributes)
        known.update({id(x): y for x, y in zip(inside.outputs, made, strict=True)})
    return [known.get(id(x), x) for x in body.results]


def _infer_branch(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (branch,) = attributes
    return [(y.shape, y.dtype) for y in branch.first.results]


def _branch_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """That of the body that ran: zero by what only the other one reads."""
    (branch,) = node.attributes
    bodies = (branch.first, branch.second)
    arriving = [(index, to_symbol(dy)) for index, dy in enumerate(grads) if dy is not None]
    start = serial_now()
    places = (1, 1 + len(branch.first.captured))
    given: dict[int, Tensor] = {}  # the node's float inputs, by number
    for first, body in zip(places, bodies, strict=True):
        given.update({first + n: x for n, x in enumerate(body.captured) if dtypes.is_float(x.dtype)})
    made, inputs = [], [node.inputs[0]]
    for first, body in zip(places, bodies, strict=True):
        own = {inside.serial for inside in body.nodes()}
        sources = _floats(body.captured)
        chosen = [(body.results[n], dy) for n, dy in arriving if dtypes.is_float(body.results[n].dtype)]
        found = pull_back(
            [y for y, _ in chosen], [dy for _, dy in chosen], sources, _add, {id(x) for x in body.captured}
        )
        by_source = {id(x): dx for x, dx in zip(sources, found, strict=True)}
        results = []
        for number, x in given.items():
            mine = first <= number < first + len(body.captured)
            dx = by_source.get(id(x)) if mine else None
            results.append(_zeros(x) if dx is None else dx)

        def outside(tensor: Tensor, own: set[int] = own) -> bool:
            return tensor.node is None or (tensor.node.serial < start and tensor.node.serial not in own)

        captured = captured_tensors(results, [], outside)
        positions = {id(x): first + number for number, x in enumerate(body.captured)}
        made.append(Body([], results, captured))
        inputs += [node.inputs[positions[id(x)]] if id(x) in positions else x for x in captured]
    outputs = invoke(BRANCH, inputs, (Branch(*made),)) if given else ()
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    gradients: list[Any] = [None] * len(node.inputs)
    for number, output in zip(given, outputs, strict=True):
        gradients[number] = output
    return gradients


GIVEN = register(
    Op(
        "custom_gradient",
        "control",
        lambda inputs, attributes: [(x.shape, x.dtype) for x in inputs[: attributes[0].count]],
        attributes=(("given", "region"),),
        gradient=lambda node, grads: node.attributes[0].by_inputs(node, grads),
        roles=Roles(passes=True),
    )
)
GIVEN.types = _AnyTypes(dtypes.DTYPES, {}, None)
GIVEN.accepted = GIVEN.types.accepted
SCAN = _region("scan", _infer_scan, _scan_gradient)
LOOP = _region("while_loop", _infer_loop, _loop_gradient)
BRANCH = _region("cond", _infer_branch, _branch_gradient)
