"""Images turned, sheared, seen from the side and bent: each pixel of the result is read at another place of the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.ops.core import as_tensor, dtype_of, operation, unknown
from dlnative.ops.image.coordinates import check_fill_mode, order_of, sampled
from dlnative.ops.image.filters import filtered, gaussian
from dlnative.ops.image.shapes import as_images
from dlnative.ops.windows import checked_data_format


@operation
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Reads images at places that are a projective map of the pixels'.

    The pixel (x, y) of the result is what the image has at `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`, with
    `k = c0 x + c1 y + 1`.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        transform: `[a0, a1, a2, b0, b1, b2, c0, c1]`, or one row of these for each image.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: what is outside of an image; see `map_coordinates`.
        fill_value: the constant.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: for another rank, number of transforms, interpolation or mode.

    Example:
        >>> image = np.arange(4.0).reshape(2, 2, 1)
        >>> affine_transform(image, np.array([1.0, 0, 1, 0, 1, 0, 0, 0])).ravel().tolist()  # one pixel to the left
        [1.0, 0.0, 3.0, 0.0]
    """
    name = "affine_transform"
    order = order_of(name, interpolation)
    check_fill_mode(name, fill_mode)
    x, _ = as_images(name, images, data_format)
    maps = as_tensor(transform)
    if len(maps.shape) not in (1, 2) or maps.shape[-1] != 8:
        raise ValueError(
            f"{name}: Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of transforms) of 8 "
            f"numbers, got shape {tuple(maps.shape)}"
        )
    if None in x.shape or None in maps.shape:
        return unknown(x.shape, x)
    maps = ops.reshape(ops.cast(maps, "float64" if dtype_of(maps) == "float64" else "float32"), (-1, 8))
    if isinstance(maps, np.ndarray) and not maps[:, 6:].any():
        maps = maps[:, :6]
    return warped(name, x, maps, order, fill_mode, fill_value, data_format)


@operation
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """Moves four points of images to other places, and all others with them as seen in perspective.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        start_points: the four points, `(x, y)` each, of shape `(4, 2)`, or `(batch, 4, 2)`.
        end_points: where they come to.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: what is outside of an image.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: for another rank, other points or interpolation.

    Example:
        >>> corners = np.array([[0.0, 0], [0, 2], [2, 0], [2, 2]])
        >>> image = np.arange(4.0).reshape(2, 2, 1)
        >>> perspective_transform(image, corners, corners - [1, 0]).round(5).ravel().tolist()  # one to the left
        [1.0, 0.0, 3.0, 0.0]
    """
    name = "perspective_transform"
    order = order_of(name, interpolation)
    x, _ = as_images(name, images, data_format)
    points = []
    for what, given in (("start_points", start_points), ("end_points", end_points)):
        found = as_tensor(given)
        if len(found.shape) not in (2, 3) or tuple(found.shape[-2:]) != (4, 2):
            raise ValueError(
                f"{name}: Invalid {what} shape: expected (4,2) for a single image or (N,4,2) for a batch, got "
                f"{tuple(found.shape)}"
            )
        points.append(found)
    if points[0].shape != points[1].shape:
        raise ValueError(
            f"{name}: start_points and end_points must have the same shape, got {tuple(points[0].shape)} and "
            f"{tuple(points[1].shape)}"
        )
    if None in x.shape or None in points[0].shape:
        return unknown(x.shape, x)
    maps = homography(*[ops.reshape(ops.cast(found, "float64"), (-1, 4, 2)) for found in points])
    return warped(name, x, ops.cast(maps, "float32"), order, "constant", fill_value, data_format)


def homography(start: Any, end: Any) -> Any:
    """Returns the projective map from the ends of four points back to where they begin, as `affine_transform` takes it.

    Both are images of the corners of the unit square; the map is one of them after the inverse of the other.

    Args:
        start, end: the points, of shape `(batch, 4, 2)`.

    Source:
        Heckbert, "Fundamentals of texture mapping and image warping", 1989, section 2.2.3.
    """
    whole = ops.matmul(_from_unit_square(start), _adjugate(_from_unit_square(end)))
    flat = ops.reshape(whole, (-1, 9))
    return flat[:, :8] / flat[:, 8:]


def _from_unit_square(points: Any) -> Any:
    """Returns the matrices `(batch, 3, 3)` that map the corners (0, 0), (0, 1), (1, 0), (1, 1) to points."""
    x, y = [ops.unstack(points[:, :, axis], 4, 1) for axis in (0, 1)]
    (ux, uy), (vx, vy) = [(x[i] - x[3], y[i] - y[3]) for i in (2, 1)]
    sx, sy = x[0] - x[1] - x[2] + x[3], y[0] - y[1] - y[2] + y[3]
    area = ux * vy - vx * uy
    g, h = (sx * vy - vx * sy) / area, (ux * sy - sx * uy) / area
    rows = [
        x[2] - x[0] + g * x[2], x[1] - x[0] + h * x[1], x[0],
        y[2] - y[0] + g * y[2], y[1] - y[0] + h * y[1], y[0],
        g, h, ops.ones_like(g),
    ]  # fmt: skip
    return ops.reshape(ops.stack(rows, 1), (-1, 3, 3))


