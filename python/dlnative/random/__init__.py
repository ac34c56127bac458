"""Random numbers, from Philox 4x32-10: the same for a seed on every backend and with any number of threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlnative import dtypes, ops
from dlnative.ops import random as draws
from dlnative.ops.core import shape_of
from dlnative.random.seed_generator import SeedGenerator, draw_seed
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.random.distributions import beta as beta
    from dlnative.random.distributions import binomial as binomial
    from dlnative.random.distributions import categorical as categorical
    from dlnative.random.distributions import gamma as gamma
    from dlnative.random.distributions import shuffle as shuffle
    from dlnative.random.distributions import truncated_normal as truncated_normal

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
    "truncated_normal", "uniform",
]  # fmt: skip

__getattr__ = lazily(
    __name__, {"distributions": ("beta", "binomial", "categorical", "gamma", "shuffle", "truncated_normal")}
)


def _float_type(name: str, dtype: Any) -> str:
    found = dtypes.standardize(dtype)
    if not dtypes.is_float(found):
        raise ValueError(f"{name}: expected a dtype of floats, got {found}")
    return found


def normal(
    shape: Sequence[int] | int, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns normally distributed numbers.

    Args:
        shape: their shape.
        mean, stddev: of the distribution.
        dtype: a type of floats, by default float32.
        seed: an int, which gives the same numbers at each call, a `SeedGenerator`, or `None` for the default generator.

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    kind = _float_type("normal", dtype)
    return draws.random_normal(draw_seed(seed), shape_of("normal", shape), mean, stddev, kind)


def uniform(
    shape: Sequence[int] | int, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Returns numbers uniform in `[minval, maxval)`.

    Args:
        shape: their shape.
        minval, maxval: the bounds.
        dtype: a type of floats, by default float32.
        seed: as for `normal`.

    Example:
        >>> bool((uniform((4,), 2.0, 3.0, seed=1) >= 2.0).all())
        True
    """
    kind = _float_type("uniform", dtype)
    return draws.random_uniform(draw_seed(seed), shape_of("uniform", shape), minval, maxval, kind)


def randint(shape: Sequence[int] | int, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Returns integers uniform in `[minval, maxval)`.

    Args:
        shape: their shape.
        minval, maxval: the bounds, less than 2**53 apart.
        dtype: a type of integers.
        seed: as for `normal`.

    Raises:
        ValueError: if the type is none of integers, or there is no integer between the bounds.
    """
    kind = dtypes.standardize(dtype)
    if not dtypes.is_integer(kind):
        raise ValueError(f"randint: expected a dtype of integers, got {kind}")
    if not 0 < maxval - minval < 2**53:
        raise ValueError(f"randint: expected minval below maxval, got {minval} and {maxval}")
    u = draws.random_uniform(draw_seed(seed), shape_of("randint", shape), dtype="float64")
    return ops.cast(ops.floor(u * float(maxval - minval)) + float(minval), kind)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Sets elements to zero with probability `rate` and divides the others by `1 - rate`.

    Args:
        inputs: a tensor or array of floats.
        rate: the probability, in `[0, 1)`.
        noise_shape: the shape of the mask, broadcast to the input; `None` in it stands for the input's extent.
        seed: as for `normal`.
    """
    state = draw_seed(seed)
    if noise_shape is None:
        return draws.dropout(inputs, rate, state)
    for wanted, extent in zip(noise_shape, inputs.shape, strict=True):
        if wanted not in (None, 1, extent) and extent is not None:
            raise ValueError(
                f"dropout: expected a noise_shape that broadcasts to {inputs.shape}, got {tuple(noise_shape)}"
            )
    part = inputs[tuple([slice(0, wanted) for wanted in noise_shape])]
    return ops.multiply(inputs, draws.dropout(ops.ones_like(part), rate, state))
