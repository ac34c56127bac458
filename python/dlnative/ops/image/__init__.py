"""Images: `keras.ops.image`. All of it is composed of other ops, so it is traced, planned and differentiated like them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.ops.image.resizing import resize, scale_and_translate

__all__ = ["resize", "scale_and_translate"]

__getattr__ = lazily(__name__, {"resizing": ("resize", "scale_and_translate")})
