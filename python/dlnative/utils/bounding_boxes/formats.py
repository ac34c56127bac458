"""The formats of boxes.

`"xyxy"` (left, top, right, bottom), `"yxyx"`, `"xywh"` (left, top, width, height), `"center_xywh"`,
`"center_yxhw"`; and `"rel_xyxy"`, `"rel_yxyx"`, `"rel_xywh"`, `"rel_center_xywh"`, which are in parts of the image's extents.
"""

from __future__ import annotations

from typing import Any

from dlnative import ops

FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
)  # fmt: skip


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
        >>> import numpy as np
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
    return joined(_in_format((x1, y1, x2, y2), target.removeprefix("rel_")))


def joined(parts: Any) -> Any:
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


def check_absolute(name: str, bounding_box_format: str, *also: str) -> None:
    if bounding_box_format not in ("xyxy", *also):
        expected = " or ".join(f'"{format}"' for format in ("xyxy", *also))
        raise NotImplementedError(f"{name}: expected bounding_box_format {expected}, got {bounding_box_format!r}")


def extents_of(name: str, image_shape: Any, *formats: str) -> tuple[Any, Any]:
    if image_shape is None:
        if any("rel" in str(format) for format in formats):
            raise ValueError(
                f"{name}: When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument must be "
                "provided. Received `image_shape`: None"
            )
        return None, None
    return image_shape[0], image_shape[1]
