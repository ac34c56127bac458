"""Layers that move elements: Flatten, Reshape, Permute, RepeatVector, and UpSampling by repetition or interpolation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.layers.arguments import checked_data_format, checked_extents
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer


class Flatten(Layer):
    """Makes each sample a vector: `(batch, ...)` becomes `(batch, product)`.

    Args:
        data_format: `"channels_first"` moves the channels, axis 1, to the end first; `"channels_last"` does not.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self._label, data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        shape = tuple(inputs.shape)
        if self.data_format == "channels_first" and len(shape) > 2:
            inputs = ops.transpose(inputs, (0, *range(2, len(shape)), 1))
        return ops.reshape(inputs, self.compute_output_shape(shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: the shape without the batch; one extent may be -1.

    Raises:
        ValueError: for other negative extents, or if a sample does not have as many elements.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        target = tuple(target_shape)
        if any(not hasattr(extent, "__index__") or extent < -1 for extent in target):
            raise ValueError(
                f"{self._label}: expected non-negative integers, or -1 for one that is not known, got "
                f"target_shape={target}"
            )
        self.target_shape = tuple(int(extent) for extent in target)
        if self.target_shape.count(-1) > 1:
            raise ValueError(f"{self._label}: expected at most one unknown dimension (-1), got target_shape={target}")
        self._build_at_init()

    def check_input_shape(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sample = tuple(input_shape[1:])
        if None in sample:
            return (input_shape[0], *(None if extent == -1 else extent for extent in self.target_shape))
        total = math.prod(sample)
        known = math.prod(extent for extent in self.target_shape if extent != -1)
        is_open = -1 in self.target_shape
        if (is_open and (known == 0 or total % known)) or (not is_open and total != known):
            raise ValueError(
                f"{self._label}: expected samples that fit target_shape {self.target_shape}, got input of shape "
                f"{tuple(input_shape)}"
            )
        return (input_shape[0], *(total // known if extent == -1 else extent for extent in self.target_shape))

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, self.compute_output_shape(tuple(inputs.shape)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """Puts the axes of each sample in another order.

    Args:
        dims: the axes in their new order, counted from 1: the batch stays first.

    Raises:
        ValueError: if they are not 1, 2, ... in some order.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Permute((2, 1))(np.zeros((5, 2, 3), "float32")).shape
        (5, 3, 2)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self._label}: Invalid permutation argument `dims`: expected 1 to {len(self.dims)} in some order, got {dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Repeats vectors: `(batch, features)` becomes `(batch, n, features)`.

    Args:
        n: how often.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is not positive.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = _factor(self._label, "n", n)
        self.input_spec = InputSpec(ndim=2)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


class UpSampling1D(Layer):
    """Repeats each step: `(batch, steps, features)` becomes `(batch, size * steps, features)`.

    Args:
        size: how often.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is not positive.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = _factor(self._label, "size", size)
        self.input_spec = InputSpec(ndim=3)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        steps = input_shape[1]
        return (input_shape[0], None if steps is None else self.size * steps, input_shape[2])

    def call(self, inputs: Any) -> Any:
        return ops.repeat(inputs, self.size, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(Layer):
    _axes: int

    def __init__(self, size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(self._label, data_format)
        self.size = checked_extents(self._label, "size", size, self._axes)
        self.input_spec = InputSpec(ndim=self._axes + 2)
        self._build_at_init()

    @property
    def _first(self) -> int:
        """The first axis of space."""
        return 2 if self.data_format == "channels_first" else 1

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, factor in enumerate(self.size, self._first):
            shape[axis] = None if shape[axis] is None else shape[axis] * factor
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        for axis, factor in enumerate(self.size, self._first):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling2D(_UpSampling):
    """Makes images larger, by repeating rows and columns or by interpolating between them.

    Interpolation is that of `ops.image.resize`.

    Args:
        size: the factors of rows and columns, or one for both.
        data_format: `"channels_last"` for `(batch, rows, columns, channels)`, or `"channels_first"`.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"` (Keys, a = -1/2), `"lanczos3"` or `"lanczos5"`.

    Raises:
        ValueError: for another size or interpolation.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.UpSampling2D((1, 2), interpolation="bilinear")(np.array([0.0, 4.0]).reshape(1, 1, 2, 1)).ravel()
        array([0., 1., 3., 4.], dtype=float32)
    """

    _axes = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"{self._label}: expected interpolation {', '.join(_INTERPOLATIONS)}, got {interpolation!r}"
            )

    def call(self, inputs: Any) -> Any:
        size = self.compute_output_shape(inputs.shape)[self._first : self._first + 2]
        if self.interpolation == "nearest" or None in size:  # while recording, only the shape counts
            return super().call(inputs)
        return ops.image.resize(inputs, size, self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Makes volumes larger by repeating along three axes.

    Args:
        size: the factors of the axes, or one for all.
        data_format: `"channels_last"` for `(batch, depth, rows, columns, channels)`, or `"channels_first"`.
    """

    _axes = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)


def _factor(label: str, name: str, value: Any) -> int:
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise TypeError(f"{label}: Expected an integer value for `{name}`, got {value!r}")
    if value <= 0:
        raise ValueError(f"{label}: `{name}` should be a positive integer, got {value!r}")
    return int(value)
