"""The mathematics of `keras.backend`, by its older names: `K.mean`, `K.square`, `K.dot`. Each is a function of `ops`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes, ops, random
from dlnative.config import image_data_format, set_image_data_format
from dlnative.graph.name_scope import name_scope
from dlnative.graph.variable import Variable

# What has the same name and meaning in `ops`.
_SAME = (
    "abs", "all", "any", "binary_crossentropy", "categorical_crossentropy", "clip", "cos", "cumprod", "cumsum", "equal", "exp",
    "greater", "greater_equal", "less", "less_equal", "log", "max", "maximum", "mean", "min", "minimum", "not_equal",
    "ones_like", "prod", "reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus", "softsign",
    "sparse_categorical_crossentropy", "sqrt", "square", "squeeze", "stack", "std", "sum", "tanh", "tile", "transpose", "var",
    "zeros_like",
)  # fmt: skip
globals().update({_name: getattr(ops, _name) for _name in _SAME})

__all__ = [
    *_SAME, "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "batch_get_value", "batch_normalization",
    "batch_set_value", "bias_add", "cast", "cast_to_floatx", "concatenate", "constant", "conv1d", "conv2d",
    "conv2d_transpose", "conv3d", "count_params", "depthwise_conv2d", "dot", "dropout", "dtype", "elu", "eval",
    "expand_dims", "eye", "flatten", "gather", "get_value", "hard_sigmoid", "image_dim_ordering", "in_top_k", "int_shape",
    "is_sparse", "l2_normalize", "learning_phase", "map_fn", "moving_average_update", "name_scope", "ndim", "one_hot", "ones",
    "permute_dimensions", "pool2d", "pool3d", "pow", "random_bernoulli", "random_normal", "random_normal_variable",
    "random_uniform", "random_uniform_variable", "relu", "repeat", "repeat_elements", "resize_images", "reverse",
    "separable_conv2d", "set_image_dim_ordering", "set_value", "spatial_2d_padding", "spatial_3d_padding",
    "stop_gradient", "switch", "temporal_padding", "to_dense", "truncated_normal", "update",
    "update_add", "update_sub", "variable", "zeros",
]  # fmt: skip


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = "int32") -> Any:
    """Returns `start`, `start + step`, ... up to `stop`."""
    return ops.arange(start, stop, step, dtype=dtype)


def argmax(x: Any, axis: int = -1) -> Any:
    """Returns where the largest elements along an axis are."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Returns where the smallest elements along an axis are."""
    return ops.argmin(x, axis)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Returns the products of each sample of `x` with that of `y`, along an axis of each.

    Args:
        x, y: tensors of rank 2 or more.
        axes: the axes; by default the last one of `x`, and the one before the last of `y` (of a matrix, the last).
    """
    from dlnative.layers.merging import Dot

    if axes is None:
        axes = (len(x.shape) - 1, 1 if len(y.shape) == 2 else len(y.shape) - 2)
    return Dot(axes)([x, y])


def batch_flatten(x: Any) -> Any:
    """Returns each sample as a row."""
    return ops.reshape(x, (x.shape[0] or -1, -1 if x.shape[0] else math.prod(x.shape[1:])))


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Returns tensors as arrays."""
    return [get_value(x) for x in tensors]


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """Returns `(x - mean) / sqrt(var + epsilon) * gamma + beta`."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Sets variables, given as pairs of a variable and a value."""
    for x, value in tuples:
        set_value(x, value)


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """Returns `x + bias`, a number for each channel, or with further axes that match those of `x`."""
    rank, own = len(x.shape), len(bias.shape)
    if _channels_first(data_format) and rank > 2:
        shape = (1, bias.shape[-1], *([1] * (rank - 2))) if own == 1 else (1, bias.shape[-1], *bias.shape[:-1])
        return x + ops.reshape(bias, shape)
    return x + bias


