"""Images of another size: interpolation along an axis is a product with a matrix of shares.

A new pixel is the sum of old ones, weighted by a kernel of their distance, `w(d) / sum(w)`. Pixels are half a pixel away
from the border. With `antialias` a kernel is as wide as what one new pixel covers of the old ones.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.bits import saturate_cast
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, dtype_of, integer, normalize_axes, operation, shape_of, shown, unknown
from dlnative.ops.image.shapes import Axes, as_images, pair
from dlnative.ops.indexing import cut, take
from dlnative.ops.padding import pad
from dlnative.ops.product import matmul
from dlnative.ops.rounding import round
from dlnative.ops.shape import moveaxis, reshape

_Kernel = Callable[[Any, Any], Any]


def _triangle(xp: Any, x: Any) -> Any:
    return xp.maximum(0.0, 1.0 - x)


def _keys(xp: Any, x: Any) -> Any:
    """Keys' cubic convolution, a = -1/2."""
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return xp.where(x < 1, near, xp.where(x < 2, far, 0.0))


def _lanczos(radius: int) -> _Kernel:
    return lambda xp, x: xp.where(x < radius, xp.sinc(x) * xp.sinc(x / radius), 0.0)


KERNELS: dict[str, _Kernel] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
INTERPOLATIONS = ("nearest", *KERNELS)


def shares(xp: Any, old: int, new: int, scale: Any, translation: Any, kernel: _Kernel, antialias: bool) -> Any:
    """Returns the matrix `(new, old)` of the shares that old pixels have in new ones.

    The old place u lies at the new place `u * scale + translation`, both measured from the border.

    Args:
        xp: NumPy, or the functions of ops where `scale` and `translation` are tensors.
        old, new: the extents.
        scale, translation: of the places.
        kernel: the weight at a distance, in old pixels.
        antialias: whether the kernel becomes wider where pixels become fewer.
    """
    places = (np.arange(new, dtype=scale.dtype) + 0.5 - translation) / scale - 0.5
    distances = xp.abs(places[:, None] - np.arange(old, dtype=scale.dtype))
    weights = kernel(xp, distances / xp.maximum(1.0 / scale, 1.0) if antialias else distances)
    total = xp.sum(weights, axis=1, keepdims=True)
    enough = xp.abs(total) > 1000 * float(np.finfo(np.float32).eps)
    inside = xp.logical_and(places >= -0.5, places <= old - 0.5)
    shared = weights / xp.where(xp.equal(total, 0.0), 1.0, total)
    return xp.where(xp.logical_and(enough, inside[:, None]), shared, 0.0)


@functools.lru_cache(maxsize=64)
def _fixed_shares(old: int, new: int, interpolation: str, antialias: bool, dtype: str) -> np.ndarray[Any, Any]:
    """Returns the shares of a resizing, which are the same for all images of a size."""
    kernel, nowhere = KERNELS[interpolation], np.float64(0.0)
    made = shares(np, old, new, np.float64(new / old), nowhere, kernel, antialias)
    return made.astype(dtypes.NUMPY[dtype])


def mixed(x: Any, axis: int, weights: Any) -> Any:
    """Returns the sums along an axis that the rows of a matrix say.

    Args:
        x: a tensor of floats.
        axis: the axis.
        weights: of shape `(new, old)`.
    """
    shape = tuple(x.shape)
    behind = math.prod(shape[axis + 1 :])
    if behind < 16:  # narrow products are slow, transposing is not
        return moveaxis(matmul(moveaxis(x, axis, -1), moveaxis(weights, 0, 1)), -1, axis)
    rows = reshape(x, (math.prod(shape[:axis]), shape[axis], behind))
    return reshape(matmul(weights, rows), (*shape[:axis], weights.shape[0], *shape[axis + 1 :]))


def _nearest(x: Any, axis: int, new: int) -> Any:
    old = x.shape[axis]
    places = np.floor((np.arange(new, dtype=np.float32) + np.float32(0.5)) * np.float32(old) / np.float32(new))
    return take(x, np.minimum(places.astype(np.int32), old - 1), axis)


def _as_shape(shape: Sequence[Any], axes: Axes, size: tuple[int, int]) -> tuple[Any, ...]:
    made = list(shape)
    made[axes.height], made[axes.width] = size
    return tuple(made)


def _cropped(x: Any, axes: Axes, size: tuple[int, int]) -> Any:
    """Returns the largest part in the middle whose sides are to each other as those of `size`."""
    height, width = x.shape[axes.height], x.shape[axes.width]
    rows = max(min(height, int(float(width * size[0]) / size[1])), 1)
    columns = max(min(width, int(float(height * size[1]) / size[0])), 1)
    for axis, extent, kept in ((axes.height, height, rows), (axes.width, width, columns)):
        first = (extent - kept) // 2
        x = cut(x, axis, first, first + kept) if kept < extent else x
    return x


