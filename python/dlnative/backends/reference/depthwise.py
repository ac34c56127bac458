"""Convolution of each channel by itself, and its gradients: tap by tap of the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends.reference.convolution import places, seen

Array = np.ndarray[Any, Any]
Ints = Sequence[int]


def depthwise_conv(x: Array, w: Array, strides: Ints, dilation: Ints, low: Ints, extents: Ints) -> Array:
    y = np.zeros((x.shape[0], *extents, x.shape[-1]), x.dtype)
    for tap, patch in seen(x, w.shape[:-1], strides, dilation, low, extents):
        y += patch * w[tap]
    return y


def depthwise_conv_input_gradient(
    dy: Array, w: Array, strides: Ints, dilation: Ints, low: Ints, extents: Ints
) -> Array:
    window, out = w.shape[:-1], dy.shape[1:-1]
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, strides, window, dilation, strict=True)]
    sizes = [max(n + front, r) for n, front, r in zip(extents, low, reach, strict=True)]
    wide = np.zeros((dy.shape[0], *sizes, dy.shape[-1]), dy.dtype)
    for tap in np.ndindex(*window):
        wide[places(tap, strides, dilation, out)] += dy * w[tap]
    inside = (slice(None), *[slice(front, front + n) for front, n in zip(low, extents, strict=True)])
    return np.ascontiguousarray(wide[inside])


def depthwise_conv_weight_gradient(
    x: Array, dy: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints
) -> Array:
    dw = np.zeros((*window, x.shape[-1]), x.dtype)
    for tap, patch in seen(x, window, strides, dilation, low, dy.shape[1:-1]):
        dw[tap] = (patch * dy).reshape(-1, x.shape[-1]).sum(axis=0)
    return dw
