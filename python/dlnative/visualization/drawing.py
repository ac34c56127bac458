"""Boxes and masks drawn on images."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlnative.ops.windows import checked_data_format
from dlnative.utils.bounding_boxes import convert_format
from dlnative.utils.checks import integer, number
from dlnative.utils.image_utils import pillow

Array = np.ndarray[Any, Any]


def batch_of_images(name: str, images: Any, data_format: str | None) -> Array:
    """Returns a batch of images as an array with the channels last.

    Raises:
        ValueError: for another rank than 4.
    """
    array = np.asarray(images)
    if array.ndim != 4:
        raise ValueError(f"{name}: `images` must be batched 4D tensor, got shape {array.shape}")
    return np.moveaxis(array, 1, -1) if checked_data_format(name, data_format) == "channels_first" else array


def as_bytes(images: Array) -> Array:
    """Returns images in whole numbers from 0 to 255; floats that are all up to 1 are taken as parts of 255."""
    if images.dtype.kind == "f" and images.size:
        images = np.clip(images, 0, 1) * 255 if images.max() <= 1.0 else np.clip(images, 0, 255)
    return images.astype("uint8")


def draw_bounding_boxes(
    images: Any, bounding_boxes: dict[str, Any], bounding_box_format: str, class_mapping: Mapping[int, str] | None = None,
    color: Sequence[int] = (128, 128, 128), line_thickness: int = 2, text_thickness: int | None = 1,
    font_scale: float = 1.0, data_format: str | None = None,
) -> Array:  # fmt: skip
    """Draws boxes on images, with the names of their classes.

    Args:
        images: of shape `(batch, height, width, channels)`, in 0 to 255, or floats in 0 to 1.
        bounding_boxes: a dict with `"boxes"` of shape `(batch, n, 4)`, `"labels"` of shape `(batch, n)`, of which -1 is no box,
            and maybe `"confidences"`, which are written behind the names.
        bounding_box_format: the format of the boxes; see `utils.bounding_boxes`.
        class_mapping: the names of the classes by label; those without a name get none. Needs Pillow.
        color: red, green and blue.
        line_thickness: of the lines, in pixels.
        text_thickness: of the letters, in pixels; by default that of the lines.
        font_scale: the size of the letters: 1 for a height of about 24 pixels.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        A uint8 array of shape `(batch, height, width, channels)`.

    Raises:
        ValueError: for another rank or format, or if boxes or labels are missing.
        TypeError: if the boxes are not in a dict.
        ImportError: if names are to be written and Pillow is not installed.

    Example:
        >>> boxes = {"boxes": np.array([[[1, 1, 4, 3]]]), "labels": np.array([[0]])}
        >>> drawn = draw_bounding_boxes(np.zeros((1, 5, 6, 3)), boxes, "xyxy", color=(9, 9, 9), line_thickness=1)
        >>> drawn[0, :, :, 0].tolist()
        [[0, 0, 0, 0, 0, 0], [0, 9, 9, 9, 9, 0], [0, 9, 0, 0, 9, 0], [0, 9, 9, 9, 9, 0], [0, 0, 0, 0, 0, 0]]
    """
    name = "draw_bounding_boxes"
    pictures = as_bytes(batch_of_images(name, images, data_format)).copy()
    if not isinstance(bounding_boxes, dict):
        raise TypeError(f"{name}: `bounding_boxes` should be a dict, got {type(bounding_boxes).__name__}")
    if "boxes" not in bounding_boxes or "labels" not in bounding_boxes:
        raise ValueError(
            f"{name}: `bounding_boxes` should be a dict containing 'boxes' and 'labels' keys, got {list(bounding_boxes)}"
        )
    thickness = integer(name, "line_thickness", line_thickness, 1)
    height, width = pictures.shape[1:3]
    boxes = np.asarray(convert_format(np.asarray(bounding_boxes["boxes"]), bounding_box_format, "xyxy", height, width))
    labels = np.asarray(bounding_boxes["labels"]).astype("int64")
    given = bounding_boxes.get("confidences")
    confidences = None if given is None else np.asarray(given)
    names = class_mapping or {}
    for i, picture in enumerate(pictures):
        for j, label in enumerate(labels[i].ravel().tolist()):
            if label == -1:
                continue
            x1, y1, x2, y2 = boxes[i, j].astype("int64").tolist()
            _frame(picture, x1, y1, x2, y2, color, thickness)
            if label in names:
                text = names[label] if confidences is None else f"{names[label]} | {confidences[i].ravel()[j]:.2f}"
                _write(
                    name,
                    picture,
                    text,
                    x1,
                    y1,
                    color,
                    number(name, "font_scale", font_scale, 0),
                    text_thickness or thickness,
                )
    return pictures


def _frame(picture: Array, x1: int, y1: int, x2: int, y2: int, color: Sequence[int], thickness: int) -> None:
    """Draws the border of a rectangle, of which the middle goes through the corners."""
    out, inner = (thickness - 1) // 2, thickness // 2
    left, top, right, bottom = x1 - out, y1 - out, x2 + out, y2 + out
    shades = np.resize(np.asarray(color), picture.shape[2]) if picture.shape[2] < 4 else np.append(color, 255)
    for rows, columns in (
        ((top, y1 + inner), (left, right)), ((y2 - inner, bottom), (left, right)),
        ((top, bottom), (left, x1 + inner)), ((top, bottom), (x2 - inner, right)),
    ):  # fmt: skip
        first, last = [max(0, edge) for edge in (rows[0], columns[0])], (rows[1] + 1, columns[1] + 1)
        picture[first[0] : max(last[0], 0), first[1] : max(last[1], 0)] = shades


def _write(
    name: str, picture: Array, text: str, x: int, y: int, color: Sequence[int], scale: float, thickness: int
) -> None:
    """Writes above a place, or below it where there is no room above."""
    image = pillow(name)
    draw, fonts = [importlib.import_module(f"PIL.{module}") for module in ("ImageDraw", "ImageFont")]
    size = max(1, round(24 * scale))
    mask = image.new("L", (picture.shape[1], picture.shape[0]), 0)
    top = y - 8 - size if y - 8 - size > 0 else y + thickness + 3
    place = (x if top < y else x + 3, top)
    draw.Draw(mask).text(place, text, fill=255, font=fonts.load_default(size), stroke_width=max(0, thickness - 1))
    share = np.asarray(mask, "float32")[..., None] / 255
    shades = np.resize(np.asarray(color, "float32"), picture.shape[2])
    picture[...] = (picture * (1 - share) + shades * share).astype("uint8")


def draw_segmentation_masks(
    images: Any, segmentation_masks: Any, num_classes: int | None = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None, alpha: float = 0.8, blend: bool = True,
    ignore_index: int = -1, data_format: str | None = None,
) -> Array:  # fmt: skip
    """Draws masks on images, each class in its colour.

    Args:
        images: of shape `(batch, height, width, channels)`, in 0 to 255.
        segmentation_masks: the classes of the pixels, integers of shape `(batch, height, width, 1)` or `(batch, height, width)`.
        num_classes: how many classes there are; by default the largest number and one more.
        color_mapping: red, green and blue by class; a class without one gets a colour of its own.
        alpha: how much of the colour is seen, in `[0, 1]`.
        blend: whether the image shows through; otherwise the colours are drawn as they are.
        ignore_index: a class that is not drawn.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of shape `(batch, height, width, channels)`, uint8 if blended and float32 if not.

    Raises:
        ValueError: for another rank.
        TypeError: if masks are no integers.

    Example:
        >>> masks = np.array([[[[0], [1]]]])
        >>> colors = {0: (0, 0, 0), 1: (100, 0, 0)}
        >>> draw_segmentation_masks(np.full((1, 1, 2, 3), 50), masks, color_mapping=colors, alpha=0.5)[0, 0].tolist()
        [[25, 25, 25], [75, 25, 25]]
    """
    name = "draw_segmentation_masks"
    pictures = batch_of_images(name, images, data_format).astype("float32")
    masks = np.asarray(segmentation_masks)
    if masks.dtype.kind not in "iu":
        raise TypeError(f"{name}: `segmentation_masks` must be in integer dtype, got {masks.dtype}")
    if masks.ndim == 4:
        masks = batch_of_images(name, masks, data_format)[..., 0]
    if masks.shape != pictures.shape[:3]:
        raise ValueError(f"{name}: expected masks for images of shape {pictures.shape}, got shape {masks.shape}")
    share = number(name, "alpha", alpha, 0, 1)
    classes = int(masks.max(initial=0)) + 1 if num_classes is None else integer(name, "num_classes", num_classes, 1)
    drawn = pictures.copy()
    for label in range(classes):
        if label == ignore_index:
            continue
        color = (color_mapping or {}).get(label, _color(label))
        drawn[masks == label] = np.resize(np.asarray(color, "float32"), pictures.shape[3])
    if not blend:
        return drawn
    mixed = pictures * (1 - share) + drawn * share
    return np.where((masks != ignore_index)[..., None], mixed, pictures).astype("uint8")


def _color(label: int) -> Sequence[int]:
    """Returns a colour of a class: black of the first, others far apart."""
    return [label * step % 255 for step in (2**25 - 1, 2**15 - 1, 2**21 - 1)]
