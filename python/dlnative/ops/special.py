"""Special functions and distances, composed of other ops."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import as_tensor, dtype_of, operation

# Of erfinv(x) / x in w = -ln(1 - x**2), below 5 in w - 2.5, above in sqrt(w) - 3; to single precision.
_NEAR = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_FAR = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip
_STEEP = 2.5  # from here on 1 - erf(x) has lost too much, and the continued fraction is short


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    total = ops.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


@operation
def erfinv(x: Any) -> Any:
    """Returns the number y with `erf(y) = x`, elementwise: infinite for -1 and 1, NaN beyond.

    A polynomial, and two steps of Newton's method in double precision.

    Args:
        x: a tensor or array.

    Source:
        Giles, "Approximating the erfinv function", GPU Computing Gems, 2011.

    Example:
        >>> import numpy as np
        >>> erfinv(np.array([0.0, 0.5, 0.9])).round(6).tolist()
        [0.0, 0.476936, 1.163087]
    """
    given = to_float(x)
    x = ops.cast(given, "float64")
    inside = ops.less(ops.absolute(x), 1.0)
    safe = ops.where(inside, x, 0.0)
    w = -ops.log((1.0 - safe) * (1.0 + safe))
    near = ops.less(w, 5.0)
    y = safe * ops.where(near, _polynomial(w - 2.5, _NEAR), _polynomial(ops.sqrt(ops.where(near, 9.0, w)) - 3.0, _FAR))
    for _ in range(2):
        # Where x is near 1, the complement of erf(y) is exact and erf(y) itself is not.
        apart = ops.sign(y) * ((1.0 - ops.absolute(safe)) - erfc(ops.absolute(y)))
        y = y - apart * (0.5 * math.sqrt(math.pi)) * ops.exp(ops.square(y))
    infinite = ops.multiply(ops.sign(x), math.inf)  # in the type of x
    edge = ops.where(ops.equal(ops.absolute(x), 1.0), infinite, math.nan)
    return ops.cast(ops.where(inside, y, edge), dtype_of(given))


@operation
def erfc(x: Any) -> Any:
    """Returns `1 - erf(x)`, elementwise, without the loss of digits that the difference has for large x.

    From 2.5 on a continued fraction of Laplace: `exp(-x**2) / sqrt(pi) / (x + 1/2 / (x + 1 / (x + 3/2 / ...)))`.

    Args:
        x: a tensor or array.

    Source:
        Abramowitz and Stegun, "Handbook of mathematical functions", 7.1.14.

    Example:
        >>> import numpy as np
        >>> print(erfc(np.array([0.0, 5.0])))
        [1.00000000e+00 1.53745979e-12]
    """
    given = to_float(x)
    x = ops.cast(given, "float64")
    steep = ops.greater(x, _STEEP)
    far = ops.where(steep, ops.minimum(x, 30.0), _STEEP)
    fraction = far
    for term in range(60, 0, -1):
        fraction = far + (0.5 * term) / fraction
    tail = ops.exp(-ops.square(far)) / (math.sqrt(math.pi) * fraction)
    tail = ops.where(ops.greater(x, 30.0), 0.0, tail)
    return ops.cast(ops.where(steep, tail, 1.0 - ops.erf(x)), dtype_of(given))


@functools.cache
def _i0_series() -> tuple[list[float], list[float]]:
    """Chebyshev series of exp(-x) I0(x) in x / 4 - 1 up to 8, and of sqrt(x) exp(-x) I0(x) in 16 / x - 1 from there on.

    They are fitted to the mean of exp(x (cos(t) - 1)) over a period, which is that function (9.6.16).
    """
    angles = np.linspace(0.0, 2.0 * math.pi, 8192, endpoint=False)

    def scaled(x: Any) -> Any:
        return np.exp(np.multiply.outer(x, np.cos(angles) - 1.0)).mean(axis=-1)

    def far(t: Any) -> Any:
        x = 16.0 / (t + 1.0)
        return np.sqrt(x) * scaled(x)

    fit = np.polynomial.chebyshev.chebinterpolate
    return fit(lambda t: scaled(4.0 * (t + 1.0)), 30).tolist(), fit(far, 24).tolist()


def _chebyshev(t: Any, coefficients: list[float]) -> Any:
    """Returns a Chebyshev series, by Clenshaw's recurrence."""
    first, second = ops.zeros_like(t), ops.zeros_like(t)
    for coefficient in coefficients[:0:-1]:
        first, second = 2.0 * t * first - second + coefficient, first
    return t * first - second + coefficients[0]


@operation
def i0(x: Any) -> Any:
    """Returns the modified Bessel function of the first kind of order 0, elementwise, in double precision.

    Args:
        x: a tensor or array.

    Source:
        Abramowitz and Stegun, "Handbook of mathematical functions", 9.6.16.

    Example:
        >>> import numpy as np
        >>> i0(np.array([0.0, 1.0, 10.0])).round(6).tolist()
        [1.0, 1.266066, 2815.716628]
    """
    given = to_float(x)
    size = ops.absolute(ops.cast(given, "float64"))
    near, far = _i0_series()
    small = ops.less(size, 8.0)
    large = ops.where(small, 8.0, size)
    below = _chebyshev(ops.where(small, size, 8.0) / 4.0 - 1.0, near)
    above = _chebyshev(16.0 / large - 1.0, far) / ops.sqrt(large)
    return ops.cast(ops.exp(size) * ops.where(small, below, above), dtype_of(given))


@operation
def cdist(x: Any, y: Any) -> Any:
    """Returns the Euclidean distances of all pairs of rows.

    Args:
        x: of shape `(..., M, length)`.
        y: of shape `(..., N, length)`.

    Returns:
        Distances of shape `(..., M, N)`.

    Raises:
        ValueError: for a rank below 2, or rows of other lengths.

    Example:
        >>> import numpy as np
        >>> cdist(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    x, y = promote(as_tensor(x), as_tensor(y))
    x, y = to_float(x), to_float(y)
    if len(x.shape) < 2 or len(y.shape) < 2:
        raise ValueError(f"`cdist` inputs must have rank >= 2, got shapes {tuple(x.shape)} and {tuple(y.shape)}")
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"cdist: Last dimension of inputs to `cdist` must match, got shapes {tuple(x.shape)} and {tuple(y.shape)}"
        )
    return ops.sqrt(ops.sum(ops.square(ops.expand_dims(x, -2) - ops.expand_dims(y, -3)), axis=-1))
