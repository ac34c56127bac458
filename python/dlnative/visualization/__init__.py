"""Keras's `keras.visualization`: images with boxes and masks drawn on them, and galleries of images (by matplotlib).

Beside these, what a model does: in numbers (`insight`) and in pictures (`pictures`).
"""

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
    from dlnative.visualization.insight import (
        GradientNorms,
        activations,
        confusion_matrix,
        input_gradients,
        permutation_importance,
    )
    from dlnative.visualization.pictures import (
        plot_activations,
        plot_confusion_matrix,
        plot_decision_regions,
        plot_filters,
        plot_gradient_norms,
        plot_importance,
        plot_input_gradients,
    )

__all__ = [
    "GradientNorms",
    "activations",
    "confusion_matrix",
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "input_gradients",
    "permutation_importance",
    "plot_activations",
    "plot_bounding_box_gallery",
    "plot_confusion_matrix",
    "plot_decision_regions",
    "plot_filters",
    "plot_gradient_norms",
    "plot_image_gallery",
    "plot_importance",
    "plot_input_gradients",
    "plot_segmentation_mask_gallery",
]

__getattr__ = lazily(
    __name__,
    {
        "drawing": ("draw_bounding_boxes", "draw_segmentation_masks"),
        "galleries": ("plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"),
        "insight": ("GradientNorms", "activations", "confusion_matrix", "input_gradients", "permutation_importance"),
        "pictures": (
            "plot_activations",
            "plot_confusion_matrix",
            "plot_decision_regions",
            "plot_filters",
            "plot_gradient_norms",
            "plot_importance",
            "plot_input_gradients",
        ),
    },
)
