"""Keras's older `keras.preprocessing`: text, sequences, images in files, and data sets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.preprocessing import image as image
    from dlnative.preprocessing import sequence as sequence
    from dlnative.preprocessing import text as text

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

__getattr__ = lazily(
    __name__,
    {
        "image": (),
        "sequence": (),
        "text": (),
        "dlnative.utils.directories": ("text_dataset_from_directory",),
        "dlnative.utils.image_dataset": ("image_dataset_from_directory",),
        "dlnative.utils.timeseries": ("timeseries_dataset_from_array",),
    },
)
