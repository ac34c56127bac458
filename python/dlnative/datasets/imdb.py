"""Reviews of films, from Keras's cache or from where Keras fetches them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from dlnative.datasets.stored import GOOGLE, Pair, objects, read_arrays, stored
from dlnative.datasets.words import limited, shifted, short

_CALL = "imdb.load_data"


def load_data(
    path: Any = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> tuple[Pair, Pair]:
    """Returns 25,000 reviews for training and 25,000 for testing as lists of ranks of words, and whether they are positive.

    Args:
        path: a file in the layout of Keras's `imdb.npz`: a whole path, or a name in Keras's cache. One that is not there is
            fetched.
        num_words: only ranks below it are kept; all by default.
        skip_top: ranks below it are left out.
        maxlen: longer reviews are left out.
        seed: of the order.
        start_char: what each review begins with; `None`: nothing.
        oov_char: what stands for words that are left out; `None`: nothing.
        index_from: what is added to all ranks.
        **kwargs: only `nb_words`, the older name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of integers, and of 0 and 1.

    Raises:
        OSError: if the file is not there and cannot be fetched.
        ValueError: if no review is short enough, or the file holds something else.

    Source:
        A. L. Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f'{_CALL}: unknown argument "{next(iter(kwargs))}" (Unrecognized keyword arguments)')
    file = stored(_CALL, path, f"{GOOGLE}imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")
    arrays = read_arrays(_CALL, file, "x_train", "y_train", "x_test", "y_test", of_objects=True)
    random = np.random.RandomState(seed)
    parts = []
    for texts, labels in (arrays[:2], arrays[2:]):
        order = np.arange(len(texts))
        random.shuffle(order)
        rows = shifted(texts[order], start_char, index_from)
        parts.append(short(_CALL, maxlen, rows, labels[order]))
    rows = limited(parts[0][0] + parts[1][0], num_words, skip_top, oov_char)
    middle = len(parts[0][0])
    return (objects(rows[:middle]), parts[0][1]), (objects(rows[middle:]), parts[1][1])


def get_word_index(path: Any = "imdb_word_index.json") -> dict[str, int]:
    """Returns the rank of each word, without `index_from`.

    Args:
        path: a whole path, or a name in Keras's cache. A file that is not there is fetched.
    """
    call = "imdb.get_word_index"
    file = stored(call, path, f"{GOOGLE}imdb_word_index.json", "bfafd718b763782e994055a2d397834f")
    with open(file, encoding="utf-8") as stream:
        found: dict[str, int] = json.load(stream)
    return found
