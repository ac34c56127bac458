"""The rows of convolutions of each channel by itself in the op table. The function is in `convolution.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Op, Sample, Shape, Spec, register
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import invoke
from dlnative.ops.windows import GEOMETRY, Window, output_extents


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    """Of images: the channels and samples stay."""
    image = inputs[0]
    return [((image.shape[0], *attributes[-1], image.shape[-1]), image.dtype)]


def _infer_weights(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, _ = inputs
    return [((*attributes[-1], x.shape[-1]), x.dtype)]


def _extents(x: Any) -> Shape:
    return tuple(x.shape[1:-1])


# The three are the derivatives of one another: each is linear in both of its inputs.
def _forward(x: Any, w: Any, geometry: tuple[Any, ...], out: Shape) -> Any:
    return invoke(OPS["depthwise_conv"], (x, w), (*geometry, out))


def _to_input(dy: Any, w: Any, geometry: tuple[Any, ...], extents: Shape) -> Any:
    return invoke(OPS["depthwise_conv_input_gradient"], (dy, w), (*geometry, extents))


def _to_weights(x: Any, dy: Any, geometry: tuple[Any, ...], window: Shape) -> Any:
    return invoke(OPS["depthwise_conv_weight_gradient"], (x, dy), (*geometry, window))


def _forward_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x, w), (dy,), geometry = node.inputs, grads, node.attributes[:3]
    return _to_input(dy, w, geometry, _extents(x)), _to_weights(x, dy, geometry, tuple(w.shape[:-1]))


def _input_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (dy, w), (v,), geometry = node.inputs, grads, node.attributes[:3]
    return _forward(v, w, geometry, _extents(dy)), _to_weights(v, dy, geometry, tuple(w.shape[:-1]))


def _weight_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x, dy), (v,), geometry = node.inputs, grads, node.attributes[:3]
    return _to_input(dy, v, geometry, _extents(x)), _forward(x, v, geometry, _extents(dy))


# Samples, channels, extents, window, strides, dilation, what is added in front and behind.
_CASES: tuple[tuple[Any, ...], ...] = (
    (2, 3, (5, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (1, 2, (7,), (3,), (1,), (2,), (4,), (0,)),
    (2, 3, (4, 3, 5), (2, 2, 3), (1, 2, 1), (1, 1, 1), (0, 1, 1), (1, 0, 1)),
    (1, 5, (8, 7), (3, 3), (2, 3), (1, 1), (0, 1), (1, 1)),
    (1, 2, (9, 9), (2, 3), (1, 1), (3, 2), (0, 2), (0, 2)),
    (1, 2, (10,), (2,), (4,), (1,), (0,), (0,)),
    (1, 3, (6,), (3,), (2,), (2,), (2,), (2,)),
    (3, 33, (14, 15), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (2, 70, (20, 20), (3, 3), (2, 2), (1, 1), (0, 0), (1, 1)),
)


def _samples(inputs: str, extents: str) -> list[Sample]:
    samples = []
    for count, channels, spatial, window, strides, dilation, low, high in _CASES:
        out = output_extents(spatial, window, strides, dilation, low, high)
        shapes = {"x": (count, *spatial, channels), "w": (*window, channels), "y": (count, *out, channels)}
        given = {"strides": strides, "dilation": dilation, "low": low}
        last = {"x": ("extents", spatial), "w": ("window", window), "y": ("extents", out)}[extents]
        samples.append(Sample(*[shapes[name] for name in inputs], **given, **dict([last])))
    return samples


register(
    Op(
        "depthwise_conv",
        "depthwise",
        _infer,
        attributes=(*GEOMETRY, ("extents", "shape")),
        gradient=_forward_gradient,
        flops=lambda ins, outs: 2 * math.prod(outs[0]) * math.prod(ins[1][:-1]),
        samples=lambda: _samples("xw", "y"),
        size="terms",
    )
)
register(
    Op(
        "depthwise_conv_input_gradient",
        "depthwise",
        _infer,
        attributes=(*GEOMETRY, ("extents", "shape")),
        gradient=_input_gradient,
        flops=lambda ins, outs: 2 * math.prod(ins[0]) * math.prod(ins[1][:-1]),
        samples=lambda: _samples("yw", "x"),
        size="terms",
    )
)
register(
    Op(
        "depthwise_conv_weight_gradient",
        "depthwise",
        _infer_weights,
        attributes=(*GEOMETRY, ("window", "shape")),
        gradient=_weight_gradient,
        flops=lambda ins, outs: 2 * math.prod(ins[1]) * math.prod(outs[0][:-1]),
        samples=lambda: _samples("xy", "w"),
        size="terms",
    )
)


def convolve_channels(x: Any, w: Any, window: Window) -> Any:
    """Returns the convolution of each channel of images with its filter: w of shape `(*window, channels)`."""
    return _forward(x, w, (window.strides, window.dilation, window.low), window.out)
