"""Recurrent networks: ONNX's own operators, and a scan of the steps where a mask leaves some out.

ONNX orders the gates of an LSTM input, output, forget, cell; dlnative input, forget, cell, output. Both order those of a GRU
update, reset, hidden. ONNX has time first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.tensor import Node, Tensor
from dlnative.onnx.writing.graph import GraphWriter, converts
from dlnative.onnx.writing.products import unused

_LSTM_ORDER = (0, 3, 1, 2)


@converts("lstm")
def _lstm(graph: GraphWriter, node: Node) -> None:
    z, h0, c0, r, *mask = node.inputs
    unused(graph, node, 3)
    if mask:
        _masked(graph, node, z, [h0, c0], mask[0], lambda z, states: _lstm_step(graph, r, z, states))
    else:
        _whole(graph, node, "LSTM", z, [h0, c0], r, None, _LSTM_ORDER)


@converts("gru")
def _gru(graph: GraphWriter, node: Node) -> None:
    z, h0, w, *more = node.inputs
    _, reset_after, masked = node.attributes
    unused(graph, node, 2)
    bias = more[0] if reset_after else None
    if masked:
        _masked(graph, node, z, [h0], more[-1], lambda z, states: _gru_step(graph, w, bias, z, states))
    else:
        _whole(graph, node, "GRU", z, [h0], w, bias, (0, 1, 2), linear_before_reset=int(reset_after))


@converts("simple_rnn")
def _simple_rnn(graph: GraphWriter, node: Node) -> None:
    z, h0, r, *mask = node.inputs
    if mask:
        _masked(graph, node, z, [h0], mask[0], lambda z, states: _simple_step(graph, r, z, states))
    else:
        _whole(graph, node, "RNN", z, [h0], r, None, (0,))


def _whole(
    graph: GraphWriter, node: Node, op_type: str, z: Tensor, states: Sequence[Tensor], r: Tensor, bias: Tensor | None,
    order: Sequence[int], **attributes: Any,
) -> None:  # fmt: skip
    """Writes a whole sequence as one operator."""
    gates, units = len(order), r.shape[0]
    x, w, b = _input_product(graph, z)
    kernel = np.eye(gates * units, dtype=np.float32 if z.dtype == "float32" else np.float64) if w is None else w
    known = graph.array(r)
    recurrent = _turned(graph, r, order, units) if known is None else _by_gate(graph, known, order, units)
    biases = np.zeros((2, gates * units), kernel.dtype)
    if b is not None:
        biases[0] = b
    recurrent_bias = None if bias is None else graph.array(bias)
    if recurrent_bias is not None:
        biases[1] = recurrent_bias
    parts = biases.reshape(2, gates, units)[:, list(order)].reshape(1, -1)
    summed = graph.constant(parts)
    if bias is not None and recurrent_bias is None:
        rest = graph.add("Concat", graph.constant(np.zeros(gates * units, kernel.dtype)), graph.value(bias), axis=0)
        summed = graph.add("Add", summed, graph.add("Unsqueeze", rest, graph.ints([0])))
    time_first = graph.add("Transpose", x, perm=[1, 0, 2])
    initial = [graph.add("Unsqueeze", graph.value(state), graph.ints([0])) for state in states]
    kernels = (_by_gate(graph, kernel, order, units), recurrent)
    made = graph.add(
        op_type, time_first, *kernels, summed, "", *initial, results=1 + len(states), hidden_size=units,
        direction="reverse" if node.attributes[0] else "forward", **attributes,
    )  # fmt: skip
    graph.set(node.outputs[0], graph.add("Transpose", graph.add("Squeeze", made[0], graph.ints([1])), perm=[1, 0, 2]))
    for tensor, name in zip(node.outputs[1:], made[1:], strict=False):
        graph.set(tensor, graph.add("Squeeze", name, graph.ints([0])))


def _input_product(graph: GraphWriter, z: Tensor) -> tuple[str, Any, Any]:
    """Returns x, and the arrays W and b where z = x W + b; z itself, and no arrays, where it is something else."""
    bias, product = None, z
    node = z.node
    if node is not None and node.op.name == "add":
        found = [(graph.array(b), a) for a, b in (node.inputs, node.inputs[::-1]) if b.ndim == 1]
        if found and found[0][0] is not None:
            bias, product = found[0]
    maker = product.node
    if maker is not None and maker.op.name == "matmul" and not any(maker.attributes[:2]) and maker.inputs[1].ndim == 2:
        w = graph.array(maker.inputs[1])
        if w is not None:
            return graph.value(maker.inputs[0]), w, bias
    return graph.value(z), None, None


def _by_gate(graph: GraphWriter, array: Any, order: Sequence[int], units: int) -> str:
    """A matrix whose columns are the gates' as ONNX has it: transposed, the gates in its order."""
    rows = array.T.reshape(len(order), units, -1)[list(order)]
    return graph.constant(np.ascontiguousarray(rows.reshape(1, len(order) * units, -1)))


