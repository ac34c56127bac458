"""The base of layers that merge their inputs, which older programs extend."""

from __future__ import annotations

from typing import Any

from dlnative.layers import Layer


class Merge(Layer):
    """A layer of a list of inputs of one shape; a subclass writes `_merge_function(inputs)`."""

    def call(self, inputs: Any) -> Any:
        return self._merge_function(inputs)

    def _merge_function(self, inputs: Any) -> Any:
        raise NotImplementedError(f"{self._label}: expected a method _merge_function(inputs), found none")
