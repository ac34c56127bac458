"""Draws from distributions that are made of uniform and normal numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative import dtypes, ops
from dlnative.ops import random as draws
from dlnative.ops.core import as_tensor, dtype_of, integer, normalize_axis, shape_of
from dlnative.random.seed_generator import draw_seed

_PROPOSALS = 8  # of each number of a gamma distribution; one is refused with a probability of 5 % at most


def _float_type(name: str, dtype: Any) -> str:
    found = dtypes.standardize(dtype)
    if not dtypes.is_float(found):
        raise ValueError(f"{name}: expected a dtype of floats, got {found}")
    return found


def _uniform(seed: Any, shape: Sequence[int]) -> Any:
    """Returns numbers in (0, 1), in double precision."""
    return ops.maximum(draws.random_uniform(draw_seed(seed), tuple(shape), dtype="float64"), 2.0**-54)


def _seeds(seed: Any, count: int) -> list[Any]:
    """Returns as many seeds that give different numbers, the same ones for an int."""
    return [seed + number * 0x9E3779B9 for number in range(count)] if isinstance(seed, int) else [seed] * count


def truncated_normal(
    shape: Sequence[int] | int, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers less than two standard deviations from the mean.

    Args:
        shape: their shape.
        mean, stddev: of the distribution before it is cut.
        dtype: a type of floats, by default float32.
        seed: an int, which gives the same numbers at each call, a `SeedGenerator`, or `None` for the default generator.

    Example:
        >>> bool((abs(truncated_normal((100,), seed=1)) <= 2).all())
        True
    """
    kind = _float_type("truncated_normal", dtype)
    inside = math.erf(math.sqrt(2.0))
    u = _uniform(seed, shape_of("truncated_normal", shape))
    z = math.sqrt(2.0) * ops.erfinv((2.0 * u - 1.0) * inside)
    return ops.cast(ops.clip(z, -2.0, 2.0) * stddev + mean, kind)


