"""Boxes as differences from anchors, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.backend import epsilon
from dlnative.utils.bounding_boxes.formats import convert_format, extents_of, joined


def _variance(name: str, variance: Any, encoding: str) -> Any:
    if encoding not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"{name}: the encoding should be one of 'center_xywh' or 'center_yxhw', got {encoding!r}")
    if variance is None:
        return None
    found = np.asarray(variance, "float32")
    if found.shape[-1:] != (4,):
        raise ValueError(f"{name}: `variance` must be length 4, got {variance}")
    return found


def encode_box_to_deltas(
    anchors: Any, boxes: Any, anchor_format: str, box_format: str, encoding_format: str = "center_yxhw",
    variance: Any = None, image_shape: Any = None,
) -> Any:  # fmt: skip
    """Returns boxes as differences from anchors: of the centres in parts of the anchor's extents, of extents in logarithms.

    Args:
        anchors: of shape `(n, 4)`.
        boxes: of shape `(n, 4)` or `(batch, n, 4)`.
        anchor_format, box_format: their formats.
        encoding_format: `"center_yxhw"` or `"center_xywh"`: the order of the differences.
        variance: four numbers that the differences are divided by.
        image_shape: of the images, `(height, width, channels)`; needed for relative formats.

    Raises:
        ValueError: for another encoding, or if the variance does not have four numbers.
    """
    name = "encode_box_to_deltas"
    variance = _variance(name, variance, encoding_format)
    height, width = extents_of(name, image_shape, anchor_format, box_format)
    anchor = convert_format(anchors, anchor_format, encoding_format, height, width)
    box = convert_format(boxes, box_format, encoding_format, height, width)
    sizes, own = ops.maximum(anchor[..., 2:], epsilon()), ops.maximum(box[..., 2:], epsilon())
    deltas = joined(((box[..., :2] - anchor[..., :2]) / sizes, ops.log(own / sizes)))
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors: Any, boxes_delta: Any, anchor_format: str, box_format: str, encoded_format: str = "center_yxhw",
    variance: Any = None, image_shape: Any = None,
) -> Any:  # fmt: skip
    """Returns the boxes that `encode_box_to_deltas` made differences of.

    Args:
        anchors: of shape `(n, 4)`, or a dict of these by level.
        boxes_delta: of shape `(n, 4)` or `(batch, n, 4)`, or a dict.
        anchor_format, box_format: the formats of anchors and of the result.
        encoded_format: `"center_yxhw"` or `"center_xywh"`.
        variance: four numbers that the differences are multiplied by.
        image_shape: of the images, `(height, width, channels)`; needed for relative formats.

    Raises:
        ValueError: for another encoding, or if the variance does not have four numbers.
    """
    name = "decode_deltas_to_boxes"
    variance = _variance(name, variance, encoded_format)
    height, width = extents_of(name, image_shape, anchor_format, box_format)

    def decoded(anchor: Any, delta: Any) -> Any:
        at = convert_format(anchor, anchor_format, encoded_format, height, width)
        delta = ops.convert_to_tensor(delta)
        delta = delta if variance is None else delta * variance
        parts = (delta[..., :2] * at[..., 2:] + at[..., :2], ops.exp(delta[..., 2:]) * at[..., 2:])
        return convert_format(joined(parts), encoded_format, box_format, height, width)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decoded(anchors, boxes_delta)
