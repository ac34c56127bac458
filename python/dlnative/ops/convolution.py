"""Convolution of images and sequences, in one to three dimensions, and what is made of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative.graph.op import OPS, Arg, Op, Sample, Shape, Spec, register
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.activation import ACTIVATIONS
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import call, invoke, operation
from dlnative.ops.depthwise import convolve_channels
from dlnative.ops.joining import repeat
from dlnative.ops.windows import (
    GEOMETRY,
    Window,
    as_channels_last,
    back_from_channels_last,
    checked_data_format,
    output_extents,
    transposed_window,
    window_over,
)


def _infer_conv(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, w = inputs[:2]
    *_, groups, extents, _ = attributes
    if x.shape[-1] not in (None, w.shape[-2] * groups) or w.shape[-1] % groups:
        raise ValueError(
            f"conv: expected a kernel for {x.shape[-1]} channels in {groups} groups, got a kernel of shape {tuple(w.shape)}"
        )
    return [((x.shape[0], *extents, w.shape[-1]), x.dtype)]


def _infer_input_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    dy, w = inputs[:2]
    *_, groups, extents, _ = attributes
    if dy.shape[-1] not in (None, w.shape[-1]) or w.shape[-1] % groups:
        raise ValueError(
            f"conv_transpose: expected a kernel that ends in {dy.shape[-1]} channels, got a kernel of shape {tuple(w.shape)}"
        )
    return [((dy.shape[0], *extents, w.shape[-2] * groups), dy.dtype)]


def _infer_weight_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, dy = inputs
    *_, groups, window = attributes
    return [((*window, x.shape[-1] // groups, dy.shape[-1]), x.dtype)]


def _input_gradient(dy: Any, w: Any, geometry: tuple[Any, ...], extents: Shape) -> Any:
    return invoke(OPS["conv_input_gradient"], (dy, w), (*geometry, extents, PLAIN))


def _weight_gradient(x: Any, dy: Any, geometry: tuple[Any, ...], window: Shape) -> Any:
    return invoke(OPS["conv_weight_gradient"], (x, dy), (*geometry, window))


# The three are the derivatives of one another: each is linear in both of its inputs.
def _conv_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x, w), (dy,), geometry = node.inputs, grads, node.attributes[:4]
    return (
        _input_gradient(dy, w, geometry, tuple(x.shape[1:-1])),
        _weight_gradient(x, dy, geometry, tuple(w.shape[:-2])),
    )


def _input_gradient_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (dy, w), (v,), geometry = node.inputs, grads, node.attributes[:4]
    by_dy = invoke(OPS["conv"], (v, w), (*geometry, tuple(dy.shape[1:-1]), PLAIN))
    return by_dy, _weight_gradient(v, dy, geometry, tuple(w.shape[:-2]))


def _weight_gradient_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x, dy), (v,), geometry = node.inputs, grads, node.attributes[:4]
    by_dy = invoke(OPS["conv"], (x, v), (*geometry, tuple(dy.shape[1:-1]), PLAIN))
    return _input_gradient(dy, v, geometry, tuple(x.shape[1:-1])), by_dy


def _takes(shapes: Sequence[Shape], attributes: tuple[Any, ...]) -> bool:
    epilogue: Epilogue = attributes[-1]
    return not (epilogue.sums or epilogue.gradient_of)


def _gradient_takes(shapes: Sequence[Shape], attributes: tuple[Any, ...]) -> bool:
    """Where lines of the result lie side by side, a residual and the gradient of an activation."""
    epilogue: Epilogue = attributes[-1]
    return max(attributes[0]) == 1 and not (epilogue.sums or epilogue.bias or epilogue.activation)


# Samples, channels, filters, groups; then extents, window, strides, dilation, what is added in front and behind.
_CASES: tuple[tuple[Any, ...], ...] = (
    (2, 3, 4, 1, (5, 6), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (1, 1, 2, 1, (7,), (3,), (1,), (2,), (4,), (0,)),
    (2, 2, 3, 1, (4, 3, 5), (2, 2, 3), (1, 2, 1), (1, 1, 1), (0, 1, 1), (1, 0, 1)),
    (1, 4, 6, 2, (6, 5), (3, 2), (2, 1), (1, 1), (1, 0), (0, 0)),
    (2, 3, 5, 1, (8, 7), (3, 3), (2, 3), (1, 1), (0, 1), (1, 1)),
    (1, 2, 2, 1, (9, 9), (2, 3), (1, 1), (3, 2), (0, 2), (0, 2)),
    (3, 5, 7, 1, (4, 4), (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    (2, 6, 4, 2, (4, 4), (1, 1), (2, 2), (1, 1), (0, 0), (0, 0)),
    (1, 2, 3, 1, (2, 2), (3, 3), (1, 1), (1, 1), (2, 2), (2, 2)),
    (1, 2, 2, 1, (10,), (2,), (4,), (1,), (0,), (0,)),
    (1, 3, 2, 3 - 2, (6,), (3,), (2,), (2,), (2,), (2,)),
    (4, 16, 33, 1, (14, 14), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    (20, 1, 20, 1, (28, 28), (5, 5), (1, 1), (1, 1), (2, 2), (2, 2)),
    (2, 8, 8, 4, (30, 40), (3, 3), (2, 2), (1, 1), (1, 1), (0, 0)),
)


def _shapes(case: tuple[Any, ...]) -> tuple[Shape, Shape, Shape, dict[str, Any]]:
    samples, channels, filters, groups, extents, window, strides, dilation, low, high = case
    out = output_extents(extents, window, strides, dilation, low, high)
    geometry = {"strides": strides, "dilation": dilation, "low": low, "groups": groups}
    x, y = (samples, *extents, channels), (samples, *out, filters)
    return x, (*window, channels // groups, filters), y, geometry


def _activations() -> list[tuple[Any, ...]]:
    return [(), ("relu",), ("tanh",), *((name, *OPS[name].samples[0].attributes.values()) for name in ACTIVATIONS[3:6])]


def _conv_samples() -> list[Sample]:
    samples = []
    for case in _CASES:
        x, w, y, geometry = _shapes(case)
        samples.append(Sample(x, w, **geometry, extents=y[1:-1], epilogue=PLAIN))
    for number, activation in enumerate(_activations()):
        x, w, y, geometry = _shapes(_CASES[(0, 3, 6, 11)[number % 4]])
        for bias, residual in ((True, False), (True, True)):
            epilogue = Epilogue(bias, residual, activation)
            operands = [*([Arg(y[-1:])] if bias else []), *([Arg(y)] if residual else [])]
            samples.append(
                Sample(Arg(x, low=-0.5, high=0.5), w, *operands, **geometry, extents=y[1:-1], epilogue=epilogue)
            )
    return samples


def _input_gradient_samples() -> list[Sample]:
    samples = []
    for case in _CASES:
        x, w, y, geometry = _shapes(case)
        samples.append(Sample(y, w, **geometry, extents=x[1:-1], epilogue=PLAIN))
    for activation in _activations()[1:]:
        for case, residual in ((_CASES[0], False), (_CASES[11], True)):
            x, w, y, geometry = _shapes(case)
            operands = [*([Arg(x)] if residual else []), Arg(x, high=0.9)]
            epilogue = Epilogue(residual=residual, gradient_of=activation)
            samples.append(Sample(y, w, *operands, **geometry, extents=x[1:-1], epilogue=epilogue))
    return samples


def _weight_gradient_samples() -> list[Sample]:
    samples = []
    for case in (*_CASES, (40, 2, 3, 1, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1))):
        x, w, y, geometry = _shapes(case)
        samples.append(Sample(x, y, **geometry, window=w[:-2]))
    return samples


register(
    Op(
        "conv",
        "convolution",
        _infer_conv,
        attributes=(*GEOMETRY, ("groups", "int"), ("extents", "shape"), ("epilogue", "epilogue")),
        gradient=_conv_gradient,
        flops=lambda ins, outs: 2 * math.prod(outs[0]) * math.prod(ins[1][:-1]),
        samples=_conv_samples,
        roles=Roles(takes=_takes),
        size="terms",
    )
)
register(
    Op(
        "conv_input_gradient",
        "convolution",
        _infer_input_gradient,
        attributes=(*GEOMETRY, ("groups", "int"), ("extents", "shape"), ("epilogue", "epilogue")),
        gradient=_input_gradient_gradient,
        flops=lambda ins, outs: 2 * math.prod(ins[0]) * math.prod(ins[1][:-1]),
        samples=_input_gradient_samples,
        roles=Roles(takes=_gradient_takes),
        size="terms",
    )
)
register(
    Op(
        "conv_weight_gradient",
        "convolution",
        _infer_weight_gradient,
        attributes=(*GEOMETRY, ("groups", "int"), ("window", "shape")),
        gradient=_weight_gradient_gradient,
        flops=lambda ins, outs: 2 * math.prod(ins[1]) * math.prod(outs[0][:-1]),
        samples=_weight_gradient_samples,
        size="terms",
    )
)


def _operands(name: str, inputs: Any, kernel: Any, data_format: Any) -> tuple[Any, Any, str]:
    x, w = (to_float(item) for item in promote(inputs, kernel))
    if not 3 <= len(x.shape) <= 5 or len(w.shape) != len(x.shape):
        raise ValueError(
            f"{name}: expected an input of rank 3 to 5 and a kernel of the same rank, got shapes {tuple(x.shape)} and "
            f"{tuple(w.shape)}"
        )
    if None in w.shape:
        raise ValueError(f"{name}: expected a kernel of a known shape, got {tuple(w.shape)}")
    data_format = checked_data_format(name, data_format)
    return as_channels_last(x, data_format), w, data_format


def convolve(x: Any, w: Any, window: Window, groups: int) -> Any:
    """Returns the convolution of images with channels last."""
    attributes = (window.strides, window.dilation, window.low, groups, window.out, PLAIN)
    return invoke(OPS["conv"], (x, w), attributes)


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Returns the convolution of images (or sequences, or volumes) with the filters of a kernel.

    `y[n, o, f] = sum over k, c of x[n, o * stride + k * dilation - low, c] * w[k, c, f]`, where what lies outside of x is 0.

    Args:
        inputs: of shape `(batch, *spatial, channels)`, with one to three spatial axes.
        kernel: of shape `(*window, channels / groups, filters)`. Where it has fewer channels than the inputs, these come in
            groups, and a filter sees those of its group.
        strides: how far apart windows are, an int or one for each axis.
        padding: `"valid"`: windows lie inside; `"same"`: with as many zeros around, as evenly as can be, as make
            `ceil(extent / stride)` outputs.
        data_format: `"channels_last"`, or `"channels_first"` for inputs and results of `(batch, channels, *spatial)`.
        dilation_rate: how far apart what a window sees is, an int or one for each axis.

    Raises:
        ValueError: if the shapes do not fit, or there is no output.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, 3, 1)
        >>> conv(x, np.array([1.0, -1.0]).reshape(2, 1, 1)).ravel().tolist()
        [-1.0, -2.0]
    """
    x, w, data_format = _operands("conv", inputs, kernel, data_format)
    channels, own = x.shape[-1], w.shape[-2]
    if channels is None:  # where a call is recorded
        channels = own
    if own == 0 or channels % own or w.shape[-1] % max(channels // own, 1):
        raise ValueError(
            "conv: input channels must match the kernel: The number of input channels must be evenly divisible by kernel's "
            f"in_channels, and that of filters by the groups, got inputs with {channels} channels and a kernel of shape "
            f"{tuple(w.shape)}"
        )
    window = window_over("conv", x.shape[1:-1], w.shape[:-2], strides, padding, dilation_rate)
    return back_from_channels_last(convolve(x, w, window, channels // own), data_format)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Returns the transposed convolution: what is the gradient of a convolution by its input.

    Args:
        inputs: of shape `(batch, *spatial, channels)`, with one to three spatial axes.
        kernel: of shape `(*window, filters, channels)`.
        strides: how far apart the results of neighbouring inputs are, an int or one for each axis.
        padding: `"valid"` or `"same"`, of the convolution whose gradient it is.
        output_padding: how many outputs there are at the end beyond those that need be; by default as many as make
            `extent * stride` outputs (`"same"`), or cover all (`"valid"`).
        data_format: `"channels_last"` or `"channels_first"`.
        dilation_rate: how far apart what an input spreads to is, an int or one for each axis.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 2.0]).reshape(1, 2, 1)
        >>> conv_transpose(x, np.array([1.0, 0.5]).reshape(2, 1, 1), strides=2).ravel().tolist()
        [1.0, 0.5, 2.0, 1.0]
    """
    x, w, data_format = _operands("conv_transpose", inputs, kernel, data_format)
    if x.shape[-1] not in (None, w.shape[-1]):
        raise ValueError(
            f"conv_transpose: input channels must match the kernel's last axis, got inputs with {x.shape[-1]} channels and "
            f"a kernel of shape {tuple(w.shape)}"
        )
    window = transposed_window(
        "conv_transpose", x.shape[1:-1], w.shape[:-2], strides, padding, output_padding, dilation_rate
    )
    y = _input_gradient(x, w, (window.strides, window.dilation, window.low, 1), window.out)
    return back_from_channels_last(y, data_format)


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Returns a convolution of each channel by itself, and then one with windows of extent 1 that mixes them.

    Args:
        inputs: of shape `(batch, *spatial, channels)`.
        depthwise_kernel: of shape `(*window, channels, multiplier)`.
        pointwise_kernel: of shape `(1, ..., channels * multiplier, filters)`.
        strides, padding, data_format, dilation_rate: of the first, as for `conv`.
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Returns the convolution of each channel by itself, with as many filters as the kernel's last axis has.

    Args:
        inputs: of shape `(batch, *spatial, channels)`, with one to three spatial axes.
        kernel: of shape `(*window, channels, multiplier)`.
        strides, padding, data_format, dilation_rate: as for `conv`.

    Returns:
        A tensor of shape `(batch, *spatial, channels * multiplier)`, the filters of a channel side by side.

    Raises:
        ValueError: if the shapes do not fit, or there is no output.
    """
    x, w, data_format = _operands("depthwise_conv", inputs, kernel, data_format)
    channels, multiplier = w.shape[-2:]
    if x.shape[-1] not in (None, channels):
        raise ValueError(
            f"depthwise_conv: expected a kernel for {x.shape[-1]} channels, got one of shape {tuple(w.shape)}"
        )
    window = window_over("depthwise_conv", x.shape[1:-1], w.shape[:-2], strides, padding, dilation_rate)
    if multiplier != 1:
        x = repeat(x, multiplier, axis=-1)
    w = call("reshape", w, attributes=((*w.shape[:-2], channels * multiplier),))
    return back_from_channels_last(convolve_channels(x, w, window), data_format)
