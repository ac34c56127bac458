"""Windows that slide over images: where they lie, and how many there are."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from dlnative.config import image_data_format
from dlnative.ops.core import call, shown

# The attributes of an op whose windows slide; `low` is what they reach over in front.
GEOMETRY = (("strides", "ints"), ("dilation", "ints"), ("low", "ints"))


class Window(NamedTuple):
    """Where windows lie: output o sees the inputs `o * stride + k * dilation - low`, k in the window, on each axis."""

    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    low: tuple[int, ...]
    out: tuple[Any, ...]


def per_axis(name: str, what: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """Returns an integer for each axis, given as such or as one for all.

    Raises:
        ValueError: if there are others, or another number of them.
    """
    alone = hasattr(value, "__index__") and getattr(value, "ndim", 0) == 0  # arrays have the method as well
    listed = [value] * rank if alone else value
    try:
        found = tuple([operator.index(item) for item in listed])
    except TypeError:
        found = ()
    if len(found) != rank or any(item < least for item in found):
        raise ValueError(f"{name}: expected {what} to be an integer of {least} or more, or {rank}, got {shown(value)}")
    return found


def checked_data_format(name: str, data_format: Any) -> str:
    """Returns a data format; `None` is the one that is configured."""
    if data_format is None:
        return image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f'{name}: expected a data_format of "channels_last" or "channels_first", got {shown(data_format)}'
        )
    return str(data_format)


def as_channels_last(x: Any, data_format: str) -> Any:
    """Returns an image with its channels last."""
    if data_format == "channels_last":
        return x
    rank = len(x.shape)
    return call("transpose", x, attributes=((0, *range(2, rank), 1),))


def back_from_channels_last(y: Any, data_format: str) -> Any:
    """Returns an image with its channels where the data format has them."""
    if data_format == "channels_last":
        return y
    rank = len(y.shape)
    return call("transpose", y, attributes=((0, rank - 1, *range(1, rank - 1)),))


def output_extents(
    extents: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int], low: Sequence[int],
    high: Sequence[int],
) -> tuple[int, ...]:  # fmt: skip
    """Returns how many windows fit on each axis, with what they may reach over in front and behind."""
    sizes = zip(extents, window, strides, dilation, low, high, strict=True)
    return tuple([(n + a + b - (k - 1) * d - 1) // s + 1 for n, k, s, d, a, b in sizes])


def window_over(
    name: str, extents: Sequence[Any], window: Sequence[int], strides: Any, padding: Any, dilation: Any = 1
) -> Window:
    """Returns where windows lie on axes of these extents, of which some may not be known (`None`).

    Args:
        name: the function, for messages.
        extents: of the axes.
        window: the extents of the window.
        strides, dilation: an integer, or one for each axis.
        padding: `"valid"`, `"same"` or `"causal"`: all of it in front.

    Raises:
        ValueError: for another padding, or if no window fits.
    """
    rank = len(extents)
    strides, dilation = per_axis(name, "strides", strides, rank), per_axis(name, "dilation_rate", dilation, rank)
    kind = str(padding).lower()
    if kind not in ("valid", "same", "causal"):
        raise ValueError(f'{name}: expected padding "valid" or "same", got {shown(padding)}')
    low: list[int] = []
    out: list[int | None] = []
    for extent, taps, stride, apart in zip(extents, window, strides, dilation, strict=True):
        reach = (taps - 1) * apart + 1
        if extent is None:
            low.append(reach - 1 if kind == "causal" else 0)
            out.append(None)
            continue
        count = (extent - reach) // stride + 1 if kind == "valid" else -(-extent // stride)
        if count <= 0 and extent > 0:
            raise ValueError(
                f"{name}: expected windows that fit, got a window that reaches over {reach} on an axis of extent {extent}: "
                "Computed output size would be zero or negative."
            )
        missing = max((count - 1) * stride + reach - extent, 0)
        low.append(0 if kind == "valid" else reach - 1 if kind == "causal" else missing // 2)
        out.append(max(count, 0))
    return Window(strides, dilation, tuple(low), tuple(out))


def transposed_window(
    name: str,
    extents: Sequence[Any],
    window: Sequence[int],
    strides: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
) -> Window:
    """Returns where the windows of the convolution lie whose gradient a transposed convolution is.

    Args:
        name: the function, for messages.
        extents: of the axes of what goes in, which is the convolution's output; `None` where not known.
        window, strides, dilation, output_padding: see `conv_transpose`.
        padding: `"valid"` or `"same"`.

    Returns:
        The windows; `out` holds the extents of the result.
    """
    rank = len(extents)
    strides, dilation = per_axis(name, "strides", strides, rank), per_axis(name, "dilation_rate", dilation, rank)
    kind = str(padding).lower()
    if kind not in ("valid", "same"):
        raise ValueError(f'{name}: expected padding "valid" or "same", got {shown(padding)}')
    more: Sequence[int | None] = [None] * rank
    if output_padding is not None:
        more = per_axis(name, "output_padding", output_padding, rank, 0)
    low: list[int] = []
    out: list[int | None] = []
    for extent, taps, stride, apart, extra in zip(extents, window, strides, dilation, more, strict=True):
        reach = (taps - 1) * apart + 1
        if kind == "valid":
            front = reach - 1
            behind = front + (max(reach, stride) - reach if extra is None else extra)
        else:
            around = stride + reach - 2 if extra is None else reach + reach % 2 - 2 + extra
            front = min(around // 2 + around % 2, reach - 1)
            behind = around - front
        low.append(reach - 1 - front)
        out.append(None if extent is None else max((extent - 1) * stride + 2 - reach + front + behind, 0))
    return Window(strides, dilation, tuple(low), tuple(out))