def _turned(graph: GraphWriter, r: Tensor, order: Sequence[int], units: int) -> str:
    places = np.concatenate([np.arange(gate * units, (gate + 1) * units) for gate in order])
    rows = graph.add("Gather", graph.add("Transpose", graph.value(r), perm=[1, 0]), graph.ints(places.tolist()), axis=0)
    return str(graph.add("Unsqueeze", rows, graph.ints([0])))


def _masked(graph: GraphWriter, node: Node, z: Tensor, states: Sequence[Tensor], mask: Tensor, step: Any) -> None:
    """Writes a scan over the steps, in which states stay as they are where the mask is 0."""
    helper = graph.onnx.helper
    kind = graph.type_of(z.dtype)
    rows = graph.add("Transpose", graph.value(z), perm=[1, 0, 2])
    kept = graph.add("Cast", graph.value(mask), to=graph.type_of("bool"))
    columns = graph.add("Unsqueeze", graph.add("Transpose", kept, perm=[1, 0]), graph.ints([2]))
    initial = [graph.value(state) for state in states]
    own = [graph.unique(name) for name in ("state", "carry")[: len(states)]]
    row, column = graph.unique("row"), graph.unique("kept")
    inputs = [helper.make_tensor_value_info(name, kind, None) for name in (*own, row)]
    inputs.append(helper.make_tensor_value_info(column, graph.type_of("bool"), None))
    with graph.subgraph() as nodes:
        after = [graph.add("Where", column, new, old) for new, old in zip(step(row, own), own, strict=True)]
        shown = graph.add("Identity", after[0])
    outputs = [helper.make_tensor_value_info(name, kind, None) for name in (*after, shown)]
    body = helper.make_graph(nodes, "step", inputs, outputs)
    direction = int(node.attributes[0])
    made = graph.add(
        "Scan", *initial, rows, columns, results=len(states) + 1, body=body, num_scan_inputs=2,
        scan_input_directions=[direction, direction], scan_output_directions=[direction],
    )  # fmt: skip
    graph.set(node.outputs[0], graph.add("Transpose", made[-1], perm=[1, 0, 2]))
    for tensor, name in zip(node.outputs[1:], made[: len(states)], strict=False):
        graph.set(tensor, name)


def _simple_step(graph: GraphWriter, r: Tensor, z: str, states: Sequence[str]) -> list[str]:
    return [graph.add("Tanh", graph.add("Add", z, graph.add("MatMul", states[0], graph.value(r))))]


def _lstm_step(graph: GraphWriter, r: Tensor, z: str, states: Sequence[str]) -> list[str]:
    h, c = states
    parts = graph.add(
        "Split", graph.add("Add", z, graph.add("MatMul", h, graph.value(r))), results=4, axis=-1, num_outputs=4
    )
    i, f, o = (graph.add("Sigmoid", parts[number]) for number in (0, 1, 3))
    cell = graph.add("Add", graph.add("Mul", f, c), graph.add("Mul", i, graph.add("Tanh", parts[2])))
    return [graph.add("Mul", o, graph.add("Tanh", cell)), cell]


def _gru_step(graph: GraphWriter, w: Tensor, bias: Tensor | None, x: str, states: Sequence[str]) -> list[str]:
    (h,) = states
    units = w.shape[0]
    whole = graph.value(w)

    def part(name: str, first: int, stop: int, axis: int) -> str:
        return str(graph.add("Slice", name, graph.ints([first]), graph.ints([stop]), graph.ints([axis])))

    x_zr, x_n = part(x, 0, 2 * units, 1), part(x, 2 * units, 3 * units, 1)
    inner = graph.add("MatMul", h, part(whole, 0, 2 * units, 1))
    if bias is not None:
        inner = graph.add("Add", inner, part(graph.value(bias), 0, 2 * units, 0))
    z, r = graph.add("Split", graph.add("Sigmoid", graph.add("Add", x_zr, inner)), results=2, axis=-1, num_outputs=2)
    w_n = part(whole, 2 * units, 3 * units, 1)
    if bias is None:
        hidden = graph.add("MatMul", graph.add("Mul", r, h), w_n)
    else:
        product = graph.add("Add", graph.add("MatMul", h, w_n), part(graph.value(bias), 2 * units, 3 * units, 0))
        hidden = graph.add("Mul", r, product)
    n = graph.add("Tanh", graph.add("Add", x_n, hidden))
    return [graph.add("Add", n, graph.add("Mul", z, graph.add("Sub", h, n)))]
