"""StringLookup: text by its place in a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlnative.layers.preprocessing.data_layer import Array, to_text
from dlnative.layers.preprocessing.index_lookup import IndexLookup
from dlnative.symbolic import KerasTensor


class StringLookup(IndexLookup):
    """Replaces text by its place in a vocabulary: on arrays, before a model or at its entry.

    Args:
        max_tokens: the largest number of indices; the most frequent terms are then kept.
        num_oov_indices: how many indices there are for terms out of the vocabulary, which get one of them by their hash;
            with 0 such a term is an error.
        mask_token: a term that gets index 0, and counts for nothing in other modes than `"int"`.
        oov_token: what an index of a term out of the vocabulary becomes with `invert`.
        vocabulary: the terms, or the path of a file with one in each line; without it, `adapt` finds them in data.
        idf_weights: with a vocabulary in mode `"tf_idf"`, the weight of each term.
        invert: whether indices become terms.
        output_mode: `"int"`: indices (int64); `"one_hot"`: a vector for each term; `"multi_hot"`, `"count"`, `"tf_idf"`: a
            vector for each row, with ones, counts, or counts times weights.
        pad_to_max_tokens: whether vectors are `max_tokens` long also for a smaller vocabulary.
        sparse: only False: there are no sparse tensors.
        encoding: of terms that are bytes, and of files.
        salt: a key of one or two integers for the hash, which is then SipHash.

    Raises:
        ValueError: for wrong arguments, what is no text, or terms out of the vocabulary where there is no index for them.

    Example:
        >>> from dlnative import layers
        >>> layers.StringLookup(vocabulary=["a", "b", "c"])([["b", "z"], ["c", "a"]])
        array([[2, 0],
               [3, 1]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.__dict__["encoding"] = encoding
        kwargs.pop("vocabulary_dtype", None)
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, salt, name, **kwargs,
        )  # fmt: skip

    def _values(self, data: Any) -> Array:
        return to_text(self._label, data, self.encoding)

    def _as_terms(self, vocabulary: Iterable[Any]) -> list[Any]:
        found: list[Any] = self._values(list(vocabulary)).tolist()
        return found

    def _read(self, line: str) -> Any:
        return line

    def _index_terms(self) -> None:
        self._table = {term: place for place, term in enumerate(self._tokens, self._token_start)}
        if self.mask_token is not None:
            self._table[self.mask_token] = 0 if self.output_mode == "int" else -1

    def call(self, inputs: Any) -> Any:
        if not self._tokens:
            raise ValueError(
                f"{self._label}: expected a vocabulary, or a call of `adapt`, before the layer is called, got none"
            )
        if self.invert:
            return self._terms_at(inputs)
        values = self._values(inputs)
        return self._encoded(self.places(values.ravel().tolist()).reshape(values.shape))

    def places(self, terms: list[str]) -> Array:
        """Returns the index of each term; -1 for one that counts for nothing."""
        fallback = self._oov_start if self.num_oov_indices == 1 else -2
        get = self._table.get
        found = np.array([get(term, fallback) for term in terms], np.int64)
        if self.num_oov_indices != 1:
            unknown = np.flatnonzero(found == -2)
            if unknown.size:
                strings = [terms[place] for place in unknown.tolist()]
                if self.num_oov_indices == 0:
                    self._refuse_unknown(strings[:5])
                found[unknown] = self._hashed([string.encode() for string in strings]) + self._oov_start
        return found

    def _terms_at(self, inputs: Any) -> Array:
        places = np.asarray(inputs)
        if places.dtype.kind not in "iu" and places.size:
            raise ValueError(f"{self._label}: expected indices, got an array of {places.dtype}")
        vocabulary = self.get_vocabulary()
        oov = "" if self.oov_token is None else self.oov_token
        names = [("" if term is None else term) for term in vocabulary]
        found = [names[place] if 0 <= place < len(names) else oov for place in places.ravel().tolist()]
        return np.array(found, dtype=np.str_).reshape(places.shape)

    @property
    def input_dtype(self) -> str:
        """The type of the input where nobody says."""
        return "int64" if self.invert else "string"

    def compute_output_spec(self, inputs: Any) -> Any:
        if self.invert:
            return KerasTensor(tuple(inputs.shape), "string")
        return super().compute_output_spec(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}
