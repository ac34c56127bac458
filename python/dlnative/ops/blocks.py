"""Blocks of pixels as channels, and the other way round."""

from __future__ import annotations

from typing import Any

from dlnative.ops.core import as_tensor, call, integer, operation
from dlnative.ops.shape import transpose


def _blocks(name: str, x: Any, block_size: Any, data_format: str | None) -> tuple[Any, int, bool]:
    """Returns images with the channels last, the block size, and whether they were so."""
    size = integer(block_size, f"{name}: block_size")
    if size < 2:
        raise ValueError(f"{name}: `block_size` must be at least 2, got {block_size}")
    if data_format not in (None, "channels_last", "channels_first"):
        raise ValueError(f'{name}: expected data_format "channels_last" or "channels_first", got {data_format!r}')
    x = as_tensor(x)
    if len(x.shape) != 4:
        raise ValueError(f"{name}: expected images of rank 4, got shape {tuple(x.shape)}")
    return x, size, data_format != "channels_first"


def _scaled(extent: Any, up: int = 1, down: int = 1, name: str = "") -> Any:
    if extent is None:
        return None
    if extent % down:
        raise ValueError(f"{name}: expected an extent that {down} divides, got {extent}")
    return extent * up // down


@operation
def depth_to_space(x: Any, block_size: int, data_format: str | None = "channels_last") -> Any:
    """Makes blocks of pixels of groups of channels.

    Args:
        x: images of shape `(N, H, W, C)`, or `(N, C, H, W)` for `"channels_first"`.
        block_size: the height and width of a block, b; b*b must divide C.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        Images of height b*H, width b*W and C/(b*b) channels.
    """
    name = "depth_to_space"
    x, b, last = _blocks(name, x, block_size, data_format)
    n, *rest = x.shape
    h, w, c = rest if last else (rest[1], rest[2], rest[0])
    depth = _scaled(c, 1, b * b, name)
    shape = (n, h, w, b, b, depth) if last else (n, depth, b, b, h, w)
    y = transpose(call("reshape", x, attributes=(shape,)), (0, 1, 3, 2, 4, 5) if last else (0, 1, 4, 2, 5, 3))
    h, w = _scaled(h, b), _scaled(w, b)
    return call("reshape", y, attributes=((n, h, w, depth) if last else (n, depth, h, w),))


@operation
def space_to_depth(x: Any, block_size: int, data_format: str | None = "channels_last") -> Any:
    """Makes channels of blocks of pixels; see `depth_to_space`, which is the inverse."""
    name = "space_to_depth"
    x, b, last = _blocks(name, x, block_size, data_format)
    n, *rest = x.shape
    h, w, c = rest if last else (rest[1], rest[2], rest[0])
    h, w = _scaled(h, 1, b, name), _scaled(w, 1, b, name)
    shape = (n, h, b, w, b, c) if last else (n, c, h, b, w, b)
    y = transpose(call("reshape", x, attributes=(shape,)), (0, 1, 3, 2, 4, 5) if last else (0, 1, 3, 5, 2, 4))
    depth = _scaled(c, b * b)
    return call("reshape", y, attributes=((n, h, w, depth) if last else (n, depth, h, w),))
