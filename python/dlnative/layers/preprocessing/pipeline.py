"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.graph.tensor import Tensor
from dlnative.layers.effects import get_mask, set_mask
from dlnative.layers.layer import Layer
from dlnative.layers.signature import call_signature


class Pipeline(Layer):
    """Applies layers one after the other, to whatever the first takes: arrays, or dicts of images with what belongs to them.

    Args:
        layers: the layers.
        name: a name.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Pipeline([layers.CenterCrop(2, 2), layers.Rescaling(0.5)])(np.full((1, 4, 4, 1), 2.0)).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, layers: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name=name)
        self._pipeline_layers = list(layers)
        for layer in self._pipeline_layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"{self._label}: expected layers, got {layer!r}")

    @property
    def layers(self) -> list[Any]:
        """The layers."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        if mask is not None and isinstance(inputs, Tensor) and get_mask(inputs) is None:
            set_mask(inputs, mask)  # from here on it travels with the tensors
        for layer in self._pipeline_layers:
            takes = call_signature(layer).takes_training
            inputs = layer(inputs, training=training) if takes else layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        from dlnative.layers import serialize

        return {"layers": [serialize(layer) for layer in self._pipeline_layers], "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        from dlnative.layers import deserialize

        listed = config.get("layers")
        if not isinstance(listed, (list, tuple)):
            raise ValueError(
                f"{cls.__name__}: `{cls.__name__}` config must contain a `layers` key mapping to a list of serialized layers, got "
                f"{listed!r}"
            )
        made = [layer if isinstance(layer, Layer) else deserialize(layer) for layer in listed]
        return cls(**{**config, "layers": made})
