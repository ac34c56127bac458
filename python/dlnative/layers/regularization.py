"""Layers that act while training: Dropout and its kin, Gaussian noise; and ActivityRegularization."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative import ops, regularizers
from dlnative import random as draws
from dlnative.layers.arguments import checked_data_format, checked_number
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer
from dlnative.random.seed_generator import SeedGenerator


class _Noise(Layer):
    """A layer that draws random numbers while training, and passes its input on otherwise.

    The draws come from a counter-based generator (Philox 4x32-10): the same on every backend and for any number of
    threads.
    """

    _amount = "rate"

    def __init__(self, amount: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checked = checked_number(self, self._amount, amount, high=1.0)
        setattr(self, self._amount, checked)
        self.seed = seed
        if checked > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def noisy(self, inputs: Any) -> Any:
        """Returns the output while training."""
        raise NotImplementedError

    def call(self, inputs: Any, training: Any = False) -> Any:
        return self.noisy(inputs) if training and getattr(self, self._amount) > 0 else inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), self._amount: getattr(self, self._amount), "seed": self.seed}


def _checked_noise_shape(label: str, noise_shape: Any) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    what = f"{label}: Invalid value received for argument `noise_shape`."
    if not isinstance(noise_shape, (list, tuple)):
        raise ValueError(f"{what} Expected a tuple or list of integers, got {noise_shape!r}")
    if any(item is not None and (not hasattr(item, "__index__") or isinstance(item, bool)) for item in noise_shape):
        raise ValueError(f"{what} Expected all elements to be integers or None, got {noise_shape!r}")
    if any(item is not None and item <= 0 for item in noise_shape):
        raise ValueError(f"{what} Expected all dimensions to be positive integers or None, got {noise_shape!r}")
    return tuple([None if item is None else int(item) for item in noise_shape])


class Dropout(_Noise):
    """While training, sets inputs to zero with probability `rate` and divides the others by `1 - rate`.

    Args:
        rate: the probability, in `[0, 1]`.
        noise_shape: the shape of the mask, broadcast to the input; `None` in it stands for the input's extent.
        seed: an int that determines the masks; by default drawn from the global seed.

    Raises:
        ValueError: if the rate is outside `[0, 1]`, or the shape holds anything but positive integers and `None`.

    Source:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.noise_shape = _checked_noise_shape(self._label, noise_shape)

    rate: float

    def noisy(self, inputs: Any) -> Any:
        shape = self._mask_shape(tuple(inputs.shape))
        if self.rate == 1:
            return ops.zeros_like(inputs)
        return draws.dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def _mask_shape(self, shape: tuple[Any, ...]) -> tuple[int | None, ...] | None:
        if self.noise_shape is not None and len(self.noise_shape) != len(shape):
            raise ValueError(f"{self._label}: expected an input of rank {len(self.noise_shape)}, got shape {shape}")
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "noise_shape": self.noise_shape}


class AlphaDropout(Dropout):
    """While training, sets inputs to the limit of `selu` with probability `rate`, and keeps mean and variance.

    `y = a (x m - α' (1 - m)) + b`, where m is 0 with probability `rate`, α' = 1.7581, and a and b make mean 0 and variance
    1 what they were.

    Args:
        rate: the probability, in `[0, 1]`.
        noise_shape: the shape of the mask, broadcast to the input; `None` in it stands for the input's extent.
        seed: an int that determines the masks; by default drawn from the global seed.

    Source:
        Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
    """

    def noisy(self, inputs: Any) -> Any:
        noise_shape = self._mask_shape(tuple(inputs.shape)) or inputs.shape
        shape = [extent if wanted is None else wanted for wanted, extent in zip(noise_shape, inputs.shape, strict=True)]
        limit = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
        kept = ops.cast(ops.greater_equal(draws.uniform(shape, seed=self.seed_generator), self.rate), inputs.dtype)
        spread = (1 - self.rate) * (1 + self.rate * limit**2)
        scale = 0.0 if spread == 0 else spread**-0.5
        return scale * (inputs * kept + limit * (1.0 - kept)) - scale * limit * self.rate


class GaussianDropout(_Noise):
    """While training, multiplies by normally distributed numbers of mean 1 and variance `rate / (1 - rate)`.

    Args:
        rate: as for `Dropout`, in `[0, 1)`.
        seed: an int that determines the noise; by default drawn from the global seed.

    Raises:
        ValueError: if the rate is outside `[0, 1]`; while training, if it is 1.

    Source:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    """

    rate: float

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)

    def noisy(self, inputs: Any) -> Any:
        if self.rate == 1:
            raise ValueError(f"{self._label}: expected a rate below 1 while training, got 1: the noise has no variance")
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        shape = tuple(inputs.shape)
        return inputs * draws.normal(shape, 1.0, deviation, dtype=self.compute_dtype, seed=self.seed_generator)


class GaussianNoise(_Noise):
    """While training, adds normally distributed numbers of mean 0.

    Args:
        stddev: their standard deviation, in `[0, 1]`.
        seed: an int that determines the noise; by default drawn from the global seed.

    Raises:
        ValueError: if the deviation is outside `[0, 1]`.
    """

    _amount = "stddev"
    stddev: float

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(stddev, seed=seed, **kwargs)

    def noisy(self, inputs: Any) -> Any:
        shape = tuple(inputs.shape)
        return inputs + draws.normal(shape, 0.0, self.stddev, dtype=self.compute_dtype, seed=self.seed_generator)


class _SpatialDropout(Dropout):
    _rank: int

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self._rank)

    def _mask_shape(self, shape: tuple[Any, ...]) -> tuple[int | None, ...]:
        ones = (1,) * (self._rank - 2)
        first = getattr(self, "data_format", "channels_last") == "channels_first"
        return (None, None, *ones) if first else (None, *ones, None)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["noise_shape"]
        if config["trainable"]:  # Keras's classes do not take it
            del config["trainable"]
        if hasattr(self, "data_format"):
            config["data_format"] = self.data_format
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences `(batch, steps, channels)`.

    Args:
        rate: the probability, in `[0, 1]`.
        seed: an int that determines the masks; by default drawn from the global seed.

    Source:
        Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """

    _rank = 3


class _SpatialDropoutOfImages(_SpatialDropout):
    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = checked_data_format(self._label, data_format)


class SpatialDropout2D(_SpatialDropoutOfImages):
    """Dropout of whole channels of images.

    Args:
        rate: the probability, in `[0, 1]`.
        data_format: `"channels_last"` for `(batch, rows, columns, channels)`, or `"channels_first"`.
        seed: an int that determines the masks; by default drawn from the global seed.

    Source:
        Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """

    _rank = 4


class SpatialDropout3D(_SpatialDropoutOfImages):
    """Dropout of whole channels of volumes.

    Args:
        rate: the probability, in `[0, 1]`.
        data_format: `"channels_last"` for `(batch, depth, rows, columns, channels)`, or `"channels_first"`.
        seed: an int that determines the masks; by default drawn from the global seed.

    Source:
        Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """

    _rank = 5


class ActivityRegularization(Layer):
    """Passes its input on and adds `l1 * sum(|x|) + l2 * sum(x**2)`, divided by the batch size, to the loss.

    Args:
        l1, l2: the factors.

    Raises:
        ValueError: if a factor is negative.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}
