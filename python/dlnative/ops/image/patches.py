"""What windows see of images and volumes, as vectors."""

from __future__ import annotations

import itertools
import math
from typing import Any

from dlnative import ops
from dlnative.ops.core import as_tensor, operation, shown, unknown
from dlnative.ops.windows import as_channels_last, back_from_channels_last, checked_data_format, per_axis, window_over


@operation
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Returns the elements that windows see, one vector for each window.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them; volumes if `size` has three numbers.
        size: the extents of the windows: two or three integers, or one for height and width.
        strides: how far apart they are; by default side by side.
        dilation_rate: how far apart the elements are that a window sees.
        padding: `"valid"`: windows lie inside; `"same"`: they may reach over, and see zeros there.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A tensor with window positions in place of height and width, and `prod(size) * channels` channels: all of the
        window's first element, then those of the next one in its row.

    Raises:
        TypeError: if `size` is no integer and no tuple.
        ValueError: for another length of `size`, or if no window fits.

    Example:
        >>> import numpy as np
        >>> extract_patches(np.arange(16).reshape(4, 4, 1), 2)[0].tolist()
        [[0, 1, 4, 5], [2, 3, 6, 7]]
    """
    name = "extract_patches"
    if not hasattr(size, "__index__"):
        if not isinstance(size, (tuple, list)):
            raise TypeError(
                f"{name}: Invalid `size` argument. Expected an int or a tuple, got {shown(size)} of type {type(size).__name__}"
            )
        if len(size) not in (2, 3):
            raise ValueError(f"{name}: Invalid `size` argument. Expected a tuple of length 2 or 3, got {shown(size)}")
    axes = 2 if hasattr(size, "__index__") else len(size)
    return _patches(name, images, size, strides, dilation_rate, padding, data_format, axes)


@operation
def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """Returns the elements that windows see of volumes, one vector for each window; see `extract_patches`.

    Args:
        volumes: a volume of shape `(depth, height, width, channels)`, or a batch of them.
        size: the extents of the windows: three integers, or one for all axes.
        strides, dilation_rate, padding, data_format: as for `extract_patches`.

    Example:
        >>> import numpy as np
        >>> extract_patches_3d(np.zeros((10, 10, 10, 3)), 3).shape
        (3, 3, 3, 81)
    """
    name = "extract_patches_3d"
    if not hasattr(size, "__index__"):
        if not isinstance(size, (tuple, list)) or len(size) != 3:
            raise TypeError(
                f"{name}: Invalid `size` argument. Expected an int or a tuple of length 3, got {shown(size)}"
            )
    if strides is not None and not hasattr(strides, "__index__") and len(strides) != 3:
        raise ValueError(
            f"{name}: Invalid `strides` argument: expected an int or a tuple of length 3, got {shown(strides)}"
        )
    return _patches(name, volumes, size, strides, dilation_rate, padding, data_format, 3)


def _patches(
    name: str, images: Any, size: Any, strides: Any, dilation: Any, padding: Any, data_format: Any, axes: int
) -> Any:
    x = as_tensor(images)
    rank = len(x.shape)
    if rank not in (axes + 1, axes + 2):
        raise ValueError(
            f"{name}: Invalid images rank: expected rank {axes + 1} (single) or rank {axes + 2} (a batch), got shape "
            f"{tuple(x.shape)}"
        )
    form = checked_data_format(name, data_format)
    extents = per_axis(name, "size", size, axes)
    if rank == axes + 1:
        x = ops.expand_dims(x, 0)
    x = as_channels_last(x, form)
    window = window_over(name, x.shape[1:-1], extents, strides or extents, padding, dilation)
    channels = x.shape[-1]
    depth = None if channels is None else math.prod(extents) * channels
    if None in x.shape:
        y: Any = unknown((x.shape[0], *window.out, depth), x)
    elif (
        window.strides == extents
        and set(window.dilation) == {1}
        and not any(window.low)
        and _fits(x, window.out, extents)
    ):
        y = _side_by_side(x, window.out, extents)
    else:
        y = _overlapping(x, extents, window)
    y = back_from_channels_last(y, form)
    return (
        unknown(y.shape[1:], x)
        if rank == axes + 1 and None in y.shape
        else ops.squeeze(y, 0)
        if rank == axes + 1
        else y
    )


def _fits(x: Any, out: Any, extents: tuple[int, ...]) -> bool:
    return all(n * k <= extent for n, k, extent in zip(out, extents, x.shape[1:-1], strict=True))


def _side_by_side(x: Any, out: tuple[int, ...], extents: tuple[int, ...]) -> Any:
    """Returns windows that share nothing: the same elements in another order."""
    axes = len(out)
    inside = tuple([slice(0, n * k) for n, k in zip(out, extents, strict=True)])
    x = ops.get_item(x, (slice(None), *inside))
    split = [part for pair in zip(out, extents, strict=True) for part in pair]
    x = ops.reshape(x, (x.shape[0], *split, x.shape[-1]))
    x = ops.transpose(x, (0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1))
    return ops.reshape(x, (x.shape[0], *out, -1))


def _overlapping(x: Any, extents: tuple[int, ...], window: Any) -> Any:
    """Returns, for each element of a window, what stands there in all windows, side by side."""
    spans = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(window.out, window.strides, extents, window.dilation, strict=True)
    ]
    pads = [
        (low, max(span - low - extent, 0)) for span, low, extent in zip(spans, window.low, x.shape[1:-1], strict=True)
    ]
    x = ops.pad(x, [(0, 0), *pads, (0, 0)])
    parts = []
    for place in itertools.product(*map(range, extents)):
        firsts = [i * d for i, d in zip(place, window.dilation, strict=True)]
        key = [slice(f, f + (n - 1) * s + 1, s) for f, n, s in zip(firsts, window.out, window.strides, strict=True)]
        parts.append(ops.get_item(x, (slice(None), *key)))
    return ops.concatenate(parts, -1)
