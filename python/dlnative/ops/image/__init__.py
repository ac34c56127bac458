"""Images: `keras.ops.image`. All of it is composed of other ops, so it is traced, planned and differentiated like them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.ops.image.borders import crop_images, pad_images
    from dlnative.ops.image.colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
    from dlnative.ops.image.coordinates import map_coordinates
    from dlnative.ops.image.filters import gaussian_blur, sobel_edges, ssim
    from dlnative.ops.image.patches import extract_patches, extract_patches_3d
    from dlnative.ops.image.resizing import resize, scale_and_translate
    from dlnative.ops.image.transforms import affine_transform, elastic_transform, perspective_transform

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]

__getattr__ = lazily(
    __name__,
    {
        "borders": ("crop_images", "pad_images"),
        "colors": ("hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"),
        "coordinates": ("map_coordinates",),
        "filters": ("gaussian_blur", "sobel_edges", "ssim"),
        "patches": ("extract_patches", "extract_patches_3d"),
        "resizing": ("resize", "scale_and_translate"),
        "transforms": ("affine_transform", "elastic_transform", "perspective_transform"),
    },
)
