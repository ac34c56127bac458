"""Pooling of images with channels last: over what a window sees of the image, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative.backends.reference.convolution import places, seen
from dlnative.backends.reference.epilogue import finish
from dlnative.graph.roles import PLAIN, Epilogue

Array = np.ndarray[Any, Any]
Ints = Sequence[int]


def max_pool(x: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints, extents: Ints) -> Array:
    y = np.full((x.shape[0], *extents, x.shape[-1]), -np.inf, x.dtype)
    for _, patch in seen(x, window, strides, dilation, low, extents, fill=-np.inf):
        y = np.maximum(y, patch)
    return y


def max_pool_gradient(
    dy: Array, x: Array, y: Array, *operands: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints,
    epilogue: Epilogue = PLAIN,
) -> Array:  # fmt: skip
    left, out = dy.copy(), dy.shape[1:-1]
    parts = []
    ones = seen(np.ones_like(x), window, strides, dilation, low, out)
    patches = seen(x, window, strides, dilation, low, out, fill=-np.inf)
    for (tap, patch), (_, inside) in zip(patches, ones, strict=True):
        here = ((patch == y) | np.isnan(patch)) & (inside > 0)
        parts.append((tap, np.where(here, left, 0)))
        left = np.where(here, 0, left)
    return finish(_spread(parts, x.shape, strides, dilation, low, window, out), operands, epilogue)


def max_pool_choice(v: Array, x: Array, y: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints) -> Array:
    """What v has where a window first finds its largest element."""
    out = y.shape[1:-1]
    found, chosen = np.zeros(y.shape, bool), np.zeros_like(y)
    ones = seen(np.ones_like(x), window, strides, dilation, low, out)
    patches = seen(x, window, strides, dilation, low, out, fill=-np.inf)
    for (_, given), (_, patch), (_, inside) in zip(
        seen(v, window, strides, dilation, low, out), patches, ones, strict=True
    ):
        here = ((patch == y) | np.isnan(patch)) & (inside > 0) & ~found
        chosen = np.where(here, given, chosen)
        found |= here
    return chosen


def average_pool(x: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints, extents: Ints) -> Array:
    total = sum(patch for _, patch in seen(x, window, strides, dilation, low, extents))
    count = sum(patch for _, patch in seen(np.ones_like(x), window, strides, dilation, low, extents))
    return np.asarray(total / count, x.dtype)


def average_pool_gradient(dy: Array, strides: Ints, dilation: Ints, low: Ints, window: Ints, extents: Ints) -> Array:
    shape, out = (dy.shape[0], *extents, dy.shape[-1]), dy.shape[1:-1]
    count = sum(patch for _, patch in seen(np.ones(shape, dy.dtype), window, strides, dilation, low, out))
    share = np.asarray(dy / count, dy.dtype)
    return _spread([(tap, share) for tap in np.ndindex(*window)], shape, strides, dilation, low, window, out)


def _spread(
    parts: Sequence[tuple[tuple[int, ...], Array]], shape: Ints, strides: Ints, dilation: Ints, low: Ints, window: Ints,
    out: Ints,
) -> Array:  # fmt: skip
    """Adds what belongs to each tap to where the outputs see through it."""
    extents = shape[1:-1]
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, strides, window, dilation, strict=True)]
    sizes = [max(n + front, r) for n, front, r in zip(extents, low, reach, strict=True)]
    wide = np.zeros((shape[0], *sizes, shape[-1]), parts[0][1].dtype)
    for tap, part in parts:
        wide[places(tap, strides, dilation, out)] += part
    inside = (slice(None), *[slice(front, front + n) for front, n in zip(low, extents, strict=True)])
    return np.ascontiguousarray(wide[inside])
