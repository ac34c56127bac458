"""Images in files, as arrays, and of another size."""

from __future__ import annotations

from dlnative.utils.image_utils import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]