def cast(x: Any, dtype: Any) -> Any:
    """Returns `x` in another type."""
    return ops.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """Returns `x` in the default float type, as an array if it is one."""
    return ops.cast(x, dtypes.floatx())


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Any:
    """Returns tensors joined along an axis."""
    return ops.concatenate(tensors, axis)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Returns a value as a tensor, spread to a shape if one is given."""
    del name
    tensor = ops.convert_to_tensor(value, dtype or dtypes.floatx())
    return tensor if shape is None else ops.broadcast_to(tensor, shape)


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


def count_params(x: Any) -> int:
    """Returns the number of elements."""
    return math.prod(x.shape)


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of each channel by itself."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def dot(x: Any, y: Any) -> Any:
    """Returns the product along the last axis of `x` and the one before the last of `y`."""
    return ops.dot(x, y)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Returns `x` with a share of its elements 0, the others larger by as much."""
    return random.dropout(x, level, noise_shape, seed)


def dtype(x: Any) -> str:
    """Returns the name of the type."""
    return dtypes.standardize(x.dtype)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Returns `x`, and `alpha * (exp(x) - 1)` below 0."""
    return ops.elu(x, alpha)


def eval(x: Any) -> Any:
    """Returns a tensor as an array."""
    return get_value(x)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Returns `x` with an axis of extent 1."""
    return ops.expand_dims(x, axis)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable that holds an identity matrix."""
    return variable(ops.eye(size, dtype=dtype or dtypes.floatx()), dtype, name)


def flatten(x: Any) -> Any:
    """Returns all elements in one row."""
    return ops.reshape(x, (-1,))


def gather(reference: Any, indices: Any) -> Any:
    """Returns rows by their numbers."""
    return ops.take(reference, indices, axis=0)


def get_value(x: Any) -> Any:
    """Returns a tensor as an array."""
    return np.array(ops.convert_to_numpy(x))


def hard_sigmoid(x: Any) -> Any:
    """Returns `clip(0.2 * x + 0.5, 0, 1)`, as in Keras 2; `ops.hard_sigmoid` has the slope 1/6."""
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Tells of each row whether the target is among its `k` largest."""
    return ops.in_top_k(targets, predictions, k)


def int_shape(x: Any) -> tuple[int | None, ...] | None:
    """Returns the shape as a tuple, `None` where an extent is not known; `None` for what has none."""
    shape = getattr(x, "shape", None)
    return None if shape is None else tuple(shape)


def is_sparse(tensor: Any) -> bool:
    """Tells whether a tensor is sparse: none is."""
    del tensor
    return False


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """Returns `x / sqrt(max(sum(x**2), 1e-12))`."""
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def learning_phase() -> int:
    """Returns 1 inside a layer that is called with `training=True`, 0 elsewhere."""
    from dlnative.layers.call_context import context

    return int(bool(context.training))


