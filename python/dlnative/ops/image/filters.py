"""Images seen through small windows: blurred, their edges, and how alike two of them are."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.ops.core import as_tensor, dtype_of, operation, unknown
from dlnative.ops.image.shapes import as_images, image_axes, pair
from dlnative.ops.windows import as_channels_last, back_from_channels_last, checked_data_format, per_axis


def gaussian(size: int, sigma: Any) -> Any:
    """Returns `size` weights `exp(-d**2 / (2 sigma**2))` of their distances from the middle, whose sum is 1.

    Args:
        size: how many.
        sigma: a float of NumPy's, or a tensor of rank 0.
    """
    distances = (np.arange(size) - (size - 1) / 2).astype(sigma.dtype)
    weights = ops.exp(-0.5 * ops.square(distances / sigma))
    return weights / ops.sum(weights)


def filtered(x: Any, down: Any, across: Any, padding: str) -> Any:
    """Returns images `(batch, height, width, channels)` weighted along rows and columns.

    Args:
        x: the images.
        down, across: the weights along an image's height and its width.
        padding: `"valid"` or `"same"`, with zeros outside.
    """
    for weights, window in ((down, (down.shape[0], 1)), (across, (1, across.shape[0]))):
        channels = x.shape[-1]
        kernel = ops.broadcast_to(ops.reshape(weights, (*window, 1, 1)), (*window, channels, 1))
        x = ops.depthwise_conv(x, kernel, padding=padding, data_format="channels_last")
    return x


@operation
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
) -> Any:
    """Returns images whose pixels are means of those around, weighted by a Gaussian of the distance. Outside is 0.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        kernel_size: how many pixels count along the width and along the height.
        sigma: the standard deviations along the width and along the height, in pixels; may be a tensor.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of the same shape and type.

    Raises:
        ValueError: for another rank or size.

    Example:
        >>> gaussian_blur(np.array([0.0, 1.0, 0.0]).reshape(1, 3, 1)).ravel().round(3).tolist()
        [0.124, 0.204, 0.124]
    """
    name = "gaussian_blur"
    x, _ = as_images(name, images, data_format)
    columns, rows = per_axis(name, "kernel_size", kernel_size, 2)
    if None in x.shape:
        return unknown(x.shape, x)
    old = dtype_of(x)
    x = ops.cast(x, dtypes.result_type(old, dtypes.floatx()))
    wide, high = pair(name, "sigma", sigma) if isinstance(sigma, (tuple, list)) else ops.unstack(as_tensor(sigma), 2)
    wide, high = [ops.cast(as_tensor(value), dtype_of(x)) for value in (wide, high)]
    y = as_channels_last(x if len(x.shape) == 4 else ops.expand_dims(x, 0), checked_data_format(name, data_format))
    y = filtered(y, gaussian(rows, high), gaussian(columns, wide), "same")
    y = back_from_channels_last(y, checked_data_format(name, data_format))
    return ops.cast(ops.reshape(y, tuple(x.shape)), old)


@operation
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """Returns how images change downwards and to the right: the derivative along an axis, smoothed along the other.

    Args:
        images: a batch of images `(batch, height, width, channels)`; outside is 0.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A tensor with one more axis, of two: downwards, to the right.

    Raises:
        ValueError: for another rank.

    Example:
        >>> sobel_edges(np.array([0.0, 1.0, 1.0]).reshape(1, 1, 3, 1))[0, 0, 1, 0].tolist()
        [0.0, 2.0]
    """
    name = "sobel_edges"
    form = checked_data_format(name, data_format)
    x = as_tensor(images)
    if len(x.shape) != 4:
        raise ValueError(f"{name}: Invalid images rank: expected rank 4 (batch of images), got shape {tuple(x.shape)}")
    if None in x.shape:
        return unknown((*x.shape, 2), x)
    old = dtype_of(x)
    kind = dtypes.result_type(old, dtypes.floatx())
    change, smooth = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0])
    y = as_channels_last(ops.cast(x, kind), form)
    edges = []
    for down, across in ((change, smooth), (smooth, change)):
        found = filtered(y, down.astype(dtypes.NUMPY[kind]), across.astype(dtypes.NUMPY[kind]), "same")
        edges.append(back_from_channels_last(found, form))
    return ops.cast(ops.stack(edges, -1), old)


@operation
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """Returns how alike images are in brightness, contrast and structure: 1 for equal ones.

    The mean over all windows of `(2 m1 m2 + c1)(2 s12 + c2) / ((m1² + m2² + c1)(s1² + s2² + c2))`, with means, variances
    and covariance weighted by a Gaussian, `c1 = (k1 max_val)²` and `c2 = (k2 max_val)²`.

    Args:
        image1, image2: images of one shape, `(height, width, channels)`, or batches of them.
        max_val: the largest possible value.
        filter_size: the extent of the windows.
        filter_sigma: the standard deviation of the Gaussian, in pixels.
        k1, k2: what keeps the quotient from being one of small numbers.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A number for each pair of images.

    Raises:
        ValueError: for another rank, other shapes, or if no window fits.

    Example:
        >>> picture = np.random.RandomState(0).rand(16, 16, 3).astype("float32")
        >>> round(float(ssim(picture, picture)), 4)
        1.0

    Source:
        Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on
        Image Processing, 2004.
    """
    name = "ssim"
    a, b = as_tensor(image1), as_tensor(image2)
    for what, x in (("image1", a), ("image2", b)):
        if len(x.shape) not in (3, 4):
            raise ValueError(
                f"{name}: Invalid {what} rank: expected rank 3 (single image) or rank 4 (batch of images), got shape "
                f"{tuple(x.shape)}"
            )
    if any(m != n for m, n in zip(a.shape, b.shape, strict=False) if None not in (m, n)) or len(a.shape) != len(
        b.shape
    ):
        raise ValueError(f"{name}: expected images of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    image_axes(name, a, data_format)
    is_batch = len(a.shape) == 4
    (size,) = per_axis(name, "filter_size", filter_size, 1)
    old = dtype_of(a)
    if None in (*a.shape, *b.shape):
        return unknown(a.shape[: len(a.shape) - 3], a)
    kind = dtypes.result_type(old, dtypes.floatx())
    form = checked_data_format(name, data_format)
    a, b = [as_channels_last(ops.cast(x if is_batch else ops.expand_dims(x, 0), kind), form) for x in (a, b)]
    weights = gaussian(size, np.asarray(filter_sigma, dtypes.NUMPY[kind]))
    count = a.shape[0]
    moments = filtered(ops.concatenate([a, b, a * a, b * b, a * b], 0), weights, weights, "valid")
    m1, m2, s11, s22, s12 = [moments[i * count : (i + 1) * count] for i in range(5)]
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    both, squares = m1 * m2, m1 * m1 + m2 * m2
    likeness = (2.0 * both + c1) * (2.0 * (s12 - both) + c2) / ((squares + c1) * (s11 + s22 - squares + c2))
    found = ops.mean(likeness, axis=(1, 2, 3))
    return ops.cast(found if is_batch else found[0], old)
