"""Operators that move, choose and reduce elements, and that know shapes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.onnx.reading.operators import Image, Node, as_ints, reads
from dlnative.onnx.reading.tensors import array_of

_MOST_MADE = 1 << 28  # elements that a constant or a repetition may have


@reads("Constant")
def _constant(node: Node) -> Any:
    for name, kind in (
        ("value_float", np.float32),
        ("value_int", np.int64),
        ("value_floats", np.float32),
        ("value_ints", np.int64),
    ):
        if node.get(name) is not None:
            return np.asarray(node.get(name), kind)
    if node.get("value") is None:
        raise node.refuse("a tensor or numbers as its value")
    return array_of(node.get("value"), node.graph.folder)


@reads("Shape", images=True)
def _shape(node: Node, x: Any) -> Any:
    return np.asarray(tuple(x.shape), np.int64)[node.get("start", 0) : node.get("end")]


@reads("Size", images=True)
def _size(node: Node, x: Any) -> Any:
    return np.asarray(math.prod(x.shape), np.int64)


def _of_size(node: Node, shape: list[int]) -> tuple[int, ...]:
    if any(extent < 0 for extent in shape) or math.prod(shape) > _MOST_MADE:
        raise node.refuse(f"a shape of at most {_MOST_MADE} elements, got {shape}")
    return tuple(shape)


@reads("ConstantOfShape")
def _constant_of_shape(node: Node, shape: Any) -> Any:
    value = node.get("value")
    number = np.zeros(1, np.float32) if value is None else array_of(value, None)
    return np.full(_of_size(node, as_ints(node.known(shape, "a shape"))), number.reshape(-1)[0])


@reads("Range")
def _range(node: Node, start: Any, limit: Any, delta: Any) -> Any:
    first, last, step = (node.known(value, "a range").item() for value in (start, limit, delta))
    if step == 0:
        raise node.refuse("a step other than 0, got 0")
    _of_size(node, [max(0, math.ceil((last - first) / step))])
    return np.arange(first, last, step, dtype=start.dtype)


@reads("EyeLike")
def _eye_like(node: Node, x: Any) -> Any:
    return ops.eye(x.shape[0], x.shape[1], k=node.get("k", 0), dtype=str(x.dtype))


@reads("Reshape")
def _reshape(node: Node, x: Any, shape: Any = None) -> Any:
    wanted = as_ints(node.known(shape, "a shape")) if shape is not None else list(node.get("shape", []))
    if not node.get("allowzero", 0):
        if any(extent == 0 and axis >= len(x.shape) for axis, extent in enumerate(wanted)):
            raise node.refuse(f"a shape whose zeros stand for axes of {tuple(x.shape)}, got {wanted}")
        wanted = [x.shape[axis] if extent == 0 else extent for axis, extent in enumerate(wanted)]
    return ops.reshape(x, tuple(wanted))


@reads("Flatten")
def _flatten(node: Node, x: Any) -> Any:
    shape = tuple(x.shape)
    axis = node.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return ops.reshape(x, (math.prod(shape[:axis]), math.prod(shape[axis:])))


@reads("Transpose", images=True)
def _transpose(node: Node, x: Any) -> Any:
    rank = len(x.shape)
    order = list(node.get("perm", range(rank)[::-1]))
    if isinstance(x, Image) and order == [0, *range(2, rank), 1]:
        return x.last
    if not isinstance(x, Image) and rank > 2 and order == [0, rank - 1, *range(1, rank - 1)]:
        return Image(x)
    return ops.transpose(x.first if isinstance(x, Image) else x, order)


@reads("Squeeze")
def _squeeze(node: Node, x: Any, axes: Any = None) -> Any:
    wanted = _axes(node, axes)
    return ops.squeeze(x) if wanted is None else ops.squeeze(x, tuple(wanted)) if wanted else x


@reads("Unsqueeze")
def _unsqueeze(node: Node, x: Any, axes: Any = None) -> Any:
    wanted = _axes(node, axes) or []
    rank = len(x.shape) + len(wanted)
    for axis in sorted(axis % rank for axis in wanted):
        x = ops.expand_dims(x, axis)
    return x


def _axes(node: Node, axes: Any) -> list[int] | None:
    if axes is not None:
        return as_ints(node.known(axes, "axes"))
    return None if node.get("axes") is None else list(node.get("axes"))


@reads("Concat", images=True)
def _concat(node: Node, *xs: Any) -> Any:
    axis = node.get("axis", 0)
    if all(isinstance(x, Image) for x in xs):
        rank = len(xs[0].shape)
        axis %= rank
        return Image(
            ops.concatenate([x.last for x in xs], axis=axis if axis == 0 else rank - 1 if axis == 1 else axis - 1)
        )
    return ops.concatenate([x.first if isinstance(x, Image) else x for x in xs], axis=axis)


@reads("Split")
def _split(node: Node, x: Any, split: Any = None) -> Any:
    axis = node.get("axis", 0) % len(x.shape)
    sizes = as_ints(node.known(split, "sizes")) if split is not None else node.get("split")
    if sizes is None:
        count = node.get("num_outputs", len(node.outputs))
        each = -(-x.shape[axis] // count)
        sizes = [min(each, x.shape[axis] - each * number) for number in range(count)]
    if min(sizes) < 0 or sum(sizes) != x.shape[axis]:
        raise node.refuse(f"sizes that make {x.shape[axis]}, got {list(sizes)}")
    return tuple(ops.split(x, np.cumsum(sizes)[:-1].tolist(), axis=axis)) if len(sizes) > 1 else x


@reads("Slice")
def _slice(node: Node, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    firsts = list(node.get("starts", [])) if starts is None else as_ints(node.known(starts, "a start"))
    lasts = list(node.get("ends", [])) if ends is None else as_ints(node.known(ends, "an end"))
    wanted = _axes(node, axes)
    wanted = list(range(len(firsts))) if wanted is None else wanted
    strides = [1] * len(firsts) if steps is None else as_ints(node.known(steps, "steps"))
    index = [slice(None)] * len(x.shape)
    for axis, first, last, step in zip(wanted, firsts, lasts, strides, strict=True):
        if step == 0 or not -len(x.shape) <= axis < len(x.shape):
            raise node.refuse(f"axes of {tuple(x.shape)} and steps other than 0, got axis {axis} and step {step}")
        extent = x.shape[axis]
        begins = max(first + extent, 0) if first < 0 else first
        ends_at: int | None = max(last + extent, -1) if last < 0 else last
        if step > 0:
            begins, ends_at = min(begins, extent), min(max(ends_at or 0, 0), extent)
        else:
            begins = min(begins, extent - 1)
            ends_at = None if ends_at is not None and ends_at < 0 else ends_at
        index[axis] = slice(begins, ends_at, step)
    return x[tuple(index)]


@reads("Expand")
def _expand(node: Node, x: Any, shape: Any) -> Any:
    wanted = np.broadcast_shapes(tuple(x.shape), tuple(as_ints(node.known(shape, "a shape"))))
    return ops.broadcast_to(x, _of_size(node, list(wanted)))


@reads("Tile")
def _tile(node: Node, x: Any, repeats: Any) -> Any:
    counts = as_ints(node.known(repeats, "repeats"))
    _of_size(node, [extent * count for extent, count in zip(x.shape, counts, strict=True)])
    return ops.tile(x, counts)


@reads("Pad", images=True)
def _pad(node: Node, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    rank = len(x.shape)
    given = list(node.get("pads", [])) if pads is None else as_ints(node.known(pads, "pads"))
    wanted = list(range(rank)) if axes is None else [axis % rank for axis in as_ints(node.known(axes, "axes"))]
    widths = [(0, 0)] * rank
    for place, axis in enumerate(wanted):
        widths[axis] = (given[place], given[place + len(wanted)])
    mode = node.get("mode", b"constant").decode()
    if mode not in ("constant", "reflect", "edge"):
        raise node.refuse(f"the mode constant, reflect or edge, got {mode}")
    number = node.get("value", 0.0) if value is None else node.known(value, "a value").item()
    last = isinstance(x, Image)
    y = x.last if last else x
    if last:
        widths = [widths[0], *widths[2:], widths[1]]
    cut = tuple(
        slice(max(-before, 0), extent - max(-after, 0)) for (before, after), extent in zip(widths, y.shape, strict=True)
    )
    y = y[cut] if any(min(width) < 0 for width in widths) else y
    widths = [(max(before, 0), max(after, 0)) for before, after in widths]
    _of_size(node, [extent + before + after for (before, after), extent in zip(widths, y.shape, strict=True)])
    if mode == "constant":
        y = ops.pad(y, widths, constant_values=ops.cast(number, str(y.dtype)) if number else None)
    else:
        y = (
            ops.pad(y, widths, mode={"reflect": "reflect", "edge": "symmetric"}[mode])
            if mode == "reflect"
            else _edge(y, widths)
        )
    return Image(y) if last else y


def _edge(x: Any, widths: list[tuple[int, int]]) -> Any:
    for axis, (before, after) in enumerate(widths):
        if before or after:
            places = np.clip(np.arange(-before, x.shape[axis] + after), 0, x.shape[axis] - 1)
            x = ops.take(x, places, axis=axis)
    return x


@reads("Gather")
def _gather(node: Node, x: Any, indices: Any) -> Any:
    return ops.take(x, indices, axis=node.get("axis", 0))


@reads("GatherElements")
def _gather_elements(node: Node, x: Any, indices: Any) -> Any:
    return ops.take_along_axis(x, indices, axis=node.get("axis", 0))


@reads("ArrayFeatureExtractor")
def _array_feature_extractor(node: Node, x: Any, indices: Any) -> Any:
    return ops.take(x, ops.reshape(indices, (-1,)), axis=-1)


@reads("GatherND")
def _gather_nd(node: Node, x: Any, indices: Any) -> Any:
    if node.get("batch_dims", 0):
        raise node.refuse(f"batch_dims 0, got {node.get('batch_dims')}")
    depth = indices.shape[-1]
    rows = ops.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:]))
    return ops.take(rows, _places(indices, x.shape[:depth]), axis=0)


def _places(indices: Any, shape: Any) -> Any:
    """The numbers of rows that indices of several axes name."""
    strides = np.asarray([math.prod(shape[axis + 1 :]) for axis in range(len(shape))], np.int64)
    extents = np.asarray(tuple(shape), np.int64)
    whole = ops.where(ops.less(indices, 0), indices + extents, indices)
    return ops.sum(whole * strides, axis=-1)


@reads("ScatterND")
def _scatter_nd(node: Node, x: Any, indices: Any, updates: Any) -> Any:
    from dlnative.ops.core import call

    depth = indices.shape[-1]
    rows = ops.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:]))
    kind = _reduction(node)
    places = ops.cast(_places(indices, x.shape[:depth]), "int64")
    return ops.reshape(call("scatter", rows, places, updates, attributes=(0, kind)), tuple(x.shape))


def _reduction(node: Node) -> int:
    names = (b"none", b"add", b"max", b"min", b"mul")
    given = node.get("reduction", b"none")
    if given not in names:
        raise node.refuse(f"a reduction of {[name.decode() for name in names]}, got {given!r}")
    return names.index(given)


@reads("ScatterElements")
def _scatter_elements(node: Node, x: Any, indices: Any, updates: Any) -> Any:
    from dlnative.ops.core import call

    axis = node.get("axis", 0) % len(x.shape)
    grids = np.indices(tuple(indices.shape))
    parts = [ops.cast(indices, "int64") if n == axis else grids[n].astype(np.int64) for n in range(len(x.shape))]
    places = _places(ops.stack(parts, axis=-1), x.shape)
    flat = call(
        "scatter",
        ops.reshape(x, (-1,)),
        ops.reshape(places, (-1,)),
        ops.reshape(updates, (-1,)),
        attributes=(0, _reduction(node)),
    )
    return ops.reshape(flat, tuple(x.shape))


@reads("OneHot")
def _one_hot(node: Node, indices: Any, depth: Any, values: Any) -> Any:
    count = int(node.known(depth, "a depth").reshape(-1)[0])
    whole = ops.where(ops.less(indices, 0), indices + count, indices)
    hot = ops.one_hot(whole, count, axis=node.get("axis", -1), dtype="bool")
    return ops.where(hot, values[1], values[0])


@reads("Trilu")
def _trilu(node: Node, x: Any, k: Any = None) -> Any:
    shift = 0 if k is None else int(node.known(k, "a diagonal").item())
    return ops.triu(x, k=shift) if node.get("upper", 1) else ops.tril(x, k=shift)


@reads("CumSum")
def _cumsum(node: Node, x: Any, axis: Any) -> Any:
    along = int(node.known(axis, "an axis").item())
    y = ops.flip(x, axis=along) if node.get("reverse", 0) else x
    total = ops.cumsum(y, axis=along)
    total = total - y if node.get("exclusive", 0) else total
    return ops.flip(total, axis=along) if node.get("reverse", 0) else total


@reads("TopK")
def _top_k(node: Node, x: Any, k: Any = None) -> Any:
    count = node.get("k") if k is None else int(node.known(k, "a number").item())
    axis = node.get("axis", -1)
    rows = ops.moveaxis(x, axis, -1)
    from dlnative.ops.core import call

    order = call("argsort", rows, attributes=(bool(node.get("largest", 1)),))[..., :count]
    values = ops.take_along_axis(rows, order, axis=-1)
    return ops.moveaxis(values, -1, axis), ops.cast(ops.moveaxis(order, -1, axis), "int64")


@reads("ArgMax", "ArgMin")
def _argmax(node: Node, x: Any) -> Any:
    axis, keepdims = node.get("axis", 0), bool(node.get("keepdims", 1))
    function = ops.argmax if node.op_type == "ArgMax" else ops.argmin
    if node.get("select_last_index", 0):
        last = x.shape[axis] - 1 - function(ops.flip(x, axis=axis), axis=axis, keepdims=keepdims)
        return ops.cast(last, "int64")
    return ops.cast(function(x, axis=axis, keepdims=keepdims), "int64")


_REDUCTIONS: dict[str, Any] = {
    "ReduceSum": ops.sum, "ReduceMean": ops.mean, "ReduceMax": ops.max, "ReduceMin": ops.min, "ReduceProd": ops.prod,
    "ReduceL1": lambda x, **how: ops.sum(ops.abs(x), **how), "ReduceLogSumExp": ops.logsumexp,
    "ReduceL2": lambda x, **how: ops.sqrt(ops.sum(ops.square(x), **how)),
    "ReduceSumSquare": lambda x, **how: ops.sum(ops.square(x), **how),
    "ReduceLogSum": lambda x, **how: ops.log(ops.sum(x, **how)),
}  # fmt: skip


@reads(*_REDUCTIONS, images=True)
def _reduce(node: Node, x: Any, axes: Any = None) -> Any:
    wanted = _axes(node, axes)
    if not wanted:
        if node.get("noop_with_empty_axes", 0):
            return x
        wanted = list(range(len(x.shape)))
    keepdims, rank = bool(node.get("keepdims", 1)), len(x.shape)
    wanted = sorted(axis % rank for axis in wanted)
    dtype = str(x.dtype)
    if isinstance(x, Image) and (keepdims or wanted == list(range(2, rank))):
        moved = tuple(axis if axis == 0 else rank - 1 if axis == 1 else axis - 1 for axis in wanted)
        y = ops.cast(_REDUCTIONS[node.op_type](x.last, axis=moved, keepdims=keepdims), dtype)
        return Image(y) if keepdims else y
    y = x.first if isinstance(x, Image) else x
    return ops.cast(_REDUCTIONS[node.op_type](y, axis=tuple(wanted), keepdims=keepdims), dtype)


@reads("DepthToSpace")
def _depth_to_space(node: Node, x: Any) -> Any:
    batch, channels, *sides = x.shape
    block = node.get("blocksize", 1)
    own = channels // block**2
    if node.get("mode", b"DCR") == b"DCR":
        y, order = ops.reshape(x, (batch, block, block, own, *sides)), (0, 3, 4, 1, 5, 2)
    else:
        y, order = ops.reshape(x, (batch, own, block, block, *sides)), (0, 1, 4, 2, 5, 3)
    return ops.reshape(ops.transpose(y, order), (batch, own, sides[0] * block, sides[1] * block))


@reads("SpaceToDepth")
def _space_to_depth(node: Node, x: Any) -> Any:
    batch, channels, height, width = x.shape
    block = node.get("blocksize", 1)
    y = ops.reshape(x, (batch, channels, height // block, block, width // block, block))
    return ops.reshape(
        ops.transpose(y, (0, 3, 5, 1, 2, 4)), (batch, channels * block**2, height // block, width // block)
    )
