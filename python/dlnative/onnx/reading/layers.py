"""Products, convolution, pooling, normalization and resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.op import OPS
from dlnative.graph.roles import PLAIN
from dlnative.onnx.reading.operators import Image, Node, as_ints, last_of, reads
from dlnative.ops.core import invoke


@reads("MatMul")
def _matmul(node: Node, a: Any, b: Any) -> Any:
    return ops.matmul(a, b)


@reads("Gemm")
def _gemm(node: Node, a: Any, b: Any, c: Any = None) -> Any:
    a = ops.transpose(a) if node.get("transA", 0) else a
    b = ops.transpose(b) if node.get("transB", 0) else b
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    y = ops.matmul(a, b)
    y = y if alpha == 1 else alpha * y
    return y if c is None or beta == 0 else y + (c if beta == 1 else beta * c)


@reads("Einsum")
def _einsum(node: Node, *xs: Any) -> Any:
    return ops.einsum(node.get("equation", b"").decode(), *xs)


@reads("Det")
def _det(node: Node, x: Any) -> Any:
    return ops.det(x)


# Windows.


def _numbers(node: Node, name: str, rank: int) -> tuple[int, ...]:
    """An attribute with a number for each axis; 1 by default."""
    values = tuple(node.get(name) or (1,) * rank)
    if len(values) != rank or min(values) < 1:
        raise node.refuse(f"{rank} numbers of 1 or more as {name}, got {list(values)}")
    return values


def _window(node: Node, extents: Sequence[int], window: Sequence[int], ceil: bool = False) -> tuple[Any, ...]:
    """Returns strides, dilation, what lies before the image, and the extents of the result."""
    rank = len(window)
    strides, dilation = _numbers(node, "strides", rank), _numbers(node, "dilations", rank)
    pads = list(node.get("pads") or [0] * (2 * rank))
    auto = node.get("auto_pad", b"NOTSET")
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    low, out = [], []
    for axis in range(rank):
        if auto in (b"SAME_UPPER", b"SAME_LOWER"):
            count = -(-extents[axis] // strides[axis])
            total = max((count - 1) * strides[axis] + reach[axis] - extents[axis], 0)
            before = total // 2 if auto == b"SAME_UPPER" else total - total // 2
        else:
            before, behind = (0, 0) if auto == b"VALID" else (pads[axis], pads[axis + rank])
            room = extents[axis] + before + behind - reach[axis]
            count = (-(-room // strides[axis]) if ceil else room // strides[axis]) + 1
            if ceil and (count - 1) * strides[axis] >= extents[axis] + before:  # it would begin behind the image
                count -= 1
        low.append(before)
        out.append(count)
    if min(low, default=0) < 0 or min(out, default=1) < 1:
        raise node.refuse(f"windows of {list(window)} within an image of {list(extents)} and its padding")
    return strides, dilation, tuple(low), tuple(out)


def _with_bias(y: Any, b: Any) -> Any:
    return y if b is None else y + b


def _kernel(node: Node, w: Any) -> Any:
    kernel = node.prepared.get("kernel")
    if kernel is None:
        return ops.transpose(w, (*range(2, len(w.shape)), 1, 0))
    return ops.convert_to_tensor(kernel)


@reads("Conv", images=True)
def _conv(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    kernel = _kernel(node, w)
    image = last_of(x)
    groups = node.get("group", 1)
    own, filters = kernel.shape[-2:]
    if image.shape[-1] != own * groups or filters % groups:
        raise node.refuse(f"{own * groups} channels, got {image.shape[-1]}")
    strides, dilation, low, out = _window(node, image.shape[1:-1], kernel.shape[:-2])
    if own == 1 and groups > 1:
        if filters > groups:
            image = ops.repeat(image, filters // groups, axis=-1)
        by_channel = ops.reshape(kernel, (*kernel.shape[:-2], filters))
        y = invoke(OPS["depthwise_conv"], (image, by_channel), (strides, dilation, low, out))
    else:
        y = invoke(OPS["conv"], (image, kernel), (strides, dilation, low, groups, out, PLAIN))
    return Image(_with_bias(y, b))


@reads("ConvTranspose", images=True)
def _conv_transpose(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    kernel = _kernel(node, w)
    image, window = last_of(x), tuple(kernel.shape[:-2])
    rank = len(window)
    strides, dilation = _numbers(node, "strides", rank), _numbers(node, "dilations", rank)
    beyond = list(node.get("output_padding") or [0] * rank)
    pads = list(node.get("pads") or [0] * (2 * rank))
    wanted = node.get("output_shape")
    auto = node.get("auto_pad", b"NOTSET")
    low, out = [], []
    for axis in range(rank):
        whole = (image.shape[1 + axis] - 1) * strides[axis] + (window[axis] - 1) * dilation[axis] + 1 + beyond[axis]
        if wanted is not None or auto in (b"SAME_UPPER", b"SAME_LOWER"):
            extent = list(wanted)[-rank:][axis] if wanted is not None else image.shape[1 + axis] * strides[axis]
            total = max(whole - extent, 0)
            low.append(total // 2 if auto == b"SAME_UPPER" else total - total // 2)
        else:
            extent = whole - pads[axis] - pads[axis + rank] if auto != b"VALID" else whole
            low.append(pads[axis] if auto != b"VALID" else 0)
        out.append(extent)
    if min(low) < 0 or min(out) < 1:
        raise node.refuse(f"padding of 0 or more, and results, got {pads}")
    attributes = (strides, dilation, tuple(low), node.get("group", 1), tuple(out), PLAIN)
    return Image(_with_bias(invoke(OPS["conv_input_gradient"], (image, kernel), attributes), b))


@reads("MaxPool", "AveragePool", images=True)
def _pool(node: Node, x: Any) -> Any:
    if len(node.outputs) > 1 and node.outputs[1]:
        raise node.refuse("one result, got the places of the largest, too")
    image, window = last_of(x), tuple(node.get("kernel_shape", ()))
    strides, dilation, low, out = _window(node, image.shape[1:-1], window, bool(node.get("ceil_mode", 0)))
    attributes = (strides, dilation, low, window, out)
    name = "max_pool" if node.op_type == "MaxPool" else "average_pool"
    y = invoke(OPS[name], (image,), attributes)
    pads = list(node.get("pads") or [0] * (2 * len(window)))
    if name == "average_pool" and node.get("count_include_pad", 0) and any(pads):
        y = y * _shares(node, image.shape[1:-1], attributes, pads).astype(str(y.dtype))
    return Image(y)


def _shares(node: Node, extents: Sequence[int], attributes: tuple[Any, ...], pads: list[int]) -> Any:
    """For each window, the share of its places, those of the padding among them, that lie in the image."""
    strides, dilation, low, window, out = attributes
    share = np.ones((1, *out, 1))
    rank = len(window)
    for axis in range(rank):
        places = np.arange(out[axis])[:, None] * strides[axis] - low[axis] + np.arange(window[axis]) * dilation[axis]
        inside = ((places >= 0) & (places < extents[axis])).sum(axis=1)
        counted = (places < extents[axis] + pads[axis + rank]).sum(axis=1)
        share = share * (inside / counted).reshape([-1 if n == axis + 1 else 1 for n in range(rank + 2)])
    return share


@reads("GlobalAveragePool", "GlobalMaxPool", images=True)
def _global_pool(node: Node, x: Any) -> Any:
    image = last_of(x)
    axes = tuple(range(1, len(image.shape) - 1))
    return Image((ops.mean if node.op_type == "GlobalAveragePool" else ops.max)(image, axis=axes, keepdims=True))


# Normalization.


@reads("BatchNormalization", images=True)
def _batch_normalization(node: Node, x: Any, scale: Any, bias: Any, mean: Any, variance: Any) -> Any:
    epsilon = node.get("epsilon", 1e-5)
    y = x.last if isinstance(x, Image) else last_of(x) if len(x.shape) > 2 else x
    made = ops.batch_normalization(y, mean, variance, axis=-1, offset=bias, scale=scale, epsilon=epsilon)
    return Image(made) if len(x.shape) > 2 else made


@reads("InstanceNormalization", images=True)
def _instance_normalization(node: Node, x: Any, scale: Any, bias: Any) -> Any:
    image = last_of(x)
    axes = tuple(range(1, len(image.shape) - 1))
    apart = image - ops.mean(image, axis=axes, keepdims=True)
    rstd = ops.rsqrt(ops.mean(ops.square(apart), axis=axes, keepdims=True) + node.get("epsilon", 1e-5))
    return Image(apart * rstd * scale + bias)


@reads("GroupNormalization")
def _group_normalization(node: Node, x: Any, scale: Any, bias: Any) -> Any:
    shape, groups = tuple(x.shape), node.get("num_groups")
    rows = ops.reshape(x, (shape[0], groups, -1))
    apart = rows - ops.mean(rows, axis=-1, keepdims=True)
    unit = apart * ops.rsqrt(ops.mean(ops.square(apart), axis=-1, keepdims=True) + node.get("epsilon", 1e-5))
    if scale.shape[0] != shape[1]:  # before version 21, one number for each group
        scale, bias = (ops.repeat(given, shape[1] // groups, axis=0) for given in (scale, bias))
    column = (1, shape[1], *[1] * (len(shape) - 2))
    return ops.reshape(unit, shape) * ops.reshape(scale, column) + ops.reshape(bias, column)


@reads("LayerNormalization", "SimplifiedLayerNormalization", "RMSNormalization")
def _layer_normalization(node: Node, x: Any, scale: Any, bias: Any = None) -> Any:
    if len([name for name in node.outputs if name]) > 1:
        raise node.refuse("one result, got the statistics, too")
    centered = node.op_type == "LayerNormalization"
    epsilon, axis = node.get("epsilon", 1e-5), node.get("axis", -1) % len(x.shape)
    shape = tuple(x.shape)
    rows = ops.reshape(x, (*shape[:axis], math.prod(shape[axis:])))
    gamma = ops.reshape(ops.broadcast_to(scale, shape[axis:]), (-1,))
    beta = ops.zeros_like(gamma) if bias is None else ops.reshape(ops.broadcast_to(bias, shape[axis:]), (-1,))
    y = invoke(OPS["layer_normalization"], (rows, gamma, beta), (centered, epsilon))
    return ops.reshape(y, shape)


@reads("LRN", images=True)
def _local_response_normalization(node: Node, x: Any) -> Any:
    image, size = last_of(x), node.get("size", 1)
    before = (size - 1) // 2
    squares = ops.pad(ops.square(image), [(0, 0)] * (len(image.shape) - 1) + [(before, size - 1 - before)])
    total = ops.sum(ops.stack([squares[..., n : n + image.shape[-1]] for n in range(size)]), axis=0)
    base = node.get("bias", 1.0) + node.get("alpha", 1e-4) / size * total
    return Image(image / ops.power(base, node.get("beta", 0.75)))


# Resizing: each axis by itself, as a product with a matrix of weights, or by choosing places.


@reads("Resize", "Upsample", images=True)
def _resize(node: Node, x: Any, *more: Any) -> Any:
    mode = node.get("mode", b"nearest").decode()
    image = last_of(x)
    given = list(x.shape)
    old = node.op_type == "Upsample" or node.opset < 11
    scales, sizes = (
        (*more, None, None)[:2] if old else (*more, None, None, None)[1:3]
    )  # a region of interest comes first
    sizes = None if old else sizes
    axes = [axis % len(given) for axis in node.get("axes", range(len(given)))]
    wanted, factors = list(given), [1.0] * len(given)
    if sizes is not None:
        for axis, extent in zip(axes, as_ints(node.known(sizes, "sizes")), strict=True):
            wanted[axis], factors[axis] = extent, extent / given[axis]
    else:
        numbers = node.get("scales") if scales is None else node.known(scales, "scales").tolist()
        for axis, factor in zip(axes, numbers, strict=True):
            wanted[axis], factors[axis] = math.floor(given[axis] * factor), factor
    if wanted[0] != given[0] or wanted[1] != given[1] or mode not in ("nearest", "linear", "cubic"):
        raise node.refuse(
            f"images whose sides are resized by nearest, linear or cubic, got {given} to {wanted} by {mode}"
        )
    for axis in range(2, len(given)):
        if wanted[axis] != given[axis]:
            image = _resized(node, image, axis - 1, wanted[axis], factors[axis], mode)
    return Image(image)


_ROUNDINGS: dict[str, Any] = {
    "round_prefer_floor": lambda places: np.ceil(places - 0.5),
    "round_prefer_ceil": lambda places: np.floor(places + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _resized(node: Node, image: Any, axis: int, count: int, factor: float, mode: str) -> Any:
    extent = image.shape[axis]
    default = b"asymmetric" if node.opset < 11 or node.op_type == "Upsample" else b"half_pixel"
    places = np.arange(count, dtype=np.float64)
    kind = node.get("coordinate_transformation_mode", default).decode()
    if kind == "half_pixel" or (kind == "pytorch_half_pixel" and count > 1):
        places = (places + 0.5) / factor - 0.5
    elif kind == "pytorch_half_pixel":
        places = places * 0
    elif kind == "align_corners":
        places = places * ((extent - 1) / (count - 1)) if count > 1 else places * 0
    elif kind == "asymmetric":
        places = places / factor
    else:
        raise node.refuse(f"half_pixel, pytorch_half_pixel, align_corners or asymmetric coordinates, got {kind}")
    if mode == "nearest":
        rounding = node.get("nearest_mode", b"floor" if default == b"asymmetric" else b"round_prefer_floor").decode()
        whole = _ROUNDINGS[rounding](places)
        return ops.take(image, np.clip(whole, 0, extent - 1).astype(np.int64), axis=axis)
    weights = np.zeros((count, extent))
    first = np.floor(places).astype(np.int64)
    rest = places - first
    if mode == "linear":
        terms = [(0, 1 - rest), (1, rest)]
    else:
        a = node.get("cubic_coeff_a", -0.75)
        terms = [(shift, _cubic(np.abs(rest - shift), a)) for shift in (-1, 0, 1, 2)]
    for shift, share in terms:
        np.add.at(weights, (np.arange(count), np.clip(first + shift, 0, extent - 1)), share)
    moved = ops.moveaxis(image, axis, -2)
    return ops.moveaxis(ops.matmul(weights.astype(str(image.dtype)), moved), -2, axis)


def _cubic(distance: Any, a: float) -> Any:
    """Keys's kernel."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((distance - 5) * distance + 8) * distance * a - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
