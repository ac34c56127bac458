"""Boxes around what images show: their formats, and how they move with the images.

Formats: `"xyxy"` (left, top, right, bottom), `"yxyx"`, `"xywh"` (left, top, width, height), `"center_xywh"`,
`"center_yxhw"`; and `"rel_xyxy"`, `"rel_yxyx"`, `"rel_xywh"`, `"rel_center_xywh"`, which are in parts of the image's extents.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.backend import epsilon
from dlnative.ops.core import shown

FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
)  # fmt: skip

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]


def convert_format(
    boxes: Any, source: str, target: str, height: Any = None, width: Any = None, dtype: Any = "float32"
) -> Any:
    """Returns boxes in another format.

    Args:
        boxes: of shape `(..., 4)`; or a dict with them under `"boxes"`.
        source, target: the formats, see above, in any case.
        height, width: of the image; needed between relative and other formats. Tensors that broadcast to `(..., 1)` may be.
        dtype: the type of the result.

    Returns:
        The boxes; or a copy of the dict, with these.

    Raises:
        ValueError: for another shape or format, or if the extents are needed and not given.

    Example:
        >>> convert_format(np.array([[10, 20, 30, 40]]), "xyxy", "xywh").tolist()
        [[10.0, 20.0, 20.0, 20.0]]
    """
    name = "convert_format"
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    x = ops.convert_to_tensor(boxes)
    if not x.shape or x.shape[-1] != 4:
        raise ValueError(
            f"{name}: `boxes` must be a tensor with the last dimension of 4, got boxes.shape={tuple(x.shape)}"
        )
    source, target = str(source).lower(), str(target).lower()
    for given in (source, target):
        if given not in FORMATS:
            raise ValueError(
                f"{name}: Invalid source or target format: expected one of {', '.join(FORMATS)}, got {given!r}"
            )
    relative = source.startswith("rel_"), target.startswith("rel_")
    if any(relative) and (height is None or width is None):
        raise ValueError(
            f"{name}: must receive `height` and `width` between relative and absolute formats, got {source!r}, {target!r}, "
            f"height={height} and width={width}"
        )
    x = ops.cast(x, dtype)
    if source == target:
        return x
    x1, y1, x2, y2 = _corners(ops.split(x, 4, axis=-1), source.removeprefix("rel_"))
    if relative[0] != relative[1]:
        w, h = ops.cast(width, dtype), ops.cast(height, dtype)
        if relative[0]:
            x1, y1, x2, y2 = x1 * w, y1 * h, x2 * w, y2 * h
        else:
            x1, y1, x2, y2 = x1 / w, y1 / h, x2 / w, y2 / h
    return _joined(_in_format((x1, y1, x2, y2), target.removeprefix("rel_")))


def _joined(parts: Any) -> Any:
    return ops.concatenate(list(parts), axis=-1)


def _corners(parts: Any, source: str) -> Any:
    """Returns left, top, right and bottom of boxes in a format."""
    a, b, c, d = parts
    if source == "xyxy":
        return parts
    if source == "yxyx":
        return b, a, d, c
    if source == "xywh":
        return a, b, a + c, b + d
    if source == "center_yxhw":
        a, b, c, d = b, a, d, c
    return a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0


def _in_format(corners: Any, target: str) -> Any:
    x1, y1, x2, y2 = corners
    if target == "xyxy":
        return corners
    if target == "yxyx":
        return y1, x1, y2, x2
    w, h = x2 - x1, y2 - y1
    if target == "xywh":
        return x1, y1, w, h
    if target == "center_xywh":
        return x1 + w / 2.0, y1 + h / 2.0, w, h
    return y1 + h / 2.0, x1 + w / 2.0, h, w


def _absolute(name: str, bounding_box_format: str, *also: str) -> None:
    if bounding_box_format not in ("xyxy", *also):
        expected = " or ".join(f'"{format}"' for format in ("xyxy", *also))
        raise NotImplementedError(f"{name}: expected bounding_box_format {expected}, got {bounding_box_format!r}")


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
        >>> boxes = {"boxes": np.array([[-10.0, -20, 150, 160], [150, 0, 160, 10]]), "labels": np.array([0, 1])}
        >>> clipped = clip_to_image_size(boxes, height=100, width=120)
        >>> clipped["boxes"].tolist(), clipped["labels"].tolist()
        ([[0.0, 0.0, 120.0, 100.0], [120.0, 0.0, 120.0, 10.0]], [0, -1])
    """
    _absolute("clip_to_image_size", bounding_box_format, "rel_xyxy")
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif height is None or width is None:
        raise ValueError("clip_to_image_size: `height` and `width` must be set if `bounding_box_format='xyxy'`")
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    w, h = ops.cast(width, boxes.dtype), ops.cast(height, boxes.dtype)
    x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
    x1, y1, x2, y2 = ops.clip(x1, 0, w), ops.clip(y1, 0, h), ops.clip(x2, 0, w), ops.clip(y2, 0, h)
    result = {**bounding_boxes, "boxes": _joined((x1, y1, x2, y2))}
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
        >>> crop(np.array([[10.0, 20, 50, 60]]), top=10, left=20, height=40, width=30).tolist()
        [[0.0, 10.0, 30.0, 40.0]]
    """
    _absolute("crop", bounding_box_format)
    x1, y1, x2, y2 = ops.split(ops.convert_to_tensor(boxes), 4, axis=-1)
    parts = [ops.clip(x1 - left, 0, width), ops.clip(y1 - top, 0, height)]
    return _joined([*parts, ops.clip(x2 - left, 0, width), ops.clip(y2 - top, 0, height)])


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
    _absolute("pad", bounding_box_format)
    x1, y1, x2, y2 = ops.split(ops.convert_to_tensor(boxes), 4, axis=-1)
    return _joined((x1 + left, y1 + top, x2 + left, y2 + top))


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
    _absolute("affine_transform", bounding_box_format)
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
    xs, ys = _joined((x1, x2, x2, x1)) - from_x, _joined((y1, y1, y2, y2)) - from_y
    moved_x, moved_y = scale * (d * xs - b * ys) + across, scale * (a * ys - c * xs) + down
    ends = [reduce(moved, axis=-1, keepdims=True) for reduce in (ops.min, ops.max) for moved in (moved_x, moved_y)]
    made = _joined(ends)
    return ops.squeeze(made, 0) if single else made


def _extents(name: str, image_shape: Any, *formats: str) -> tuple[Any, Any]:
    if image_shape is None:
        if any("rel" in str(format) for format in formats):
            raise ValueError(
                f"{name}: When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must be "
                "provided. Received `image_shape`: None"
            )
        return None, None
    return image_shape[0], image_shape[1]


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
        >>> round(float(compute_iou(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]]), "xyxy")[0, 0]), 3)
        0.333
    """
    name = "compute_iou"
    given = [ops.convert_to_tensor(boxes) for boxes in (boxes1, boxes2)]
    for what, boxes in zip(("boxes1", "boxes2"), given, strict=True):
        if len(boxes.shape) not in (2, 3):
            raise ValueError(f"{name}: expects {what} to be batched, or to be unbatched, got {shown(boxes)}")
    height, width = _extents(name, image_shape, bounding_box_format)
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
    height, width = _extents("compute_ciou", image_shape, bounding_box_format)
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
    height, width = _extents(name, image_shape, anchor_format, box_format)
    anchor = convert_format(anchors, anchor_format, encoding_format, height, width)
    box = convert_format(boxes, box_format, encoding_format, height, width)
    sizes, own = ops.maximum(anchor[..., 2:], epsilon()), ops.maximum(box[..., 2:], epsilon())
    deltas = _joined(((box[..., :2] - anchor[..., :2]) / sizes, ops.log(own / sizes)))
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
    height, width = _extents(name, image_shape, anchor_format, box_format)

    def decoded(anchor: Any, delta: Any) -> Any:
        at = convert_format(anchor, anchor_format, encoded_format, height, width)
        delta = ops.convert_to_tensor(delta)
        delta = delta if variance is None else delta * variance
        parts = (delta[..., :2] * at[..., 2:] + at[..., :2], ops.exp(delta[..., 2:]) * at[..., 2:])
        return convert_format(_joined(parts), encoded_format, box_format, height, width)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decoded(anchors, boxes_delta)
