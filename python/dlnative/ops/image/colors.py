"""Colours: grey, and hue, saturation and value."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.ops.core import dtype_of, operation, unknown
from dlnative.ops.image.shapes import Axes, as_images

_SHARES = (0.2989, 0.5870, 0.1140)  # of red, green and blue in what looks equally bright (ITU-R BT.601)


@operation
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """Returns images of one channel, `0.2989 R + 0.587 G + 0.114 B`.

    Args:
        images: an image of shape `(height, width, 3)`, or a batch of them; those of one channel are returned as they are.
        data_format: `"channels_last"`, or `"channels_first"` for `(3, height, width)`.

    Returns:
        Images in the type of the given ones; integers are cut off.

    Raises:
        ValueError: for another rank or number of channels.

    Example:
        >>> rgb_to_grayscale(np.array([[[100, 50, 0]]], "uint8")).tolist()
        [[[59]]]
    """
    x, axes = as_images("rgb_to_grayscale", images, data_format)
    channels = x.shape[axes.channels]
    if channels not in (1, 3, None):
        raise ValueError(
            f"rgb_to_grayscale: Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Got shape {tuple(x.shape)}"
        )
    if None in x.shape:
        return unknown([1 if axis == axes.channels else extent for axis, extent in enumerate(x.shape)], x)
    if channels == 1:
        return x
    red, green, blue = _planes(ops.cast(x, dtypes.result_type(dtype_of(x), dtypes.floatx())), axes)
    gray = _SHARES[0] * red + _SHARES[1] * green + _SHARES[2] * blue
    return ops.cast(ops.expand_dims(gray, axes.channels), dtype_of(x))


@operation
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Returns images of hue, saturation and value, each in `[0, 1]`; a hue of 0 is red, 1/3 green, 2/3 blue.

    With V the largest and m the smallest of R, G, B: `S = (V - m) / V`, and H is a sixth of the place between the two
    largest, counted from red.

    Args:
        images: floats in `[0, 1]`: an image of shape `(height, width, 3)`, or a batch of them.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another rank, type or number of channels.

    Example:
        >>> rgb_to_hsv(np.array([[[0.0, 0.0, 0.5]]], "float32")).round(3).tolist()
        [[[0.6669999957084656, 1.0, 0.5]]]
    """
    x, axes = _of_three("rgb_to_hsv", images, data_format)
    if None in x.shape:
        return unknown(x.shape, x)
    smallest = {"float16": 2.0**-10, "bfloat16": 2.0**-7}.get(dtype_of(x)) or float(np.finfo(dtype_of(x)).eps)
    r, g, b = _planes(ops.where(ops.abs(x) < smallest, 0.0, x), axes)
    value = ops.maximum(ops.maximum(r, g), b)
    spread = value - ops.minimum(ops.minimum(r, g), b)
    gray = spread <= 0
    saturation = ops.where(value > 0, spread / ops.where(value > 0, value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * ops.where(gray, 1.0, spread))
    hue = ops.where(ops.equal(value, g), sixth * (b - r) + 2.0 / 6.0, sixth * (r - g) + 4.0 / 6.0)
    hue = ops.where(gray, 0.0, ops.where(ops.equal(value, r), sixth * (g - b), hue))
    hue = ops.where(hue < 0, hue + 1.0, hue)
    return ops.cast(ops.stack([hue, saturation, value], axes.channels), dtype_of(x))


@operation
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Returns images of red, green and blue for those of hue, saturation and value; the inverse of `rgb_to_hsv`.

    Args:
        images: floats in `[0, 1]`: an image of shape `(height, width, 3)`, or a batch of them.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another rank, type or number of channels.
    """
    x, axes = _of_three("hsv_to_rgb", images, data_format)
    if None in x.shape:
        return unknown(x.shape, x)
    hue, saturation, value = _planes(x, axes)
    place = (hue - ops.floor(hue)) * 6.0
    red = ops.clip(ops.abs(place - 3.0) - 1.0, 0.0, 1.0)
    green = ops.clip(2.0 - ops.abs(place - 2.0), 0.0, 1.0)
    blue = ops.clip(2.0 - ops.abs(place - 4.0), 0.0, 1.0)
    planes = [value * (1.0 - saturation + saturation * part) for part in (red, green, blue)]
    return ops.cast(ops.stack(planes, axes.channels), dtype_of(x))


def _of_three(name: str, images: Any, data_format: Any) -> tuple[Any, Axes]:
    x, axes = as_images(name, images, data_format)
    if not dtypes.is_float(dtype_of(x)):
        raise ValueError(f"{name}: Invalid images dtype: expected float dtype, got {dtype_of(x)}")
    if x.shape[axes.channels] not in (3, None):
        count = x.shape[axes.channels]
        raise ValueError(f"{name}: Input images must have 3 channels, but received images with {count} channels.")
    return x, axes


def _planes(x: Any, axes: Axes) -> list[Any]:
    return list(ops.unstack(x, 3, axes.channels))