def gamma(shape: Sequence[int] | int, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Returns numbers of the gamma distribution with the shape alpha and the rate 1.

    Args:
        shape: their shape.
        alpha: above 0; a number, or an array that broadcasts to the shape.
        dtype, seed: as for `truncated_normal`.

    Source:
        Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.

    Example:
        >>> bool((gamma((100,), 0.5, seed=1) > 0).all())
        True
    """
    kind = _float_type("gamma", dtype)
    extents = shape_of("gamma", shape)
    alpha = ops.broadcast_to(ops.cast(as_tensor(alpha), "float64"), extents)
    normal, uniform, power = _seeds(seed, 3)
    small = ops.less(alpha, 1.0)
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = 1.0 / ops.sqrt(9.0 * d)
    x = draws.random_normal(draw_seed(normal), (_PROPOSALS, *extents), dtype="float64")
    u = _uniform(uniform, (_PROPOSALS, *extents))
    v = ops.power(ops.maximum(1.0 + c * x, 0.0), 3.0)
    logarithm = ops.log(ops.maximum(v, 1e-300))
    taken = ops.logical_and(ops.greater(v, 0.0), ops.less(ops.log(u), 0.5 * ops.square(x) + d - d * v + d * logarithm))
    first = ops.argmax(ops.cast(taken, "int32"), axis=0)
    chosen = ops.take_along_axis(v, ops.expand_dims(first, 0), axis=0)[0]
    boost = ops.power(_uniform(power, extents), 1.0 / ops.where(small, alpha, 1.0))
    return ops.cast(d * chosen * ops.where(small, boost, 1.0), kind)


def beta(shape: Sequence[int] | int, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Returns numbers of the beta distribution: `a / (a + b)`, a and b of gamma distributions with the shapes alpha and beta.

    Args:
        shape: their shape.
        alpha, beta: above 0; numbers, or arrays that broadcast to the shape.
        dtype, seed: as for `truncated_normal`.

    Example:
        >>> b = beta((100,), 2.0, 3.0, seed=1)
        >>> bool(((b > 0) & (b < 1)).all())
        True
    """
    kind = _float_type("beta", dtype)
    first, second = _seeds(seed, 2) if not isinstance(seed, int) else (seed, seed + 0x5BF03635)
    a, b = gamma(shape, alpha, "float64", first), gamma(shape, beta, "float64", second)
    return ops.cast(a / (a + b), kind)


def binomial(shape: Sequence[int] | int, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Returns how many of so many trials succeed.

    Args:
        shape: their shape.
        counts: of the trials; a number, or an array that broadcasts to the shape.
        probabilities: of success in each.
        dtype: a type of floats, by default float32.
        seed: as for `truncated_normal`.

    Example:
        >>> b = binomial((100,), 10, 0.3, seed=1)
        >>> bool(((b >= 0) & (b <= 10)).all())
        True
    """
    kind = _float_type("binomial", dtype)
    extents = shape_of("binomial", shape)
    n, p = (ops.broadcast_to(ops.cast(as_tensor(x), "float64"), extents) for x in (counts, probabilities))
    flipped = ops.greater(p, 0.5)
    q = ops.where(flipped, 1.0 - p, p)
    u = _uniform(seed, extents)
    odds = ops.log(ops.maximum(q, 1e-300)) - ops.log1p(-q)

    def more(k: Any, logarithm: Any, below: Any, found: Any) -> Any:
        return ops.any(ops.logical_and(ops.less_equal(below, u), ops.less(k, n)))

    def turn(k: Any, logarithm: Any, below: Any, found: Any) -> Any:
        """From the probability of k to that of k + 1, where the sum of those up to k has not come to u."""
        goes_on = ops.logical_and(ops.less_equal(below, u), ops.less(k, n))
        following = logarithm + ops.log(ops.maximum(n - k, 1e-300)) - ops.log(k + 1.0) + odds
        return (
            k + 1.0,
            following,
            ops.where(goes_on, below + ops.exp(following), below),
            ops.where(goes_on, found + 1.0, found),
        )

    first = n * ops.log1p(-q)
    zeros = ops.zeros(extents, dtype="float64")
    *_, found = ops.while_loop(more, turn, (zeros, first, ops.exp(first), zeros))
    return ops.cast(ops.where(flipped, n - found, found), kind)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Returns class numbers, drawn with the probabilities `softmax(logits)`.

    The largest of logits to which noise of Gumbel's distribution is added.

    Args:
        logits: of shape `(batch, classes)`.
        num_samples: how many for each row.
        dtype: a type of integers.
        seed: as for `truncated_normal`.

    Returns:
        Integers of shape `(batch, num_samples)`.

    Raises:
        ValueError: for logits of another rank.

    Example:
        >>> import numpy as np
        >>> categorical(np.array([[0.0, 100.0]]), 3, seed=1).tolist()
        [[1, 1, 1]]
    """
    kind = dtypes.standardize(dtype)
    if not dtypes.is_integer(kind):
        raise ValueError(f"categorical: expected a dtype of integers, got {kind}")
    logits = as_tensor(logits)
    if len(logits.shape) != 2:
        raise ValueError(f"categorical: expected logits of shape (batch, classes), got {tuple(logits.shape)}")
    count = integer(num_samples, "categorical: num_samples")
    batch, classes = logits.shape
    u = _uniform(seed, (batch, count, classes))
    noisy = ops.expand_dims(ops.cast(logits, "float64"), 1) - ops.log(-ops.log(u))
    return ops.cast(ops.argmax(noisy, axis=-1), kind)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """Returns x with the slices along an axis in random order.

    Args:
        x: a tensor or array.
        axis: the axis.
        seed: as for `truncated_normal`.

    Example:
        >>> import numpy as np
        >>> sorted(shuffle(np.array([1, 2, 3]), seed=1).tolist())
        [1, 2, 3]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, len(x.shape), "shuffle")
    order = draws.random_permutation(draw_seed(seed), x.shape[axis])
    return (
        ops.take(x, order, axis=axis)
        if dtype_of(x) != "bool"
        else ops.cast(ops.take(ops.cast(x, "uint8"), order, axis), "bool")
    )
