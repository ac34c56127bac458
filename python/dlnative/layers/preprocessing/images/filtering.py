"""Images blurred and sharpened."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.layers.preprocessing.images.image_layer import ColorLayer, FactorLayer, checked_factor, checked_range


class RandomGaussianBlur(ColorLayer):
    """Blurs some images by a Gaussian of random width, the same for all of a batch.

    Args:
        factor: the range that the probability is drawn from with which an image is blurred, or its upper end, in `[0, 1]`.
        kernel_size: how many pixels count: an odd number for both axes, or two for width and height.
        sigma: the range that the standard deviations are drawn from, in pixels, or its upper end, in `[0, 1]`.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor, size, width or range.
    """

    _arguments_of_config = ("factor", "kernel_size", "sigma", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self.sigma = checked_factor(self._label, "sigma", sigma, 0, 1)
        self.kernel_size = self._checked_size(kernel_size)
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def _checked_size(self, value: Any) -> tuple[int, int]:
        sizes = list(value) if isinstance(value, (tuple, list)) else [value] * 2
        if len(sizes) != 2:
            raise ValueError(
                f"{self._label}: The `kernel_size` argument should be a number (or a list of two numbers), got {value!r}"
            )
        if any(not isinstance(size, (int, np.integer)) or size % 2 != 1 or size < 1 for size in sizes):
            raise ValueError(f"{self._label}: kernel_size must be an odd number. Received: kernel_size={value!r}")
        return int(sizes[0]), int(sizes[1])

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        sigma = self._uniform((2,), self.sigma[0], self.sigma[1], seed) + 1e-6
        return {"should_apply_blur": self._chosen(self._count_of(data), self.factor, seed), "blur_factor": sigma}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        blurred = ops.image.gaussian_blur(images, self.kernel_size, transformation["blur_factor"], self.data_format)
        chosen = self._per_image(transformation["should_apply_blur"])
        return ops.clip(ops.where(chosen, blurred, images), *self.value_range)


class RandomSharpness(FactorLayer):
    """Sharpens or smooths images.

    y = x + (1 - 2 f) * (smooth(x) - x), where smooth weights a pixel by 5/13 and its eight neighbours by 1/13: f = 0 gives
    smooth images, 0.5 leaves them, 1 sharpens them.

    Args:
        factor: the range that f is drawn from, or its upper end, in `[-1, 1]`.
        value_range: the smallest and the largest value of images.
        data_format: `"channels_last"` or `"channels_first"`.
        seed: an int that determines the numbers; by default drawn from the global seed.

    Raises:
        ValueError: for another factor or range.
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return {"factor": self._uniform((self._count_of(data),), self.factor[0], self.factor[1], seed)}

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        channels = images.shape[self._axes[2]]
        window = np.full((3, 3, channels, 1), 1.0 / 13.0, dtypes.NUMPY[self.compute_dtype])
        window[1, 1] = 5.0 / 13.0
        smooth = ops.depthwise_conv(images, window, padding="same", data_format=self.data_format)
        share = 1.0 - 2.0 * ops.cast(self._per_image(transformation["factor"]), images.dtype)
        return ops.clip(images + share * (smooth - images), *self.value_range)
