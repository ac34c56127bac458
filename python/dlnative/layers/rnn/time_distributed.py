"""TimeDistributed: a layer on each step of sequences."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.layers.core import Wrapper
from dlnative.layers.layer import Layer
from dlnative.layers.signature import call_signature
from dlnative.ops.core import unknown


class TimeDistributed(Wrapper):
    """Applies a layer to each step of sequences.

    All steps are one batch of the layer; where it has statistics of a batch, which it follows while training, each step is
    a batch of its own.

    Args:
        layer: the layer.

    Call arguments:
        inputs: `(batch, steps, ...)`.
        training: handed to the layer, if it takes it.
        mask: `(batch, steps, ...)`, handed to the layer, if it takes it.

    Raises:
        ValueError: for what is no layer, an input of rank below 3, or a mask that does not begin with batch and steps.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.TimeDistributed(layers.Dense(4))(np.zeros((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__}: Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance. "
                f"Received: {layer!r}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _shape_of_step(self, shape: Any) -> tuple[Any, ...]:
        if not isinstance(shape, (tuple, list)) or len(shape) < 3:
            raise ValueError(
                f"{self._label}: `TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, "
                f"received: {shape}"
            )
        return (shape[0], *shape[2:])

    def check_input_shape(self, input_shape: Any) -> None:
        self._shape_of_step(input_shape)

    def build(self, input_shape: Any = None) -> None:
        super().build(self._shape_of_step(input_shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        inner = self.layer.compute_output_shape(self._shape_of_step(input_shape))
        return (inner[0], input_shape[1], *inner[1:])

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        batch, steps = inputs.shape[:2]
        signature = call_signature(self.layer)
        kwargs: dict[str, Any] = {"training": training} if signature.takes_training else {}
        if mask is not None:
            self._check_mask(tuple(mask.shape), tuple(inputs.shape))
            mask = mask if signature.takes_mask else None
        if training and self.layer.trainable and self.layer.non_trainable_weights and steps is not None:
            return self._step_by_step(inputs, mask, kwargs)
        if mask is not None:
            kwargs["mask"] = _joined(mask)
        made = self.layer(_joined(inputs), **kwargs)
        if None in (batch, steps):
            return map_structure(lambda y: unknown((batch, steps, *y.shape[1:]), y), made)
        return map_structure(lambda y: ops.reshape(y, (batch, steps, *y.shape[1:])), made)

    def _step_by_step(self, inputs: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
        rows = [ops.swapaxes(x, 0, 1) for x in (inputs, mask) if x is not None]

        def step(_: None, row: Any) -> tuple[None, Any]:
            return None, self.layer(row[0], **kwargs, **({} if mask is None else {"mask": row[1]}))

        return map_structure(lambda y: ops.swapaxes(y, 0, 1), ops.scan(step, None, rows)[1])

    def _check_mask(self, mask: tuple[Any, ...], shape: tuple[Any, ...]) -> None:
        if len(mask) < 2:
            raise ValueError(
                f"{self._label}: The `mask` passed to the `TimeDistributed` layer must be at least 2D (e.g., `(batch_size, "
                f"timesteps)`), but it has {len(mask)} dimension(s) with shape {mask}."
            )
        if any(None not in pair and pair[0] != pair[1] for pair in zip(mask[:2], shape[:2], strict=True)):
            raise ValueError(
                f"{self._label}: The `mask` passed to the `TimeDistributed` layer has a shape {mask} that is incompatible "
                f"with the input shape {shape}. The first two dimensions of the mask (batch size and timesteps) must match "
                f"the input's first two dimensions. Expected mask shape prefix: ({shape[0]}, {shape[1]})."
            )


def _joined(x: Any) -> Any:
    """Returns a tensor whose first two axes are one."""
    shape = tuple(x.shape)
    extents = flatten_structure(shape[:2])
    first = extents[0] * extents[1] if len(extents) == 2 else -1
    return ops.reshape(x, (first, *shape[2:]))
