"""What layers compute, by the older names of `keras.backend`: `K.conv2d`, `K.pool2d`, `K.relu`."""

from __future__ import annotations

from typing import Any

from dlnative import activations, ops, random
from dlnative.config import image_data_format

__all__ = [
    "batch_normalization", "bias_add", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "depthwise_conv2d",
    "dropout", "elu", "hard_sigmoid", "l2_normalize", "pool2d", "pool3d", "relu", "resize_images", "separable_conv2d",
    "spatial_2d_padding", "spatial_3d_padding", "temporal_padding",
]  # fmt: skip


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Returns `(x - mean) / sqrt(var + epsilon) * gamma + beta`."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """Returns `x + bias`, a number for each channel, or with further axes that match those of `x`."""
    rank, own = len(x.shape), len(bias.shape)
    if _channels_first(data_format) and rank > 2:
        shape = (1, bias.shape[-1], *([1] * (rank - 2))) if own == 1 else (1, bias.shape[-1], *bias.shape[:-1])
        return x + ops.reshape(bias, shape)
    return x + bias


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Returns a convolution of sequences."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of images."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of volumes."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a transposed convolution of images.

    Raises:
        ValueError: if its shape is not `output_shape`.
    """
    y = ops.conv_transpose(x, kernel, strides, padding, None, data_format, dilation_rate)
    wanted = tuple(output_shape)
    if any(a not in (None, -1) and a != b for a, b in zip(wanted, y.shape, strict=True)):
        raise ValueError(f"conv2d_transpose: expected an output of shape {tuple(y.shape)}, got output_shape {wanted}")
    return y


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of each channel by itself."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Returns `x` with a share of its elements 0, the others larger by as much."""
    return random.dropout(x, level, noise_shape, seed)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Returns `x`, and `alpha * (exp(x) - 1)` below 0."""
    return ops.elu(x, alpha)


def hard_sigmoid(x: Any) -> Any:
    """Returns `clip(0.2 * x + 0.5, 0, 1)`, as in Keras 2; `ops.hard_sigmoid` has the slope 1/6."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """Returns `x / sqrt(max(sum(x**2), 1e-12))`."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """Returns the largest element of each window, or with `"avg"` its mean."""
    if pool_mode not in ("max", "avg"):
        raise ValueError(f'pool: expected pool_mode "max" or "avg", got {pool_mode!r}')
    pool = ops.max_pool if pool_mode == "max" else ops.average_pool
    return pool(x, pool_size, strides, padding, data_format)


def pool3d(
    x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:  # fmt: skip
    """Returns the largest element of each window of a volume, or with `"avg"` its mean."""
    return pool2d(x, pool_size, strides, padding, data_format, pool_mode)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Returns `x` from `threshold` on, at most `max_value`, and `alpha * (x - threshold)` below."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Any:
    """Returns images that are larger by two factors."""
    height, width = x.shape[2:4] if _channels_first(data_format) else x.shape[1:3]
    size = (height * height_factor, width * width_factor)
    return ops.image.resize(x, size, interpolation, data_format=data_format)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of each channel by itself, and then one that mixes channels."""
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Returns images with zeros around them."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Returns volumes with zeros around them."""
    return _padded(x, padding, data_format)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Returns sequences with zeros before and behind them."""
    return _padded(x, (padding,), "channels_last")


def _channels_first(data_format: str | None) -> bool:
    return (data_format or image_data_format()) == "channels_first"


def _padded(x: Any, padding: Any, data_format: str | None) -> Any:
    around, channels = [tuple(pair) for pair in padding], (0, 0)
    inner = [channels, *around] if _channels_first(data_format) else [*around, channels]
    return ops.pad(x, [(0, 0), *inner])
