"""Many images in one picture, drawn by matplotlib."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dlnative.visualization.drawing import (
    Array,
    batch_of_images,
    draw_bounding_boxes,
    draw_segmentation_masks,
)


def _matplotlib(name: str, module: str) -> Any:
    try:
        return importlib.import_module(f"matplotlib.{module}")
    except ImportError:
        raise ImportError(f'{name}: expected matplotlib to draw with; install "dlnative[plot]"') from None


def plot_image_gallery(
    images: Any, y_true: Any = None, y_pred: Any = None, label_map: Mapping[Any, str] | None = None,
    rows: int | None = None, cols: int | None = None, value_range: Sequence[float] = (0, 255), scale: float = 2,
    path: Any = None, show: bool | None = None, transparent: bool = True, dpi: int = 60, legend_handles: Any = None,
    data_format: str | None = None,
) -> Any:  # fmt: skip
    """Draws images side by side.

    Args:
        images: of shape `(batch, height, width, channels)`.
        y_true, y_pred: the true and the predicted labels, which are written above the images by their names.
        label_map: the names by label.
        rows, cols: how many images there are below and beside each other; by default as many as fit all, about as many rows as
            columns.
        value_range: the values that are black and white.
        scale: the size of an image, in inches.
        path: a file to write.
        show: whether the picture is shown; by default if there is no `path`.
        transparent: whether the file has no background.
        dpi: pixels of the file for each inch.
        legend_handles: what matplotlib is to write below.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        The figure of matplotlib if it is neither shown nor written, otherwise `None`.

    Raises:
        ValueError: for another rank, if both `path` and `show` are given, or labels without names.
        ImportError: if matplotlib is not installed.
    """
    name = "plot_image_gallery"
    pyplot = _matplotlib(name, "pyplot")
    if path is not None and show:
        raise ValueError(f"{name}: expects either `path` to be set, or `show` to be true, got both")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError(f"{name}: If `y_true` or `y_pred` are provided, a `label_map` must also be provided.")
    pictures = _in_bytes(batch_of_images(name, images, data_format), value_range)
    rows = rows or (math.ceil(len(pictures) / cols) if cols else math.ceil(math.sqrt(len(pictures))))
    cols = cols or math.ceil(len(pictures) / rows)
    figure, axes = pyplot.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight", squeeze=False
    )
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for index, axis in enumerate(axes.ravel()):
        axis.axis("off")
        if index >= len(pictures):
            continue
        picture = pictures[index]
        axis.imshow(picture.repeat(3, axis=-1) if picture.shape[-1] == 1 else picture)
        axis.margins(x=0, y=0)
        title = "  ".join(
            f"{what}: {(label_map or {}).get(np.asarray(labels)[index].item(), 'Unknown')}"
            for what, labels in (("Label", y_true), ("Pred", y_pred))
            if labels is not None and index < len(labels)
        )
        if title:
            axis.set_title(title, fontsize=8)
    if path is None and not (show or show is None):
        return figure
    if path is not None:
        figure.savefig(path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
    else:
        pyplot.show()
    pyplot.close(figure)
    return None


def _in_bytes(pictures: Array, value_range: Sequence[float]) -> Array:
    low, high = value_range
    return np.clip((pictures.astype("float32") - low) / (high - low) * 255, 0, 255).astype("uint8")


def plot_bounding_box_gallery(
    images: Any, bounding_box_format: str, y_true: Any = None, y_pred: Any = None,
    value_range: Sequence[float] = (0, 255), true_color: Sequence[int] = (0, 188, 212),
    pred_color: Sequence[int] = (255, 235, 59), line_thickness: int = 2, font_scale: float = 1.0,
    text_thickness: int | None = None, class_mapping: Mapping[int, str] | None = None,
    ground_truth_mapping: Mapping[int, str] | None = None, prediction_mapping: Mapping[int, str] | None = None,
    legend: bool = False, legend_handles: Any = None, rows: int | None = None, cols: int | None = None,
    data_format: str | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Draws images side by side, with true and predicted boxes.

    Args:
        images: of shape `(batch, height, width, channels)`.
        bounding_box_format: the format of the boxes.
        y_true, y_pred: true and predicted boxes; see `draw_bounding_boxes`.
        value_range: the values that are black and white.
        true_color, pred_color: their colours.
        line_thickness, font_scale, text_thickness: see `draw_bounding_boxes`.
        class_mapping: the names of the classes; or, of true and predicted boxes alone,
        ground_truth_mapping, prediction_mapping: these.
        legend: whether it is written which colour is which.
        legend_handles: what is to be written instead.
        rows, cols, data_format: see `plot_image_gallery`.
        **kwargs: what `plot_image_gallery` takes besides.

    Raises:
        ValueError: for another rank, or if both `legend` and `legend_handles` are given.
        ImportError: if matplotlib is not installed.
    """
    name = "plot_bounding_box_gallery"
    patches = _matplotlib(name, "patches")
    if legend and legend_handles:
        raise ValueError(f"{name}: Only pass `legend` OR `legend_handles`, got both")
    pictures = _in_bytes(batch_of_images(name, images, data_format), value_range)
    for boxes, color, mapping in (
        (y_true, true_color, ground_truth_mapping or class_mapping),
        (y_pred, pred_color, prediction_mapping or class_mapping),
    ):
        if boxes is not None:
            pictures = draw_bounding_boxes(
                pictures, boxes, bounding_box_format, mapping, color, line_thickness, text_thickness, font_scale,
                "channels_last",
            )  # fmt: skip
    if legend:
        legend_handles = [
            patches.Patch(color=np.asarray(color) / 255.0, label=label)
            for color, label in ((true_color, "Ground Truth"), (pred_color, "Prediction"))
        ]
    return plot_image_gallery(
        pictures, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def plot_segmentation_mask_gallery(
    images: Any, num_classes: int, value_range: Sequence[float] = (0, 255), y_true: Any = None, y_pred: Any = None,
    color_mapping: Mapping[int, Sequence[int]] | None = None, blend: bool = True, alpha: float = 0.8,
    ignore_index: int = -1, data_format: str | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Draws images below each other, with true and predicted masks beside them.

    Args:
        images: of shape `(batch, height, width, channels)`.
        num_classes: how many classes there are.
        value_range: the values that are black and white.
        y_true, y_pred: true and predicted masks; see `draw_segmentation_masks`.
        color_mapping, blend, alpha, ignore_index, data_format: see `draw_segmentation_masks`.
        **kwargs: what `plot_image_gallery` takes besides.

    Raises:
        ValueError: for another rank.
        ImportError: if matplotlib is not installed.
    """
    name = "plot_segmentation_mask_gallery"
    pictures = _in_bytes(batch_of_images(name, images, data_format), value_range)
    shown = [pictures]
    for masks in (y_true, y_pred):
        if masks is not None:
            array = np.asarray(masks).astype("int32")
            array = batch_of_images(name, array, data_format) if array.ndim == 4 else array
            drawn = draw_segmentation_masks(
                pictures, array, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
            )
            shown.append(drawn.astype("uint8"))
    together = np.stack(shown, axis=1).reshape(-1, *pictures.shape[1:])
    return plot_image_gallery(together, rows=len(pictures), cols=len(shown), data_format="channels_last", **kwargs)