def _adjugate(matrices: Any) -> Any:
    """Returns the inverses of matrices `(batch, 3, 3)` times their determinants."""
    a, b, c, d, e, f, g, h, i = ops.unstack(ops.reshape(matrices, (-1, 9)), 9, 1)
    parts = [
        e * i - f * h, c * h - b * i, b * f - c * e,
        f * g - d * i, a * i - c * g, c * d - a * f,
        d * h - e * g, b * g - a * h, a * e - b * d,
    ]  # fmt: skip
    return ops.reshape(ops.stack(parts, 1), (-1, 3, 3))


def warped(name: str, x: Any, maps: Any, order: int, fill_mode: str, fill_value: float, data_format: str | None) -> Any:
    """Returns images read at maps of the places of their pixels.

    Args:
        name: the function or layer, for messages.
        x: an image or a batch of them.
        maps: projective maps `(1 or batch, 8)`, as `affine_transform` takes them, or affine ones `(1 or batch, 6)`.
        order, fill_mode, fill_value: see `sampled`.
        data_format: where the channels are.
    """
    batch = x.shape[0] if len(x.shape) == 4 else 1
    if maps.shape[0] not in (1, batch):
        raise ValueError(f"{name}: expected one transform or one for each of {batch} images, got {maps.shape[0]}")
    last = checked_data_format(name, data_format) == "channels_last"
    height, width = x.shape[-3:-1] if last else x.shape[-2:]
    kind = dtype_of(maps)
    across, down = np.arange(width, dtype=kind), np.arange(height, dtype=kind)[:, None]
    parts = [ops.reshape(part, (-1, 1, 1)) for part in ops.unstack(maps, maps.shape[1], 1)]
    a0, a1, a2, b0, b1, b2 = parts[:6]
    places = [b0 * across + b1 * down + b2, a0 * across + a1 * down + a2]
    if len(parts) == 8:
        nearness = parts[6] * across + parts[7] * down + 1.0
        places = [place / nearness for place in places]
    return read(x, places, order, fill_mode, fill_value, last)


def read(x: Any, places: list[Any], order: int, fill_mode: str, fill_value: float, last: bool) -> Any:
    """Returns images read at places.

    Args:
        x: an image or a batch of them.
        places: the rows and the columns, each of shape `(1 or batch, height, width)`.
        order, fill_mode, fill_value: see `sampled`.
        last: whether the channels of images are last.
    """
    shape = tuple(x.shape)
    images = ops.reshape(x, (-1, *shape[-3:]))
    if not last:
        images = ops.transpose(images, (0, 2, 3, 1))
    batch, height, width, channels = images.shape
    places = [ops.broadcast_to(place, (batch, height, width)) for place in places]
    first = (np.arange(batch, dtype="int32") * (height * width)).reshape(-1, 1, 1)
    rows = ops.reshape(images, (-1, channels) if channels != 1 else (-1,))
    y = sampled(rows, (height, width), places, order, fill_mode, fill_value, first)
    y = ops.reshape(y, (batch, height, width, channels))
    return ops.reshape(y if last else ops.transpose(y, (0, 3, 1, 2)), shape)


@operation
def elastic_transform(
    images: Any,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Any:
    """Moves pixels by random distances that change smoothly from each to the next.

    Normal numbers of the standard deviation `sigma` are smoothed by a Gaussian of the same, and multiplied by `alpha`.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        alpha: the factor of the distances.
        sigma: of the Gaussian, in pixels.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: what is outside of an image; see `map_coordinates`.
        fill_value: the constant.
        seed: an int, a `SeedGenerator`, or `None` for the default generator.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: for another rank, interpolation or mode.

    Source:
        Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
        analysis", ICDAR 2003.
    """
    from dlnative import random

    name = "elastic_transform"
    order = order_of(name, interpolation)
    check_fill_mode(name, fill_mode)
    x, axes = as_images(name, images, data_format)
    sigma = float(sigma)
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"{name}: expected sigma to be a number above 0, got {sigma}")
    if None in x.shape:
        return unknown(x.shape, x)
    height, width = x.shape[axes.height], x.shape[axes.width]
    batch = x.shape[0] if len(x.shape) == 4 else 1
    noise = random.normal((2 * batch, height, width, 1), 0.0, sigma, "float32", seed)
    weights = gaussian(int(6 * sigma) | 1, np.float32(sigma))
    moves = ops.reshape(filtered(noise, weights, weights, "same") * alpha, (2, batch, height, width))
    places = [
        moves[0] + np.arange(height, dtype="float32")[:, None],
        moves[1] + np.arange(width, dtype="float32"),
    ]
    last = checked_data_format(name, data_format) == "channels_last"
    return read(x, places, order, fill_mode, fill_value, last)
