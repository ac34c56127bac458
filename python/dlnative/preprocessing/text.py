"""Text as lists of numbers: `Tokenizer` and what goes with it, as in `keras.preprocessing.text`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from dlnative.utils.checks import integer

Array = np.ndarray[Any, Any]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(input_text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """Returns the words of a text.

    Args:
        input_text: the text.
        filters: characters that separate words beside `split`.
        lower: whether words are in lower case.
        split: what separates words.

    Example:
        >>> text_to_word_sequence("The cat, the dog!")
        ['the', 'cat', 'the', 'dog']
    """
    if not isinstance(input_text, str):
        raise TypeError(f"text_to_word_sequence: expected text, got {type(input_text).__name__}")
    text = input_text.lower() if lower else input_text
    return [word for word in text.translate({ord(sign): split for sign in filters}).split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Returns a number in `[1, n)` for each word, by Python's `hash`: another in each process, and the same for some words.

    Args:
        input_text: the text.
        n: how many numbers there are, with 0, which no word gets.
        filters, lower, split: see `text_to_word_sequence`.
        analyzer: what makes words of the text instead.
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:
    """Returns a number in `[1, n)` for each word, by a hash.

    Args:
        text: the text.
        n: how many numbers there are, with 0, which no word gets.
        hash_function: a function from a word to an integer; `"md5"`, which gives the same in each process; by default
            Python's `hash`, which does not.
        filters, lower, split: see `text_to_word_sequence`.
        analyzer: what makes words of the text instead.

    Raises:
        ValueError: if `n` is less than 2, or the function is none.

    Example:
        >>> hashing_trick("the cat, the dog", 100, "md5")
        [51, 3, 51, 33]
    """
    if integer("hashing_trick", "n", n) < 2:
        raise ValueError(f"hashing_trick: expected n of 2 or more, got {n}")
    function = hash if hash_function is None else _md5 if hash_function == "md5" else hash_function
    if not callable(function):
        raise ValueError(
            f'hashing_trick: expected hash_function to be a function, "md5" or None, got {hash_function!r}'
        )
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [function(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Replaces words by their rank: 1 for the most frequent, or for `oov_token` where there is one; 0 stands for nothing.

    Args:
        num_words: only the first `num_words - 1` numbers are used.
        filters, lower, split: see `text_to_word_sequence`.
        char_level: whether each character is a word.
        oov_token: what stands for words that are not known, or out of `num_words`; without it they are left out.
        analyzer: what makes words of a text instead.

    Attributes:
        word_index, index_word: the number of each word, and back.
        word_counts, word_docs, index_docs: how often each word occurred, and in how many texts.
        document_count: how many texts there were.

    Example:
        >>> tokenizer = Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["the cat", "the dog"])
        >>> tokenizer.word_index
        {'?': 1, 'the': 2, 'cat': 3, 'dog': 4}
        >>> tokenizer.texts_to_sequences(["The bird"])
        [[2, 1]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], Iterable[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        num_words = kwargs.pop("nb_words", num_words)  # its older name
        document_count = kwargs.pop("document_count", 0)
        if kwargs:
            raise TypeError(f'Tokenizer: unknown argument "{next(iter(kwargs))}" (Unrecognized keyword arguments)')
        self.num_words = None if num_words is None else integer("Tokenizer", "num_words", num_words, 0)
        self.filters, self.split, self.lower = filters, split, lower
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.document_count: int = document_count
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> Iterable[str]:
        if self.char_level or isinstance(text, list):
            if not self.lower:
                return text
            return [item.lower() for item in text] if isinstance(text, list) else text.lower()
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts and gives them their numbers.

        Args:
            texts: texts, or lists of words.
        """
        for text in _texts("fit_on_texts", texts):
            words = list(self._words(text))
            self.document_count += 1
            for word, count in Counter(words).items():
                self.word_counts[word] = self.word_counts.get(word, 0) + count
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        if self.oov_token is not None:
            ranked.insert(0, self.oov_token)
        self.word_index = {word: number for number, word in enumerate(ranked, 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Counts in how many sequences each number occurs, which mode `"tfidf"` needs."""
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] += 1

    def _numbers(self, text: Any) -> list[int]:
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        limit = self.num_words or len(self.word_index) + 2
        found = []
        for word in self._words(text):
            number = self.word_index.get(word)
            if number is None or number >= limit:
                number = unknown
            if number is not None:
                found.append(number)
        return found

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Returns the numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yields the numbers of the words of each text."""
        for text in _texts("texts_to_sequences", texts):
            yield self._numbers(text)

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """Returns the words of each sequence of numbers, with spaces between."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yields the words of each sequence of numbers, with spaces between."""
        limit = self.num_words or len(self.word_index) + 2
        for sequence in sequences:
            words = [self.index_word.get(number) if number < limit else None for number in sequence]
            yield " ".join([found for word in words if (found := self.oov_token if word is None else word) is not None])

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> Array:
        """Returns a row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> Array:
        """Returns a row for each sequence, with a column for each number.

        Args:
            sequences: lists of numbers.
            mode: `"binary"`: 1 where the number occurs; `"count"`: how often; `"freq"`: divided by the length; `"tfidf"`:
                (1 + ln count) ln(1 + texts / (1 + texts with the number)).

        Raises:
            ValueError: for another mode, or if nothing is known about texts.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f'Tokenizer: expected mode "binary", "count", "freq" or "tfidf", got {mode!r}')
        columns = self.num_words or (len(self.word_index) + 1 if self.word_index else 0)
        if not columns:
            raise ValueError("Tokenizer: expected num_words, or a call of fit_on_texts first, got neither")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: expected a call of fit_on_texts or fit_on_sequences for mode tfidf, got none")
        matrix = np.zeros((len(sequences), columns))
        for row, sequence in zip(matrix, sequences, strict=True):
            counts = Counter(number for number in sequence if number < columns)
            for number, count in counts.items():
                if mode == "binary":
                    row[number] = 1
                elif mode == "count":
                    row[number] = count
                elif mode == "freq":
                    row[number] = count / len(sequence)
                else:
                    rarity = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
                    row[number] = (1 + np.log(count)) * rarity
        return matrix

    def get_config(self) -> dict[str, Any]:
        """Returns all arguments and counts; tables as JSON."""
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in tables},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Returns the tokenizer as text, from which `tokenizer_from_json` makes it again.

        Args:
            **kwargs: of `json.dumps`.
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Makes a tokenizer of what `Tokenizer.to_json` returned, here or in Keras.

    Raises:
        ValueError: if the text is something else.
    """
    try:
        config = dict(json.loads(json_string)["config"])
        tables = {
            name: json.loads(config.pop(name))
            for name in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        }
        tokenizer = Tokenizer(**config)
        for name, table in tables.items():
            entries = {int(key): value for key, value in table.items()} if name.startswith("index") else table
            setattr(tokenizer, name, type(getattr(tokenizer, name))())
            getattr(tokenizer, name).update(entries)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"tokenizer_from_json: expected what Tokenizer.to_json returned, got other text: {error}"
        ) from None
    return tokenizer


def _texts(call: str, texts: Any) -> Iterable[Any]:
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__iter__"):
        raise TypeError(f"Tokenizer.{call}: expected a list of texts, got {type(texts).__name__}")
    return texts
