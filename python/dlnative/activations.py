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
    y = ops.relu(x) if plain else ops.where(ops.greater(x, threshold), x, 0)
    if max_value is not None:
        y = ops.clip(y, 0, max_value)
    if _is_zero(negative_slope):
        return y
    return y - negative_slope * ops.relu(threshold - x if not plain else ops.negative(x))


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
        squareplus, sparse_plus, sparse_sigmoid, sparsemax, threshold,
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
        if identifier not in _FUNCTIONS:
            raise ValueError(unknown("activation", identifier, _FUNCTIONS))
        return _FUNCTIONS[identifier]
    if callable(identifier):
        return identifier
    raise ValueError(f"activation: expected a name or a function, got {identifier!r}")


def serialize(activation: Callable[..., Any]) -> str:
    """Returns the name of an activation."""
    return str(getattr(activation, "__name__", type(activation).__name__))


def deserialize(name: str) -> Callable[..., Any]:
    """Returns the activation of a name."""
    return get(name)
