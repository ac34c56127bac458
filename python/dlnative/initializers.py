"""How weights begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.variable import named_initializers
from dlnative.ops import random
from dlnative.utils.random_seed import next_seed
from dlnative.utils.registry import Registry

Array = np.ndarray[Any, Any]

_MOST_ROUNDED = 1 << 16  # numbers


class Initializer:
    """A function of a shape and a dtype that returns the first value of a weight."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Returns an array.

        Args:
            shape: its shape.
            dtype: its dtype, by default float32.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method __call__(shape, dtype), found none")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such an initializer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Makes an initializer from what `get_config` returned."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.zeros(tuple(shape), dtypes.standardize(dtype))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.ones(tuple(shape), dtypes.standardize(dtype))


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Example:
        >>> Constant(0.5)((2,)).tolist()
        [0.5, 0.5]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.full(tuple(shape), self.value, dtypes.standardize(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """The identity matrix, times a number.

    Args:
        gain: the number.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of rank 2, got {tuple(shape)}")
        return (self.gain * np.eye(shape[0], shape[1])).astype(dtypes.standardize(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class _Draws:
    """Random numbers of one call of an initializer, from the library's own generator.

    A plan is kept for each length, so lengths are rounded up to a power of two as long as that is cheap.
    """

    def __init__(self, seed: int) -> None:
        self._state = np.array([seed % 2**63, 0], np.int64)

    def uniform(self, shape: Sequence[int], dtype: Any, low: float, high: float) -> Array:
        values = self._draw(random.random_uniform, shape, dtype)
        values *= high - low
        values += low
        return values

    def normal(self, shape: Sequence[int], dtype: Any, mean: float = 0.0, deviation: float = 1.0) -> Array:
        values = self._draw(random.random_normal, shape, dtype)
        values *= deviation
        values += mean
        return values

    def truncated_normal(self, shape: Sequence[int], dtype: Any, mean: float, deviation: float) -> Array:
        """What is more than two standard deviations away is drawn again."""
        values = self._draw(random.random_normal, shape, dtype)
        outside = np.abs(values) > 2
        while count := int(np.count_nonzero(outside)):
            values[outside] = self._draw(random.random_normal, (count,), dtype)
            outside = np.abs(values) > 2
        values *= deviation
        values += mean
        return values

    def _draw(self, function: Callable[..., Array], shape: Sequence[int], dtype: Any) -> Array:
        size = math.prod(shape)
        length = size if size > _MOST_ROUNDED else 1 << (size - 1).bit_length() if size else 0
        dtype = dtypes.standardize(dtype)
        values = function(self._state, (length,), dtype=dtype if dtypes.is_float(dtype) else "float64")
        self._state[1] += 1
        return values[:size].reshape(tuple(shape))


class RandomInitializer(Initializer):
    """An initializer that draws: the same values at every call, as in Keras.

    Args:
        seed: an int, or `None` for one drawn from the generator that `utils.set_random_seed` sets.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = next_seed() if seed is None else int(seed)
        self._given = seed

    def draws(self) -> _Draws:
        """Returns the random numbers of one call."""
        return _Draws(self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given}


class RandomNormal(RandomInitializer):
    """Normally distributed.

    Args:
        mean, stddev: of the distribution.
        seed: an int, or `None`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return self.draws().normal(shape, dtype, self.mean, self.stddev).astype(dtypes.standardize(dtype), copy=False)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normally distributed, with what is more than two standard deviations away drawn again; see `RandomNormal`."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        values = self.draws().truncated_normal(shape, dtype, self.mean, self.stddev)
        return values.astype(dtypes.standardize(dtype), copy=False)


class RandomUniform(RandomInitializer):
    """Uniform in `[minval, maxval)`.

    Args:
        minval, maxval: the bounds.
        seed: an int, or `None`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        values = self.draws().uniform(shape, dtype, self.minval, self.maxval)
        return values.astype(dtypes.standardize(dtype), copy=False)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """Returns the numbers of inputs and of outputs that a weight of this shape connects."""
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


class VarianceScaling(RandomInitializer):
    """Variance `scale / n`, where n is the number of inputs, of outputs, or their mean.

    Args:
        scale: a positive number.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: an int, or `None`.

    Example:
        >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=0)((100, 50))
        >>> values.shape, bool(abs(values).max() <= (6 / 100) ** 0.5)
        ((100, 50), True)

    Source:
        Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; LeCun et al., "Efficient backprop", 1998.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        name = type(self).__name__
        if scale <= 0:
            raise ValueError(f"{name}: expected a positive scale, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f'{name}: expected mode "fan_in", "fan_out" or "fan_avg", got {mode!r}')
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f'{name}: expected distribution "truncated_normal", "untruncated_normal" or "uniform", got {distribution!r}'
            )
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        draws = self.draws()
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            values = draws.uniform(shape, dtype, -limit, limit)
        elif self.distribution == "truncated_normal":
            # Cutting at two standard deviations leaves 0.8796 of the standard deviation.
            values = draws.truncated_normal(shape, dtype, 0.0, math.sqrt(variance) / 0.87962566103423978)
        else:
            values = draws.normal(shape, dtype, 0.0, math.sqrt(variance))
        return values.astype(dtypes.standardize(dtype), copy=False)

    def get_config(self) -> dict[str, Any]:
        config = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**config, **super().get_config()}


class _Scaled(VarianceScaling):
    arguments: tuple[float, str, str] = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self.arguments, seed=seed)

    def get_config(self) -> dict[str, Any]:
        return RandomInitializer.get_config(self)


class GlorotUniform(_Scaled):
    """Uniform within `sqrt(6 / (fan_in + fan_out))` of zero."""

    arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal with variance `2 / (fan_in + fan_out)`."""

    arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within `sqrt(6 / fan_in)` of zero."""

    arguments = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal with variance `2 / fan_in`."""

    arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within `sqrt(3 / fan_in)` of zero."""

    arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal with variance `1 / fan_in`."""

    arguments = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns, whichever are fewer; leading axes count as rows.

    Args:
        gain: what the matrix is multiplied by.
        seed: an int, or `None`.

    Example:
        >>> import numpy as np
        >>> matrix = Orthogonal(seed=0)((4, 2))
        >>> np.allclose(matrix.T @ matrix, np.eye(2), atol=1e-6)
        True

    Source:
        Saxe, McClelland and Ganguli, ICLR 2014.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of rank 2 or more, got {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.draws().normal((max(rows, columns), min(rows, columns)), "float64"))
        q *= np.sign(np.diag(r))
        return (self.gain * (q.T if rows < columns else q)).reshape(tuple(shape)).astype(dtypes.standardize(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}


_registry = Registry(
    "initializer",
    Initializer,
    [
        Zeros, Ones, Constant, Identity, RandomNormal, TruncatedNormal, RandomUniform, VarianceScaling, GlorotUniform,
        GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal,
    ],
    {
        "normal": RandomNormal, "uniform": RandomUniform, "zero": Zeros, "one": Ones, "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
    },
)  # fmt: skip
serialize, deserialize = _registry.serialize, _registry.deserialize

# Keras's other names of the classes.
zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal


def get(identifier: Any) -> Any:
    """Returns an initializer given as itself, a class, a name, an array (a constant), a function or a config."""
    if isinstance(identifier, (np.ndarray, list, int, float)):
        return Constant(identifier)
    return _registry.get(identifier)


named_initializers.append(get)
