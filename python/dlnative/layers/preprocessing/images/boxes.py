"""Boxes alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.layers.preprocessing.images.image_layer import ColorLayer
from dlnative.utils.checks import integer


class MaxNumBoundingBoxes(ColorLayer):
    """Gives every image the same number of boxes: more are left out, missing ones filled up.

    Args:
        max_number: how many.
        fill_value: what missing boxes and labels consist of.
        bounding_box_format: the format of boxes.

    Raises:
        ValueError: for another number.

    Example:
        >>> from dlnative import layers
        >>> boxes = {"boxes": np.ones((1, 1, 4), "float32"), "labels": np.zeros((1, 1), "int32")}
        >>> layer = layers.MaxNumBoundingBoxes(2, bounding_box_format="xyxy")
        >>> layer({"images": np.zeros((1, 4, 4, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].tolist()
        [[0, -1]]
    """

    _arguments_of_config = ("max_number", "fill_value")

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number = integer(self._label, "max_number", max_number, 0)
        self.fill_value = int(fill_value)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Any:
        return images

    def _output_type(self, images: Any) -> str:
        return str(images.dtype) if isinstance(images.dtype, str) else np.dtype(images.dtype).name

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: bool = True) -> Any:
        made = dict(bounding_boxes)
        for key in ("boxes", "labels"):
            value = ops.convert_to_tensor(bounding_boxes[key])[:, : self.max_number]
            missing = self.max_number - value.shape[1]
            if missing:
                widths = [(0, 0), (0, missing)] + [(0, 0)] * (len(value.shape) - 2)
                value = ops.pad(value, widths, constant_values=self.fill_value)
            made[key] = value
        return made

    def compute_output_shape(self, input_shape: Any) -> Any:
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        boxes = input_shape["bounding_boxes"]
        extra = [key for key in boxes if key not in ("boxes", "labels")]
        if extra:
            raise KeyError(
                f"{self._label}: There are unsupported keys in `bounding_boxes`: {extra}. Only `boxes` and `labels` are supported."
            )
        made = {key: (shape[0], self.max_number, *shape[2:]) for key, shape in boxes.items()}
        return {**input_shape, "bounding_boxes": made}