def _padded(x: Any, axes: Axes, size: tuple[int, int], fill_value: float) -> Any:
    """Returns images with as much on both sides that their sides are to each other as those of `size`."""
    height, width = x.shape[axes.height], x.shape[axes.width]
    rows = (max(height, int(float(width * size[0]) / size[1])) - height) // 2
    columns = 0 if rows else (max(width, int(float(height * size[1]) / size[0])) - width) // 2
    widths = [(0, 0)] * len(x.shape)
    widths[axes.height], widths[axes.width] = (rows, rows), (columns, columns)
    return pad(x, widths, constant_values=fill_value)


@operation
def resize(
    images: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Returns images of another size.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        size: the new height and width.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"` (Keys, a = -1/2), `"lanczos3"` or `"lanczos5"`.
        antialias: whether images that become smaller are smoothed.
        crop_to_aspect_ratio: whether what does not fit the new ratio of the sides is cut off, as evenly as can be.
        pad_to_aspect_ratio: whether images get a border first, so that they fit it.
        fill_mode: of the border, only `"constant"`.
        fill_value: the border's value.
        data_format: `"channels_last"`, or `"channels_first"` for `(channels, height, width)`.

    Returns:
        Images in the type of the given ones; integers are rounded.

    Raises:
        ValueError: for another rank, size or interpolation.

    Example:
        >>> import numpy as np
        >>> resize(np.array([0.0, 4.0]).reshape(1, 2, 1), (1, 4)).ravel().tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    name = "resize"
    x, axes = as_images(name, images, data_format)
    given = pair(name, "size", size)
    wanted = integer(given[0], f"{name}: size"), integer(given[1], f"{name}: size")
    if min(wanted) <= 0:
        raise ValueError(f"{name}: `size` must have positive height and width, got {shown(size)}")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"{name}: Invalid value for argument `interpolation`: expected {', '.join(INTERPOLATIONS)}, got {interpolation!r}"
        )
    if fill_mode != "constant":
        raise ValueError(f'{name}: Invalid value for argument `fill_mode`: expected "constant", got {fill_mode!r}')
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{name}: Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`.")
    if None in x.shape:
        return unknown(_as_shape(x.shape, axes, wanted), x)
    if crop_to_aspect_ratio:
        x = _cropped(x, axes, wanted)
    elif pad_to_aspect_ratio:
        x = _padded(x, axes, wanted, fill_value)
    old = dtype_of(x)
    y = x if interpolation == "nearest" else to_float(x)
    for axis, new in sorted(zip(axes[:2], wanted, strict=True), key=lambda item: item[1] / x.shape[item[0]]):
        extent = x.shape[axis]
        if extent == new:
            continue
        if interpolation == "nearest":
            y = _nearest(y, axis, new)
        else:
            y = mixed(y, axis, _fixed_shares(extent, new, interpolation, bool(antialias), dtype_of(y)))
    return y if dtype_of(y) == old else saturate_cast(round(y), old)


_METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), "bilinear"),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), "bicubic"),
    "lanczos3": "lanczos3",
    "lanczos5": "lanczos5",
}


@operation
def scale_and_translate(
    images: Any,
    output_shape: Sequence[int],
    scale: Any,
    translation: Any,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Any:
    """Returns images that are scaled and moved along some axes: the place x of the old one lies at `x * scale + translation`.

    Places are measured from the border. What comes from outside is 0.

    Args:
        images: a tensor or array.
        output_shape: the shape of the result.
        scale, translation: a number for each of the axes.
        spatial_dims: the axes.
        method: `"linear"`, `"cubic"` (both also with `bi` and `tri` before), `"triangle"`, `"lanczos3"` or `"lanczos5"`.
        antialias: whether images that become smaller are smoothed.

    Returns:
        Images of the shape; integers become floats.

    Raises:
        ValueError: for another method, or a shape that differs along other axes.

    Example:
        >>> import numpy as np
        >>> scale_and_translate(np.array([1.0, 2.0, 3.0]), (3,), np.ones(1), np.ones(1), (0,), "linear").tolist()
        [0.0, 1.0, 2.0]
    """
    from dlnative import ops

    name = "scale_and_translate"
    if method not in _METHODS:
        raise ValueError(f"{name}: Invalid value for argument `method`: expected {', '.join(_METHODS)}, got {method!r}")
    x = to_float(images)
    rank = len(x.shape)
    shape = tuple(output_shape) if None in x.shape else shape_of(name, output_shape)
    axes = normalize_axes(tuple(spatial_dims), rank, name)
    others = [index for index in range(rank) if index not in axes]
    if len(shape) != rank or any(x.shape[index] not in (None, shape[index]) for index in others):
        raise ValueError(f"{name}: expected an output_shape like {tuple(x.shape)} but along {axes}, got {shape}")
    factors, offsets = [cast(as_tensor(value), dtype_of(x)) for value in (scale, translation)]
    for what, value in (("scale", factors), ("translation", offsets)):
        if tuple(value.shape) != (len(axes),):
            raise ValueError(f"{name}: expected {what} of shape ({len(axes)},), got shape {tuple(value.shape)}")
    if None in x.shape:
        return unknown(shape, x)
    for index, axis in enumerate(axes):
        kernel = KERNELS[_METHODS[method]]
        weights = shares(ops, x.shape[axis], shape[axis], factors[index], offsets[index], kernel, bool(antialias))
        x = mixed(x, axis, cast(weights, dtype_of(x)))
    return x
