"""Layers that several tests of layers use."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import layers, ops

X = np.arange(6, dtype="float32").reshape(2, 3)


class Outer(layers.Layer):
    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


class Scaled(layers.Layer):
    def call(self, inputs: Any, scale: Any = None, others: Any = None, axes: Any = None) -> Any:
        y = inputs if scale is None else inputs * scale
        for other in others or ():
            y = y if other is None else y + other
        return y if axes is None else ops.sum(y, axis=tuple(axes))
