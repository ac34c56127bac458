"""Layers that join several inputs: Add, Concatenate, and their like."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.layers.layer import Layer
from dlnative.ops.elementwise import broadcast_shapes


class _Merge(Layer):
    def check_input_shape(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or not input_shape:
            raise ValueError(f"{self._label}: expected a list of inputs, got one input of shape {input_shape}")


class _Elementwise(_Merge):
    def check_input_shape(self, input_shape: Any) -> None:
        super().check_input_shape(input_shape)
        broadcast_shapes(self._label, *input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return broadcast_shapes(self._label, *map(tuple, input_shape))

    def combine(self, x1: Any, x2: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        total = inputs[0]
        for x in inputs[1:]:
            total = self.combine(total, x)
        return total


class Add(_Elementwise):
    """Adds its inputs, which broadcast.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Add()([np.ones((1, 2), "float32"), np.ones((1, 2), "float32")])
        array([[2., 2.]], dtype=float32)
    """

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.add(x1, x2)


class Subtract(_Elementwise):
    """Subtracts the second of its two inputs from the first."""

    def check_input_shape(self, input_shape: Any) -> None:
        super().check_input_shape(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"{self._label}: expected two inputs, got {len(input_shape)}")

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.subtract(x1, x2)


class Multiply(_Elementwise):
    """Multiplies its inputs, which broadcast."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.multiply(x1, x2)


class Maximum(_Elementwise):
    """Takes the largest of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.maximum(x1, x2)


class Minimum(_Elementwise):
    """Takes the smallest of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.minimum(x1, x2)


class Average(_Elementwise):
    """Takes the mean of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.add(x1, x2)

    def call(self, inputs: Any) -> Any:
        return ops.divide(super().call(inputs), float(len(inputs)))


class Concatenate(_Merge):
    """Joins its inputs along an axis.

    Args:
        axis: the axis; the last by default.

    Raises:
        ValueError: if the shapes differ along another axis.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def check_input_shape(self, input_shape: Any) -> None:
        super().check_input_shape(input_shape)
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = tuple(input_shape[0])
        axis = self.axis + len(first) if self.axis < 0 else self.axis
        if not 0 <= axis < len(first):
            raise ValueError(f"{self._label}: expected an axis of inputs of rank {len(first)}, got {self.axis}")
        total: Any = 0
        for shape in map(tuple, input_shape):
            fits = len(shape) == len(first) and all(
                index == axis or a == b or None in (a, b) for index, (a, b) in enumerate(zip(shape, first, strict=True))
            )
            if not fits:
                listed = ", ".join(str(tuple(item)) for item in input_shape)
                raise ValueError(
                    f"{self._label}: expected shapes that agree except along axis {self.axis}, got {listed}"
                )
            total = None if total is None or shape[axis] is None else total + shape[axis]
        return (*first[:axis], total, *first[axis + 1 :])

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(list(inputs), self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def add(inputs: Any, **kwargs: Any) -> Any:
    """Calls an `Add` layer."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Calls a `Subtract` layer."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Calls a `Multiply` layer."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Calls a `Maximum` layer."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Calls a `Minimum` layer."""
    return Minimum(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Calls an `Average` layer."""
    return Average(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Calls a `Concatenate` layer."""
    return Concatenate(axis, **kwargs)(inputs)
