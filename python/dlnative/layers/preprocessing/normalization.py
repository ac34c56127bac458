"""Normalization: features with mean 0 and variance 1, by the data's own mean and variance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.data.conversion import check_finite
from dlnative.dtypes import epsilon
from dlnative.layers.preprocessing.data_layer import Array, DataLayer, batches_to_adapt_to, is_list_of_values


class Normalization(DataLayer):
    """Takes the mean of the data away and divides by their standard deviation.

    y = (x - mean) / max(sqrt(variance), epsilon), or with `invert` x = y * max(sqrt(variance), epsilon) + mean

    Args:
        axis: the axis or axes whose indices have a mean and a variance each; `None`: one for all.
        mean, variance: what is used, broadcast to these axes; without them, `adapt` finds them in data.
        invert: whether normalized data are turned back.

    Shapes:
        input and output `(...)`.

    Raises:
        ValueError: for wrong arguments, or axes that the input has not.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layer = layers.Normalization(axis=None)
        >>> layer.adapt(np.array([1.0, 2.0, 3.0, 4.0, 5.0], "float32"))
        >>> layer(np.array([1.0, 3.0], "float32"))
        array([-1.4142135,  0.       ], dtype=float32)
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        label = self._label
        self.axis = () if axis is None else tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)
        if not all(isinstance(item, (int, np.integer)) for item in self.axis):
            raise ValueError(f"{label}: expected axis to be an integer, integers or None, got {axis!r}")
        if (mean is None) != (variance is None):
            raise ValueError(
                f"{label}: When setting values directly, both `mean` and `variance` must be set, got mean={mean} and "
                f"variance={variance}"
            )
        if mean is not None:
            given, other = np.asarray(mean), np.asarray(variance)
            for name, array in (("mean", given), ("variance", other)):
                if array.dtype.kind not in "iuf":
                    raise ValueError(f"{label}: expected {name} to hold numbers, got {array.dtype}")
                check_finite(f"{label}: {name}", array)
            if given.shape != other.shape:
                raise ValueError(
                    f"{label}: When setting values directly, `mean` and `variance` must have the same shape, got {given.shape} "
                    f"and {other.shape}"
                )
            if given.ndim > len(self.axis):
                raise ValueError(
                    f"{label}: The rank of `mean` must be less than or equal to the number of axes ({len(self.axis)}), got "
                    f"shape {given.shape} for axis {self.axis}"
                )
        self.input_mean, self.input_variance = mean, variance
        self.invert = invert
        self.supports_masking = True
        self._shape: tuple[int, ...] | None = None  # that broadcasts with inputs
        self._kept: tuple[int, ...] = ()
        self._given: tuple[Array, Array] | None = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        label = self._label
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                f"{label}: All `axis` values must be in the range [-ndim, ndim), got inputs with ndim={rank} and "
                f"axis={self.axis}"
            )
        self._kept = tuple(sorted(axis % rank for axis in self.axis))
        unknown = [axis for axis in self._kept if input_shape[axis] is None]
        if unknown:
            raise ValueError(
                f"{label}: All `axis` values to be kept must have a known shape, got axis={self.axis} and "
                f"inputs.shape={tuple(input_shape)}, with unknown axis at index {unknown[0]}"
            )
        self._shape = tuple(input_shape[axis] if axis in self._kept else 1 for axis in range(rank))
        if self.input_mean is not None:
            self._given = self._aligned("mean", self.input_mean), self._aligned("variance", self.input_variance)
            return
        extents = tuple(input_shape[axis] for axis in self._kept)
        self.adapt_mean = self.add_weight(name="mean", shape=extents, initializer="zeros", trainable=False)
        self.adapt_variance = self.add_weight(name="variance", shape=extents, initializer="ones", trainable=False)
        # Keras's files hold it; nothing depends on it.
        self.count = self.add_weight(name="count", shape=(), dtype="int", initializer="zeros", trainable=False)

    def _aligned(self, name: str, value: Any) -> Array:
        """Returns given values in the shape that broadcasts with inputs; their last axis belongs to the last kept one."""
        assert self._shape is not None
        array = np.asarray(value)
        shape = [1] * len(self._shape)
        for place in range(1, array.ndim + 1):
            shape[self._kept[-place]] = array.shape[-place]
        try:
            found = np.broadcast_to(array.reshape(shape), self._shape)
        except ValueError:
            raise ValueError(
                f"{self._label}: expected {name} of a shape that broadcasts to {self._shape}, got {array.shape}"
            ) from None
        return np.ascontiguousarray(found, dtypes.NUMPY[self.compute_dtype])

    def adapt(self, data: Any) -> None:
        """Finds the mean and the variance of data.

        Args:
            data: an array, a frame, a `PyDataset` or an iterable of batches, of which targets and weights are left out.

        Raises:
            ValueError: if there are no data, or their shapes do not fit; the layer then stays as it was.
            TypeError: if batches are no arrays.
        """
        label = self._label
        if self.input_mean is not None:
            raise ValueError(
                f"{label}: expected a layer without mean and variance to adapt, got one that was given them"
            )
        if not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
            raise TypeError(f"{label}: Unsupported data type: expected an array or batches, got {type(data).__name__}")
        count, mean, squares = 0, np.float64(0.0), np.float64(0.0)
        for batch in self._arrays(data):
            axes = tuple(axis for axis in range(batch.ndim) if axis not in self._kept)
            values = batch.astype(np.float64, copy=False)
            number = int(np.prod([batch.shape[axis] for axis in axes], dtype=np.int64))
            if not number:
                continue
            own = values.mean(axis=axes)
            difference = own - mean
            share = number / (count + number)
            # Chan, Golub and LeVeque: the sums of squares of two parts, around the mean of both.
            squares = squares + values.var(axis=axes) * number + difference**2 * count * share
            mean = mean + difference * share
            count += number
        if not count:
            raise ValueError(f"{label}: adapt() received an empty iterable (no batches), expected at least one sample")
        self.adapt_mean.assign(np.asarray(mean).reshape(self.adapt_mean.shape))
        self.adapt_variance.assign(np.asarray(squares / count).reshape(self.adapt_variance.shape))

    def _arrays(self, data: Any) -> Iterator[Array]:
        """Yields checked batches; the first builds the layer."""
        label = self._label
        for given in batches_to_adapt_to(data, None, is_batch=is_list_of_values):
            if not hasattr(given, "shape") and not isinstance(given, (list, tuple)):
                raise TypeError(
                    f"{label}: adapt() expects batches that are arrays with a `.shape`, got {type(given).__name__}"
                )
            batch = np.asarray(given)
            if batch.dtype.kind not in "iufb":
                raise TypeError(f"{label}: expected numbers to adapt to, got an array of {batch.dtype}")
            if not self.built:
                self.build(batch.shape)
            assert self._shape is not None
            if batch.ndim != len(self._shape) or any(batch.shape[axis] != self._shape[axis] for axis in self._kept):
                raise ValueError(
                    f"{label}: the layer was built for {self._shape} (1 for any extent), but adapt() is being called with "
                    f"data with an incompatible shape, got {batch.shape}"
                )
            yield batch

    @property
    def mean(self) -> Any:
        """The mean, in the shape that broadcasts with inputs; `None` before the layer is built."""
        return self._statistic(0)

    @property
    def variance(self) -> Any:
        """The variance, in the shape that broadcasts with inputs; `None` before the layer is built."""
        return self._statistic(1)

    def _statistic(self, which: int) -> Any:
        if self._shape is None:
            return None
        if self._given is not None:
            return self._given[which]
        weight = self.adapt_variance if which else self.adapt_mean
        return ops.cast(ops.reshape(weight, self._shape), self.compute_dtype)

    def finalize_state(self) -> None:
        """Does nothing: the weights themselves are read."""

    def call(self, inputs: Any) -> Any:
        inputs = ops.cast(inputs, self.compute_dtype)
        mean, deviation = self.mean, ops.maximum(ops.sqrt(self.variance), epsilon())
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "invert": self.invert,
            "mean": None if self.input_mean is None else np.asarray(self.input_mean).tolist(),
            "variance": None if self.input_variance is None else np.asarray(self.input_variance).tolist(),
        }
