"""Convolution of images with channels last, and its gradients: tap by tap of the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlnative.backends.reference.epilogue import finish
from dlnative.graph.roles import PLAIN, Epilogue

Array = np.ndarray[Any, Any]
Ints = Sequence[int]


def seen(
    x: Array, window: Ints, strides: Ints, dilation: Ints, low: Ints, out: Ints, fill: float = 0.0
) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each tap of a window, what the outputs see through it: of x, or `fill` outside of it. Views of one copy of x."""
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, strides, window, dilation, strict=True)]
    behind = [max(r - front - n, 0) for r, front, n in zip(reach, low, x.shape[1:-1], strict=True)]
    wide = np.pad(x, [(0, 0), *zip(low, behind, strict=True), (0, 0)], constant_values=fill)
    for tap in np.ndindex(*window):
        yield tap, wide[places(tap, strides, dilation, out)]


def places(tap: Ints, strides: Ints, dilation: Ints, out: Ints) -> tuple[slice, ...]:
    """Where the outputs see through a tap, of all samples and on each axis."""
    axes = zip(tap, dilation, out, strides, strict=True)
    return (slice(None), *[slice(k * d, k * d + (n - 1) * s + 1, s) if n else slice(0, 0) for k, d, n, s in axes])


def _by_groups(x: Array, groups: int) -> Array:
    return x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)


def conv(
    x: Array, w: Array, *operands: Array, strides: Ints, dilation: Ints, low: Ints, groups: int, extents: Ints,
    epilogue: Epilogue = PLAIN,
) -> Array:  # fmt: skip
    window, filters = w.shape[:-2], w.shape[-1]
    y = np.zeros((x.shape[0], *extents, groups, filters // groups), x.dtype)
    for tap, patch in seen(x, window, strides, dilation, low, extents):
        y += np.einsum("...gc,cgf->...gf", _by_groups(patch, groups), _by_groups(w[tap], groups))
    return finish(y.reshape(*y.shape[:-2], filters), operands, epilogue)


def conv_input_gradient(
    dy: Array, w: Array, *operands: Array, strides: Ints, dilation: Ints, low: Ints, groups: int, extents: Ints,
    epilogue: Epilogue = PLAIN,
) -> Array:  # fmt: skip
    window, channels, out = w.shape[:-2], w.shape[-2] * groups, dy.shape[1:-1]
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(out, strides, window, dilation, strict=True)]
    sizes = [max(n + front, r) for n, front, r in zip(extents, low, reach, strict=True)]
    wide = np.zeros((dy.shape[0], *sizes, channels), dy.dtype)
    for tap in np.ndindex(*window):
        part = np.einsum("...gf,cgf->...gc", _by_groups(dy, groups), _by_groups(w[tap], groups))
        wide[places(tap, strides, dilation, out)] += part.reshape(*dy.shape[:-1], channels)
    inside = (slice(None), *[slice(front, front + n) for front, n in zip(low, extents, strict=True)])
    return finish(np.ascontiguousarray(wide[inside]), operands, epilogue)


def conv_weight_gradient(
    x: Array, dy: Array, strides: Ints, dilation: Ints, low: Ints, groups: int, window: Ints
) -> Array:
    channels, filters = x.shape[-1] // groups, dy.shape[-1]
    dw = np.zeros((*window, channels, filters), x.dtype)
    arriving = _by_groups(dy, groups).reshape(-1, groups, filters // groups)
    for tap, patch in seen(x, window, strides, dilation, low, dy.shape[1:-1]):
        rows = _by_groups(patch, groups).reshape(-1, groups, channels)
        dw[tap] = np.einsum("ngc,ngf->cgf", rows, arriving).reshape(channels, filters)
    return dw
