"""Rows and columns around images, added and cut off."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.ops.core import integer, operation, unknown
from dlnative.ops.image.shapes import as_images


@operation
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Adds zeros around images.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        top_padding, bottom_padding: rows to add. Two of them and `target_height` must be given, and likewise
        left_padding, right_padding: columns to add, and `target_width`.
        target_height, target_width: the extents of the result.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if not two of three are given, or something is negative.

    Example:
        >>> import numpy as np
        >>> pad_images(np.ones((15, 25, 3)), 2, 3, target_height=20, target_width=30).shape
        (20, 30, 3)
    """
    name = "pad_images"
    x, axes = as_images(name, images, data_format)
    rows = {"top_padding": top_padding, "bottom_padding": bottom_padding, "target_height": target_height}
    columns = {"left_padding": left_padding, "right_padding": right_padding, "target_width": target_width}
    shape, widths = list(x.shape), [(0, 0)] * len(x.shape)
    for axis, given in ((axes.height, rows), (axes.width, columns)):
        before, behind, shape[axis] = _completed(name, given, x.shape[axis], 1)
        widths[axis] = (before, behind)
    return unknown(shape, x) if None in x.shape else ops.pad(x, widths)


@operation
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Cuts off the border of images.

    Args:
        images: an image of shape `(height, width, channels)`, or a batch of them.
        top_cropping, bottom_cropping: rows to cut off. Two of them and `target_height` must be given, and likewise
        left_cropping, right_cropping: columns to cut off, and `target_width`.
        target_height, target_width: the extents of the result.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: if not two of three are given, or something is negative.

    Example:
        >>> import numpy as np
        >>> crop_images(np.arange(9).reshape(3, 3, 1), 0, 0, target_height=2, target_width=2).ravel().tolist()
        [0, 1, 3, 4]
    """
    name = "crop_images"
    x, axes = as_images(name, images, data_format)
    rows = {"top_cropping": top_cropping, "bottom_cropping": bottom_cropping, "target_height": target_height}
    columns = {"left_cropping": left_cropping, "right_cropping": right_cropping, "target_width": target_width}
    shape, starts = list(x.shape), [0] * len(x.shape)
    for axis, given in ((axes.height, rows), (axes.width, columns)):
        starts[axis], _, shape[axis] = _completed(name, given, x.shape[axis], -1)
        if shape[axis] is None:
            what = "height" if axis == axes.height else "width"
            raise ValueError(
                f"{name}: When the {what} of the images is unknown, `target_{what}` must be specified, got images of shape "
                f"{tuple(x.shape)}"
            )
    return unknown(shape, x) if None in x.shape else ops.slice(x, starts, shape)


def _completed(name: str, given: dict[str, Any], extent: int | None, sign: int) -> tuple[Any, Any, Any]:
    """Returns what is added (`sign` 1) or cut off (-1) in front and behind, and the extent afterwards, of which two are given.

    Where the extent is not known, what depends on it is `None`.

    Raises:
        ValueError: if not two are given, or one is negative.
    """
    if [*given.values()].count(None) != 1:
        shown = ", ".join(f"{what}={value}" for what, value in given.items())
        raise ValueError(f"{name}: Must specify exactly two of {', '.join(given)}, got {shown}")
    found = {what: None if value is None else integer(value, f"{name}: {what}") for what, value in given.items()}
    (first, before), (last, behind), (target, after) = found.items()
    _check_not_negative(name, found)
    if extent is not None:
        if after is None:
            found[target] = extent + sign * ((before or 0) + (behind or 0))
        else:
            whole = sign * (after - extent)
            found[first if before is None else last] = whole - ((behind if before is None else before) or 0)
    _check_not_negative(name, found)
    return found[first], found[last], found[target]


def _check_not_negative(name: str, found: dict[str, Any]) -> None:
    for what, value in found.items():
        if value is not None and value < 0:
            raise ValueError(f"{name}: {what} must be >= 0, got {what}={value}")
