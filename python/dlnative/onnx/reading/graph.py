"""A graph of a file: its nodes in order, what they are called with, and what is known of it before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from dlnative.graph.trace import without_trace
from dlnative.onnx.reading import classic, control, elementwise, layers, movement, recurrent  # noqa: F401 they fill READERS
from dlnative.onnx.reading.operators import READERS, TAKES_IMAGES, Image, Node, Unsupported
from dlnative.onnx.reading.tensors import array_of

Array = np.ndarray[Any, Any]
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")


class Graph:
    """A graph, or one inside of another.

    Args:
        onnx: the package.
        proto: ONNX's message.
        opset: the version of the operators.
        folder: where data in other files may lie.
        outer: the names that are known around it.

    Attributes:
        arrays: the constants by name; a model makes variables of some.
        captured: the names that it takes from around it.
        nodes: the nodes.
        inputs, outputs: the names of what it is given and gives.

    Raises:
        ValueError: for operators that are not there, and names that nothing makes.
    """

    def __init__(
        self, onnx: Any, proto: Any, opset: int, folder: str | None, outer: frozenset[str] = frozenset()
    ) -> None:
        self.folder = folder
        self.opset = opset
        self._onnx = onnx
        if proto.sparse_initializer:
            raise Unsupported(f'graph "{proto.name}": expected dense tensors, got sparse ones')
        self.arrays: dict[str, Any] = {tensor.name: array_of(tensor, folder) for tensor in proto.initializer}
        self.inputs = [given.name for given in proto.input if given.name not in self.arrays]
        self.outputs = [made.name for made in proto.output]
        self.literals: set[str] = set()  # constants that nodes make
        self.nodes: list[Node] = []
        self._graphs: dict[tuple[int, str], Graph] = {}
        self.values: dict[str, Any] = {}  # of the run that is on
        self.captured: set[str] = set()
        known = set(outer) | set(self.inputs) | set(self.arrays)
        for item in proto.node:
            node = self._node(item, known)
            if node.op_type == "Constant" and node.get("value") is not None and node.domain in _DOMAINS:
                self.arrays[node.outputs[0]] = array_of(node.get("value"), folder)
                self.literals.add(node.outputs[0])
            else:
                self.nodes.append(node)
            known.update(node.outputs)
        made = {*self.inputs, *self.arrays, *[name for node in self.nodes for name in node.outputs]}
        inner = [name for graph in self._graphs.values() for name in graph.captured]
        self.captured = {*self.outputs, *inner, *[name for node in self.nodes for name in node.inputs]} - made - {""}
        missing = [name for name in self.outputs if name not in known]
        if missing:
            raise ValueError(
                f'graph "{proto.name}": expected something that makes the result "{missing[0]}", got nothing'
            )

    def _node(self, proto: Any, known: set[str]) -> Node:
        attributes = {item.name: self._onnx.helper.get_attribute_value(item) for item in proto.attribute}
        if not proto.output:
            raise ValueError(f'{proto.op_type} "{proto.name}": expected results, got none')
        node = Node(proto, attributes, self.opset, self)
        if proto.op_type not in READERS or proto.domain not in _DOMAINS:
            full = f"{proto.domain}.{proto.op_type}" if proto.domain not in _DOMAINS else proto.op_type
            raise Unsupported(
                f'expected operators that dlnative has, got {full} in node "{proto.name or proto.output[0]}"'
            )
        for name in node.inputs:
            if name and name not in known:
                raise ValueError(f'{node.label}: expected an input that is there, got "{name}"')
        for name, value in attributes.items():
            if isinstance(value, self._onnx.GraphProto):
                node.graphs.append(name)
                self._graphs[id(node), name] = Graph(self._onnx, value, self.opset, self.folder, frozenset(known))
        return node

    def all_nodes(self) -> Iterator[Node]:
        """Yields the nodes, and those of the graphs inside."""
        yield from self.nodes
        for graph in self._graphs.values():
            yield from graph.all_nodes()

    def _around(self, node: Node) -> list[Any]:
        """Returns what graphs that are attributes of a node take from this one."""
        captured = [graph.captured for name in node.graphs if (graph := self._graphs.get((id(node), name))) is not None]
        return [self.values[name] for names in captured for name in names]

    def inner(self, node: Node, name: str) -> Callable[[Sequence[Any]], list[Any]]:
        """Returns the graph that is an attribute of a node, as a function: it sees what this one has made so far."""
        graph = self._graphs.get((id(node), name))
        if graph is None:
            raise node.refuse(f"a graph as {name}, got none")
        around = dict(self.values)
        return lambda given: graph.run(given, around)

    def run(self, given: Sequence[Any], around: dict[str, Any] | None = None) -> list[Any]:
        """Computes the results.

        Args:
            given: the inputs: tensors, or arrays where they are known.
            around: what is known in the graph around.
        """
        if len(given) != len(self.inputs):
            raise ValueError(f"expected {len(self.inputs)} inputs, got {len(given)}")
        before = self.values
        values = self.values = {**(around or {}), **self.arrays, **dict(zip(self.inputs, given, strict=True))}
        try:
            for node in self.nodes:
                made = _called(node, [values[name] if name else None for name in node.inputs], self._around(node))
                for name, value in zip(node.outputs, made, strict=False):
                    values[name] = value
            return [_plain(values[name]) for name in self.outputs]
        finally:
            self.values = before


def _plain(value: Any) -> Any:
    return value.first if isinstance(value, Image) else value


def _called(node: Node, inputs: list[Any], around: list[Any]) -> tuple[Any, ...]:
    function = READERS[node.op_type]
    if node.op_type not in TAKES_IMAGES:
        inputs = [_plain(value) for value in inputs]
    try:
        if all(value is None or isinstance(value, np.ndarray) for value in (*inputs, *around)) and not node.prepared:
            made = without_trace(lambda: function(node, *inputs))  # sizes and shapes, most often
            results = made if isinstance(made, tuple) else (made,)
            return tuple([np.asarray(_plain(value)) for value in results])
        made = function(node, *inputs)
    except Unsupported:
        raise
    except (
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        ZeroDivisionError,
        AttributeError,
        NotImplementedError,
    ) as error:
        text = " ".join(str(error).split())
        raise ValueError(f"{node.label}: {text or type(error).__name__}") from error
    return made if isinstance(made, tuple) else (made,)
