"""How far boxes cover one another."""

from __future__ import annotations

import math
from typing import Any

from dlnative import ops
from dlnative.backend import epsilon
from dlnative.ops.core import shown
from dlnative.utils.bounding_boxes.formats import convert_format, extents_of


def compute_iou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, use_masking: bool = False, mask_val: float = -1,
    image_shape: Any = None,
) -> Any:  # fmt: skip
    """Returns for each box of one set and each of another what they share, in parts of what they cover together.

    Args:
        boxes1, boxes2: of shape `(n, 4)` and `(m, 4)`, or with a batch in front.
        bounding_box_format: their format.
        use_masking: whether pairs with a box whose numbers are all negative get `mask_val`.
        mask_val: what they get.
        image_shape: of the images, `(height, width, channels)`; needed for relative formats.

    Returns:
        A tensor of shape `(n, m)`, or with the batch in front.

    Raises:
        ValueError: for another rank, or if the shape of images is needed and not given.

    Example:
        >>> import numpy as np
        >>> round(float(compute_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]]), "xyxy")[0, 0]), 3)
        0.333
    """
    name = "compute_iou"
    given = [ops.convert_to_tensor(boxes) for boxes in (boxes1, boxes2)]
    for what, boxes in zip(("boxes1", "boxes2"), given, strict=True):
        if len(boxes.shape) not in (2, 3):
            raise ValueError(f"{name}: expects {what} to be batched, or to be unbatched, got {shown(boxes)}")
    height, width = extents_of(name, image_shape, bounding_box_format)
    first, second = [convert_format(boxes, bounding_box_format, "xyxy", height, width) for boxes in given]
    one, two = ops.expand_dims(first, -2), ops.expand_dims(second, -3)
    shared, together = _overlap(one, two)
    result = shared / (together + epsilon())
    if not use_masking:
        return result
    absent = [ops.max(boxes, axis=-1) < 0.0 for boxes in (one, two)]
    return ops.where(ops.logical_or(*absent), ops.cast(mask_val, result.dtype), result)


def _overlap(one: Any, two: Any) -> tuple[Any, Any]:
    """Returns the areas that boxes share, and those that they cover together."""
    (a1, b1, a2, b2), (c1, d1, c2, d2) = ops.unstack(one, 4, -1), ops.unstack(two, 4, -1)
    across, down = ops.minimum(a2, c2) - ops.maximum(a1, c1), ops.minimum(b2, d2) - ops.maximum(b1, d1)
    shared = ops.maximum(across, 0.0) * ops.maximum(down, 0.0)
    return shared, (a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - shared


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Any:
    """Returns for pairs of boxes what they share, less their distance and the difference of their shapes.

    `IoU - d² / c² - v * v / (1 - IoU + v)`, with the distance d of the centres, the diagonal c of the box around both,
    and `v = 4 / π² (atan(w2 / h2) - atan(w1 / h1))²`.

    Args:
        boxes1, boxes2: of shape `(n, 4)`, or with a batch in front.
        bounding_box_format: their format.
        image_shape: of the images, `(height, width, channels)`; needed for relative formats.

    Returns:
        A number for each pair.

    Raises:
        ValueError: if the shape of images is needed and not given.

    Source:
        Zheng et al., "Distance-IoU loss: faster and better learning for bounding box regression", AAAI 2020.
    """
    height, width = extents_of("compute_ciou", image_shape, bounding_box_format)
    one, two = [convert_format(boxes, bounding_box_format, "xyxy", height, width) for boxes in (boxes1, boxes2)]
    (a1, b1, a2, b2), (c1, d1, c2, d2) = ops.unstack(one, 4, -1), ops.unstack(two, 4, -1)
    small = epsilon()
    shared, together = _overlap(one, two)
    iou = shared / (together + 2 * small)
    across, down = ops.maximum(a2, c2) - ops.minimum(a1, c1), ops.maximum(b2, d2) - ops.minimum(b1, d1)
    diagonal = ops.square(across) + ops.square(down) + small
    distance = ops.square((a1 + a2 - c1 - c2) / 2) + ops.square((b1 + b2 - d1 - d2) / 2)
    slants = ops.arctan((c2 - c1) / (d2 - d1 + small)) - ops.arctan((a2 - a1) / (b2 - b1 + small))
    v = 4 / math.pi**2 * ops.square(slants)
    return iou - (distance / diagonal + v * v / (v - iou + (1 + small)))
