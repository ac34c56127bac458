"""Newswires, from Keras's cache or from where Keras fetches them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from dlnative.datasets.stored import GOOGLE, Pair, objects, read_arrays, stored
from dlnative.datasets.words import limited, shifted, short

_CALL = "reuters.load_data"
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude "
    "nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber "
    "heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: Any = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Pair, Pair]:
    """Returns 11,228 newswires as lists of ranks of words, and the topic of each, in [0, 46).

    Args:
        path: a file in the layout of Keras's `reuters.npz`: a whole path, or a name in Keras's cache. One that is not there
            is fetched.
        test_split: the share of the newswires for testing.
        num_words, skip_top, maxlen, seed, start_char, oov_char, index_from: see `imdb.load_data`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of integers, and of topics.

    Raises:
        OSError: if the file is not there and cannot be fetched.
        ValueError: if no newswire is short enough, or the file holds something else.

    Source:
        D. Lewis, Reuters-21578.
    """
    file = stored(
        _CALL, path, f"{GOOGLE}reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    )
    if not 0 <= test_split < 1:
        raise ValueError(f"{_CALL}: expected test_split in [0, 1), got {test_split!r}")
    texts, labels = read_arrays(_CALL, file, "x", "y", of_objects=True)
    order = np.arange(len(texts))
    np.random.RandomState(seed).shuffle(order)
    rows, labels = short(_CALL, maxlen, shifted(texts[order], start_char, index_from), labels[order])
    rows = limited(rows, num_words, skip_top, oov_char)
    middle = int(len(rows) * (1 - test_split))
    return (objects(rows[:middle]), labels[:middle]), (objects(rows[middle:]), labels[middle:])


def get_word_index(path: Any = "reuters_word_index.json") -> dict[str, int]:
    """Returns the rank of each word, without `index_from`.

    Args:
        path: a whole path, or a name in Keras's cache. A file that is not there is fetched.
    """
    call = "reuters.get_word_index"
    file = stored(call, path, f"{GOOGLE}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
    with open(file, encoding="utf-8") as stream:
        found: dict[str, int] = json.load(stream)
    return found


def get_label_names() -> tuple[str, ...]:
    """Returns the names of the topics, in the order of their numbers.

    Example:
        >>> len(get_label_names()), get_label_names()[3]
        (46, 'earn')
    """
    return tuple(_TOPICS.split())
