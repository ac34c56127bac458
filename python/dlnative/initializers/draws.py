"""Initializers that draw random numbers."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.initializers.constant import Array, Initializer
from dlnative.ops.core import call
from dlnative.utils.random_seed import next_seed

_MOST_ROUNDED = 1 << 16  # numbers


class _Draws:
    """Random numbers of one call of an initializer, from the library's own generator.

    A plan is kept for each length, so lengths are rounded up to a power of two as long as that is cheap.
    """

    def __init__(self, state: Array) -> None:
        self._state = state

    def uniform(self, shape: Sequence[int], dtype: Any, low: float, high: float) -> Array:
        values = self._draw("random_uniform", shape, dtype)
        values *= high - low
        values += low
        return values

    def normal(self, shape: Sequence[int], dtype: Any, mean: float = 0.0, deviation: float = 1.0) -> Array:
        values = self._draw("random_normal", shape, dtype)
        values *= deviation
        values += mean
        return values

    def truncated_normal(self, shape: Sequence[int], dtype: Any, mean: float, deviation: float) -> Array:
        """What is more than two standard deviations away is drawn again."""
        values = self._draw("random_normal", shape, dtype)
        outside = np.abs(values) > 2
        while count := int(np.count_nonzero(outside)):
            values[outside] = self._draw("random_normal", (count,), dtype)
            outside = np.abs(values) > 2
        values *= deviation
        values += mean
        return values

    def _draw(self, op: str, shape: Sequence[int], dtype: Any) -> Array:
        size = math.prod(int(extent) for extent in shape)
        length = size if size > _MOST_ROUNDED else 1 << (size - 1).bit_length() if size else 0
        dtype = dtypes.standardize(dtype)
        exact = dtype if dtype in ("float32", "float64") else "float32" if dtypes.is_float(dtype) else "float64"
        values: Array = call(op, self._state, attributes=((length,), exact))
        self._state[1] += 1
        return values[:size].reshape(tuple(shape))


class RandomInitializer(Initializer):
    """An initializer that draws: the same values at every call, as in Keras, unless the seed is a `SeedGenerator`.

    Args:
        seed: an int, a `random.SeedGenerator`, or `None` for an int drawn from the generator that `utils.set_random_seed`
            sets.
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):  # of a config
            from dlnative.random.seed_generator import SeedGenerator

            seed = SeedGenerator.from_config(seed["config"])
        self._given = seed
        self.seed = next_seed() if seed is None else seed if hasattr(seed, "next") else int(seed)

    def draws(self) -> _Draws:
        """Returns the random numbers of one call."""
        if hasattr(self.seed, "next"):
            return _Draws(np.array(self.seed.next()))
        return _Draws(np.array([self.seed % 2**63, 0], np.int64))

    def get_config(self) -> dict[str, Any]:
        given = self._given
        if hasattr(given, "get_config"):
            name = type(given).__name__
            given = {
                "module": "keras.random", "class_name": name, "config": given.get_config(), "registered_name": None,
            }  # fmt: skip
        return {"seed": given}


class RandomNormal(RandomInitializer):
    """Normally distributed.

    Args:
        mean, stddev: of the distribution.
        seed: an int, or `None`.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return (
            self.draws()
            .normal(shape, dtype, self.mean, self.stddev)
            .astype(dtypes.NUMPY[dtypes.standardize(dtype)], copy=False)
        )

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normally distributed, with what is more than two standard deviations away drawn again; see `RandomNormal`."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        values = self.draws().truncated_normal(shape, dtype, self.mean, self.stddev)
        return values.astype(dtypes.NUMPY[dtypes.standardize(dtype)], copy=False)


class RandomUniform(RandomInitializer):
    """Uniform in `[minval, maxval)`.

    Args:
        minval, maxval: the bounds.
        seed: an int, or `None`.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        values = self.draws().uniform(shape, dtype, self.minval, self.maxval)
        return values.astype(dtypes.NUMPY[dtypes.standardize(dtype)], copy=False)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


def fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[float, float]:
    """Returns the numbers of inputs and of outputs that a weight of this shape connects.

    Args:
        shape: the shape.
        input_axes, output_axes: which axes stand for inputs and outputs; by default the last two, and the others for a
            field that both have.
    """
    if input_axes is not None and output_axes is not None:
        return float(math.prod(shape[axis] for axis in input_axes)), float(
            math.prod(shape[axis] for axis in output_axes)
        )
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
        seed: an int, a `SeedGenerator`, or `None`.
        input_axes, output_axes: the axes that stand for inputs and for outputs; by default the last two, and all others
            for both.

    Example:
        >>> values = VarianceScaling(2.0, "fan_in", "uniform", seed=0)((100, 50))
        >>> values.shape, bool(abs(values).max() <= (6 / 100) ** 0.5)
        ((100, 50), True)

    Source:
        Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; LeCun et al., "Efficient backprop", 1998.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        name = type(self).__name__
        if scale <= 0:
            raise ValueError(f"{name}: Argument `scale` must be positive float: expected a positive scale, got {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(
                f'{name}: Invalid `mode` argument: expected mode "fan_in", "fan_out" or "fan_avg", got {mode!r}'
            )
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f'{name}: Invalid `distribution` argument: expected distribution "truncated_normal", '
                f'"untruncated_normal" or "uniform", got {distribution!r}'
            )
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = None if input_axes is None else list(input_axes)
        self.output_axes = None if output_axes is None else list(output_axes)

    def with_axes(self, input_axes: Sequence[int], output_axes: Sequence[int]) -> VarianceScaling:
        """Returns the same initializer for weights whose axes stand for these, unless it was told its own."""
        if self.input_axes is not None and self.output_axes is not None:
            return self
        made = copy.copy(self)
        made.input_axes, made.output_axes = list(input_axes), list(output_axes)
        return made

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
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
        return values.astype(dtypes.NUMPY[dtypes.standardize(dtype)], copy=False)

    def get_config(self) -> dict[str, Any]:
        config = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**config, **super().get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


class _Scaled(VarianceScaling):
    arguments: tuple[float, str, str] = (1.0, "fan_in", "truncated_normal")

    def __init__(
        self, seed: Any = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(*self.arguments, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        given = RandomInitializer.get_config(self)
        return {**given, "input_axes": self.input_axes, "output_axes": self.output_axes}


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

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of rank 2 or more, got {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.draws().normal((max(rows, columns), min(rows, columns)), "float64"))
        q *= np.sign(np.diag(r))
        return (
            (self.gain * (q.T if rows < columns else q))
            .reshape(tuple(shape))
            .astype(dtypes.NUMPY[dtypes.standardize(dtype)])
        )

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, **super().get_config()}
