"""Keras's `keras.visualization`: images with boxes and masks drawn on them, and galleries of images (by matplotlib)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.visualization.drawing import draw_bounding_boxes, draw_segmentation_masks
    from dlnative.visualization.galleries import (
        plot_bounding_box_gallery,
        plot_image_gallery,
        plot_segmentation_mask_gallery,
    )

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]

__getattr__ = lazily(
    __name__,
    {
        "drawing": ("draw_bounding_boxes", "draw_segmentation_masks"),
        "galleries": ("plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"),
    },
)
