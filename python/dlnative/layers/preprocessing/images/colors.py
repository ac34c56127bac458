"""Images in other colours: brighter, with more contrast, of another hue, grey, inverted."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.backend import epsilon
from dlnative.layers.preprocessing.images.image_layer import (
    ColorLayer,
    FactorLayer,
    as_given,
    checked_factor,
    checked_range,
)


class RandomBrightness(FactorLayer):
    """Adds a random number to images, and cuts off what leaves the range of values.

    Args:
        factor: the range that the number is drawn from, in parts of the range of values, or one number for both directions, in
            `[-1, 1]`.
        value_range: the smallest and the largest value of images.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or range.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.RandomBrightness((0.2, 0.2))(np.full((1, 1, 1, 3), 100.0), training=True).ravel().tolist()
        [151.0, 151.0, 151.0]
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _set_factor(self, factor: Any) -> None:
        self.factor = checked_factor(self._label, "factor", factor, -1, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        batch = self._batch_of(self._images_of(data))
        shape = (1, 1, 1) if batch is None else (batch, 1, 1, 1)
        if not training:
            return {"rgb_delta": ops.zeros(shape)}
        span = self.value_range[1] - self.value_range[0]
        return {"rgb_delta": self._uniform(shape, self.factor[0] * span, self.factor[1] * span, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return ops.clip(images + ops.cast(transformation["rgb_delta"], images.dtype), *self.value_range)


class RandomContrast(FactorLayer):
    """Multiplies the distance of each channel from its mean by a random factor, and cuts off what leaves the range of values.

    Args:
        factor: how much less and how much more than 1 the factor may be, two numbers, or one for both, in `[0, 1]`.
        value_range: the smallest and the largest value of images.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or range.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.array([100.0, 110.0]).reshape(1, 1, 2, 1)
        >>> y = layers.RandomContrast(0.5, seed=1)(x, training=True)
        >>> float(y.mean())
        105.0
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _set_factor(self, factor: Any) -> None:
        low, high = checked_factor(self._label, "factor", factor, 0, 1)
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        batch = self._batch_of(self._images_of(data))
        shape = (1, 1, 1) if batch is None else (batch, 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        return {"contrast_factor": self._uniform(shape, 1.0 - self.factor[0], 1.0 + self.factor[1], seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        mean = ops.mean(images, axis=self._axes[:2], keepdims=True)
        factor = ops.cast(transformation["contrast_factor"], images.dtype)
        return ops.clip((images - mean) * factor + mean, *self.value_range)


class _HsvLayer(FactorLayer):
    """A layer that works on hue, saturation and value."""

    def _hue_saturation_value(self, images: Any) -> tuple[list[Any], int]:
        """Returns the three channels, and the axis that they are on."""
        axis = len(images.shape) + self._axes[2]
        return list(ops.unstack(ops.image.rgb_to_hsv(images, data_format=self.data_format), 3, axis)), axis

    def _from_channels(self, channels: list[Any], axis: int) -> Any:
        return ops.image.hsv_to_rgb(ops.stack(channels, axis), data_format=self.data_format)


class RandomHue(_HsvLayer):
    """Turns the hue of images by a random part of the colour wheel.

    Args:
        factor: the range that the angle is drawn from, in half turns, or its upper end, in `[0, 1]`; the direction is random.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor or range.
    """

    _least = 0.0

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        u, direction = ops.unstack(self._uniform((2, self._count_of(data)), seed=seed), 2, 0)
        turn = (u * (self.factor[1] - self.factor[0]) + self.factor[0]) * 0.5
        return {"factor": ops.where(direction > 0.5, -turn, turn)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        channels, axis = self._hue_saturation_value(self._ranged(images, self.value_range, (0, 1)))
        turn = ops.cast(transformation["factor"], images.dtype)
        channels[0] = channels[0] + ops.reshape(turn, (-1, 1, 1))
        made = ops.clip(self._from_channels(channels, axis), 0.0, 1.0)
        return self._ranged(made, (0, 1), self.value_range)


class RandomSaturation(_HsvLayer):
    """Multiplies the saturation of images by a random factor.

    With f drawn from a range the factor is `f / (1 - f)`: 0 gives grey images, 0.5 leaves them, 1 gives full colours.

    Args:
        factor: the range that f is drawn from, or its upper end, in `[0, 1]`.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor or range.
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        f = self._uniform((self._count_of(data),), self.factor[0], self.factor[1], seed)
        return {"factor": f / (1.0 - f + epsilon())}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        channels, axis = self._hue_saturation_value(self._ranged(images, self.value_range, (0, 1)))
        factor = ops.cast(transformation["factor"], images.dtype)
        channels[1] = ops.clip(channels[1] * ops.reshape(factor, (-1, 1, 1)), 0.0, 1.0)
        return self._ranged(self._from_channels(channels, axis), (0, 1), self.value_range)


class RandomColorDegeneration(_HsvLayer):
    """Mixes images with their grey ones.

    y = x + f * (grey(x) - x)

    Args:
        factor: the range that f is drawn from, or its upper end, in `[0, 1]`.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor or range, or images without three channels.
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"factor": self._uniform((self._count_of(data), 1, 1, 1), self.factor[0], self.factor[1], seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        gray = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        factor = ops.cast(transformation["factor"], images.dtype)
        return ops.clip(images + factor * (gray - images), *self.value_range)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, dict):
            if len(input_shape) not in (3, 4):
                raise ValueError(
                    f"{self._label}: Invalid images rank: expected rank 3 (single image) or rank 4 (batch of images), got "
                    f"{tuple(input_shape)}"
                )
            channels = input_shape[self._axes[2]]
            if channels not in (None, 3):
                raise ValueError(
                    f"{self._label}: Input images must have 3 channels, but received images with {channels} channels."
                )
        return input_shape


class RandomGrayscale(ColorLayer):
    """Makes some images grey; they keep their number of channels.

    Args:
        factor: the probability with which an image is, in `[0, 1]`.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines which; by default drawn from the global seed.

    Raises:
        ValueError: for another factor.
    """

    _arguments_of_config = ("factor", "seed")

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise ValueError(f"{self._label}: `factor` should be between 0 and 1. Received: factor={factor!r}")
        self.factor = factor
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self._uniform((self._count_of(data), 1, 1, 1), seed=seed) < self.factor

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            transformation = self.get_random_transformation(images)
        return ops.where(transformation, ops.image.rgb_to_grayscale(images, data_format=self.data_format), images)


class RandomInvert(ColorLayer):
    """Inverts some images: the largest value less theirs.

    Args:
        factor: the range that the probability is drawn from with which an image is inverted, or its upper end, in `[0, 1]`.
        value_range: the smallest and the largest value of images.
        seed: an int that determines which; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or range.
    """

    _arguments_of_config = ("factor", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"apply_inversion": self._chosen(self._count_of(data), self.factor, seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        chosen = self._per_image(transformation["apply_inversion"])
        return ops.where(chosen, sum(self.value_range) - images, images)


class RandomColorJitter(ColorLayer):
    """Changes brightness, contrast, saturation and hue of images, in this order, each where its factor is given.

    Args:
        value_range: the smallest and the largest value of images.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: see `RandomBrightness`, `RandomContrast`,
            `RandomSaturation` and `RandomHue`; `None` leaves it.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or range.
    """

    _arguments_of_config = (
        "value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed",
    )  # fmt: skip

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = checked_range(self._label, value_range)
        self.brightness_factor, self.contrast_factor = as_given(brightness_factor), as_given(contrast_factor)
        self.saturation_factor, self.hue_factor = as_given(saturation_factor), as_given(hue_factor)
        self._set_seed(seed)
        shared: dict[str, Any] = {
            "value_range": self.value_range,
            "data_format": self.data_format,
            "dtype": self.dtype_policy,
        }
        made: dict[str, Any] = {
            "random_brightness": (RandomBrightness, brightness_factor),
            "random_contrast": (RandomContrast, contrast_factor),
            "random_saturation": (RandomSaturation, saturation_factor),
            "random_hue": (RandomHue, hue_factor),
        }
        self._steps = [name for name, (_, factor) in made.items() if factor is not None]
        for name, (cls, factor) in made.items():
            setattr(self, name, None if factor is None else cls(factor, **shared))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        seed = self.generator if seed is None else seed
        return {name: getattr(self, name).get_random_transformation(data, training, seed) for name in self._steps}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            transformation = self.get_random_transformation(images)
        for name in self._steps:
            images = getattr(self, name).transform_images(images, transformation[name])
        return images
