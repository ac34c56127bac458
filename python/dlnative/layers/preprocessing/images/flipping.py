"""Images turned over."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.preprocessing.images.image_layer import ImageLayer

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(ImageLayer):
    """Turns half of the images over, chosen at random.

    Args:
        mode: `"horizontal"`: left and right change places, `"vertical"`: top and bottom, or `"horizontal_and_vertical"`: both.
        seed: an int that determines which; by default drawn from the global seed.
        data_format: `"channels_last"` or `"channels_first"`.
        bounding_box_format: the format of boxes, if there are any.

    Raises:
        ValueError: for another mode.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.array([1.0, 2, 3]).reshape(1, 1, 3, 1)
        >>> layer = layers.RandomFlip("horizontal", seed=1)
        >>> sorted({tuple(layer(x, training=True).ravel().tolist()) for _ in range(20)})
        [(1.0, 2.0, 3.0), (3.0, 2.0, 1.0)]
    """

    _arguments_of_config = ("mode", "seed")

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if mode not in MODES:
            raise ValueError(f"{self._label}: expected mode {', '.join(MODES)}, got {mode!r}")
        self.mode = mode
        self._set_seed(seed)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        flips = self._uniform((self._count_of(data), 1, 1, 1), seed=seed) <= 0.5
        return {"flips": flips, "input_shape": tuple(self._images_of(data).shape)}

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        return self._transform_images(images, transformation, "nearest") if training else images

    def _transform_images(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if transformation is None:
            return images
        down, across, _ = self._axes
        axes = {"horizontal": (across,), "vertical": (down,)}.get(self.mode, (down, across))
        return ops.where(transformation["flips"], ops.flip(images, axes), images)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        if not training:
            return bounding_boxes
        shape = transformation["input_shape"]
        boxes = self._as_corners(bounding_boxes, shape, "rel_xyxy")
        x1, y1, x2, y2 = ops.split(boxes["boxes"], 4, axis=-1)
        if self.mode != "vertical":
            x1, x2 = 1.0 - x2, 1.0 - x1
        if self.mode != "horizontal":
            y1, y2 = 1.0 - y2, 1.0 - y1
        flips = ops.reshape(transformation["flips"], (-1,) + (1,) * (len(boxes["boxes"].shape) - 1))
        turned = ops.where(flips, ops.concatenate([x1, y1, x2, y2], axis=-1), boxes["boxes"])
        return self._clipped({**boxes, "boxes": turned}, shape, "rel_xyxy")
