"""Ops that move, choose and reduce elements."""

from __future__ import annotations

import numpy as np

from dlnative.graph.tensor import Node
from dlnative.onnx.writing.elementwise import passed
from dlnative.onnx.writing.graph import GraphWriter, NotInOnnx, converts, first_axis, is_static

_FAR = 2**63 - 1


@converts("reshape", "view")
def _reshape(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    if x.dtype != y.dtype:
        raise NotInOnnx(
            f"{graph.inference.call}: expected no bits read as another type, got a view of {x.dtype} as {y.dtype}"
        )
    given, wanted = graph.inference.extents(x), graph.inference.extents(y)
    if given == wanted:
        passed(graph, node)
        return
    shape: list[int] = []
    inferred = -1 if 0 not in y.shape else None
    for axis, extent in enumerate(wanted):
        if is_static(extent):
            shape.append(extent[0])
        elif axis < len(given) and given[axis] == extent and 0 not in y.shape:
            shape.append(0)
        elif inferred is not None:
            shape.append(inferred)
            inferred = None
        else:
            graph.set(y, graph.add("Reshape", graph.value(x), graph.shape(wanted), allowzero=1))
            return
    graph.set(y, graph.add("Reshape", graph.value(x), graph.ints(shape), allowzero=int(0 in y.shape)))


@converts("transpose")
def _transpose(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    permutation, rank = list(node.attributes[0]), x.ndim
    if rank > 2 and permutation == [0, rank - 1, *range(1, rank - 1)]:
        graph.set(y, graph.first(x))  # what is asked for is the other form
    elif rank > 2 and permutation == [0, *range(2, rank), 1]:
        graph.set_first(y, graph.value(x))
    else:
        graph.set(y, graph.add("Transpose", graph.value(x), perm=permutation))


@converts("concatenate")
def _concatenate(graph: GraphWriter, node: Node) -> None:
    (y,) = node.outputs
    (axis,) = node.attributes
    if y.ndim > 2 and all(graph.is_first(x) for x in node.inputs):
        names = [graph.first(x) for x in node.inputs]
        graph.set_first(y, graph.add("Concat", *names, axis=first_axis(axis % y.ndim, y.ndim)))
    else:
        graph.set(y, graph.add("Concat", *[graph.value(x) for x in node.inputs], axis=axis))


@converts("slice")
def _slice(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    given, wanted = graph.inference.extents(x), graph.inference.extents(y)
    starts, steps = (list(zip(*graph.attribute(node, number), strict=True)) for number in (0, 1))
    if len(starts) == 0:
        passed(graph, node)
        return
    count = len(given[0])
    axes, firsts, stops, strides = [], [], [], []
    for axis in range(x.ndim):
        start, step = (tuple(values) * (count // len(values)) for values in (starts[axis], steps[axis]))
        if not is_static(step):
            raise NotInOnnx(
                f"{graph.inference.call}: expected slices whose steps do not depend on open axes, got {step}"
            )
        if given[axis] == wanted[axis] and step[0] == 1:
            continue
        stop = tuple([a + b * step[0] for a, b in zip(start, wanted[axis], strict=True)])
        axes.append(axis)
        strides.append(step[0])
        firsts.append(start)
        if min(stop) < 0:
            stops.append((-_FAR,) * count)
        else:
            to_end = step[0] > 0 and all(end >= extent for end, extent in zip(stop, given[axis], strict=True))
            stops.append((_FAR,) * count if to_end else stop)
    if not axes:
        passed(graph, node)
        return
    name = graph.add(
        "Slice", graph.value(x), graph.shape(firsts), graph.shape(stops), graph.ints(axes), graph.ints(strides)
    )
    graph.set(y, name)


@converts("pad")
def _pad(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    given, wanted = graph.inference.extents(x), graph.inference.extents(y)
    count = len(given[0]) if given else 1
    before = [tuple(values) * (count // len(values)) for values in zip(*graph.attribute(node, 0), strict=True)]
    after = [
        tuple([b - a - c for a, b, c in zip(small, large, front, strict=True)])
        for small, large, front in zip(given, wanted, before, strict=True)
    ]
    zero = graph.constant(np.zeros((), np.bool_)) if x.dtype == "bool" else graph.like(x, 0)
    if graph.is_first(x):
        order = [0, x.ndim - 1, *range(1, x.ndim - 1)]
        pads = [before[axis] for axis in order] + [after[axis] for axis in order]
        graph.set_first(y, graph.add("Pad", graph.first(x), graph.shape(pads), zero))
    else:
        graph.set(y, graph.add("Pad", graph.value(x), graph.shape([*before, *after]), zero))


@converts("broadcast_to")
def _broadcast_to(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    if graph.inference.extents(x) == graph.inference.extents(y):
        passed(graph, node)
    else:
        graph.set(y, graph.add("Expand", graph.value(x), graph.shape(graph.inference.extents(y))))


@converts("one_hot")
def _one_hot(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    column = graph.add("Unsqueeze", graph.value(x), graph.ints([-1]))
    equal = graph.add("Equal", column, graph.constant(np.arange(y.shape[-1]), x.dtype))
    graph.set(y, equal if y.dtype == "bool" else graph.cast(equal, y.dtype))


@converts("gather")
def _gather(graph: GraphWriter, node: Node) -> None:
    x, indices = node.inputs
    name = graph.value(indices)
    if indices.dtype not in ("int32", "int64"):
        name = graph.cast(name, "int64")
    graph.set(node.outputs[0], graph.add("Gather", graph.value(x), name, axis=node.attributes[0]))


@converts("scatter")
def _scatter(graph: GraphWriter, node: Node) -> None:
    x, indices, updates = node.inputs
    axis, reduction = node.attributes
    name, rows, places = graph.value(x), graph.value(updates), indices.ndim
    if axis:
        name = graph.add("Transpose", name, perm=[axis, *[n for n in range(x.ndim) if n != axis]])
        own = list(range(axis, axis + places))
        rows = graph.add("Transpose", rows, perm=[*own, *[n for n in range(updates.ndim) if n not in own]])
    column = graph.add("Unsqueeze", graph.cast(graph.value(indices), "int64"), graph.ints([-1]))
    kind = ("none", "add", "max", "min", "mul")[reduction]
    made = graph.add("ScatterND", name, column, rows, reduction=kind)
    if axis:
        made = graph.add("Transpose", made, perm=[*range(1, axis + 1), 0, *range(axis + 1, x.ndim)])
    graph.set(node.outputs[0], made)


@converts("argsort")
def _argsort(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    count = graph.extent(graph.inference.extents(x)[-1])
    order = graph.add("TopK", graph.value(x), count, results=2, axis=-1, largest=int(node.attributes[0]), sorted=1)[1]
    graph.set(y, graph.cast(order, y.dtype))


@converts("argmax", "argmin")
def _argmax(graph: GraphWriter, node: Node) -> None:
    axis, keepdims = node.attributes
    op_type = {"argmax": "ArgMax", "argmin": "ArgMin"}[node.op.name]
    x, y = node.inputs[0], node.outputs[0]
    name = graph.cast(graph.value(x), "int32") if x.dtype == "bool" else graph.value(x)
    graph.set(y, graph.cast(graph.add(op_type, name, axis=axis, keepdims=int(keepdims)), y.dtype))


@converts("sum", "mean", "max", "min")
def _reduce(graph: GraphWriter, node: Node) -> None:
    x, y = node.inputs[0], node.outputs[0]
    axis, count, keepdims = node.attributes
    op_type = {"sum": "ReduceSum", "mean": "ReduceMean", "max": "ReduceMax", "min": "ReduceMin"}[node.op.name]
    axes = list(range(axis, axis + count))
    if not axes:
        passed(graph, node)
        return
    if graph.is_first(x) and (keepdims or axes == list(range(1, x.ndim - 1))):
        moved = graph.ints(sorted(first_axis(n, x.ndim) for n in axes))
        name = graph.add(op_type, graph.first(x), moved, keepdims=int(keepdims))
        (graph.set_first if keepdims else graph.set)(y, name)
    else:
        graph.set(y, graph.add(op_type, graph.value(x), graph.ints(axes), keepdims=int(keepdims)))
