"""What all functions of images check: the rank, and where rows, columns and channels are."""

from __future__ import annotations

from typing import Any, NamedTuple

from dlnative.ops.core import as_tensor, shown
from dlnative.ops.windows import checked_data_format


class Axes(NamedTuple):
    """The axes of an image or a batch of images, counted from the front."""

    height: int
    width: int
    channels: int


def image_axes(name: str, x: Any, data_format: Any) -> Axes:
    """Returns where height, width and channels are in an image or a batch of images.

    Args:
        name: the function, for messages.
        x: the images.
        data_format: `"channels_last"`, `"channels_first"` or `None` for the one that is configured.

    Raises:
        ValueError: if the rank is not 3 or 4.
    """
    rank = len(x.shape)
    if rank not in (3, 4):
        raise ValueError(
            f"{name}: Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images), got shape "
            f"{tuple(x.shape)}"
        )
    last = checked_data_format(name, data_format) == "channels_last"
    return Axes(rank - 3, rank - 2, rank - 1) if last else Axes(rank - 2, rank - 1, rank - 3)


def as_images(name: str, images: Any, data_format: Any) -> tuple[Any, Axes]:
    """Returns images as a tensor or array, and their axes."""
    x = as_tensor(images)
    return x, image_axes(name, x, data_format)


def pair(name: str, what: str, value: Any) -> tuple[Any, Any]:
    """Returns two values that belong to height and width.

    Raises:
        ValueError: if there are not two.
    """
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{name}: expected `{what}` to be a tuple of 2 (height, width), got {shown(value)}")
    return value[0], value[1]
