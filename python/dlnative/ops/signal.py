"""Windows that slide over a sequence or an image, and short-time Fourier transforms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, size_of
from dlnative.ops.conversion import to_float
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, operation, shown, unknown
from dlnative.ops.elementwise import multiply
from dlnative.ops.fourier import irfft, of_length, pair, rfft
from dlnative.ops.indexing import ADD, cut
from dlnative.ops.padding import pad
from dlnative.ops.shape import reshape


def _count(name: str, what: str, value: Any) -> int:
    if not hasattr(value, "__index__") or int(value) < 1:
        raise ValueError(f"{name}: `{what}` must be a positive integer. Received: {what}={shown(value)}")
    return int(value)


def _places(extent: int, length: int, stride: int) -> np.ndarray[Any, Any]:
    """Returns the places that each window of a length reads: a row for each."""
    count = max(0, 1 + (extent - length) // stride)
    return np.arange(count)[:, None] * stride + np.arange(length)


@operation
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Returns the parts of the last axis that a window sees that slides over it.

    Args:
        x: a tensor or array of shape `(..., n)`.
        sequence_length: the length of the window.
        sequence_stride: how far it moves.

    Returns:
        A tensor or array of shape `(..., 1 + (n - sequence_length) // sequence_stride, sequence_length)`.

    Raises:
        ValueError: if the length or the stride is not positive, or `x` has no axis.

    Example:
        >>> import numpy as np
        >>> extract_sequences(np.arange(1, 7), 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    x = as_tensor(x)
    length = _count("extract_sequences", "sequence_length", sequence_length)
    stride = _count("extract_sequences", "sequence_stride", sequence_stride)
    rank = len(x.shape)
    if not rank:
        raise ValueError("extract_sequences: Input should have rank >= 1. Received: input.shape = ()")
    extent = x.shape[-1]
    if extent is None:
        return unknown((*x.shape[:-1], None, length), x)
    return invoke(OPS["gather"], (x, _places(extent, length, stride)), (rank - 1, False))


def _window(name: str, window: Any, sequence_length: int, fft_length: int, dtype: str) -> Any:
    """Returns a window of a length, with zeros on both sides of it."""
    if window is None:
        return None
    phase = 2.0 * math.pi * np.arange(sequence_length) / sequence_length
    if isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(
                f'{name}: If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. '
                f"Received: window={window}"
            )
        least = 0.5 if window == "hann" else 0.54
        w: Any = np.asarray(least - (1.0 - least) * np.cos(phase), dtype)
    else:
        w = call("cast", as_tensor(window), attributes=(dtype,))
    if tuple(w.shape) != (sequence_length,):
        raise ValueError(
            f"{name}: The shape of `window` must be equal to [sequence_length]. Received: window shape={tuple(w.shape)}"
        )
    before = (fft_length - sequence_length) // 2
    return pad(w, ((before, fft_length - sequence_length - before),))


def _lengths(name: str, sequence_length: Any, sequence_stride: Any, fft_length: Any) -> tuple[int, int, int]:
    length = _count(name, "sequence_length", sequence_length)
    stride = _count(name, "sequence_stride", sequence_stride)
    transformed = _count(name, "fft_length", fft_length)
    if transformed < length:
        raise ValueError(
            f"{name}: `fft_length` must equal or larger than `sequence_length`. "
            f"Received: sequence_length={length}, fft_length={transformed}"
        )
    return length, stride, transformed


@operation
def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> tuple[Any, Any]:
    """Returns the short-time Fourier transform: that of each part that a window sees that slides over the last axis.

    Args:
        x: a tensor or array of floats of shape `(..., n)`.
        sequence_length: the length of the window.
        sequence_stride: how far it moves.
        fft_length: the length that is transformed: the window with zeros on both sides.
        window: what values are multiplied by: `"hann"`, `"hamming"`, a tensor of shape `(sequence_length,)`, or `None`.
        center: whether `x` is reflected at both ends by half of `fft_length`, so that window t is centered at
            t * sequence_stride.

    Returns:
        A pair of tensors or arrays of shape `(..., windows, fft_length // 2 + 1)`: real and imaginary parts.

    Raises:
        TypeError: if `x` is not of a float type.
        ValueError: if a length is not positive, `fft_length` is less than `sequence_length`, or there is no such window.

    Example:
        >>> import numpy as np
        >>> real, imag = stft(np.ones(8, "float32"), 4, 2, 4, window=None, center=False)
        >>> real.tolist()
        [[4.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]
    """
    x = as_tensor(x)
    dtype = dtype_of(x)
    if not dtypes.is_float(dtype):
        raise TypeError(f"stft: Invalid input type. Expected `float32` or `float64`. Received: input type={dtype}")
    if not x.shape:
        raise ValueError("stft: Input should have rank >= 1. Received: input.shape = ()")
    length, stride, transformed = _lengths("stft", sequence_length, sequence_stride, fft_length)
    w = _window("stft", window, length, transformed, dtype)
    if x.shape[-1] is None:
        made = unknown((*x.shape[:-1], None, transformed // 2 + 1), x)
        return made, made
    if center:
        half = transformed // 2
        x = pad(x, ((0, 0),) * (len(x.shape) - 1) + ((half, half),), mode="reflect")
    parts = extract_sequences(x, transformed, stride)
    return rfft(parts if w is None else multiply(parts, w))


def _overlap_add(x: Any, stride: int) -> Any:
    """Returns the sum of sequences, each of which begins a stride behind the one before: (..., T, L) to (..., n)."""
    *batch, count, length = x.shape
    size = stride * (count - 1) + length
    places = _places(size, length, stride).ravel()
    rows = call("reshape", x, attributes=((*batch, count * length),))
    zeros = call("broadcast_to", np.zeros((), dtype_of(x)), attributes=((*batch, size),))
    return call("scatter", zeros, places, rows, attributes=(len(batch), ADD))


@operation
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Any:
    """Returns the inverse of the short-time Fourier transform, by adding overlapping parts.

    Each part is multiplied by the window; the sum is divided by that of the squares of the windows.

    Args:
        x: a pair of tensors or arrays of shape `(..., windows, fft_length // 2 + 1)`: real and imaginary parts.
        sequence_length, sequence_stride, fft_length: as `stft` was given.
        length: the length of the result; by default what windows cover, without what `center` added.
        window: as `stft` was given; with `None` parts are added as they are.
        center: as `stft` was given.

    Returns:
        A tensor or array of shape `(..., length)`.

    Raises:
        ValueError: if `x` is no pair of floats of two axes or more, or lengths or window do not fit.

    Example:
        >>> import numpy as np
        >>> x = np.arange(16, dtype="float32")
        >>> istft(stft(x, 8, 2, 8), 8, 2, 8).round(3).tolist() == x.tolist()
        True
    """
    real, imag = pair(x, "istft", 2)
    part, stride, transformed = _lengths("istft", sequence_length, sequence_stride, fft_length)
    w = _window("istft", window, part, transformed, dtype_of(real))
    count = real.shape[-2]
    half = transformed // 2 if center else 0
    if count is None or None in real.shape:
        whole = None if count is None else stride * (count - 1) + transformed
        size = length if length is not None else None if whole is None else whole - 2 * half
        return unknown((*real.shape[:-2], size), real)
    parts = irfft((real, imag), transformed)
    if w is not None:
        parts = multiply(parts, w)
    y = _overlap_add(parts, stride)
    if w is not None:
        squares = multiply(w, w)
        windows = call("broadcast_to", squares, attributes=((count, transformed),))
        weight = _overlap_add(windows, stride)
        tiny = call("greater", np.asarray(1e-10, dtype_of(weight)), weight)
        y = call("divide", y, call("where", tiny, np.ones((), dtype_of(weight)), weight))
    size = y.shape[-1]
    last = half + integer(length, "istft: length") if length is not None else size - half
    y = cut(y, len(y.shape) - 1, half, min(last, size))
    return y if length is None else of_length(y, int(length))


def _two(name: str, what: str, value: Any, least: int) -> tuple[int, int]:
    pair_of = (value, value) if not isinstance(value, (tuple, list)) else tuple(value)
    if len(pair_of) != 2:
        raise ValueError(f"{name}: expected an integer or two for {what}, got {shown(value)}")
    first, second = (integer(item, f"{name}: {what}") for item in pair_of)
    if min(first, second) < least:
        raise ValueError(f"{name}: expected {what} of {least} or more, got {shown(value)}")
    return first, second


class _Blocks:
    """Where the blocks of an image lie, row by row: numbers of pixels of the padded image, (kh * kw, blocks)."""

    def __init__(
        self, name: str, extents: Sequence[int], kernel: Any, dilation: Any, padding: Any, stride: Any
    ) -> None:
        kernels, dilations = _two(name, "kernel_size", kernel, 1), _two(name, "dilation", dilation, 1)
        self.kernel = kernels
        self.padding = _two(name, "padding", padding, 0)
        strides = _two(name, "stride", stride, 1)
        self.padded = tuple(extent + 2 * more for extent, more in zip(extents, self.padding, strict=True))
        reach = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
        self.counts = [max(0, (n - r) // s + 1) for n, r, s in zip(self.padded, reach, strides, strict=True)]
        rows, columns = (
            np.arange(k)[:, None] * d + np.arange(count) * s
            for k, d, count, s in zip(kernels, dilations, self.counts, strides, strict=True)
        )
        places = rows[:, None, :, None] * self.padded[1] + columns[None, :, None, :]
        self.places = places.reshape(kernels[0] * kernels[1], -1)


@operation
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Returns the blocks of images that a window sees that slides over them, each as a column (im2col).

    Args:
        x: a tensor or array of shape `(N, C, H, W)`.
        kernel_size: the height and width of the window; an integer for both.
        dilation: the distance of the pixels that it sees.
        padding: how many zeros are added on each side.
        stride: how far it moves.

    Returns:
        A tensor or array of shape `(N, C * kh * kw, blocks)`.

    Raises:
        ValueError: if `x` has not four axes, or an argument is out of range.

    Example:
        >>> import numpy as np
        >>> unfold(np.arange(8, dtype="float32").reshape(1, 1, 2, 4), 2, stride=2).tolist()
        [[[0.0, 2.0], [1.0, 3.0], [4.0, 6.0], [5.0, 7.0]]]
    """
    x = as_tensor(x)
    if len(x.shape) != 4:
        raise ValueError(f"unfold: Input must be a 4D tensor. Received: input.shape={tuple(x.shape)}")
    batch, channels, *extents = x.shape
    if None in extents or channels is None:
        height, width = _two("unfold", "kernel_size", kernel_size, 1)
        return unknown((batch, None if channels is None else channels * height * width, None), x)
    blocks = _Blocks("unfold", extents, kernel_size, dilation, padding, stride)
    top, left = blocks.padding
    if top or left:
        x = pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    flat = call("reshape", x, attributes=((batch, channels, blocks.padded[0] * blocks.padded[1]),))
    taken = invoke(OPS["gather"], (flat, blocks.places), (2, False))
    return call("reshape", taken, attributes=((batch, channels * len(blocks.places), blocks.places.shape[1]),))


@operation
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Returns images in which the blocks that `unfold` takes are added up again (col2im).

    Args:
        x: a tensor or array of shape `(N, C * kh * kw, blocks)`.
        output_size: the height and width of the images; an integer for both.
        kernel_size, dilation, padding, stride: as `unfold` takes them.

    Returns:
        A tensor or array of shape `(N, C, height, width)`.

    Raises:
        ValueError: if `x` has not three axes of the extents that follow from the arguments.

    Example:
        >>> import numpy as np
        >>> fold(np.ones((1, 4, 2), "float32"), (2, 3), 2).tolist()
        [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    x = to_float(as_tensor(x))
    if len(x.shape) != 3:
        raise ValueError(f"fold: Input must be a 3D tensor. Received: input.shape={tuple(x.shape)}")
    extents = _two("fold", "output_size", output_size, 1)
    blocks = _Blocks("fold", extents, kernel_size, dilation, padding, stride)
    batch, columns, count = x.shape
    pixels = size_of(blocks.kernel)
    if columns is None:
        return unknown((batch, None, *extents), x)
    if columns % pixels or (count is not None and count != blocks.places.shape[1]):
        raise ValueError(
            f"fold: expected a multiple of {pixels} rows and {blocks.places.shape[1]} blocks, got {tuple(x.shape)}"
        )
    channels = columns // pixels
    if batch is None or count is None:
        return unknown((batch, channels, *extents), x)
    rows = call("reshape", x, attributes=((batch, channels, pixels * count),))
    shape = (batch, channels, size_of(blocks.padded))
    zeros = call("broadcast_to", np.zeros((), dtype_of(x)), attributes=(shape,))
    y = call("scatter", zeros, blocks.places.ravel(), rows, attributes=(2, ADD))
    y = reshape(y, (batch, channels, *blocks.padded))
    top, left = blocks.padding
    return cut(cut(y, 2, top, top + extents[0]), 3, left, left + extents[1])


__all__ = ["extract_sequences", "fold", "istft", "stft", "unfold"]
