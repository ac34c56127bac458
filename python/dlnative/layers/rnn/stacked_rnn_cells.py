"""StackedRNNCells: cells one behind the other as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.graph.tree import is_nested
from dlnative.layers.layer import Layer
from dlnative.layers.signature import call_signature


def output_size(cell: Any) -> Any:
    """Returns the number of outputs of a cell: its `output_size`, or the size of its first state."""
    found = getattr(cell, "output_size", None)
    if found is None:
        found = cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
    return found


def first_states(cell: Any, batch_size: Any, dtype: str) -> Any:
    """Returns the states that a cell begins with: what its `get_initial_state` gives, or zeros."""
    given = getattr(cell, "get_initial_state", None)
    if given is not None:
        return given(batch_size=batch_size)
    if is_nested(cell.state_size):
        return [ops.zeros((batch_size, size), dtype=dtype) for size in cell.state_size]
    return ops.zeros((batch_size, cell.state_size), dtype=dtype)


def step(cell: Any, inputs: Any, states: Any, training: Any) -> tuple[Any, Any]:
    """Calls a cell, which need not be a layer."""
    kwargs = {"training": training} if isinstance(cell, Layer) and call_signature(cell).takes_training else {}
    output, after = (cell if callable(cell) else cell.call)(inputs, states, **kwargs)
    return output, after


class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: cells, which have a method `call(inputs, states)` and an attribute `state_size`.

    Raises:
        ValueError: if one has not.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> cells = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(2)])
        >>> layers.RNN(cells)(np.zeros((3, 5, 7), "float32")).shape
        (3, 2)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(type(cell), "call") and not hasattr(cell, "call"):
                raise ValueError(
                    f"{self._label}: All cells must have a `call` method. Received cell without a `call` method: {cell!r}"
                )
            if "state_size" not in dir(cell):
                raise ValueError(
                    f"{self._label}: All cells must have a `state_size` attribute. Received cell without a `state_size`: "
                    f"{cell!r}"
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The number of outputs of the last cell."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Returns the states that each cell begins with."""
        return [first_states(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        after = []
        for cell, own in zip(self.cells, states, strict=True):
            nested = is_nested(own)
            inputs, made = step(cell, inputs, list(own) if nested else [own], training)
            made = list(made) if is_nested(made) else [made]
            after.append(made if nested else made[0])
        return inputs, after

    def get_config(self) -> dict[str, Any]:
        from dlnative.layers import serialize

        return {**super().get_config(), "cells": [serialize(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned.

        Args:
            config: the config.
            custom_objects: classes by name.
        """
        from dlnative.layers import deserialize

        return super().from_config({**config, "cells": [deserialize(cell, custom_objects) for cell in config["cells"]]})
