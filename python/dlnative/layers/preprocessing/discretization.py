"""Discretization: numbers by the interval they fall into."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.layers.preprocessing.data_layer import (
    Array,
    DataLayer,
    as_array,
    batches_to_adapt_to,
    checked_mode,
    is_list_of_values,
    refuse_sparse,
)
from dlnative.layers.preprocessing.encoding import encoded, encoded_shape


class Discretization(DataLayer):
    """Replaces numbers by the number of the interval that they fall into.

    Args:
        bin_boundaries: bounds in ascending order: n of them make n + 1 intervals, each with its lower bound.
        num_bins: how many intervals `adapt` shall find, so that each holds about as many numbers.
        epsilon: how exact quantiles are: 1 / epsilon values are kept of each batch.
        output_mode: `"int"`: the number of the interval (int32); `"one_hot"`, `"multi_hot"`, `"count"`: vectors, as of
            `CategoryEncoding`.
        sparse: only False: there are no sparse tensors.

    Raises:
        ValueError: for wrong arguments, or a call before there are bounds.

    Example:
        >>> from dlnative import layers
        >>> layers.Discretization(bin_boundaries=[0.0, 1.0])([[-1.5, 0.0, 3.4]])
        array([[0, 1, 2]], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        label = self._label
        self.output_mode = checked_mode(label, output_mode)
        refuse_sparse(label, sparse, self.output_mode)
        if num_bins is not None and (not isinstance(num_bins, (int, np.integer)) or num_bins < 0):
            raise ValueError(f"{label}: `num_bins` must be greater than or equal to 0, got num_bins={num_bins!r}")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                f"{label}: expected one of them: Both `num_bins` and `bin_boundaries` should not be set, got {num_bins} and "
                f"{bin_boundaries}"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError(f"{label}: You need to set either `num_bins` or `bin_boundaries`, got neither")
        if not isinstance(epsilon, (int, float)) or not 0 < epsilon < 1:
            raise ValueError(f"{label}: expected epsilon in (0, 1), got {epsilon!r}")
        self.num_bins, self.epsilon = num_bins, epsilon
        self.sparse = False
        self.bin_boundaries = None if bin_boundaries is None else _ascending(label, bin_boundaries)
        self.summary: Array | None = None
        self.reset_state()
        self._build_at_init()

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Finds bounds that cut data into `num_bins` intervals of about as many numbers.

        Args:
            data: an array, or an iterable of batches.
            steps: how many batches to take; all by default.

        Raises:
            ValueError: if the layer was made with bounds.
        """
        if self.num_bins is None:
            raise ValueError(
                f"{self._label}: expected num_bins: Cannot adapt a Discretization layer that has been initialized with "
                "`bin_boundaries`"
            )
        self.reset_state()
        for batch in batches_to_adapt_to(data, steps, is_batch=is_list_of_values):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Takes a batch into account."""
        values = np.sort(np.asarray(data).astype("float32").ravel())
        assert self.summary is not None
        merged = np.concatenate((_summary(values, self.epsilon), self.summary), axis=1)
        self.summary = _compressed(merged[:, np.argsort(merged[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Makes bounds of the batches so far."""
        if self.num_bins is not None and self.summary is not None and self.summary.size:
            self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forgets the batches so far."""
        if self.num_bins is not None:
            self.summary = np.zeros((2, 0), "float32")

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(
                f"{self._label}: expected bounds: You need to either pass the `bin_boundaries` argument, or call "
                "`adapt(dataset)` before the layer is called"
            )
        bounds = np.asarray(self.bin_boundaries, "float32")
        return encoded(ops.digitize(inputs, bounds), self.output_mode, len(bounds) + 1, self.output_dtype)

    @property
    def output_dtype(self) -> str:
        """The type of the output."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def compute_output_shape(self, input_shape: Any) -> Any:
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, depth or 0)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes what older files hold: the batches so far."""
        if len(store.keys()) == 1:
            self.summary = np.asarray(store["0"])

    def get_config(self) -> dict[str, Any]:
        base = super().get_config()
        return {
            "name": base["name"],
            "dtype": base["dtype"],
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned, with the bounds that were found."""
        del custom_objects
        bounds, bins = config.get("bin_boundaries"), config.get("num_bins")
        if bounds is None or bins is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = list(bounds)
        return layer


def _ascending(label: str, bounds: Any) -> list[float]:
    array = np.asarray(as_array(bounds))
    if array.ndim != 1 or array.dtype.kind not in "iuf" or (array[1:] < array[:-1]).any() or np.isnan(array).any():
        raise ValueError(f"{label}: expected bin_boundaries to be numbers in ascending order, got {bounds!r}")
    return [float(bound) for bound in array]


def _summary(values: Array, epsilon: float) -> Array:
    """Returns values at even distances of sorted ones, and how many each stands for."""
    step = max(len(values) * epsilon, 1.0)
    kept = values[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def _compressed(summary: Array, epsilon: float) -> Array:
    """Returns at most 1 / epsilon values that stand for those of a summary: its quantiles, interpolated."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    counts = summary[1].cumsum()
    known = counts / counts[-1]
    values, below = np.interp(shares, known, summary[0]), np.interp(shares, known, counts)
    return np.stack([values, np.diff(below, prepend=0.0)]).astype("float32")
