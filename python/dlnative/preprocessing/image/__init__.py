"""Images in files, as arrays, of another size; and Keras's older generator of varied images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.image_utils import array_to_img, img_to_array, load_img, save_img, smart_resize
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.preprocessing.image.file_iterators import DataFrameIterator, DirectoryIterator
    from dlnative.preprocessing.image.generator import ImageDataGenerator
    from dlnative.preprocessing.image.iterators import Iterator, NumpyArrayIterator
    from dlnative.preprocessing.image.transforms import (
        apply_affine_transform,
        apply_brightness_shift,
        apply_channel_shift,
        flip_axis,
        random_brightness,
        random_channel_shift,
        random_rotation,
        random_shear,
        random_shift,
        random_zoom,
    )

__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "flip_axis",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]

_LATER = {
    "generator": ("ImageDataGenerator",),
    "file_iterators": ("DataFrameIterator", "DirectoryIterator"),
    "iterators": ("Iterator", "NumpyArrayIterator"),
    "transforms": (
        "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "flip_axis", "random_brightness",
        "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom",
    ),
}  # fmt: skip
__getattr__ = lazily(__name__, _LATER)
