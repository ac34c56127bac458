"""Activation functions: those of `dlnative.ops`, some with other arguments, and their names."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
    tanh_shrink,
    threshold,
)
from dlnative.ops.conversion import to_float
from dlnative.saving.registration import get_registered_object
from dlnative.utils.registry import unknown


def linear(x: Any) -> Any:
    """Returns x."""
    return x


def relu(x: Any, negative_slope: Any = 0.0, max_value: Any = None, threshold: Any = 0.0) -> Any:
    """Returns `max(x, 0)`; in general x above `threshold`, at most `max_value`, and `negative_slope * (x - threshold)` below.

    Args:
        x: a tensor or array.
        negative_slope: the slope up to the threshold.
        max_value: the largest value, `None` for none. With it, no value above the threshold is less than 0.
        threshold: the number above which x stays.

    Example:
        >>> import numpy as np
        >>> relu(np.array([-2.0, 0.5, 9.0], "float32"), negative_slope=0.5, max_value=6.0).tolist()
        [-1.0, 0.5, 6.0]
    """
    plain = _is_zero(threshold)
    if max_value is None and plain:
        return ops.relu(x) if _is_zero(negative_slope) else ops.leaky_relu(x, negative_slope)
    x = x if _is_zero(negative_slope) else to_float(x)
    y = ops.relu(x) if plain else ops.where(ops.greater(x, threshold), x, 0)
    if max_value is not None:
        y = ops.clip(y, 0, max_value)
    if _is_zero(negative_slope):
        return y
    below = ops.relu(ops.negative(x) if plain else ops.subtract(threshold, x))
    return ops.subtract(y, ops.multiply(negative_slope, below))


def _is_zero(value: Any) -> bool:
    return (value.__class__ is float or isinstance(value, numbers.Real)) and value == 0


def sparsemax(x: Any, axis: int = -1) -> Any:
    """Returns the probabilities nearest to x along an axis, of which many are 0 (Martins and Astudillo, ICML 2016).

    Example:
        >>> import numpy as np
        >>> sparsemax(np.array([0.5, 0.25, -1.0])).tolist()
        [0.625, 0.375, 0.0]
    """
    return ops.sparsemax(x, axis)


def exponential(x: Any) -> Any:
    """Returns `exp(x)`."""
    return ops.exp(x)


def step(x: Any, at_zero: float = 1.0) -> Any:
    """Returns 1 where x is positive, 0 where it is negative, and `at_zero` at 0. Its gradient is 0 everywhere.

    Args:
        x: a tensor or array.
        at_zero: 1 as in a perceptron, 0.5 as in Heaviside's function, or 0.

    Example:
        >>> import numpy as np
        >>> step(np.array([-2.0, 0.0, 3.0]), at_zero=0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    return ops.stop_gradient(ops.heaviside(x, at_zero))


def arctan(x: Any) -> Any:
    """Returns `2 / pi * arctan(x)`, between -1 and 1.

    Example:
        >>> import numpy as np
        >>> arctan(np.array([-1.0, 0.0, 1e9])).round(4).tolist()
        [-0.5, 0.0, 1.0]
    """
    return ops.multiply(0.6366197723675814, ops.arctan(x))


def shifted_relu(x: Any, shift_x: float = -1.0, shift_y: float = -1.0) -> Any:
    """Returns `max(x - shift_x, 0) + shift_y`; with both -1 that is `max(x, -1)`.

    Args:
        x: a tensor or array.
        shift_x: where the bend is.
        shift_y: the value left of it.

    Source:
        Clevert et al., "Fast and accurate deep network learning by exponential linear units", ICLR 2016 (SReLU).

    Example:
        >>> import numpy as np
        >>> shifted_relu(np.array([-3.0, -0.5, 2.0])).tolist()
        [-1.0, -0.5, 2.0]
    """
    return ops.add(ops.relu(ops.subtract(to_float(x), shift_x)), shift_y)


def prelu(x: Any, alpha: Any = 0.25) -> Any:
    """Returns `max(x, 0) + alpha * min(x, 0)`, with a slope that may be a variable. The layer `PReLU` learns its slopes.

    Args:
        x: a tensor or array.
        alpha: the slope below 0, which broadcasts to x.

    Source:
        He et al., "Delving deep into rectifiers", ICCV 2015.

    Example:
        >>> import numpy as np
        >>> prelu(np.array([[-2.0, 3.0], [-4.0, -1.0]]), np.array([0.5, 0.25])).tolist()
        [[-1.0, 3.0], [-2.0, -0.25]]
    """
    x = to_float(x)
    return ops.subtract(ops.relu(x), ops.multiply(alpha, ops.relu(ops.negative(x))))


def maxout(x: Any, num_pieces: int = 2, axis: int = -1) -> Any:
    """Returns the largest of each `num_pieces` neighbours along an axis, which becomes that much shorter.

    Args:
        x: a tensor or array.
        num_pieces: how many make one; divides the extent of the axis.
        axis: the axis.

    Raises:
        ValueError: if the extent cannot be divided.

    Source:
        Goodfellow et al., "Maxout networks", ICML 2013.

    Example:
        >>> import numpy as np
        >>> maxout(np.array([[1.0, 5.0, -2.0, -3.0]])).tolist()
        [[5.0, -2.0]]
    """
    shape = list(x.shape)
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 <= axis < len(shape):
        raise ValueError(f"maxout: expected an axis of {len(shape)}, got {axis}")
    if shape[axis] is None or num_pieces < 1 or shape[axis] % num_pieces:
        raise ValueError(
            f"maxout: expected an extent that {num_pieces} divides, got axis {axis} of shape {tuple(shape)}"
        )
    unknown_extents = [extent if extent is not None else -1 for extent in shape]
    split = [*unknown_extents[:axis], shape[axis] // num_pieces, num_pieces, *unknown_extents[axis + 1 :]]
    return ops.max(ops.reshape(x, split), axis=axis + 1)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Returns `x * P(X <= x)` for a standard normal X (Hendrycks and Gimpel 2016), exactly or by a tanh.

    Example:
        >>> import numpy as np
        >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
        [-0.1587, 0.0, 0.8413]
    """
    return ops.gelu(x, approximate)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        linear, relu, leaky_relu, relu6, sigmoid, tanh, softmax, log_softmax, softplus, softsign, exponential, elu, selu, silu,
        gelu, mish, hard_sigmoid, hard_tanh, hard_silu, celu, glu, log_sigmoid, hard_shrink, soft_shrink, tanh_shrink,
        squareplus, sparse_plus, sparse_sigmoid, sparsemax, threshold, step, arctan, shifted_relu, prelu, maxout,
    )
}  # fmt: skip
_FUNCTIONS.update(swish=swish, hard_swish=hard_swish)


def get(identifier: Any) -> Callable[..., Any]:
    """Returns an activation given as a function or by name; `None` gives `linear`.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("swish") is silu
        True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        found = _FUNCTIONS.get(identifier) or get_registered_object(identifier)
        if found is None:
            raise ValueError(unknown("activation", identifier, _FUNCTIONS))
        return found
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(f"activation: expected a name or a function, got {identifier!r}")


def by_name(name: str) -> Callable[..., Any] | None:
    """Returns the activation of this library that has a name; `None` if there is none."""
    return _FUNCTIONS.get(name)


def serialize(activation: Any) -> Any:
    """Returns the name of an activation, another function or a layer as a dict in Keras's format."""
    name = getattr(activation, "__name__", None)
    if name is not None and _FUNCTIONS.get(name) is activation:
        return name
    from dlnative.saving.serialization import serialize_keras_object

    return serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Callable[..., Any]:
    """Returns the activation that `serialize` returned.

    Args:
        config: a name, or a dict.
        custom_objects: functions by name, which come first.
    """
    found = get_registered_object(config, custom_objects) if isinstance(config, str) else None
    if found is None and isinstance(config, dict):
        from dlnative.saving.serialization import deserialize_keras_object

        found = deserialize_keras_object(config, custom_objects)
    return get(config if found is None else found)
