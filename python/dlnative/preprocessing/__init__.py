"""Keras's older `keras.preprocessing`: text, sequences, images in files, and data sets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

_module = lazily(__name__, {"image": (), "sequence": (), "text": ()})


def __getattr__(name: str) -> Any:
    if name.endswith(("_from_directory", "_from_array")) and name in __all__:
        from dlnative import utils

        return getattr(utils, name)
    return _module(name)
