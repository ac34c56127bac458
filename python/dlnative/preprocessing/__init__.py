"""Keras's older `keras.preprocessing`: images in files and generators of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.preprocessing import image as image

__all__ = ["image"]

__getattr__ = lazily(__name__, {"image": ()})
