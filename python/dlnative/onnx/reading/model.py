"""A model from an ONNX file: its weights are variables, and its operators are traced as any call is."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.dtypes import is_float
from dlnative.layers.input_spec import InputSpec
from dlnative.models.model import Model
from dlnative.onnx.package import onnx_package
from dlnative.onnx.reading.graph import Graph
from dlnative.onnx.reading.operators import Node
from dlnative.onnx.reading.recurrent import recurrent_weights
from dlnative.onnx.reading.tensors import type_name
from dlnative.saving.limits import constants_for

# Operators whose float constants are weights, and those of their inputs that are statistics.
_WEIGHED = frozenset(
    ("MatMul", "Gemm", "Conv", "ConvTranspose", "Add", "Sub", "Mul", "Div", "BatchNormalization", "InstanceNormalization",
     "GroupNormalization", "LayerNormalization", "RMSNormalization", "PRelu", "Gather", "Einsum", "Transpose", "Identity")
)  # fmt: skip
_MOVED = frozenset(("Slice", "Reshape", "Unsqueeze", "Squeeze", "Expand"))  # of these, the first input
_MOST_MESSAGE = 500  # characters; names in a file may have any length
_STATISTICS = {("BatchNormalization", 3), ("BatchNormalization", 4)}


class OnnxModel(Model):
    """A network that was read from an ONNX file.

    Args:
        graph: the graph.
        inputs: names, shapes and types of what it is given.
        name: a name.
    """

    def __init__(self, graph: Graph, inputs: list[InputSpec], name: str) -> None:
        super().__init__(name=name)
        self._onnx_graph = graph
        self.input_signature = inputs
        self._nbytes = sum(array.nbytes for array in graph.arrays.values())
        self._weights_by_name: dict[tuple[str, str], Any] = {}
        for node in graph.nodes:
            self._prepare_node(node)
        trainable = self._weights_of_nodes()
        for key in trainable:
            graph.arrays[key] = self._weight(key, graph.arrays[key], trainable[key])

    def _prepare_node(self, node: Node) -> None:
        """Makes weights in the form that dlnative computes with, for operators where it is another one."""
        arrays = [self._onnx_graph.arrays.get(name) for name in node.inputs]
        if node.op_type in ("Conv", "ConvTranspose") and len(arrays) > 1 and isinstance(arrays[1], np.ndarray):
            order = (*range(2, arrays[1].ndim), 1, 0)
            node.prepared["kernel"] = self._weight(node.inputs[1], arrays[1].transpose(order), True, node.op_type)
        elif node.op_type in ("LSTM", "GRU", "RNN") and len(arrays) > 2:
            w, r, b = (*arrays[1:4], None)[:3]
            known = all(isinstance(array, np.ndarray) for array in (w, r)) and (
                b is not None or not node.inputs[3:4] or not node.inputs[3]
            )
            if not known:
                return
            try:
                made = recurrent_weights(node, w, r, b)
            except (ValueError, IndexError) as error:
                raise ValueError(f"{node.label}: expected weights whose sizes fit, got {error}") from None
            for name, array in made.items():
                node.prepared[name] = self._weight(node.inputs[1], array, True, name)

    def _weights_of_nodes(self) -> dict[str, bool]:
        """Returns the names of constants that are weights, with whether they are trained."""
        found: dict[str, bool] = {}
        for node in self._onnx_graph.all_nodes():
            for place, name in enumerate(node.inputs):
                array = self._onnx_graph.arrays.get(name)
                if not isinstance(array, np.ndarray) or not is_float(array.dtype.name) or array.ndim == 0:
                    continue
                if node.prepared and place > 0 and (place == 1 or node.op_type in ("LSTM", "GRU", "RNN")):
                    continue
                literal = name in self._onnx_graph.literals
                if literal and array.size == 1:
                    continue
                if node.op_type in _WEIGHED or (node.op_type in _MOVED and place == 0 and not literal):
                    found[name] = found.get(name, True) and (node.op_type, place) not in _STATISTICS
        return found

    def _weight(self, name: str, array: Any, trainable: bool, form: str = "") -> Any:
        key = (name, form)
        found = self._weights_by_name.get(key)
        if found is None:
            text = (
                re.sub(r"[^\w.]+", "_", f"{name}_{form}" if form and form[-1].isdigit() else name).strip("_")
                or "weight"
            )
            found = self.add_weight(
                name=text,
                shape=array.shape,
                dtype=array.dtype.name,
                trainable=trainable,
                initializer="zeros",
                autocast=False,
            )
            found.assign(array)
            self._weights_by_name[key] = found
        return found

    def call(self, inputs: Any) -> Any:
        names = [spec.name for spec in self.input_signature]
        if isinstance(inputs, dict):
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(f'{self._label}: expected an input "{missing[0]}", got {", ".join(map(str, inputs))}')
            given = [inputs[name] for name in names]
        else:
            given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(given) != len(names):
            raise ValueError(
                f"{self._label}: expected {len(names)} inputs ({', '.join(map(str, names))}), got {len(given)}"
            )
        for spec, x in zip(self.input_signature, given, strict=True):
            shape = spec.shape
            if shape is not None and len(shape) != len(x.shape):
                raise ValueError(f'{self._label}: expected "{spec.name}" of shape {shape}, got shape {tuple(x.shape)}')
        cast = [ops.cast(x, spec.dtype) for spec, x in zip(self.input_signature, given, strict=True)]
        with constants_for(self._nbytes, self._label):
            results = self._onnx_graph.run(cast)
        made = [ops.convert_to_tensor(y) if isinstance(y, np.ndarray) else y for y in results]
        return made[0] if len(made) == 1 else made

    def export(
        self,
        filepath: Any,
        format: str | None = None,
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model; see `Model.export`. The inputs are those of the file that it was read from by default."""
        if input_signature is None:
            input_signature = self.input_signature
        super().export(filepath, format, verbose, input_signature, **kwargs)

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f'{self._label}: expected export("m.onnx") for a model that was read from ONNX, got save()'
        )


