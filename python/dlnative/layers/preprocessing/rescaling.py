"""Rescaling: a scale and an offset."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.config import image_data_format
from dlnative.layers.preprocessing.data_layer import DataLayer


class Rescaling(DataLayer):
    """Multiplies by a scale and adds an offset.

    y = x * scale + offset

    Args:
        scale: a number, or one for each channel.
        offset: a number, or one for each channel.

    Shapes:
        input and output `(...)`; integers become floats.

    Raises:
        ValueError: if `scale` or `offset` holds no numbers.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Rescaling(0.5, offset=-1)(np.array([[0, 2, 3]], "uint8"))
        array([[-1. ,  0. ,  0.5]], dtype=float32)
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "iuf":
                raise ValueError(f"{self._label}: expected {name} to be a number or numbers, got {value!r}")
        self.scale, self.offset = scale, offset
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        dtype = self.compute_dtype
        scale, offset = (np.asarray(value).astype(dtypes.NUMPY[dtype]) for value in (self.scale, self.offset))
        if scale.ndim and image_data_format() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        return ops.cast(inputs, dtype) * scale + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": _plain(self.scale), "offset": _plain(self.offset)}


def _plain(value: Any) -> Any:
    return np.asarray(value).tolist() if isinstance(value, (np.ndarray, np.generic)) else value
