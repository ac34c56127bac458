"""Activation functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.utils.registry import unknown


def linear(x: Any) -> Any:
    """Returns x."""
    return x


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Returns `max(x, 0)`; in general x from `threshold` on, at most `max_value`, and `negative_slope * (x - threshold)` below.

    Example:
        >>> import numpy as np
        >>> relu(np.array([-2.0, 0.5, 9.0], "float32"), negative_slope=0.5, max_value=6.0).tolist()
        [-1.0, 0.5, 6.0]
    """
    if negative_slope == 0 and max_value is None and threshold == 0:
        return ops.relu(x)
    y = ops.where(ops.greater_equal(x, threshold), x, negative_slope * (x - threshold))
    return y if max_value is None else ops.minimum(y, float(max_value))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Returns x where it is positive, `negative_slope * x` elsewhere."""
    return relu(x, negative_slope)


def relu6(x: Any) -> Any:
    """Returns `min(max(x, 0), 6)`."""
    return ops.relu6(x)


def sigmoid(x: Any) -> Any:
    """Returns `1 / (1 + exp(-x))`."""
    return ops.sigmoid(x)


def tanh(x: Any) -> Any:
    """Returns `tanh(x)`."""
    return ops.tanh(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """Returns `exp(x) / sum(exp(x))` along an axis.

    Example:
        >>> import numpy as np
        >>> softmax(np.log(np.array([[1.0, 3.0]]))).round(6).tolist()
        [[0.25, 0.75]]
    """
    return ops.softmax(x, axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Returns the logarithm of `softmax`."""
    return ops.log_softmax(x, axis)


def softplus(x: Any) -> Any:
    """Returns `ln(1 + exp(x))`."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """Returns `x / (1 + |x|)`."""
    return ops.softsign(x)


def exponential(x: Any) -> Any:
    """Returns `exp(x)`."""
    return ops.exp(x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Returns x where it is positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al., ICLR 2016)."""
    return ops.elu(x, alpha)


def selu(x: Any) -> Any:
    """Returns 1.0507 times `elu` with alpha 1.6733 (Klambauer et al., NeurIPS 2017)."""
    return ops.selu(x)


def silu(x: Any) -> Any:
    """Returns `x * sigmoid(x)`."""
    return ops.silu(x)


swish = silu


def gelu(x: Any, approximate: bool = False) -> Any:
    """Returns `x * P(X <= x)` for a standard normal X (Hendrycks and Gimpel 2016), exactly or by a tanh.

    Example:
        >>> import numpy as np
        >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
        [-0.1587, 0.0, 0.8413]
    """
    return ops.gelu(x, approximate)


def mish(x: Any) -> Any:
    """Returns `x * tanh(softplus(x))` (Misra 2019)."""
    return ops.mish(x)


def hard_sigmoid(x: Any) -> Any:
    """Returns `min(max(x + 3, 0), 6) / 6`."""
    return relu6(x + 3.0) * (1.0 / 6.0)


def hard_tanh(x: Any) -> Any:
    """Returns x cut to `[-1, 1]`."""
    return ops.clip(x, -1.0, 1.0)


def hard_silu(x: Any) -> Any:
    """Returns `x * hard_sigmoid(x)` (Howard et al., ICCV 2019)."""
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def celu(x: Any, alpha: float = 1.0) -> Any:
    """Returns `max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)` (Barron 2017)."""
    if isinstance(alpha, (int, float)) and alpha == 1:
        return ops.elu(x)
    return ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0.0) * (1.0 / alpha))


def glu(x: Any, axis: int = -1) -> Any:
    """Returns the first half of x along an axis times the sigmoid of the second (Dauphin et al., ICML 2017).

    Raises:
        ValueError: if the axis cannot be halved.
    """
    shape = ops.shape(x)
    axis %= len(shape)
    if shape[axis] % 2:
        raise ValueError(f"glu: expected an even extent of axis {axis}, got input of shape {tuple(shape)}")
    half = shape[axis] // 2
    whole = (slice(None),) * axis
    first, second = (*whole, slice(0, half)), (*whole, slice(half, shape[axis]))
    return x[first] * ops.sigmoid(x[second])


def log_sigmoid(x: Any) -> Any:
    """Returns the logarithm of the sigmoid, `-ln(1 + exp(-x))`."""
    return -ops.softplus(-x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Returns x where `|x| > threshold`, 0 elsewhere."""
    return ops.where(ops.greater(ops.absolute(x), threshold), x, 0.0)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Returns x moved towards 0 by `threshold`, but not past it."""
    return ops.relu(x - threshold) - ops.relu(-x - threshold)


def tanh_shrink(x: Any) -> Any:
    """Returns `x - tanh(x)`."""
    return x - ops.tanh(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """Returns `(x + sqrt(x**2 + b)) / 2` (Barron 2021)."""
    return 0.5 * (x + ops.sqrt(ops.square(x) + float(b)))


def sparse_plus(x: Any) -> Any:
    """Returns 0 up to -1, `(x + 1)**2 / 4` up to 1, and x from there on."""
    inner = 0.25 * ops.square(ops.clip(x, -1.0, 1.0) + 1.0)
    return inner + ops.relu(x - 1.0)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Returns x where it is larger than `threshold`, `default_value` elsewhere."""
    return ops.where(ops.greater(x, threshold), x, float(default_value))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        linear, relu, leaky_relu, relu6, sigmoid, tanh, softmax, log_softmax, softplus, softsign, exponential, elu, selu, silu,
        gelu, mish, hard_sigmoid, hard_tanh, hard_silu, celu, glu, log_sigmoid, hard_shrink, soft_shrink, tanh_shrink,
        squareplus, sparse_plus, threshold,
    )
}  # fmt: skip
_FUNCTIONS.update(swish=silu, hard_swish=hard_silu)


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
