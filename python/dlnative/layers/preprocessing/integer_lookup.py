"""IntegerLookup: integers by their place in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.graph.tensor import Tensor
from dlnative.layers.preprocessing.data_layer import Array
from dlnative.layers.preprocessing.index_lookup import IndexLookup
from dlnative.ops.core import dtype_of


class IntegerLookup(IndexLookup):
    """Replaces integers by their places in a vocabulary, in a model or on arrays.

    Args:
        max_tokens: the largest number of indices; the most frequent integers are then kept.
        num_oov_indices: how many indices there are for integers out of the vocabulary; with 0, one in an array is an error,
            and one in a model gets -1.
        mask_token: an integer that gets index 0, and counts for nothing in other modes than `"int"`.
        oov_token: what an index of an integer out of the vocabulary becomes with `invert`.
        vocabulary: the integers, or the path of a file with one in each line; without it, `adapt` finds them in data.
        vocabulary_dtype: only `"int64"`.
        idf_weights: with a vocabulary in mode `"tf_idf"`, the weight of each integer.
        invert: whether indices become integers.
        output_mode: `"int"`: indices; `"one_hot"`: a vector for each integer; `"multi_hot"`, `"count"`, `"tf_idf"`: a vector
            for each row, with ones, counts, or counts times weights.
        sparse: only False: there are no sparse tensors.
        pad_to_max_tokens: whether vectors are `max_tokens` long also for a smaller vocabulary.
        oov_method: which of several indices an integer out of the vocabulary gets: `"floormod"`: its remainder;
            `"farmhash"`: by its hash, on arrays or at the entry of a model.
        salt: a key of one or two integers for the hash, which is then SipHash.

    Raises:
        ValueError: for wrong arguments, or integers out of the vocabulary where there is no index for them.

    Example:
        >>> from dlnative import layers
        >>> layers.IntegerLookup(vocabulary=[12, 36, 1138])([[36, 7, 1138]])
        array([[2, 0, 3]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f"IntegerLookup: Only `vocabulary_dtype='int64'` is supported, got {vocabulary_dtype!r}")
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(f'IntegerLookup: expected oov_method "floormod" or "farmhash", got {oov_method!r}')
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                f"IntegerLookup: `salt` can only be used when `oov_method='farmhash'`, got oov_method={oov_method!r}"
            )
        self.__dict__["oov_method"] = oov_method
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, salt, name, **kwargs,
        )  # fmt: skip

    def _values(self, data: Any) -> Array:
        array = np.asarray(data)
        if array.dtype.kind not in "iufb":
            raise ValueError(f"{self._label}: expected integers, got an array of {array.dtype}")
        return array.astype(np.int64)

    def _as_terms(self, vocabulary: Iterable[Any]) -> list[Any]:
        try:
            return [int(term) for term in vocabulary]
        except (TypeError, ValueError):
            raise ValueError(f"{self._label}: expected a vocabulary of integers, got others in it") from None

    def _read(self, line: str) -> Any:
        return int(line)

    def _index_terms(self) -> None:
        """Sorts the keys: a lookup is a binary search."""
        tokens = np.array(self._tokens, np.int64)
        if self.mask_token is not None:
            tokens = np.append(tokens, np.int64(self.mask_token))
        places = np.arange(len(self._tokens), dtype=np.int64) + self._token_start
        if self.mask_token is not None:
            places = np.append(places, 0 if self.output_mode == "int" else -1)
        order = np.argsort(tokens, kind="stable")
        self._keys, self._places = tokens[order], places[order]
        masks, others = (0 if term is None else int(term) for term in (self.mask_token, self.oov_token))
        special = np.full(self._token_start, others, np.int64)
        special[: self._oov_start] = masks
        self._back = np.concatenate([special, np.array(self._tokens, np.int64)])

    @property
    def input_dtype(self) -> str:
        """The type of the input where nobody says."""
        return "int64"

    @property
    def computes_outside(self) -> bool:
        """Whether integers are hashed."""
        return self.oov_method == "farmhash" and self.num_oov_indices > 1

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(inputs, Tensor) and self.num_oov_indices == 0 and not self.invert:
            values = self._values(inputs)
            known = self._tokens if self.mask_token is None else [*self._tokens, self.mask_token]
            unknown = values[~np.isin(values, np.array(known, np.int64))]
            if unknown.size:
                self._refuse_unknown(unknown[:5].tolist())
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        if not self._tokens:
            raise ValueError(
                f"{self._label}: expected a vocabulary, or a call of `adapt`, before the layer is called, got none"
            )
        if self.computes_outside:
            inputs = self._values(inputs)
        elif dtype_of(inputs) != "int64":
            inputs = ops.cast(inputs, "int64")
        if self.invert:
            oov = 0 if self.oov_token is None else int(self.oov_token)
            inside = ops.logical_and(ops.greater_equal(inputs, 0), ops.less(inputs, len(self._back)))
            return ops.where(inside, ops.take(self._back, ops.where(inside, inputs, 0)), np.int64(oov))
        place = ops.minimum(ops.cast(ops.searchsorted(self._keys, inputs), "int64"), len(self._keys) - 1)
        known = ops.equal(ops.take(self._keys, place), inputs)
        return self._encoded(ops.where(known, ops.take(self._places, place), self._unknown(inputs)))

    def _unknown(self, inputs: Any) -> Any:
        """Returns the indices of integers as if none were in the vocabulary."""
        if self.num_oov_indices == 0:
            return np.int64(-1)
        if self.num_oov_indices == 1:
            return np.int64(self._oov_start)
        if self.oov_method == "floormod":
            return ops.mod(inputs, np.int64(self.num_oov_indices)) + np.int64(self._oov_start)
        values, back = np.unique(inputs, return_inverse=True)
        hashed = self._hashed([str(value).encode() for value in values.tolist()])
        return (hashed[back] + self._oov_start).reshape(inputs.shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_dtype": "int64", "oov_method": self.oov_method}
