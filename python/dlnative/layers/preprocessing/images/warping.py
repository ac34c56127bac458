"""Images seen from the side, and bent."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.layers.preprocessing.images.image_layer import Draws, ImageLayer, checked_factor, checked_range
from dlnative.ops.image.coordinates import FILL_MODES
from dlnative.ops.image.filters import filtered, gaussian
from dlnative.ops.image.transforms import homography, read
from dlnative.ops.random import random_normal
from dlnative.random.seed_generator import draw_seed


def _checked_interpolation(label: str, interpolation: str) -> str:
    if interpolation not in ("nearest", "bilinear"):
        raise NotImplementedError(
            f"{label}: Unknown `interpolation` {interpolation!r}: expected one of nearest, bilinear"
        )
    return interpolation


class RandomPerspective(ImageLayer):
    """Moves three corners of images by random distances, as if they were seen from the side.

    Args:
        factor: the range that the probability is drawn from with which an image is changed, or its upper end, in `[0, 1]`.
        scale: how far corners may move, in `[0, 1]`: twice the part of their distances from the first one.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_value: what is outside of an image.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another factor or scale.
        NotImplementedError: for another interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.RandomPerspective(scale=0.3)(np.zeros((2, 5, 5, 1)), training=True).shape
        (2, 5, 5, 1)
    """

    _arguments_of_config = ("factor", "scale", "interpolation", "fill_value", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        if not isinstance(scale, (int, float)) or not 0 <= scale <= 1:
            raise ValueError(
                f"{self._label}: The `scale` argument should be a number in the range [0,1], got scale={scale!r}"
            )
        self.scale = scale
        self.interpolation = _checked_interpolation(self._label, interpolation)
        self.fill_value = fill_value
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape, count = tuple(self._images_of(data).shape), self._count_of(data)
        height, width = self._extents_of(shape)
        chosen = self._chosen(count, self.factor, seed)
        moves = self._uniform((count, 4, 2), -0.5 * self.scale, 0.5 * self.scale, seed)
        corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], "float32")
        start = ops.broadcast_to(corners, (count, 4, 2))
        return {
            "apply_perspective": chosen,
            "start_points": start,
            "end_points": start + start * moves,
            "input_shape": shape,
        }

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        moved = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation,
            self.fill_value,
            self.data_format,
        )
        return ops.where(self._per_image(transformation["apply_perspective"]), moved, images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training or transformation is None:
            return bounding_boxes
        shape = transformation["input_shape"]
        boxes = self._as_corners(bounding_boxes, shape)
        start, end = [ops.cast(transformation[key], "float64") for key in ("start_points", "end_points")]
        maps = ops.cast(homography(end, start), "float32")
        a0, a1, a2, b0, b1, b2, c0, c1 = [ops.reshape(part, (-1, 1, 1)) for part in ops.unstack(maps, 8, 1)]
        x1, y1, x2, y2 = ops.split(boxes["boxes"], 4, axis=-1)
        xs, ys = ops.concatenate([x1, x2, x1, x2], axis=-1), ops.concatenate([y1, y1, y2, y2], axis=-1)
        k = c0 * xs + c1 * ys + 1.0
        moved = [(a0 * xs + a1 * ys + a2) / k, (b0 * xs + b1 * ys + b2) / k]
        ends = [reduce(axis, axis=-1, keepdims=True) for reduce in (ops.min, ops.max) for axis in moved]
        chosen = ops.reshape(ops.cast(transformation["apply_perspective"], "bool"), (-1, 1, 1))
        return self._clipped(
            {**boxes, "boxes": ops.where(chosen, ops.concatenate(ends, axis=-1), boxes["boxes"])}, shape
        )


class RandomElasticTransform(ImageLayer):
    """Bends images: pixels move by random distances that change smoothly from each to the next.

    Args:
        factor: the range that the probability is drawn from with which an image is changed, or its upper end, in `[0, 1]`.
        scale: the range that the strength s is drawn from, or its upper end, in `[0, 1]`. Distances are normal numbers, smoothed
            by a Gaussian of the standard deviation `0.05 s min(height, width)`, and grow with s squared.
        interpolation: `"nearest"` or `"bilinear"`.
        fill_mode: what is outside of an image; see `ops.image.map_coordinates`.
        fill_value: the constant.
        value_range: the range of the images' values.
        seed: an int that determines the numbers; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.

    Raises:
        ValueError: for another factor or scale.
        NotImplementedError: for another interpolation or fill mode, and for boxes, which do not bend.

    Source:
        Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
        analysis", ICDAR 2003.
    """

    _arguments_of_config = ("factor", "scale", "interpolation", "fill_mode", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = checked_factor(self._label, "factor", factor, 0, 1)
        self.scale = checked_factor(self._label, "scale", scale, 0, 1)
        self.interpolation = _checked_interpolation(self._label, interpolation)
        if fill_mode not in FILL_MODES:
            raise NotImplementedError(
                f"{self._label}: Unknown `fill_mode` {fill_mode!r}: expected one of {', '.join(FILL_MODES)}"
            )
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.value_range = checked_range(self._label, value_range)
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        chosen = self._chosen(self._count_of(data), self.factor, seed)
        strength = self._uniform((), self.scale[0], self.scale[1], seed)
        state = seed.next() if isinstance(seed, Draws) else draw_seed(self.generator if seed is None else seed)
        return {"apply_transform": chosen, "distortion_factor": strength, "seed": state}

    def _moves(self, shape: Any, transformation: Any) -> Any:
        """Returns how far the pixels of images move down and to the right, `(2, batch, height, width)`."""
        state, (height, width) = transformation["seed"], self._extents_of(shape)
        state = draw_seed(state) if isinstance(state, int) else state
        strength = ops.cast(transformation["distortion_factor"], "float32")
        sigma = ops.maximum(0.05 * min(height, width) * strength, 1e-3)
        # The window of the Gaussian is that of the strongest smoothing; its width follows the strength.
        weights = gaussian(int(6 * 0.05 * min(height, width) * self.scale[1]) | 1, sigma)
        noise = random_normal(state, (2 * shape[0], height, width, 1))
        moves = filtered(noise, weights, weights, "same") * (sigma * (0.1 * max(height, width)) * strength)
        return ops.reshape(moves, (2, shape[0], height, width))

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        height, width = self._extents_of(images.shape)
        moves = self._moves(images.shape, transformation)
        places = [
            moves[0] + np.arange(height, dtype="float32")[:, None],
            moves[1] + np.arange(width, dtype="float32"),
        ]
        last = self.data_format == "channels_last"
        order = int(interpolation == "bilinear")
        moved = read(images, places, order, self.fill_mode, self.fill_value, last)
        return ops.where(self._per_image(transformation["apply_transform"]), moved, images)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = super().transform_images(images, transformation, training)
        return ops.clip(images, *self.value_range) if training and transformation is not None else images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        raise NotImplementedError(f"{self._label}: expected no bounding boxes: what they surround bends, they do not")