def load(filepath: Any) -> Model:
    """Returns the network in an ONNX file as a model, which may be called, and trained.

    Its float tensors are weights. Channels are first, as in the file; operators that dlnative lacks are refused by their
    names. Nothing of a file is run. Data in other files must lie in its folder.

    Args:
        filepath: the file.

    Returns:
        A `Model`. Several inputs are given in a list in their order or in a dict by their names; several results are a list.

    Raises:
        ImportError: if the package `onnx` is not installed.
        ValueError: for a file that is damaged, or holds what dlnative does not have.

    Example:
        >>> import dlnative
        >>> from dlnative import layers
        >>> dlnative.Sequential([dlnative.Input((2,)), layers.Dense(3)]).export("m.onnx", verbose=False)  # doctest: +SKIP
        >>> dlnative.onnx.load("m.onnx").count_params()  # doctest: +SKIP
        9
    """
    onnx = onnx_package("onnx.load")
    path = os.fspath(filepath)
    with open(path, "rb") as file:
        contents = file.read()
    try:
        proto = _parsed(onnx, contents)
        versions = {item.domain: item.version for item in proto.opset_import}
        opset = versions.get("", versions.get("ai.onnx", 0))
        newest = onnx.defs.onnx_opset_version()
        if not 7 <= opset <= newest:
            raise ValueError(f"expected operators of version 7 to {newest}, got {opset}")
        graph = Graph(onnx, proto.graph, opset, os.path.dirname(os.path.realpath(path)))
        given = {value.name: value for value in proto.graph.input}
        inputs = [_spec(given[name]) for name in graph.inputs]
        name = re.sub(r"\W+", "_", proto.graph.name).strip("_") or "onnx"
        return OnnxModel(graph, inputs, name)
    except (ValueError, TypeError, IndexError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise ValueError(f'onnx.load: "{path}": {text[:_MOST_MESSAGE]}') from error


def _parsed(onnx: Any, contents: bytes) -> Any:
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(contents)
    except Exception as error:  # protobuf's own class, which is another one in each of its versions
        raise ValueError(f"expected an ONNX file, got something else: {error}") from None
    if not proto.graph.node or not proto.graph.output:
        raise ValueError("expected an ONNX file with a graph, got none")
    if proto.functions:
        from onnx import inliner

        proto = inliner.inline_local_functions(proto)
    return proto


def _spec(value: Any) -> InputSpec:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ValueError(f'expected tensors as inputs, got "{value.name}" of kind {kind}')
    tensor = value.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(
            axis.dim_value if axis.HasField("dim_value") and axis.dim_value > 0 else None for axis in tensor.shape.dim
        )
    return InputSpec(type_name(tensor.elem_type), shape, name=value.name)
