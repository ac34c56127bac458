"""Layers that join several inputs: Add, Concatenate, Dot, and their like."""

from __future__ import annotations

import math
from typing import Any

from dlnative import ops
from dlnative.layers.effects import get_mask, set_mask
from dlnative.layers.layer import Layer
from dlnative.symbolic import is_shape


class _Merge(Layer):
    """A layer of a list of inputs. The result is masked where all of them are."""

    _inputs: int | None = None  # how many, if that is fixed

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def check_input_shape(self, input_shape: Any) -> None:
        if is_shape(input_shape) or not isinstance(input_shape, (list, tuple)) or not input_shape:
            raise ValueError(f"{self._label}: expected a list of inputs, got one input of shape {input_shape}")
        if self._inputs is not None and len(input_shape) != self._inputs:
            raise ValueError(
                f"{self._label}: expected two inputs, got {len(input_shape)}: this layer should be called on exactly 2 inputs"
            )
        self.compute_output_shape(input_shape)

    def _checked_masks(self, inputs: Any, mask: Any) -> list[Any]:
        for name, given in (("mask", mask), ("inputs", inputs)):
            if not isinstance(given, (list, tuple)):
                raise ValueError(f"{self._label}: `{name}` should be a list. Received: {given!r}")
        if len(mask) != len(inputs):
            raise ValueError(
                f"{self._label}: inputs and masks should have the same length. Got {len(inputs)} and {len(mask)}"
            )
        return list(mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = None if previous_mask is None else self._checked_masks(inputs, previous_mask)
        if masks is None or any(mask is None for mask in masks):
            return None
        total = masks[0]
        for mask in masks[1:]:
            total = ops.logical_or(total, mask)
        return total


class _Elementwise(_Merge):
    """Inputs broadcast, the batch aside; those of a lower rank get axes of extent 1 behind the batch."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [tuple(shape) for shape in input_shape]
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"{self._label}: expected inputs of one batch size, got shapes {_listed(shapes)}")
        rank = max(len(shape) for shape in shapes)
        found: list[Any] = [next(iter(batches), None)] if rank else []
        for axis in range(1, rank):
            extents = {shape[axis - rank] for shape in shapes if len(shape) > rank - axis} - {1}
            if len(extents - {None}) > 1:
                raise ValueError(f"{self._label}: expected inputs that broadcast, got shapes {_listed(shapes)}")
            found.append(None if None in extents else next(iter(extents), 1))
        return tuple(found)

    def combine(self, x1: Any, x2: Any) -> Any:
        raise NotImplementedError

    def merge(self, inputs: list[Any]) -> Any:
        """Combines inputs of one rank."""
        total = inputs[0]
        for x in inputs[1:]:
            total = self.combine(total, x)
        return total

    def call(self, inputs: Any) -> Any:
        rank = max(len(x.shape) for x in inputs)
        ranked = []
        for x in inputs:
            missing = rank - len(x.shape)
            if missing:
                mask = get_mask(x)
                for _ in range(missing):
                    x = ops.expand_dims(x, 1)
                if mask is not None and len(mask.shape) > 1:
                    set_mask(x, ops.expand_dims(mask, tuple(range(1, missing + 1))))
                elif mask is not None:
                    set_mask(x, mask)
            ranked.append(x)
        return self.merge(ranked)


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

    _inputs = 2

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.subtract(x1, x2)


class Multiply(_Elementwise):
    """Multiplies its inputs, which broadcast; what an input masks counts as 1, and what all mask is 0."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.multiply(x1, x2)

    def merge(self, inputs: list[Any]) -> Any:
        masks = [_spread(get_mask(x)) for x in inputs]
        ones = [
            x if mask is None else ops.where(mask, x, ops.ones_like(x)) for x, mask in zip(inputs, masks, strict=True)
        ]
        total = super().merge(ones)
        if any(mask is None for mask in masks):
            return total
        whole = masks[0]
        for mask in masks[1:]:
            whole = ops.logical_or(whole, mask)
        return ops.where(whole, total, ops.zeros_like(total))


class _Extremum(_Elementwise):
    """What an input masks is left to the others."""

    def merge(self, inputs: list[Any]) -> Any:
        total, total_mask = inputs[0], _spread(get_mask(inputs[0]))
        for x in inputs[1:]:
            mask = _spread(get_mask(x))
            other = x if mask is None else ops.where(mask, x, total)
            total = total if total_mask is None else ops.where(total_mask, total, other)
            total = self.combine(total, other)
            total_mask = None if mask is None or total_mask is None else ops.logical_or(total_mask, mask)
        return total


class Maximum(_Extremum):
    """Takes the largest of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.maximum(x1, x2)


class Minimum(_Extremum):
    """Takes the smallest of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.minimum(x1, x2)


class Average(_Elementwise):
    """Takes the mean of its inputs, elementwise."""

    def combine(self, x1: Any, x2: Any) -> Any:
        return ops.add(x1, x2)

    def merge(self, inputs: list[Any]) -> Any:
        return ops.divide(super().merge(inputs), float(len(inputs)))


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
                raise ValueError(
                    f"{self._label}: this layer requires inputs with matching shapes except for the concatenation axis "
                    f"{self.axis}, got {_listed(input_shape)}"
                )
            total = None if total is None or shape[axis] is None else total + shape[axis]
        return (*first[:axis], total, *first[axis + 1 :])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = None if previous_mask is None else self._checked_masks(inputs, previous_mask)
        if masks is None or all(mask is None for mask in masks):
            return None
        whole = []
        for x, mask in zip(inputs, masks, strict=True):
            if mask is None:
                whole.append(ops.ones_like(x, dtype="bool"))
            elif len(mask.shape) < len(x.shape):
                whole.append(ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool")))
            else:
                whole.append(mask)
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(list(inputs), self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Dot(_Merge):
    """The products of two inputs, sample by sample, summed over an axis of each.

    For inputs `(batch, a..., n, b...)` and `(batch, c..., n, d...)` the result is `(batch, a..., b..., c..., d...)`, or
    `(batch, 1)` if no axis is left.

    Args:
        axes: the axis to sum over, or a pair with one for each input; not the batch, 0.
        normalize: whether the inputs are first divided by their norms along these axes, so that the result is the cosine.

    Raises:
        TypeError: if `axes` is neither an int nor a pair.
        ValueError: if a pair is none of ints, or the axes have different extents.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
        array([[11.]], dtype=float32)
    """

    _inputs = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
        if not isinstance(axes, (list, tuple)) and not hasattr(axes, "__index__"):
            raise TypeError(
                f"{self._label}: Invalid type for argument `axes`: expected an int or a pair of ints, got {axes!r}"
            )
        if len(listed) != 2:
            raise ValueError(f"{self._label}: expected `axes` to hold two elements, got {axes!r}")
        if any(not hasattr(axis, "__index__") or isinstance(axis, bool) for axis in listed):
            raise ValueError(f"{self._label}: expected `axes` to be integers, got {axes!r}")
        self.axes = axes
        self.normalize = normalize

    def _axes(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[int, int]:
        """Returns the two axes counted from the front, of inputs of two shapes."""
        listed = self.axes if isinstance(self.axes, (list, tuple)) else (self.axes, self.axes)
        found = []
        for axis, shape in zip(listed, (first, second), strict=True):
            if len(shape) < 2 or not -len(shape) < axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(f"{self._label}: expected an axis other than the batch of shape {shape}, got {axis}")
            found.append(axis % len(shape))
        a, b = first[found[0]], second[found[1]]
        if None not in (a, b) and a != b:
            raise ValueError(
                f"{self._label}: Incompatible input shapes: expected equal extents to sum over, got {first}, {second}"
            )
        return found[0], found[1]

    def compute_output_shape(self, input_shape: Any) -> Any:
        if is_shape(input_shape) or len(input_shape) != 2:
            raise ValueError(
                f"{self._label}: this layer should be called on a list of 2 inputs, got shape {input_shape}"
            )
        first, second = tuple(input_shape[0]), tuple(input_shape[1])
        i, j = self._axes(first, second)
        if None not in (first[0], second[0]) and first[0] != second[0]:
            raise ValueError(f"{self._label}: expected inputs of one batch size, got shapes {first} and {second}")
        rest = (*first[1:i], *first[i + 1 :], *second[1:j], *second[j + 1 :])
        return (second[0] if first[0] is None else first[0], *(rest or (1,)))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None

    def call(self, inputs: Any) -> Any:
        x1, x2 = inputs
        first, second = tuple(x1.shape), tuple(x2.shape)
        i, j = self._axes(first, second)
        if self.normalize:
            x1, x2 = _normalized(x1, i), _normalized(x2, j)
        # (batch, rest of x1, n) times (batch, n, rest of x2)
        x1 = ops.transpose(x1, (*[axis for axis in range(len(first)) if axis != i], i))
        x2 = ops.transpose(x2, (0, j, *[axis for axis in range(1, len(second)) if axis != j]))
        x1 = ops.reshape(x1, (first[0], _size([*first[1:i], *first[i + 1 :]]), first[i]))
        x2 = ops.reshape(x2, (second[0], second[j], _size([*second[1:j], *second[j + 1 :]])))
        return ops.reshape(ops.matmul(x1, x2), self.compute_output_shape([first, second]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _listed(shapes: Any) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)


def _size(extents: list[Any]) -> int | None:
    return None if None in extents else math.prod(extents)


def _normalized(x: Any, axis: int) -> Any:
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-12))


def _spread(mask: Any) -> Any:
    """Returns a mask of steps as one that broadcasts to x."""
    return None if mask is None else ops.expand_dims(mask, -1)


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


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Calls a `Dot` layer."""
    return Dot(axes, **kwargs)(inputs)
