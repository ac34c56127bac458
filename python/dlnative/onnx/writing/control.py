"""Scans, loops and branches: operators whose bodies are graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.region import Body
from dlnative.graph.tensor import Node, Tensor
from dlnative.onnx.writing.graph import GraphWriter, converts


def _capture(graph: GraphWriter, inside: Sequence[Tensor], outside: Sequence[Tensor]) -> None:
    """Lets a body read tensors from outside under the names that they have there."""
    for inner, outer in zip(inside, outside, strict=True):
        graph.set(inner, graph.value(outer))


def _run(graph: GraphWriter, body: Body) -> list[str]:
    """Writes the nodes of a body and returns the names of its results, each under a name of its own."""
    graph.write(body.nodes())
    return [str(graph.add("Identity", graph.value(y))) for y in body.results]


def _names(graph: GraphWriter, tensors: Sequence[Tensor]) -> list[str]:
    """Gives the parameters of a body names."""
    names = [graph.unique("parameter") for _ in tensors]
    for tensor, name in zip(tensors, names, strict=True):
        graph.set(tensor, name)
    return names


def _infos(graph: GraphWriter, names: Sequence[str], tensors: Sequence[Tensor]) -> list[Any]:
    return [
        graph.onnx.helper.make_tensor_value_info(name, graph.type_of(x.dtype), None)
        for name, x in zip(names, tensors, strict=True)
    ]


@converts("scan")
def _scan(graph: GraphWriter, node: Node) -> None:
    (scan,) = node.attributes
    body = scan.body
    count = len(body.parameters)
    given = [graph.value(x) for x in node.inputs[:count]]
    _capture(graph, body.captured, node.inputs[count:])
    rows = count - scan.carries
    if rows == 0:  # ONNX wants something to go through
        turns = tuple([region.turns for region in graph.attribute(node, 0)])
        given.append(graph.add("Expand", graph.constant(np.int64(0)), graph.extent(turns)))
    with graph.subgraph() as nodes:
        names = _names(graph, body.parameters)
        inputs = _infos(graph, names, body.parameters)
        if rows == 0:
            inputs.append(graph.onnx.helper.make_tensor_value_info(graph.unique("turn"), graph.type_of("int64"), []))
        results = _run(graph, body)
        outputs = _infos(graph, results, body.results)
    direction, count = int(scan.reverse), len(body.results)
    directions: dict[str, Any] = {"scan_input_directions": [direction] * max(rows, 1)}
    if count > scan.carries:
        directions["scan_output_directions"] = [direction] * (count - scan.carries)
    inner = graph.onnx.helper.make_graph(nodes, "body", inputs, outputs)
    made = graph.add("Scan", *given, results=count, body=inner, num_scan_inputs=max(rows, 1), **directions)
    for y, name in zip(node.outputs, [made] if count == 1 else made, strict=True):
        graph.set(y, name)


@converts("while_loop")
def _loop(graph: GraphWriter, node: Node) -> None:
    (loop,) = node.attributes
    count, asked = len(loop.body.parameters), len(loop.test.captured)
    given = [graph.value(x) for x in node.inputs[:count]]
    _capture(graph, loop.test.captured, node.inputs[count : count + asked])
    _capture(graph, loop.body.captured, node.inputs[count + asked :])
    for parameter, name in zip(loop.test.parameters, given, strict=True):
        graph.set(parameter, name)
    (begins,) = _run(graph, loop.test)
    helper = graph.onnx.helper
    with graph.subgraph() as nodes:
        turn, goes_on = graph.unique("turn"), graph.unique("goes_on")
        names = _names(graph, loop.body.parameters)
        inputs = [
            helper.make_tensor_value_info(turn, graph.type_of("int64"), []),
            helper.make_tensor_value_info(goes_on, graph.type_of("bool"), []),
            *_infos(graph, names, loop.body.parameters),
        ]
        results = _run(graph, loop.body)
        with_test = _again(graph, loop.test, results)
        outputs = [
            helper.make_tensor_value_info(with_test, graph.type_of("bool"), []),
            *_infos(graph, results, loop.body.results),
        ]
    most = "" if loop.turns is None else graph.constant(np.int64(loop.turns))
    body = helper.make_graph(nodes, "body", inputs, outputs)
    made = graph.add("Loop", most, begins, *given, results=count, body=body)
    for y, name in zip(node.outputs, [made] if count == 1 else made, strict=True):
        graph.set(y, name)


def _again(graph: GraphWriter, test: Body, results: Sequence[str]) -> str:
    for parameter, name in zip(test.parameters, results, strict=True):
        graph.set(parameter, name)
    return _run(graph, test)[0]


@converts("cond")
def _branch(graph: GraphWriter, node: Node) -> None:
    (branch,) = node.attributes
    condition = graph.value(node.inputs[0])
    first = 1 + len(branch.first.captured)
    _capture(graph, branch.first.captured, node.inputs[1:first])
    _capture(graph, branch.second.captured, node.inputs[first:])
    graphs = {}
    for name, body in (("then_branch", branch.first), ("else_branch", branch.second)):
        with graph.subgraph() as nodes:
            results = _run(graph, body)
        graphs[name] = graph.onnx.helper.make_graph(nodes, name, [], _infos(graph, results, body.results))
    count = len(node.outputs)
    made = graph.add("If", condition, results=count, **graphs)
    for y, name in zip(node.outputs, [made] if count == 1 else made, strict=True):
        graph.set(y, name)
