"""Hashing and HashedCrossing: text and integers by their hash."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.layers.arguments import checked_count
from dlnative.layers.preprocessing.data_layer import (
    OUTPUT_MODES,
    Array,
    EntryLayer,
    checked_mode,
    refuse_sparse,
    to_text,
)
from dlnative.layers.preprocessing.encoding import encoded, encoded_shape
from dlnative.layers.preprocessing.fingerprint import checked_salt, fingerprints, joined, keyed_hashes
from dlnative.symbolic import KerasTensor

_KEY = np.uint64(0xDECAFCAFFE)  # what TensorFlow begins a crossing with


class _HashLayer(EntryLayer):
    """Arguments that both layers take."""

    def __init__(
        self, num_bins: Any, output_mode: Any, modes: tuple[str, ...], sparse: Any, dtype: Any, **kwargs: Any
    ) -> None:
        if dtype is None:
            dtype = "int64" if output_mode == "int" else dtypes.floatx()
        super().__init__(dtype=dtype, **kwargs)
        label = self._label
        self.output_mode = checked_mode(label, output_mode, modes)
        if not isinstance(num_bins, (int, np.integer)) or num_bins <= 0:
            raise ValueError(
                f"{label}: The `num_bins` for `{type(self).__name__}` cannot be `None` or non-positive values, got "
                f"num_bins={num_bins!r}"
            )
        if self.output_mode == "int" and self.compute_dtype not in ("int32", "int64"):
            raise ValueError(
                f'{label}: When `output_mode="int"`, `dtype` should be an integer type, int32 or int64, got {dtype!r}'
            )
        refuse_sparse(label, sparse, self.output_mode)
        self.num_bins = checked_count(label, "num_bins", num_bins)
        self.sparse = False

    def _strings(self, value: Any) -> tuple[list[bytes], tuple[int, ...]]:
        """Returns what is hashed, and its shape: text as it is, numbers cut to integers and written in digits."""
        array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
        if array.dtype.kind == "b":
            return [b"true" if item else b"false" for item in array.ravel().tolist()], array.shape
        if array.dtype.kind in "iuf":
            whole = array.astype(np.int64) if array.dtype.kind == "f" else array
            return [str(item).encode() for item in whole.ravel().tolist()], array.shape
        text = to_text(self._label, array)
        return [item.encode() for item in text.ravel().tolist()], text.shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


class Hashing(_HashLayer):
    """Replaces text or integers by a number in `[0, num_bins)`: FarmHash's fingerprint, or SipHash with a salt.

    The hash is that of TensorFlow and so of Keras: numbers are hashed as their digits.

    Args:
        num_bins: how many numbers there are.
        mask_value: a value that gets 0; all others then get one of `[1, num_bins)`.
        salt: a key of one or two integers, with which SipHash is used.
        output_mode: `"int"`: the number (int64); `"one_hot"`, `"multi_hot"`, `"count"`: vectors, as of `CategoryEncoding`.
        sparse: only False: there are no sparse tensors.

    Shapes:
        input `(...)` of text or integers, output the same, or vectors of length `num_bins`.

    Raises:
        ValueError: for wrong arguments, or other values than text and numbers.

    Example:
        >>> from dlnative import layers
        >>> layers.Hashing(num_bins=3)([["A"], ["B"], ["E"]])
        array([[1],
               [0],
               [2]])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_bins, output_mode, OUTPUT_MODES, sparse, dtype, **kwargs)
        self.mask_value = mask_value
        self.salt = checked_salt(self._label, salt)

    def call(self, inputs: Any) -> Any:
        strings, shape = self._strings(inputs)
        masked = self.mask_value is not None and self.num_bins > 1
        bins = np.uint64(self.num_bins - masked)
        found = fingerprints(strings) if self.salt is None else keyed_hashes(strings, self.salt)
        places = (found % bins).astype(np.int64)
        if masked:
            mask = self._strings(self.mask_value)[0][0]
            places = np.array([string != mask for string in strings], np.int64) * (places + 1)
        return encoded(places.reshape(shape), self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "salt": self.salt, "mask_value": self.mask_value}


class HashedCrossing(_HashLayer):
    """Replaces combinations of text or integers by a number in `[0, num_bins)`: the hash of all of them together.

    Args:
        num_bins: how many numbers there are.
        output_mode: `"int"`: the number (int64); `"one_hot"`: a vector for each.
        sparse: only False: there are no sparse tensors.

    Call arguments:
        inputs: two or more arrays of shape `()`, `(batch,)` or `(batch, 1)`, all of one.

    Raises:
        ValueError: for wrong arguments or inputs.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.HashedCrossing(num_bins=5)((np.array(["A", "B"]), np.array([101, 101])))
        array([1, 4])
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_bins, output_mode, ("int", "one_hot"), sparse, dtype, name=name, **kwargs)

    def call(self, inputs: Any) -> Any:
        label = self._label
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"{label}: `HashedCrossing` should be called on a list or tuple of inputs, got {type(inputs).__name__}"
            )
        if len(inputs) < 2:
            raise ValueError(f"{label}: `HashedCrossing` should be called on at least two inputs, got {len(inputs)}")
        arrays = [item.to_numpy() if hasattr(item, "to_numpy") else np.asarray(item) for item in inputs]
        shape = arrays[0].shape
        if len(shape) > 2 or (len(shape) == 2 and shape[-1] != 1):
            raise ValueError(
                f"{label}: All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, 1)`, got {shape}"
            )
        result = np.full(arrays[0].size, _KEY)
        for array in arrays:
            if array.shape != shape:
                raise ValueError(
                    f"{label}: All `HashedCrossing` inputs should have equal shape, expected {shape}, got {array.shape}"
                )
            result = joined(result, self._feature(array))
        places = (result % np.uint64(self.num_bins)).astype(np.int64).reshape(shape)
        return encoded(places, self.output_mode, self.num_bins, self.compute_dtype)

    def _feature(self, array: Array) -> Any:
        if array.dtype.kind in "iu":
            return array.ravel().astype(np.int64).view(np.uint64)
        if array.dtype.kind in "fbc":
            raise ValueError(
                f"{self._label}: All `HashedCrossing` inputs should have an integer or string dtype, got {array.dtype}"
            )
        return fingerprints(self._strings(array)[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        if len(input_shape) < 2 or not all(isinstance(shape, (tuple, list)) for shape in input_shape):
            raise ValueError(f"{self._label}: expected the shapes of two or more inputs, got {input_shape}")
        first = tuple(input_shape[0])
        if any(tuple(shape) != first for shape in input_shape):
            raise ValueError(f"{self._label}: expected inputs of one shape, got {input_shape}")
        return encoded_shape(first, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape([tensor.shape for tensor in inputs]), self.compute_dtype)
