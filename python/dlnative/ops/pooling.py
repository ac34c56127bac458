"""Pooling: the largest element, or the mean, of what windows see of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import to_float
from dlnative.ops.core import call, dtype_of, invoke, operation, shown
from dlnative.ops.indexing import take
from dlnative.ops.product import matmul
from dlnative.ops.reduction import reduce
from dlnative.ops.shape import moveaxis
from dlnative.ops.windows import (
    GEOMETRY,
    as_channels_last,
    back_from_channels_last,
    checked_data_format,
    output_extents,
    per_axis,
    window_over,
)

_ATTRIBUTES = (*GEOMETRY, ("window", "ints"), ("extents", "shape"))


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    image = inputs[0]
    return [((image.shape[0], *attributes[-1], image.shape[-1]), image.dtype)]


def _max_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x,), (y,) = node.inputs, node.outputs
    return (invoke(OPS["max_pool_gradient"], (grads[0], x, y), (*node.attributes[:4], PLAIN)),)


def _max_gradient_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """By dy: what arrives where the largest elements are. Which these are does not change."""
    _, x, y = node.inputs
    chosen = invoke(OPS["max_pool_choice"], (grads[0], x, y), node.attributes[:4])
    return chosen, None, None


def _choice_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    _, x, y = node.inputs
    return invoke(OPS["max_pool_gradient"], (grads[0], x, y), (*node.attributes, PLAIN)), None, None


def _average_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x,) = node.inputs
    attributes = (*node.attributes[:4], tuple(x.shape[1:-1]))
    return (invoke(OPS["average_pool_gradient"], (grads[0],), attributes),)


def _average_gradient_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (dy,) = node.inputs
    return (invoke(OPS["average_pool"], (grads[0],), (*node.attributes[:4], tuple(dy.shape[1:-1]))),)


# Samples, channels, extents, window, strides, dilation, what windows reach over in front and behind.
_CASES: tuple[tuple[Any, ...], ...] = (
    (2, 3, (6, 4), (2, 2), (2, 2), (1, 1), (0, 0), (0, 0)),
    (1, 2, (5, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (1, 4, (7,), (3,), (2,), (1,), (1,), (1,)),
    (2, 2, (3, 4, 5), (2, 2, 2), (1, 2, 2), (1, 1, 1), (0, 0, 0), (1, 0, 1)),
    (1, 1, (9,), (2,), (4,), (1,), (0,), (0,)),
    (3, 33, (12, 13), (2, 2), (2, 2), (1, 1), (0, 0), (0, 1)),
    (2, 70, (15, 15), (3, 3), (2, 2), (1, 1), (0, 0), (0, 0)),
)


def _samples(inputs: str, extents: str) -> list[Sample]:
    samples = []
    for count, channels, spatial, window, strides, dilation, low, high in _CASES:
        out = output_extents(spatial, window, strides, dilation, low, high)
        image, result = (count, *spatial, channels), (count, *out, channels)
        # Of whole numbers many are equal, so that windows find theirs.
        shapes = {
            "x": Arg(image),
            "y": Arg(result),
            "X": Arg(image, "integer", 0, 3),
            "Y": Arg(result, "integer", 0, 3),
        }
        last = {"x": {"extents": spatial}, "y": {"extents": out}, "": {}}[extents]
        given = {"strides": strides, "dilation": dilation, "low": low, "window": window}
        samples.append(Sample(*[shapes[name] for name in inputs], **given, **last))
    return samples


def _max_gradient_samples() -> list[Sample]:
    samples = []
    for epilogue in (PLAIN, Epilogue(gradient_of=("relu",))):
        for sample in _samples("yXY", ""):
            saved = [Arg(sample.inputs[1].shape)] if epilogue.gradient_of else []
            samples.append(Sample(*sample.inputs, *saved, **sample.attributes, epilogue=epilogue))
    return samples


def _max_gradient_takes(shapes: Sequence[Any], attributes: tuple[Any, ...]) -> bool:
    """The gradient of a relu before the pooling."""
    epilogue: Epilogue = attributes[-1]
    return epilogue in (PLAIN, Epilogue(gradient_of=("relu",)))


register(
    Op(
        "max_pool",
        "pooling",
        _infer,
        attributes=_ATTRIBUTES,
        gradient=_max_gradient,
        flops=lambda ins, outs: math.prod(ins[0]),
        samples=lambda: _samples("x", "y"),
        tolerance=0.0,
    )
)
register(
    Op(
        "max_pool_gradient",
        "pooling",
        lambda inputs, attributes: [(inputs[1].shape, inputs[1].dtype)],
        attributes=(*_ATTRIBUTES[:-1], ("epilogue", "epilogue")),
        gradient=_max_gradient_gradient,
        flops=lambda ins, outs: 2 * math.prod(outs[0]),
        samples=_max_gradient_samples,
        roles=Roles(takes=_max_gradient_takes),
        size="terms",
    )
)
register(
    Op(
        "max_pool_choice",
        "pooling",
        lambda inputs, attributes: [(inputs[2].shape, inputs[2].dtype)],
        attributes=_ATTRIBUTES[:-1],
        gradient=_choice_gradient,
        flops=lambda ins, outs: 2 * math.prod(ins[0]),
        samples=lambda: _samples("xXY", ""),
        tolerance=0.0,
    )
)
register(
    Op(
        "average_pool",
        "pooling",
        _infer,
        attributes=_ATTRIBUTES,
        gradient=_average_gradient,
        flops=lambda ins, outs: math.prod(ins[0]),
        samples=lambda: _samples("x", "y"),
        size="terms",
    )
)
register(
    Op(
        "average_pool_gradient",
        "pooling",
        _infer,
        attributes=_ATTRIBUTES,
        gradient=_average_gradient_gradient,
        flops=lambda ins, outs: 2 * math.prod(outs[0]),
        samples=lambda: _samples("y", "x"),
        size="terms",
    )
)


def _pool(name: str, inputs: Any, pool_size: Any, strides: Any, padding: Any, data_format: Any) -> Any:
    x = to_float(inputs)
    if not 3 <= len(x.shape) <= 5:
        raise ValueError(f"{name}: expected an input of rank 3 to 5, got shape {tuple(x.shape)}")
    data_format = checked_data_format(name, data_format)
    x = as_channels_last(x, data_format)
    size = per_axis(name, "pool_size", pool_size, len(x.shape) - 2)
    window = window_over(name, x.shape[1:-1], size, size if strides is None else strides, padding)
    y = invoke(OPS[name], (x,), (window.strides, window.dilation, window.low, size, window.out))
    return back_from_channels_last(y, data_format)


@operation
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Returns the largest element of each window, for each channel.

    The gradient goes to the first of the largest.

    Args:
        inputs: of shape `(batch, *spatial, channels)`, with one to three spatial axes.
        pool_size: the extent of the windows, an int or one for each axis.
        strides: how far apart they are; by default side by side.
        padding: `"valid"`: windows lie inside; `"same"`: they may reach over, as evenly as can be, so that there are
            `ceil(extent / stride)`; what is outside does not count.
        data_format: `"channels_last"`, or `"channels_first"` for inputs and results of `(batch, channels, *spatial)`.

    Raises:
        ValueError: if no window fits.

    Example:
        >>> import numpy as np
        >>> max_pool(np.array([3.0, 1.0, 2.0, 5.0]).reshape(1, 4, 1), 2).ravel().tolist()
        [3.0, 5.0]
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@operation
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Returns the mean of each window, for each channel; see `max_pool`. What is outside of the image does not count."""
    return _pool("average_pool", inputs, pool_size, strides, padding, data_format)