def image_dim_ordering() -> str:
    """Returns `"tf"` where channels are last, `"th"` where they are first."""
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Sets where the channels of images are.

    Args:
        dim_ordering: `"tf"` for last, `"th"` for first.

    Raises:
        ValueError: for anything else.
    """
    if dim_ordering not in ("tf", "th"):
        raise ValueError(f'set_image_dim_ordering: expected "tf" or "th", got {dim_ordering!r}')
    set_image_data_format("channels_last" if dim_ordering == "tf" else "channels_first")


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """Returns what a function makes of each row."""
    del name
    found = ops.map(fn, elems)
    return found if dtype is None else ops.cast(found, dtype)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """Sets a variable to `x * momentum + value * (1 - momentum)`."""
    return x.assign(x * momentum + value * (1.0 - momentum))


def ndim(x: Any) -> int:
    """Returns the rank."""
    return len(x.shape)


def one_hot(indices: Any, num_classes: int) -> Any:
    """Returns numbers as rows with a 1 in their place."""
    return ops.one_hot(indices, num_classes)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable of ones."""
    return variable(ops.ones(shape, dtype or dtypes.floatx()), dtype, name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Returns a variable of zeros."""
    return variable(ops.zeros(shape, dtype or dtypes.floatx()), dtype, name)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Returns `x` with its axes in another order."""
    return ops.transpose(x, pattern)


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


def pow(x: Any, a: Any) -> Any:
    """Returns `x**a`."""
    return ops.power(x, a)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws ones with probability `p`, and zeros."""
    return ops.cast(random.uniform(shape, seed=seed) < p, dtype or dtypes.floatx())


def random_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from a normal distribution."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """Returns a variable drawn from a normal distribution."""
    return variable(random.normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from `[minval, maxval)`."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """Returns a variable drawn from `[low, high)`."""
    return variable(random.uniform(shape, low, high, dtype, seed), dtype, name)


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from a normal distribution, not further than two standard deviations from its mean."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Returns `x` from `threshold` on, at most `max_value`, and `alpha * (x - threshold)` below."""
    from dlnative import activations

    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def repeat(x: Any, n: int) -> Any:
    """Returns each row of a matrix `n` times, along a new axis."""
    return ops.tile(ops.expand_dims(x, 1), (1, n, 1))


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Returns `x` with each slice along an axis `rep` times."""
    return ops.repeat(x, rep, axis)


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Any:
    """Returns images that are larger by two factors."""
    height, width = x.shape[2:4] if _channels_first(data_format) else x.shape[1:3]
    size = (height * height_factor, width * width_factor)
    return ops.image.resize(x, size, interpolation, data_format=data_format)


def reverse(x: Any, axes: Any) -> Any:
    """Returns `x` in reverse order along axes."""
    return ops.flip(x, axes)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """Returns a convolution of each channel by itself, and then one that mixes channels."""
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def set_value(x: Variable, value: Any) -> None:
    """Sets a variable."""
    x.assign(value)


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Returns images with zeros around them."""
    return _padded(x, padding, data_format)


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Returns volumes with zeros around them."""
    return _padded(x, padding, data_format)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Returns sequences with zeros before and behind them."""
    return _padded(x, (padding,), "channels_last")


def stop_gradient(variables: Any) -> Any:
    """Returns tensors that gradients do not go through."""
    if isinstance(variables, (list, tuple)):
        return [ops.stop_gradient(x) for x in variables]
    return ops.stop_gradient(variables)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Returns one of two tensors, or of what two functions return; of a condition with axes, element by element."""
    if len(getattr(condition, "shape", ())) == 0 and callable(then_expression) and callable(else_expression):
        return ops.cond(condition, then_expression, else_expression)
    chosen, other = (item() if callable(item) else item for item in (then_expression, else_expression))
    missing = len(chosen.shape) - len(getattr(condition, "shape", ()))
    for _ in range(missing):
        condition = ops.expand_dims(condition, -1)
    return ops.where(ops.cast(condition, "bool"), chosen, other)


def to_dense(tensor: Any) -> Any:
    """Returns a tensor as it is: none is sparse."""
    return tensor


def update(x: Variable, new_x: Any) -> Any:
    """Sets a variable."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Adds to a variable."""
    return x.assign(x + increment)


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtracts from a variable."""
    return x.assign(x - decrement)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """Returns a variable."""
    made = Variable(ops.convert_to_tensor(value, dtype or dtypes.floatx()), name=name)
    made.constraint = constraint
    return made


def _channels_first(data_format: str | None) -> bool:
    from dlnative.config import image_data_format

    return (data_format or image_data_format()) == "channels_first"


def _padded(x: Any, padding: Any, data_format: str | None) -> Any:
    around = [tuple(pair) for pair in padding]
    rest = [(0, 0)]
    inner = [*rest, *around] if _channels_first(data_format) else [*around, *rest]
    return ops.pad(x, [(0, 0), *inner])
