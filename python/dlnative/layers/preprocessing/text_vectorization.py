"""TextVectorization: text as numbers of its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.layers.preprocessing.data_layer import (
    Array,
    EntryLayer,
    batches_to_adapt_to,
    checked_mode,
    refuse_paths,
    refuse_sparse,
    to_text,
)
from dlnative.layers.preprocessing.string_lookup import StringLookup
from dlnative.symbolic import KerasTensor
from dlnative.utils.registry import named_function

_STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_SPLIT = ("whitespace", "character")
_PUNCTUATION = str.maketrans("", "", "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'")
Rows = list[list[str]]


class TextVectorization(EntryLayer):
    """Turns text into numbers of its words: on arrays, before a model or at its entry.

    Each text is standardized, split into words, joined to n-grams, and looked up in a vocabulary.

    Args:
        max_tokens: the largest number of indices; the most frequent words are then kept.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, `None`, or a function of an array of
            text that returns another.
        split: `"whitespace"`, `"character"`, `None`, or a function of an array of text that returns a list of words for each.
        ngrams: `None`, or n for sequences of 1 to n words, or a tuple of lengths.
        output_mode: `"int"`: indices (int64), padded with 0 behind the last word; `"multi_hot"`, `"count"`, `"tf_idf"`: a
            vector for each text, with ones, counts, or counts times weights.
        output_sequence_length: the number of indices in mode `"int"`: longer texts are cut, shorter ones padded.
        pad_to_max_tokens: whether vectors are `max_tokens` long also for a smaller vocabulary.
        vocabulary: the words, or the path of a file with one in each line; without it, `adapt` finds them in data.
        idf_weights: with a vocabulary in mode `"tf_idf"`, the weight of each word.
        sparse, ragged: only False: results are dense.
        encoding: of text that is bytes, and of files.

    Shapes:
        input `(batch,)` or `(batch, 1)` of text, output `(batch, words)` or `(batch, vocabulary)`.

    Raises:
        ValueError: for wrong arguments, or what is no text.

    Example:
        >>> from dlnative import layers
        >>> layer = layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["the cat", "the dog"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'the', 'dog', 'cat']
        >>> layer(["The cat!", "A dog"])
        array([[2, 4, 0, 0],
               [1, 3, 0, 0]])
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)
        static = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("dtype", None)
        super().__init__(name=name, **kwargs)
        label = self._label
        for argument, value, known in (("standardize", standardize, _STANDARDIZE), ("split", split, _SPLIT)):
            if value is not None and value not in known and not callable(value):
                raise ValueError(
                    f"{label}: expected {argument} to be one of {known}, None or a function, got {value!r}"
                )
        mode = checked_mode(label, output_mode, ("int", "one_hot", "multi_hot", "count", "tf_idf"))
        lengths = ngrams if isinstance(ngrams, (tuple, list)) else () if ngrams is None else (ngrams,)
        if not all(isinstance(length, (int, np.integer)) and length >= 1 for length in lengths):
            raise ValueError(
                f"{label}: `ngrams` must be None, an integer, or a tuple of integers, got ngrams={ngrams!r}"
            )
        length = output_sequence_length
        if mode == "int" and length is not None and (not isinstance(length, (int, np.integer)) or length < 0):
            raise ValueError(
                f"{label}: `output_sequence_length` must be either None or an integer when `output_mode` is 'int', got {length!r}"
            )
        if mode != "int" and length is not None:
            raise ValueError(
                f"{label}: `output_sequence_length` must not be set if `output_mode` is not 'int', got {length!r}"
            )
        if ragged:
            raise ValueError(f"{label}: expected ragged=False, got {ragged!r}: there are no ragged tensors")
        refuse_sparse(label, sparse, mode)
        self._standardize, self._split, self._ngrams = standardize, split, ngrams
        self._lengths = range(1, int(ngrams) + 1) if isinstance(ngrams, (int, np.integer)) else tuple(lengths)
        self._mode, self._length, self._encoding = mode, length, encoding
        self._lookup = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, pad_to_max_tokens=pad_to_max_tokens,
            mask_token="", output_mode=mode, encoding=encoding, has_input_vocabulary=static, vocabulary_size=size,
            name=f"{self.name}_lookup",
        )  # fmt: skip

    # The vocabulary.

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes a vocabulary of the words in data: the most frequent first, equally frequent ones from high to low.

        Args:
            data: an array or list of texts, or an iterable of batches.
            batch_size: accepted for Keras's sake; all of an array is counted at once.
            steps: how many batches to take of an iterable; all by default.

        Raises:
            ValueError: if the layer was made with a vocabulary.
        """
        del batch_size
        self.reset_state()
        for batch in batches_to_adapt_to(data, steps, is_batch=lambda found: isinstance(found, (list, tuple, str))):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Counts the words of a batch."""
        if self._lookup._static:
            raise ValueError(
                f"{self._label}: Cannot adapt a layer after setting a static vocabulary via `vocabulary` argument: expected one "
                "without"
            )
        self._lookup._counts.add(self._words(data)[0])

    def finalize_state(self) -> None:
        """Makes a vocabulary of the batches so far."""
        self._lookup.finalize_state()
        self._revise("_lookup")

    def reset_state(self) -> None:
        """Forgets the batches so far."""
        self._lookup.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the vocabulary: a word's place in it is its index.

        Args:
            include_special_tokens: whether the padding and the token for words out of the vocabulary are in it.
        """
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Returns the number of indices."""
        return self._lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary; see `StringLookup.set_vocabulary`."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    # From text to words to indices.

    def _words(self, inputs: Any) -> tuple[Rows, tuple[int, ...]]:
        """Returns the words of each text, and the shape of the texts without an axis of extent 1."""
        text = to_text(self._label, inputs, self._encoding)
        standardize, split = self._standardize, self._split
        if callable(standardize):
            text = to_text(self._label, standardize(text.astype(np.str_)), self._encoding)
        elif standardize is not None:
            text = _mapped(_STANDARDIZERS[standardize], text)
        if split is not None and text.ndim > 1:
            if text.shape[-1] != 1:
                raise ValueError(
                    f"{self._label}: When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last "
                    f"shape dimension must be 1, got shape {text.shape}"
                )
            text = text[..., 0]
        shape = text.shape
        if split is None:
            rows = text.reshape(-1, shape[-1] if len(shape) > 1 else 1).tolist()
            shape = shape[:-1] if len(shape) > 1 else shape
        elif callable(split):
            rows = self._custom_split(split, text)
        else:
            rows = list(map(_split if split == "whitespace" else list, text.ravel().tolist()))
        if self._lengths:
            rows = [_ngrams(row, self._lengths) for row in rows]
        return rows, shape

    def _custom_split(self, split: Callable[[Any], Any], text: Array) -> Rows:
        found = split(text.astype(np.str_))
        rows = [np.asarray(row).ravel().tolist() for row in found] if np.ndim(text) else [list(found)]
        if len(rows) != text.size:
            raise ValueError(f"{self._label}: expected split to return {text.size} lists of words, got {len(rows)}")
        return [to_text(self._label, row, self._encoding).tolist() if row else [] for row in rows]

    def call(self, inputs: Any) -> Any:
        rows, shape = self._words(inputs)
        if not self._lookup._tokens:
            raise ValueError(
                f"{self._label}: expected a vocabulary, or a call of `adapt`, before the layer is called, got none"
            )
        counts = np.array([len(row) for row in rows], np.int64)
        width = int(counts.max(initial=0)) if self._length is None else int(self._length)
        table = np.full((len(rows), width), 0 if self._mode == "int" else -1, np.int64)
        inside = np.arange(width) < counts[:, None]
        table[inside] = self._lookup.places([word for row in rows for word in row[:width]])
        if self._mode == "int":
            return table.reshape(*shape, width)
        return self._lookup._encoded(table.reshape(*shape, width))

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self._split is not None and len(shape) > 1 and shape[-1] == 1:
            shape = shape[:-1]
        if self._mode == "int":
            words = shape[-1] if self._split is None and len(shape) > 1 else 1 if self._split is None else None
            batch = shape[:-1] if self._split is None and len(shape) > 1 else shape
            return (*batch, words if self._length is None and not self._lengths else self._length)
        whole = shape if self._split is None and len(shape) > 1 else (*shape, None)
        return self._lookup.compute_output_shape(whole)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), "int64" if self._mode == "int" else dtypes.floatx())

    # Configuration and files.

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": self._standardize,
            "split": self._split,
            "ngrams": self._ngrams,
            "output_mode": self._mode,
            "output_sequence_length": self._length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": False,
            "ragged": False,
            "vocabulary": lookup.input_vocabulary,
            "idf_weights": lookup.input_idf_weights,
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes a layer from what `get_config` returned, whose functions may be described.

        Args:
            config: the config.
            custom_objects: functions by name.
        """
        from dlnative.saving import custom_object_scope

        refuse_paths(cls.__name__, config)
        with custom_object_scope(custom_objects or {}):
            functions = {
                name: named_function(config[name])
                for name in ("standardize", "split")
                if isinstance(config.get(name), dict)
            }
        return super().from_config({**config, **functions})

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts the weights of words into a dict."""
        self._lookup.save_own_variables(store)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Takes the weights of words out of a dict."""
        self._lookup.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary into a directory, unless it stands in the configuration."""
        self._lookup.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary that `save_assets` wrote."""
        self._lookup.load_assets(dir_path)


def _mapped(function: Callable[[str], str], text: Array) -> Array:
    made = np.empty(text.size, object)
    made[:] = [function(item) for item in text.ravel().tolist()]
    return made.reshape(text.shape)


def _lower(text: str) -> str:
    """As TensorFlow: only letters of ASCII have a lower case, so that vocabularies agree."""
    return text.lower() if text.isascii() else text.encode().lower().decode()


def _split(text: str) -> list[str]:
    """As TensorFlow: only spaces of ASCII divide words."""
    return text.split() if text.isascii() else [word.decode() for word in text.encode().split()]


def _strip(text: str) -> str:
    return text.translate(_PUNCTUATION)


_STANDARDIZERS: dict[str, Callable[[str], str]] = {
    "lower": _lower,
    "strip_punctuation": _strip,
    "lower_and_strip_punctuation": lambda text: _strip(_lower(text)),
}


def _ngrams(words: list[str], lengths: range | tuple[int, ...]) -> list[str]:
    """Returns sequences of words, those of the first length first."""
    if isinstance(lengths, range):
        lengths = lengths[: len(words)]
    return [" ".join(words[start : start + length]) for length in lengths for start in range(len(words) - length + 1)]