def _adaptive(name: str, inputs: Any, output_size: Any, data_format: Any) -> tuple[Any, tuple[int, ...], str]:
    x = to_float(inputs)
    if not 3 <= len(x.shape) <= 5:
        raise ValueError(f"{name}: expected an input of rank 3 to 5, got shape {tuple(x.shape)}")
    data_format = checked_data_format(name, data_format)
    x = as_channels_last(x, data_format)
    size = per_axis(name, "output_size", output_size, len(x.shape) - 2)
    if None in x.shape[1:-1] or 0 in x.shape[1:-1]:
        raise ValueError(f"{name}: expected axes of known extents above 0, got shape {tuple(x.shape)}")
    return x, size, data_format


def _ranges(extent: int, count: int) -> list[tuple[int, int]]:
    """Where the windows begin and end that share an axis as evenly as can be."""
    return [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]


@operation
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Returns the means of as many windows as are asked for, which share each axis as evenly as can be.

    Window i goes from `floor(i * extent / count)` up to `ceil((i + 1) * extent / count)`.

    Args:
        inputs: of shape `(batch, *spatial, channels)`.
        output_size: how many windows there are, an int or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:
        >>> import numpy as np
        >>> adaptive_average_pool(np.array([3.0, 1.0, 5.0]).reshape(1, 3, 1), 2).ravel().tolist()
        [2.0, 3.0]
    """
    x, size, data_format = _adaptive("adaptive_average_pool", inputs, output_size, data_format)
    for axis, count in enumerate(size, 1):
        extent = x.shape[axis]
        if count == extent:
            continue
        weights = np.zeros((extent, count), dtypes.NUMPY[dtype_of(x)])
        for i, (first, end) in enumerate(_ranges(extent, count)):
            weights[first:end, i] = 1.0 / (end - first)
        x = moveaxis(matmul(moveaxis(x, axis, -1), weights), -1, axis)
    return back_from_channels_last(x, data_format)


@operation
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Returns the largest elements of as many windows as are asked for; see `adaptive_average_pool`."""
    x, size, data_format = _adaptive("adaptive_max_pool", inputs, output_size, data_format)
    for axis, count in enumerate(size, 1):
        ranges = _ranges(x.shape[axis], count)
        longest = max(end - first for first, end in ranges)
        # The last element of a shorter window stands for those that it lacks.
        places = np.array([[min(first + i, end - 1) for i in range(longest)] for first, end in ranges], "int32")
        x = reduce("max", take(x, places, axis=axis), axis + 1)
    return back_from_channels_last(x, data_format)


def global_pool(name: str, inputs: Any, keepdims: bool, data_format: str) -> Any:
    """Returns the mean (`"mean"`) or the largest element (`"max"`) of each channel over all spatial axes."""
    x = to_float(inputs)
    rank = len(x.shape)
    if rank < 3:
        raise ValueError(f"global pooling: expected an input of rank 3 or more, got shape {shown(x)}")
    first = 1 if data_format == "channels_last" else 2
    return call(name, x, attributes=(first, rank - 2, keepdims))
