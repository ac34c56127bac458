"""The inference program of a model, as graphs: traced for some sizes of the axes whose extent is not known.

An axis that a model leaves open is traced with several sizes. The graphs must be the same but for shapes; an extent is then
the tuple of its values in all of them, and two extents that are equal in each are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.planning.lower import needed_nodes
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.trace import Trace
from dlnative.graph.tree import flatten, map_structure, pack
from dlnative.symbolic import KerasTensor, map_shapes, with_tuples

Extent = tuple[int, ...]  # the extent of an axis in each of the graphs

_BATCHES = (2, 3, 5, 7, 11)
# Sizes of the other open axes: the first that a model can be traced with are taken. Each axis has its own. Even and odd
# ones pad differently where strides are 2.
_SIZES = (
    (11, 14, 16, 21, 27), (32, 64, 96, 160, 224), (4, 5, 6, 7, 9), (128, 256, 192, 320, 448), (2, 3, 4, 5, 6),
)  # fmt: skip


class Input:
    """What a model is given.

    Args:
        name: its name.
        shape: its shape; `None` where the extent is open.
        dtype: its element type.
    """

    def __init__(self, name: str, shape: tuple[int | None, ...], dtype: str) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.symbols: dict[int, str] = {}  # the names of the open axes


class Inference:
    """What a model computes of its inputs when it does not train.

    Args:
        call: who asks, for messages.
        model: the model.
        input_signature: shapes and types of the inputs, where they are not those of the model.
        fixed: sizes of the open axes by name (`"batch"` for the first one of each input), for a program that has none.

    Attributes:
        inputs: the inputs.
        output_names: the names of the results.
        trace, feeds, results, nodes: the first graph.

    Raises:
        ValueError: if the model is not built, its inputs are not known, it assigns variables, or its graph is another one
            for other sizes.
    """

    def __init__(self, call: str, model: Any, input_signature: Any = None, fixed: dict[str, int] | None = None) -> None:
        self.call = call
        self.label = model._label
        self.model_name = model.name
        if model._entry is not None:
            raise ValueError(f"{call}: expected a model of numbers, got {self.label}, whose entry reads text or hashes")
        structure, self.inputs = _inputs(call, model, input_signature)
        self._name_axes(fixed or {})
        self.feeds: list[Tensor] = []
        self.results: list[Tensor] = []
        self.nodes: list[Node] = []
        self.shapes: dict[int, list[tuple[int, ...]]] = {}  # of tensors of the first graph, in each
        self.attributes: dict[int, list[tuple[Any, ...]]] = {}
        self.constants: dict[int, list[Any]] = {}
        self._traces: list[Trace] = []
        self._trace_all(lambda x: model(x, training=False), structure)
        self.output_names = _unique(_output_names(model, self.results))
        assigned = [variable.name for variable in self._traces[0].updates]
        if assigned:
            raise ValueError(
                f'{call}: expected an inference of {self.label} that assigns no variables, got one that assigns "{assigned[0]}"'
            )

    @property
    def trace(self) -> Trace:
        """The trace of the first graph."""
        return self._traces[0]

    def extents(self, tensor: Tensor) -> list[Extent]:
        """Returns the extents of a tensor of the first graph."""
        shapes = self.shapes.get(id(tensor))
        return (
            [(extent,) * len(self._traces) for extent in tensor.shape]
            if shapes is None
            else list(zip(*shapes, strict=True))
        )

    def _name_axes(self, fixed: dict[str, int]) -> None:
        for given in self.inputs:
            shape = list(given.shape)
            for axis, extent in enumerate(given.shape):
                if extent is not None:
                    continue
                name = "batch" if axis == 0 else f"{given.name}_{axis}"
                if name in fixed:
                    shape[axis] = fixed[name]
                else:
                    given.symbols[axis] = name
            given.shape = tuple(shape)

    def _trace_all(self, call: Callable[[Any], Any], structure: Any) -> None:
        """Traces with the first sizes of the open axes for which the graph is the same."""
        open_axes = any(set(given.symbols.values()) - {"batch"} for given in self.inputs)
        if not any(given.symbols for given in self.inputs):
            self._align([self._trace(call, structure, {}, 0)])
            return
        failure: Exception | None = None
        for shared in (False, True) if open_axes else (False,):
            # Inputs whose open axes must be of one size: the second axis of each is then the same one.
            if shared:
                for given in self.inputs:
                    given.symbols = {
                        axis: name if axis == 0 else f"axis_{axis}" for axis, name in given.symbols.items()
                    }
            names = list(
                dict.fromkeys(name for given in self.inputs for name in given.symbols.values() if name != "batch")
            )
            for sizes in _SIZES if open_axes else _SIZES[:1]:
                table: dict[str, tuple[int, ...]] = {"batch": _BATCHES}
                for number, name in enumerate(names):
                    table[name] = tuple(size + number * (turn + 1) for turn, size in enumerate(sizes))
                try:
                    self._align([self._trace(call, structure, table, turn) for turn in range(len(_BATCHES))])
                except Exception as error:  # whatever a layer says of a size that it cannot take
                    failure = failure or error
                else:
                    return
        assert failure is not None
        raise failure

    def _trace(
        self, call: Callable[[Any], Any], structure: Any, sizes: dict[str, tuple[int, ...]], turn: int
    ) -> tuple[Trace, list[Tensor]]:
        trace = Trace()
        feeds = []
        for given in self.inputs:
            shape = [
                sizes[given.symbols[axis]][turn] if extent is None else extent
                for axis, extent in enumerate(given.shape)
            ]
            feeds.append(trace.feed(tuple(shape), given.dtype))
        outputs = trace.record(lambda: call(pack(structure, feeds)))
        results = flatten(outputs)
        for result in results:
            if not isinstance(result, Tensor):
                raise ValueError(f"{self.call}: expected {self.label} to return tensors, got {result!r}")
        return trace, results

    def _align(self, graphs: Sequence[tuple[Trace, list[Tensor]]]) -> None:
        """Finds the tensors, attributes and constants of the first graph in the others."""
        self.shapes, self.attributes, self.constants = {}, {}, {}
        self._traces = [trace for trace, _ in graphs]
        self.feeds, self.results = graphs[0][0].feeds, graphs[0][1]
        self.nodes = needed_nodes(self.results)
        known: list[dict[int, int]] = [{} for _ in graphs]
        self._same([trace.feeds for trace, _ in graphs], known)
        self._same_nodes([needed_nodes(results) for _, results in graphs], known)
        self._same_inputs([results for _, results in graphs], known)

    def _same(self, tensors: Sequence[Sequence[Tensor]], known: list[dict[int, int]]) -> None:
        for places in zip(*tensors, strict=True):
            first = places[0]
            self.shapes[id(first)] = [tensor.shape for tensor in places]
            for table, tensor in zip(known, places, strict=True):
                table[id(tensor)] = id(first)
            if isinstance(first.source, np.ndarray):
                self.constants[id(first)] = [tensor.source for tensor in places]

    def _same_nodes(self, graphs: Sequence[Sequence[Node]], known: list[dict[int, int]]) -> None:
        if len({tuple([node.op.name for node in nodes]) for nodes in graphs}) > 1:
            raise ValueError(
                f"{self.call}: expected a graph of {self.label} that is the same for all sizes of its open axes, got one that "
                "depends on them: give their sizes in input_signature"
            )
        for nodes in zip(*graphs, strict=True):
            self.attributes[nodes[0].serial] = [node.attributes for node in nodes]
            self._same_inputs([node.inputs for node in nodes], known)
            if nodes[0].op.roles.region:
                for bodies in zip(*[_bodies(node.attributes[0]) for node in nodes], strict=True):
                    self._same([body.parameters for body in bodies], known)
                    self._same([body.captured for body in bodies], known)
                    self._same_nodes([body.nodes() for body in bodies], known)
                    self._same_inputs([body.results for body in bodies], known)
            self._same([node.outputs for node in nodes], known)

    def _same_inputs(self, tensors: Sequence[Sequence[Tensor]], known: list[dict[int, int]]) -> None:
        for places in zip(*tensors, strict=True):
            leaves = [
                tensor.node is None and id(tensor) not in table for table, tensor in zip(known, places, strict=True)
            ]
            if all(leaves):
                self._same([[tensor] for tensor in places], known)
            if len({table.get(id(tensor)) for table, tensor in zip(known, places, strict=True)}) > 1:
                raise ValueError(
                    f"{self.call}: expected a graph of {self.label} that is the same for all sizes of its open axes, got one "
                    "that depends on them: give their sizes in input_signature"
                )


def _bodies(region: Any) -> list[Any]:
    return [getattr(region, name) for name in ("test", "body", "first", "second") if hasattr(region, name)]


def _inputs(call: str, model: Any, input_signature: Any) -> tuple[Any, list[Input]]:
    """Returns how the inputs are nested, and the inputs."""
    graph = model._graph
    structure = None if graph is None else graph.input_structure
    if input_signature is not None:
        if structure is not None and len(flatten(structure)) == len(flatten(input_signature)):
            specs = flatten(input_signature)
        else:
            single = isinstance(input_signature, (list, tuple)) and len(input_signature) == 1
            structure = input_signature[0] if single else input_signature
            specs = flatten(structure)
            if graph is not None:
                raise ValueError(f"{call}: expected {len(graph.inputs)} inputs in input_signature, got {len(specs)}")
    elif structure is not None:
        specs = flatten(structure)
    else:
        config = model.get_build_config() if model.built else None
        if not config:
            raise ValueError(f"{call}: expected a model that has been built, or an input_signature, got {model._label}")
        if "input_shape" not in config:
            raise ValueError(
                f"{call}: expected an input_signature, as the call of {model._label} takes several arguments"
            )
        shapes = with_tuples(config["input_shape"])
        structure = map_shapes(lambda shape: KerasTensor((None, *shape[1:]), model.input_dtype), shapes)
        specs = flatten(structure)
    inputs = [_input(call, spec, number) for number, spec in enumerate(specs)]
    if graph is not None:
        for given, tensor in zip(inputs, graph.inputs, strict=True):
            given.name = tensor.name
    for given, name in zip(inputs, _unique([given.name for given in inputs]), strict=True):
        given.name = name
    return map_structure(lambda leaf: leaf, structure), inputs


def _input(call: str, spec: Any, number: int) -> Input:
    shape, dtype = getattr(spec, "shape", None), getattr(spec, "dtype", None)
    if shape is None:
        raise ValueError(
            f"{call}: expected an InputSpec with a shape, a KerasTensor or an array in input_signature, got {spec!r}"
        )
    dtype = "float32" if dtype is None else dtypes.standardize(dtype)
    extents = tuple(None if extent is None else int(extent) for extent in shape)
    return Input(getattr(spec, "name", None) or f"input_{number}", extents, dtype)


def _output_names(model: Any, results: Sequence[Tensor]) -> list[str]:
    names = model._output_names()
    return (
        list(names) if names and len(names) == len(results) else [f"output_{number}" for number in range(len(results))]
    )


def _unique(names: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        candidate, number = name, 1
        while candidate in found:
            candidate, number = f"{name}_{number}", number + 1
        found[candidate] = None
    return list(found)
