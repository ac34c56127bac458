"""The networks as ONNX graphs, for one sample; images have their channels before rows and columns, as ONNX wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import network as n
import numpy as np
import workload as w
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 10


class Graph:
    """Nodes and constants as they are added.

    Args:
        inputs: type and shape by name.
    """

    def __init__(self, inputs: dict[str, tuple[int, tuple[Any, ...]]]) -> None:
        self.inputs = [helper.make_tensor_value_info(name, *value) for name, value in inputs.items()]
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def serialized(self, outputs: dict[str, tuple[int, tuple[Any, ...]]]) -> bytes:
        values = [helper.make_tensor_value_info(name, *value) for name, value in outputs.items()]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, values, self.constants)
        opset = helper.make_opsetid("", OPSET)
        return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION).SerializeToString())


def own_layout(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def build(workload: w.Workload | n.Network, x: np.ndarray) -> bytes:
    """Returns the file of a graph that makes "y", logits, of "x"."""
    graph = Graph({"x": (TensorProto.FLOAT, x.shape)})
    if isinstance(workload, w.Workload):
        _mlp(graph, workload.weights())
        classes = workload.sizes[-1]
    else:
        if workload.kind not in BUILDERS:
            raise NotImplementedError
        BUILDERS[workload.kind](graph, workload.weights())
        classes = n.IMAGE_CLASSES
    return graph.serialized({"y": (TensorProto.FLOAT, (len(x), classes))})


def _dense(graph: Graph, x: str, layer: list[np.ndarray], output: str = "") -> str:
    return graph.add("Gemm", x, graph.constant(layer[0]), graph.constant(layer[1]), output=output)


def _mlp(graph: Graph, weights: list[np.ndarray]) -> None:
    x = "x"
    for index in range(0, len(weights) - 2, 2):
        x = graph.add("Relu", _dense(graph, x, weights[index : index + 2]))
    _dense(graph, x, weights[-2:], "y")


def _cnn(graph: Graph, weights: n.Weights) -> None:
    x = "x"
    for name in ("conv1", "conv2"):
        kernel, bias = weights[name]
        x = graph.add("Conv", x, graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias))
        x = graph.add("MaxPool", graph.add("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    kernel, bias = weights["hidden"]
    by_channels = kernel.reshape(5, 5, 64, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    x = graph.add("Relu", _dense(graph, graph.add("Flatten", x), [by_channels, bias]))
    _dense(graph, x, weights["logits"], "y")


def _residual(graph: Graph, weights: n.Weights) -> None:
    def convolution(x: str, name: str, strides: int = 1) -> str:
        kernel = weights[name][0]
        before, after = (0, 1) if strides == 2 else (1, 1)
        pads = [before, before, after, after] if len(kernel) == 3 else [0] * 4
        kernel_name = graph.constant(kernel.transpose(3, 2, 0, 1))
        return graph.add("Conv", x, kernel_name, strides=[strides, strides], pads=pads)

    def normalized(x: str, name: str) -> str:
        return graph.add("BatchNormalization", x, *map(graph.constant, weights[name]), epsilon=1e-3)

    x = graph.add("Relu", normalized(convolution("x", "stem"), "stem_norm"))
    for name, channels, filters, strides in n.residual_blocks():
        y = graph.add("Relu", normalized(convolution(x, f"{name}_conv1", strides), f"{name}_norm1"))
        y = normalized(convolution(y, f"{name}_conv2"), f"{name}_norm2")
        if channels != filters:
            x = convolution(x, f"{name}_shortcut", strides)
        x = graph.add("Relu", graph.add("Add", y, x))
    _dense(graph, graph.add("Flatten", graph.add("GlobalAveragePool", x)), weights["logits"], "y")


def _recurrent(op: str, order: tuple[int, ...], **attributes: Any) -> Callable[[Graph, n.Weights], None]:
    def build(graph: Graph, weights: n.Weights) -> None:
        def gates(value: np.ndarray) -> np.ndarray:
            parts = np.split(value, len(order), axis=-1)
            return np.concatenate([parts[gate] for gate in order], axis=-1)

        kernel, recurrent, bias = map(gates, weights["rows"])
        both = bias.reshape(1, -1) if bias.ndim == 2 else np.concatenate([bias, np.zeros_like(bias)])[None]
        rows = graph.add("Transpose", "x", perm=[1, 0, 2])
        last = f"last_{op}"
        operands = [rows, *map(graph.constant, (kernel.T[None], recurrent.T[None], both))]
        graph.nodes.append(helper.make_node(op, operands, ["", last], hidden_size=n.ROW_UNITS, **attributes))
        state = graph.add("Squeeze", last, graph.constant(np.array([0], np.int64)))
        _dense(graph, state, weights["logits"], "y")

    return build


BUILDERS: dict[str, Callable[[Graph, n.Weights], None]] = {
    "cnn": _cnn,
    "residual": _residual,
    "lstm": _recurrent("LSTM", (0, 3, 1, 2)),  # Keras: input, forget, candidate, output; ONNX: input, output, forget
    "gru": _recurrent("GRU", (0, 1, 2), linear_before_reset=1),
}


def decoder(network: n.Network) -> bytes:
    """Returns a GPT's step: of a token, its position and the keys and values before it, logits and all keys and values."""
    past = (1, n.GPT_HEADS, "past", n.GPT_WIDTH // n.GPT_HEADS)
    number = (TensorProto.INT64, (1,))
    caches = {f"{kind}{layer}": (TensorProto.FLOAT, past) for layer in range(n.GPT_LAYERS) for kind in ("k", "v")}
    graph, weights = Graph({"token": number, "position": number} | caches), network.weights()
    heads_last = graph.constant(np.array([1, 1, 3, n.GPT_HEADS, -1], np.int64))
    flat = graph.constant(np.array([1, 1, n.GPT_WIDTH], np.int64))
    scale = graph.constant(np.float32((n.GPT_WIDTH // n.GPT_HEADS) ** -0.5))
    first = graph.constant(np.array([0], np.int64))

    def product(x: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        return graph.add("Add", graph.add("MatMul", x, graph.constant(kernel)), graph.constant(bias))

    def norm(x: str, name: str) -> str:
        return graph.add("LayerNormalization", x, *map(graph.constant, weights[name]), epsilon=1e-5)

    token = graph.add("Gather", graph.constant(weights["tokens"][0]), "token")
    x = graph.add("Add", token, graph.add("Gather", graph.constant(weights["positions"][0]), "position"))
    x = graph.add("Reshape", x, flat)
    outputs = {"y": (TensorProto.FLOAT, (1, 1, n.VOCABULARY))}
    for layer in range(n.GPT_LAYERS):
        name = f"block{layer}"
        attention = weights[f"{name}_attention"]
        kernel = np.concatenate([part.reshape(n.GPT_WIDTH, -1) for part in attention[0:6:2]], axis=1)
        bias = np.concatenate([part.ravel() for part in attention[1:6:2]])
        inputs = graph.add("Reshape", product(norm(x, f"{name}_norm1"), kernel, bias), heads_last)
        inputs = graph.add("Transpose", inputs, perm=[2, 0, 3, 1, 4])
        parts = [f"{name}_{part}" for part in ("query", "key", "value")]
        graph.nodes.append(helper.make_node("Split", [inputs], parts, axis=0, num_outputs=3))
        query, key, value = (graph.add("Squeeze", part, first) for part in parts)
        key = graph.add("Concat", f"k{layer}", key, output=f"new_k{layer}", axis=2)
        value = graph.add("Concat", f"v{layer}", value, output=f"new_v{layer}", axis=2)
        outputs |= {f"new_{kind}{layer}": (TensorProto.FLOAT, (*past[:2], "all", past[3])) for kind in ("k", "v")}
        scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        seen = graph.add("MatMul", graph.add("Softmax", graph.add("Mul", scores, scale), axis=-1), value)
        y = graph.add("Reshape", graph.add("Transpose", seen, perm=[0, 2, 1, 3]), flat)
        x = graph.add("Add", x, product(y, attention[6].reshape(-1, n.GPT_WIDTH), attention[7]))
        y = graph.add("Gelu", product(norm(x, f"{name}_norm2"), *weights[f"{name}_expand"]))
        x = graph.add("Add", x, product(y, *weights[f"{name}_contract"]))
    y = graph.add("MatMul", norm(x, "norm"), graph.constant(weights["logits"][0]))
    graph.add("Add", y, graph.constant(weights["logits"][1]), output="y")
    return graph.serialized(outputs)
