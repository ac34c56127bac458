"""How boxes move with images that are cut, padded, turned, moved, scaled and sheared."""

from __future__ import annotations

import math
from typing import Any

from dlnative import ops
from dlnative.utils.bounding_boxes.formats import check_absolute, joined


def clip_to_image_size(
    bounding_boxes: dict[str, Any], height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> dict[str, Any]:
    """Cuts off what lies outside of the image; boxes of which nothing is left get the label -1.

    Args:
        bounding_boxes: a dict with `"boxes"` of shape `(..., n, 4)`, and maybe `"labels"` of shape `(..., n)`.
        height, width: of the image; not needed for relative boxes.
        bounding_box_format: `"xyxy"` or `"rel_xyxy"`.

    Returns:
        A copy of the dict with these changed.

    Raises:
        NotImplementedError: for another format.
        ValueError: if the extents are needed and not given.

    Example:
        >>> import numpy as np
        >>> boxes = {"boxes": np.array([[-10.0, -20, 150, 160], [150, 0, 160, 10]]), "labels": np.array([0, 1])}
        >>> clipped = clip_to_image_size(boxes, height=100, width=120)
        >>> clipped["boxes"].tolist(), clipped["labels"].tolist()
        ([[0.0, 0.0, 120.0, 100.0], [120.0, 0.0, 120.0, 10.0]], [0, -1])
    """
    check_absolute("clip_to_image_size", bounding_box_format, "rel_xyxy")
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif height is None or width is None:
        raise ValueError("clip_to_image_size: `height` and `width` must be set if `bounding_box_format='xyxy'`")
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    w, h = ops.cast(width, boxes.dtype), ops.cast(height, boxes.dtype)
    x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
    x1, y1, x2, y2 = ops.clip(x1, 0, w), ops.clip(y1, 0, h), ops.clip(x2, 0, w), ops.clip(y2, 0, h)
    result = {**bounding_boxes, "boxes": joined((x1, y1, x2, y2))}
    if bounding_boxes.get("labels") is not None:
        areas = ops.squeeze((x2 - x1) * (y2 - y1), -1)
        labels = ops.convert_to_tensor(bounding_boxes["labels"])
        result["labels"] = ops.where(areas > 0, labels, ops.cast(-1, labels.dtype))
    return result


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Any:
    """Returns boxes of images of which a part was cut out.

    Args:
        boxes: of shape `(..., 4)`.
        top, left: where the part begins.
        height, width: its extents.
        bounding_box_format: only `"xyxy"`.

    Example:
        >>> import numpy as np
        >>> crop(np.array([[10.0, 20, 50, 60]]), top=10, left=20, height=40, width=30).tolist()
        [[0.0, 10.0, 30.0, 40.0]]
    """
    check_absolute("crop", bounding_box_format)
    x1, y1, x2, y2 = ops.split(ops.convert_to_tensor(boxes), 4, axis=-1)
    parts = [ops.clip(x1 - left, 0, width), ops.clip(y1 - top, 0, height)]
    return joined([*parts, ops.clip(x2 - left, 0, width), ops.clip(y2 - top, 0, height)])


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Returns boxes of images that got a border.

    Args:
        boxes: of shape `(..., 4)`.
        top, left: the border's extents.
        height, width: of the image, which the boxes do not depend on.
        bounding_box_format: only `"xyxy"`.
    """
    del height, width
    check_absolute("pad", bounding_box_format)
    x1, y1, x2, y2 = ops.split(ops.convert_to_tensor(boxes), 4, axis=-1)
    return joined((x1 + left, y1 + top, x2 + left, y2 + top))


def affine_transform(
    boxes: Any, angle: Any, translate_x: Any, translate_y: Any, scale: Any, shear_x: Any, shear_y: Any, height: Any,
    width: Any, center_x: Any = None, center_y: Any = None, bounding_box_format: str = "xyxy",
) -> Any:  # fmt: skip
    """Returns the boxes around what boxes become in images that are turned, moved, scaled and sheared.

    Args:
        boxes: of shape `(batch, n, 4)`, or `(n, 4)` for one image.
        angle: in degrees; this and the next five of shape `(batch,)`, or numbers.
        translate_x, translate_y: in parts of the image's extents.
        scale: a factor.
        shear_x, shear_y: angles in degrees.
        height, width: of the image.
        center_x, center_y: what stays in place, in parts of the extents; by default the middle.
        bounding_box_format: only `"xyxy"`.
    """
    check_absolute("affine_transform", bounding_box_format)
    x = ops.convert_to_tensor(boxes)
    single = len(x.shape) == 2
    x = ops.cast(ops.expand_dims(x, 0) if single else x, "float32")
    given = (angle, translate_x, translate_y, scale, shear_x, shear_y)
    angle, move_x, move_y, scale, shear_x, shear_y = [ops.reshape(ops.cast(v, "float32"), (-1, 1, 1)) for v in given]
    turn, lean_x, lean_y = [-v * (math.pi / 180.0) for v in (angle, shear_x, shear_y)]
    across = (0.5 if center_x is None else center_x) * (width - 1)
    down = (0.5 if center_y is None else center_y) * (height - 1)
    a = ops.cos(turn - lean_y) / ops.cos(lean_y)
    b = a * ops.tan(lean_x) + ops.sin(turn)
    c = -ops.sin(turn - lean_y) / ops.cos(lean_y)
    d = ops.cos(turn) - c * ops.tan(lean_x)
    from_x, from_y = across - move_x * (width - 1), down - move_y * (height - 1)
    x1, y1, x2, y2 = ops.split(x, 4, axis=-1)
    xs, ys = joined((x1, x2, x2, x1)) - from_x, joined((y1, y1, y2, y2)) - from_y
    moved_x, moved_y = scale * (d * xs - b * ys) + across, scale * (a * ys - c * xs) + down
    ends = [reduce(moved, axis=-1, keepdims=True) for reduce in (ops.min, ops.max) for moved in (moved_x, moved_y)]
    made = joined(ends)
    return ops.squeeze(made, 0) if single else made
