"""Matrix products, attention, convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.graph.tensor import Node, Tensor
from dlnative.onnx.writing.graph import GraphWriter, NotInOnnx, converts


@converts("matmul")
def _matmul(graph: GraphWriter, node: Node) -> None:
    a, b = node.inputs
    names = []
    for x, transposed in zip((a, b), node.attributes[:2], strict=True):
        array = graph.array(x)
        if transposed and array is not None:
            names.append(graph.constant(np.swapaxes(array, -1, -2)))
        elif transposed:
            names.append(graph.add("Transpose", graph.value(x), perm=[*range(x.ndim - 2), x.ndim - 1, x.ndim - 2]))
        else:
            names.append(graph.value(x))
    graph.set(node.outputs[0], graph.add("MatMul", *names))


@converts("attention")
def _attention(graph: GraphWriter, node: Node) -> None:
    q, k, v, *mask = node.inputs
    causal, _, scale = node.attributes
    unused(graph, node, 1)
    orders = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    heads = [graph.add("Transpose", graph.value(x), perm=order) for x, order in zip((q, k, v), orders, strict=True)]
    scores = graph.add("Mul", graph.add("MatMul", *heads[:2]), graph.like(q, scale))
    if mask:
        low = graph.like(q, -2.3e38 if q.dtype == "float32" else -1.2e308)
        seen = graph.value(mask[0])
        scores = graph.add("Where", seen if mask[0].dtype == "bool" else graph.cast(seen, "bool"), scores, low)
    if causal:
        steps = [graph.count_to(graph.inference.extents(x)[1]) for x in (q, k)]
        before = graph.add("GreaterOrEqual", graph.add("Unsqueeze", steps[0], graph.ints([1])), steps[1])
        scores = graph.add("Where", before, scores, graph.like(q, -np.inf))
    y = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), heads[2])
    graph.set(node.outputs[0], graph.add("Transpose", y, perm=[0, 2, 1, 3]))


def unused(graph: GraphWriter, node: Node, first: int) -> None:
    """Refuses a node whose results from one on, which are for the gradient, are read."""
    if any(graph.is_used(y) for y in node.outputs[first:]):
        raise NotInOnnx(
            f'{graph.inference.call}: expected an inference, got one that reads what "{node.op.name}" keeps'
        )


# Windows: dlnative counts what lies before an image and how many results there are; ONNX counts what lies behind it, too.


def window_attributes(
    graph: GraphWriter, node: Node, window: Sequence[int], strides: Any, dilation: Any, low: list[Any]
) -> dict[str, Any]:
    """Returns the attributes that ONNX's operators with windows share.

    Args:
        graph: the graph.
        node: the node, from whose first input the windows are taken.
        window: the extents of the window.
        strides, dilation: those of the window.
        low: how many places there are before the image, in each of the traced graphs.
    """
    given = graph.inference.extents(node.inputs[0])[1:-1]
    made = graph.inference.extents(node.outputs[0])[1:-1]
    found: dict[str, Any] = {"kernel_shape": list(window), "strides": list(strides), "dilations": list(dilation)}
    before, behind, same = [], [], True
    for axis, (extents, results) in enumerate(zip(given, made, strict=True)):
        reach = (window[axis] - 1) * dilation[axis] + 1
        fronts = [values[axis] for values in low] * (len(extents) // len(low))
        rests = [
            (count - 1) * strides[axis] + reach - front - extent
            for extent, count, front in zip(extents, results, fronts, strict=True)
        ]
        before.append(set(fronts))
        behind.append({max(rest, 0) for rest in rests})
        same = same and all(
            count == -(-extent // strides[axis]) and front == max((count - 1) * strides[axis] + reach - extent, 0) // 2
            for extent, count, front in zip(extents, results, fronts, strict=True)
        )
    if all(len(values) == 1 for values in (*before, *behind)):
        found["pads"] = [values.pop() for values in (*before, *behind)]
    elif same:
        found["auto_pad"] = "SAME_UPPER"
    else:
        raise NotInOnnx(
            f'{graph.inference.call}: expected padding that does not depend on open axes, got some that does in "{node.op.name}": '
            "give their sizes in input_signature"
        )
    return found


def weights(graph: GraphWriter, w: Tensor, permutation: Sequence[int], shape: Sequence[int] | None = None) -> str:
    """Returns the name of a kernel with its axes in another order, and then in another shape."""
    array = graph.array(w)
    if array is not None:
        array = array.transpose(permutation)
        return graph.constant(np.ascontiguousarray(array if shape is None else array.reshape(shape)))
    name = graph.add("Transpose", graph.value(w), perm=list(permutation))
    return name if shape is None else str(graph.add("Reshape", name, graph.ints(shape)))


@converts("conv")
def _conv(graph: GraphWriter, node: Node) -> None:
    x, w = node.inputs
    strides, dilation, _, groups = node.attributes[:4]
    rank = w.ndim - 2
    attributes = window_attributes(graph, node, w.shape[:rank], strides, dilation, graph.attribute(node, 2))
    kernel = weights(graph, w, [rank + 1, rank, *range(rank)])
    graph.set_first(node.outputs[0], graph.add("Conv", graph.first(x), kernel, group=groups, **attributes))


@converts("depthwise_conv")
def _depthwise_conv(graph: GraphWriter, node: Node) -> None:
    x, w = node.inputs
    strides, dilation = node.attributes[:2]
    rank, channels = w.ndim - 1, w.shape[-1]
    attributes = window_attributes(graph, node, w.shape[:rank], strides, dilation, graph.attribute(node, 2))
    kernel = weights(graph, w, [rank, *range(rank)], [channels, 1, *w.shape[:rank]])
    graph.set_first(node.outputs[0], graph.add("Conv", graph.first(x), kernel, group=channels, **attributes))


@converts("conv_input_gradient", "depthwise_conv_input_gradient")
def _conv_transpose(graph: GraphWriter, node: Node) -> None:
    x, w = node.inputs
    strides, dilation = node.attributes[:2]
    by_channel = node.op.name.startswith("depthwise")
    rank = w.ndim - (1 if by_channel else 2)
    window = w.shape[:rank]
    groups = w.shape[-1] if by_channel else node.attributes[3]
    if by_channel:
        kernel = weights(graph, w, [rank, *range(rank)], [groups, 1, *window])
    else:
        kernel = weights(graph, w, [rank + 1, rank, *range(rank)])
    given, made = (graph.inference.extents(tensor)[1:-1] for tensor in (x, node.outputs[0]))
    low = graph.attribute(node, 2)
    fronts, ends, beyond = [], [], []
    for axis in range(rank):
        front = {values[axis] for values in low}
        ends_here = {
            (extent - 1) * strides[axis] + (window[axis] - 1) * dilation[axis] + 1 - values[axis] - result
            for extent, result, values in zip(
                given[axis], made[axis], low * (len(given[axis]) // len(low)), strict=True
            )
        }
        if len(front) > 1 or len(ends_here) > 1:
            raise NotInOnnx(
                f'{graph.inference.call}: expected padding that does not depend on open axes in "{node.op.name}"'
            )
        end = ends_here.pop()
        fronts.append(front.pop())
        ends.append(max(end, 0))
        beyond.append(max(-end, 0))
    cut = [extra if extra >= max(strides[axis], dilation[axis]) else 0 for axis, extra in enumerate(beyond)]
    if any(cut):
        raise NotInOnnx(
            f"{graph.inference.call}: expected an output padding below the strides, got {beyond} with {strides}"
        )
    name = graph.add(
        "ConvTranspose", graph.first(x), kernel, group=groups, kernel_shape=list(window), strides=list(strides),
        dilations=list(dilation), pads=[*fronts, *ends], output_padding=beyond,
    )  # fmt: skip
    graph.set_first(node.outputs[0], name)


@converts("max_pool", "average_pool")
def _pool(graph: GraphWriter, node: Node) -> None:
    strides, dilation, _, window = node.attributes[:4]
    attributes = window_attributes(graph, node, window, strides, dilation, graph.attribute(node, 2))
    if node.op.name == "average_pool":
        attributes["count_include_pad"] = 0
        if set(dilation) == {1}:
            del attributes["dilations"]
        elif graph.opset < 19:
            raise NotInOnnx(
                f"{graph.inference.call}: expected opset_version 19 or more for dilated averages, got {graph.opset}"
            )
    name = graph.add(
        "MaxPool" if node.op.name == "max_pool" else "AveragePool", graph.first(node.inputs[0]), **attributes
    )
    graph.set_first(node.outputs[0], name)


@converts("det")
def _det(graph: GraphWriter, node: Node) -> None:
    graph.set(node.outputs[0], graph.add("Det", graph.value(node.inputs[0])))
