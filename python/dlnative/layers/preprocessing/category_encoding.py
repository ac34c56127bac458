"""CategoryEncoding: class numbers as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.tensor import Tensor
from dlnative.layers.arguments import checked_count
from dlnative.layers.preprocessing.data_layer import DataLayer, as_array, checked_mode, refuse_sparse
from dlnative.layers.preprocessing.encoding import encoded, encoded_shape


class CategoryEncoding(DataLayer):
    """Turns class numbers into vectors.

    Args:
        num_tokens: the number of classes: numbers are in `[0, num_tokens)`.
        output_mode: `"one_hot"`: a vector for each number; `"multi_hot"`: a vector for each row of numbers, with ones at
            those that are in it; `"count"`: the same with how often they are, or with the sum of their weights.
        sparse: only False: there are no sparse tensors.

    Call arguments:
        inputs: integers of shape `(numbers,)` or `(batch, numbers)`.
        count_weights: what each number counts in mode `"count"`, of the same shape.

    Shapes:
        output `(..., num_tokens)`. A number out of range in an array is an error; one in a model counts for nothing.

    Raises:
        ValueError: for wrong arguments, or numbers out of range.

    Example:
        >>> from dlnative import layers
        >>> layers.CategoryEncoding(num_tokens=4, output_mode="count")([[0, 1], [3, 3]])
        array([[1., 1., 0., 0.],
               [0., 0., 0., 2.]], dtype=float32)
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        label = self._label
        self.output_mode = checked_mode(label, output_mode, ("one_hot", "multi_hot", "count"))
        if num_tokens is None:
            raise ValueError(
                f"{label}: num_tokens must be set to use this layer, got None: where the classes are not known, IntegerLookup "
                "finds them"
            )
        if not isinstance(num_tokens, (int, np.integer)) or num_tokens < 1:
            raise ValueError(f"{label}: `num_tokens` must be >= 1, got num_tokens={num_tokens!r}")
        refuse_sparse(label, sparse, self.output_mode)
        self.num_tokens = checked_count(label, "num_tokens", num_tokens)
        self.sparse = False
        self.autocast = False
        self._build_at_init()

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = as_array(inputs)
        weights = kwargs.get("count_weights")
        if weights is not None and not isinstance(weights, Tensor):
            kwargs["count_weights"] = np.asarray(weights)
        if isinstance(inputs, np.ndarray) and inputs.size:
            low, high = inputs.min(), inputs.max()
            if low < 0 or high >= self.num_tokens:
                raise ValueError(
                    f"{self._label}: expected integers with 0 <= value < num_tokens ({self.num_tokens}), got {low} to {high}"
                )
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None:
            if self.output_mode != "count":
                raise ValueError(
                    f"{self._label}: `count_weights` is not used when `output_mode` is not `'count'`, got count_weights in mode "
                    f'"{self.output_mode}"'
                )
            count_weights = ops.cast(count_weights, self.compute_dtype)
        return encoded(inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def compute_output_shape(self, input_shape: Any, count_weights_shape: Any = None) -> Any:
        del count_weights_shape
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}
