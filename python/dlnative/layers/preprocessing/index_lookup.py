"""What IntegerLookup and StringLookup share: the vocabulary, how it is found in data, and what results look like."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.layers.preprocessing.data_layer import (
    OUTPUT_MODES,
    Array,
    EntryLayer,
    batches_to_adapt_to,
    checked_mode,
    refuse_paths,
    refuse_sparse,
)
from dlnative.layers.preprocessing.encoding import encoded, encoded_shape
from dlnative.layers.preprocessing.fingerprint import checked_salt, fingerprints, keyed_hashes
from dlnative.layers.preprocessing.term_counts import TermCounts
from dlnative.symbolic import KerasTensor
from dlnative.utils.naming import shortened


class IndexLookup(EntryLayer):
    """A table of terms: the base of `IntegerLookup` and `StringLookup`.

    The indices of results are, in order: 0 for the mask token (where there is one and the mode is `"int"`), those for terms
    out of the vocabulary, and those of the vocabulary.

    Args: see `StringLookup`.
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)
        static = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("dtype", None)  # of a config of Keras's: the type follows from the mode
        super().__init__(name=name, **kwargs)
        label = self._label
        if max_tokens is not None and (not isinstance(max_tokens, (int, np.integer)) or max_tokens <= 1):
            raise ValueError(f"{label}: If set, `max_tokens` must be greater than 1, got max_tokens={max_tokens!r}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{label}: If pad_to_max_tokens is True, must set `max_tokens`, got None")
        if not isinstance(num_oov_indices, (int, np.integer)) or num_oov_indices < 0:
            raise ValueError(
                f"{label}: `num_oov_indices` must be greater than or equal to 0, got num_oov_indices={num_oov_indices!r}"
            )
        self.output_mode = checked_mode(label, output_mode, (*OUTPUT_MODES, "tf_idf"))
        if invert and self.output_mode != "int":
            raise ValueError(f'{label}: `output_mode` must be "int" when `invert` is true, got "{output_mode}"')
        refuse_sparse(label, sparse, self.output_mode)
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                f'{label}: `idf_weights` should only be set if `output_mode` is "tf_idf", got output_mode="{output_mode}"'
            )
        self.salt = checked_salt(label, salt)
        self.max_tokens = None if max_tokens is None else int(max_tokens)
        self.num_oov_indices = int(num_oov_indices)
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.pad_to_max_tokens = bool(invert), bool(pad_to_max_tokens)
        self.sparse = False
        # A vocabulary in a file belongs to what is saved; one that was given as a list, to the configuration.
        self.input_vocabulary = None if isinstance(vocabulary, (str, os.PathLike)) else _listed(vocabulary)
        self.input_idf_weights = _listed(idf_weights)
        self.idf_weights: Array | None = None
        self._static = bool(static)
        self._fixed_size: int | None = size
        self._tokens: list[Any] = []
        self._counts = TermCounts(self.output_mode == "tf_idf")
        if self.output_mode == "tf_idf" and vocabulary is not None and idf_weights is None:
            raise ValueError(
                f"{label}: expected idf_weights: When specifying the `vocabulary` argument, in TF-IDF output mode, the "
                "`idf_weights` argument must also be provided"
            )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            self.idf_weights = np.asarray(idf_weights, dtypes.floatx())

    # What a subclass says.

    def _values(self, data: Any) -> Array:
        """Returns data as an array of terms."""
        raise NotImplementedError

    def _as_terms(self, vocabulary: Iterable[Any]) -> list[Any]:
        """Returns terms of a vocabulary as keys of the table."""
        raise NotImplementedError

    def _read(self, line: str) -> Any:
        """Returns the term in a line of a file."""
        raise NotImplementedError

    def _index_terms(self) -> None:
        """Makes what lookups need of the vocabulary."""
        raise NotImplementedError

    # The vocabulary.

    @property
    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the vocabulary: a term's place in it is its index.

        Args:
            include_special_tokens: whether the mask token and those for terms out of the vocabulary are in it.
        """
        if not include_special_tokens:
            return list(self._tokens)
        return [*self._special_tokens(), *self._tokens]

    def _special_tokens(self) -> list[Any]:
        return [*[self.mask_token] * self._oov_start, *[self.oov_token] * self.num_oov_indices]

    def vocabulary_size(self) -> int:
        """Returns the number of indices."""
        return len(self._tokens) + self._token_start

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: terms, each once, without the mask token and those for others, or with all of them in front; or the
                path of a file with a term in each line.
            idf_weights: in mode `"tf_idf"` the weight of each term.

        Raises:
            ValueError: for repeated terms, too many, or weights that do not fit; nothing is then changed.
            RuntimeError: if results would get another shape.
        """
        label = self._label
        if self.output_mode == "tf_idf":
            if idf_weights is None:
                raise ValueError(f"{label}: `idf_weights` must be set if output_mode is 'tf_idf', got None")
        elif idf_weights is not None:
            raise ValueError(
                f"{label}: `idf_weights` should only be set if output_mode is 'tf_idf', got output_mode={self.output_mode!r}"
            )
        if isinstance(vocabulary, (str, os.PathLike)):
            if self.output_mode == "tf_idf":
                raise ValueError(f"{label}: output_mode 'tf_idf' does not support loading a vocabulary from file")
            vocabulary = self._from_file(vocabulary)
        given = self._as_terms(_listed(vocabulary) or [])
        if not given:
            raise ValueError(f"{label}: Cannot set an empty vocabulary, expected at least one term")
        found = len(given) >= self._token_start and given[: self._token_start] == self._special_tokens()
        tokens = given[self._token_start :] if found else given
        self._check_tokens(tokens)
        weights = None
        if idf_weights is not None:
            weights = self._padded(np.asarray(idf_weights, dtypes.floatx()), len(given), found)
        self._replace(tokens, weights)

    def _from_file(self, path: Any) -> list[Any]:
        label = self._label
        if not os.path.exists(path):
            raise ValueError(f"{label}: Vocabulary file {os.fspath(path)} does not exist")
        with open(path, encoding=getattr(self, "encoding", "utf-8")) as file:
            lines = file.read().splitlines()
        try:
            return [self._read(line) for line in lines]
        except ValueError:
            raise ValueError(f"{label}: expected an integer in each line of {os.fspath(path)}") from None

    def _check_tokens(self, tokens: list[Any]) -> None:
        label = self._label
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError(
                f"{label}: The passed vocabulary has at least one repeated term, expected each once, got {repeated[:5]} "
                "again"
            )
        known = set(tokens)
        for name, token, forbidden in (("mask", self.mask_token, True), ("OOV", self.oov_token, self.invert)):
            if forbidden and token is not None and token in known:
                raise ValueError(
                    f"{label}: Found reserved {name} token at unexpected location in `vocabulary`: expected it without "
                    f"special tokens, or with {shortened(self._special_tokens())} in front, got {token!r} among the others"
                )
        size = self._token_start + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{label}: Attempted to set a vocabulary larger than the maximum vocab size, expected at most "
                f"{self.max_tokens} indices, got {size}"
            )

    def _padded(self, weights: Array, length: int, with_special: bool) -> Array:
        """Returns weights for all indices: the mean for terms out of the vocabulary, 0 for what is not used."""
        label = self._label
        if weights.ndim != 1 or len(weights) != length:
            raise ValueError(
                f"{label}: `idf_weights` must be the same length as vocabulary, expected {length} of them in a row, got shape "
                f"{weights.shape}"
            )
        front = 0 if with_special else self._token_start
        padded = np.concatenate([np.full(front, weights.mean(), weights.dtype), weights])
        if self.pad_to_max_tokens and self.max_tokens is not None:
            padded = np.pad(padded, (0, self.max_tokens - len(padded)))
        return padded

    def _replace(self, tokens: list[Any], weights: Array | None) -> None:
        size = self._token_start + len(tokens)
        if self.output_mode != "int" and not self.pad_to_max_tokens and self._fixed_size not in (None, size):
            raise RuntimeError(
                f'{self._label}: When using `output_mode="{self.output_mode}"` and `pad_to_max_tokens=False`, the vocabulary '
                f"size cannot be changed: expected {self._fixed_size}, got {size}"
            )
        self._tokens = tokens
        self._fixed_size = size
        if weights is not None:
            self.idf_weights = weights
        self._index_terms()

    # Adapting.

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes a vocabulary of what occurs in data: the most frequent terms first, equally frequent ones from high to low.

        Args:
            data: an array or lists of terms, or an iterable of batches.
            steps: how many batches to take of an iterable; all by default.

        Raises:
            ValueError: if the layer was made with a vocabulary.
        """
        self.reset_state()
        for batch in batches_to_adapt_to(data, steps, is_batch=lambda found: isinstance(found, (list, tuple, str))):
            if batch is data:
                values = self._values(batch)
                batch = values[:, None] if values.ndim == 1 else values
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the terms of a batch; without an axis for samples it is one sample."""
        if self._static:
            raise ValueError(
                f"{self._label}: Cannot adapt a layer after setting a static vocabulary via `vocabulary` argument: expected one "
                "without"
            )
        values = self._values(data)
        self._counts.add(values.reshape(1, -1) if values.ndim < 2 else values.reshape(len(values), -1))

    def finalize_state(self) -> None:
        """Makes a vocabulary of the batches so far."""
        if self._static or not self._counts.terms:
            return
        terms = self._counts.most_frequent(without=(self.mask_token, self.oov_token))
        if self.max_tokens is not None:
            terms = terms[: max(self.max_tokens - self._token_start, 0)]
        weights = None
        if self.output_mode == "tf_idf":
            found = self._counts.inverse_document_frequencies(terms)
            weights = self._padded(found, len(found), False)
        self._replace(terms, weights)
        self.reset_state()

    def reset_state(self) -> None:
        """Forgets the batches so far."""
        self._counts = TermCounts(self.output_mode == "tf_idf")

    # Results.

    @property
    def _depth(self) -> int:
        """The length of vectors."""
        if self.output_mode != "int" and not self.pad_to_max_tokens and self._fixed_size is None:
            raise RuntimeError(
                f'{self._label}: When using `output_mode="{self.output_mode}"` and `pad_to_max_tokens=False`, you must set the '
                "layer's vocabulary before calling it: expected a vocabulary, or a call of `adapt`"
            )
        return (self.max_tokens if self.pad_to_max_tokens else self._fixed_size) or self.vocabulary_size()

    def _encoded(self, indices: Any) -> Any:
        """Returns indices as the mode asks for; negative ones count for nothing."""
        mode = self.output_mode
        if mode != "tf_idf":
            return encoded(indices, mode, self._depth, "int64" if mode == "int" else dtypes.floatx())
        if self.idf_weights is None:
            raise ValueError(f"{self._label}: expected `idf_weights` in mode 'tf_idf', or a call of `adapt`, got none")
        return ops.multiply(encoded(indices, "count", self._depth, dtypes.floatx()), self.idf_weights)

    def _hashed(self, strings: list[bytes]) -> Array:
        """Returns which of the indices for terms out of the vocabulary each string has."""
        found = fingerprints(strings) if self.salt is None else keyed_hashes(strings, self.salt)
        return (found % np.uint64(self.num_oov_indices)).astype(np.int64)

    def _refuse_unknown(self, unknown: Any) -> None:
        raise ValueError(
            f"{self._label}: When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values {unknown}, "
            "consider setting `num_oov_indices=1`"
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return tuple(input_shape) if mode == "int" else encoded_shape(input_shape, mode, self._depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(
            self.compute_output_shape(inputs.shape), "int64" if self.output_mode == "int" else dtypes.floatx()
        )

    # Configuration and files.

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "mask_token": self.mask_token,
            "oov_token": self.oov_token,
            "vocabulary": self.input_vocabulary,
            "idf_weights": self.input_idf_weights,
            "invert": self.invert,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "salt": self.salt,
            "vocabulary_size": self._fixed_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned."""
        del custom_objects
        refuse_paths(cls.__name__, config)
        return super().from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns nothing: the layer needs no building."""
        return {}

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the weights of terms into a dict."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes the weights of terms out of a dict."""
        if self.output_mode == "tf_idf":
            self.idf_weights = np.asarray(store["idf_weights"], dtypes.floatx())

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary into a directory, unless it stands in the configuration."""
        if self.input_vocabulary is None:
            with open(os.path.join(dir_path, "vocabulary.txt"), "w", encoding="utf-8") as file:
                file.write("\n".join(map(str, self.get_vocabulary())))

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary that `save_assets` wrote."""
        if self.input_vocabulary is not None:
            return
        with open(os.path.join(dir_path, "vocabulary.txt"), encoding="utf-8") as file:
            lines = file.read().split("\n")
        while lines and not lines[-1]:
            lines.pop()
        terms = [self._read(line) for line in lines]
        self.set_vocabulary(terms, self.idf_weights if self.output_mode == "tf_idf" else None)


def _listed(values: Any) -> Any:
    """Returns a vocabulary or weights as a list."""
    if values is None or isinstance(values, list):
        return values
    return values.tolist() if hasattr(values, "tolist") else list(values)
