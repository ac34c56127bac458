"""A model as an ONNX file."""

from __future__ import annotations

import os
from typing import Any

from dlnative.export.inference import Inference
from dlnative.onnx.package import onnx_package
from dlnative.onnx.writing.graph import GraphWriter, is_static
from dlnative.saving.files import replacing

OPSET = 20
_LEAST_OPSET = 18
_MOST_IN_ONE_FILE = 2**31 - 2**24  # a protocol buffer has fewer than 2 GB


def write_onnx(model: Any, filepath: Any, input_signature: Any = None, opset_version: int | None = None) -> None:
    """Writes what a model computes when it does not train.

    Args:
        model: the model.
        filepath: the file.
        input_signature: shapes and types of the inputs.
        opset_version: the version of ONNX's operators.

    Raises:
        ImportError: if the package `onnx` is not installed.
        ValueError: for what ONNX has no operators for; nothing is then written.
    """
    from dlnative.utils.checks import integer

    onnx = onnx_package("export")
    newest = onnx.defs.onnx_opset_version()
    opset = OPSET if opset_version is None else integer("export", "opset_version", opset_version, _LEAST_OPSET, newest)
    proto = onnx_model(onnx, Inference("export", model, input_signature), opset)
    path = os.path.realpath(os.fspath(filepath))
    if proto.ByteSize() < _MOST_IN_ONE_FILE:
        with replacing(path) as file:
            file.write(proto.SerializeToString())
        return
    weights = os.path.basename(path) + ".data"
    onnx.save_model(proto, path, save_as_external_data=True, location=weights)


def onnx_model(onnx: Any, inference: Inference, opset: int) -> Any:
    """Returns an inference program as ONNX's message.

    Args:
        onnx: the package.
        inference: the program.
        opset: the version of ONNX's operators.
    """
    from dlnative import __version__
    from dlnative.onnx.writing import control, elementwise, movement, products, recurrent  # noqa: F401 they register converters

    graph = GraphWriter(onnx, inference, opset)
    inputs = []
    for given, feed in zip(inference.inputs, inference.feeds, strict=True):
        name = graph.unique(given.name)
        for axis, extent in enumerate(inference.extents(feed)):
            if not is_static(extent):
                graph.symbols.setdefault(extent, given.symbols[axis])
        graph.set(feed, name)
        inputs.append(graph.info(name, feed))
    names = [graph.unique(name) for name in inference.output_names]
    graph.write(inference.nodes)
    outputs = []
    for name, result in zip(names, inference.results, strict=True):
        graph.nodes.append(onnx.helper.make_node("Identity", [graph.value(result)], [name]))
        outputs.append(graph.info(name, result))
    _rename_results(graph.nodes, set(names), {info.name for info in inputs} | {x.name for x in graph.initializers})
    nodes, read = _needed(graph.nodes, names)
    weights = [weight for weight in graph.initializers if weight.name in read]
    made = onnx.helper.make_graph(nodes, inference.model_name, inputs, outputs, initializer=weights)
    proto = onnx.helper.make_model(
        made,
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        producer_name="dlnative",
        producer_version=__version__,
    )
    proto.ir_version = min(proto.ir_version, 10)  # as runtimes of some years know it
    return proto


def _needed(nodes: list[Any], results: list[str]) -> tuple[list[Any], set[str]]:
    """Returns the nodes that lead to results, and the names that are read."""
    read, found = set(results), []
    for node in reversed(nodes):
        if not read.isdisjoint(node.output):
            found.append(node)
            read |= _read(node)
    return found[::-1], read


def _read(node: Any) -> set[str]:
    """Returns the names that a node reads, those that the graphs in it read from outside among them."""
    names = set(node.input)
    for attribute in node.attribute:
        if attribute.HasField("g"):
            names |= {output.name for output in attribute.g.output}
            for inner in attribute.g.node:
                names |= _read(inner)
    return names


def _rename_results(nodes: list[Any], names: set[str], kept: set[str]) -> None:
    """Gives what nodes make the names of the results at once, where an `Identity` would only pass it on."""
    made = {output: node for node in nodes for output in node.output}
    counts: dict[str, int] = {}
    for node in nodes:
        for name in _read(node):
            counts[name] = counts.get(name, 0) + 1
    for node in list(nodes):
        (source, result) = (node.input[0], node.output[0]) if node.op_type == "Identity" else ("", "")
        if result not in names or source in kept or counts[source] > 1 or source not in made:
            continue
        maker = made[source]
        for place, output in enumerate(maker.output):
            if output == source:
                maker.output[place] = result
        nodes.remove(node)
