"""Tokenizer, padding, windows and pairs of words. Values: Keras 3.15."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.preprocessing import sequence, text
from dlnative.utils import pad_sequences

TEXTS = ["The cat sat, on the mat!", "The dog ate my homework. The END", "a b c"]


def test_tokenizer() -> None:
    tokenizer = text.Tokenizer(num_words=5, oov_token="?")
    tokenizer.fit_on_texts(TEXTS)
    assert list(tokenizer.word_index)[:5] == ["?", "the", "cat", "sat", "on"]
    assert tokenizer.document_count == 3
    assert tokenizer.texts_to_sequences(TEXTS) == [[2, 3, 4, 1, 2, 1], [2, 1, 1, 1, 1, 2, 1], [1, 1, 1]]
    assert tokenizer.sequences_to_texts([[1, 2, 3, 9]]) == ["? the cat ?"]
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert again.get_config() == tokenizer.get_config()
    assert again.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)
    without = text.Tokenizer(num_words=4)
    without.fit_on_texts(TEXTS)
    assert without.texts_to_sequences(TEXTS) == [[1, 2, 3, 1], [1, 1], []]
    assert without.sequences_to_texts([[1, 2, 3, 9]]) == ["the cat sat"]
    signs = text.Tokenizer(char_level=True)
    signs.fit_on_texts(["ab", "b"])
    assert signs.word_index == {"b": 1, "a": 2}
    assert signs.texts_to_sequences(["bac", ["A"]]) == [[1, 2], [2]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("binary", [[0, 1, 1, 1, 1], [0, 1, 1, 0, 0]]),
        ("count", [[0, 2, 2, 1, 1], [0, 5, 2, 0, 0]]),
        ("freq", [[0, 1 / 3, 1 / 3, 1 / 6, 1 / 6], [0, 5 / 7, 2 / 7, 0, 0]]),
        ("tfidf", [[0, 2.3472, 1.1736, 0.916291, 0.916291], [0, 3.617449, 1.1736, 0, 0]]),
    ],
)
def test_tokenizer_matrix(mode: str, expected: Any) -> None:
    tokenizer = text.Tokenizer(num_words=5, oov_token="?")
    tokenizer.fit_on_texts(TEXTS)
    np.testing.assert_allclose(tokenizer.texts_to_matrix(TEXTS[:2], mode), expected, atol=1e-6)


def test_words() -> None:
    assert text.text_to_word_sequence("A,b\tc", lower=False, split=",") == ["A", "b", "c"]
    assert text.hashing_trick("the cat, the dog", 100, "md5") == [51, 3, 51, 33]
    assert text.one_hot("a b a", 50) == [hash(word) % 49 + 1 for word in "aba"]


@pytest.mark.parametrize(
    ("sequences", "arguments", "expected"),
    [
        ([[1], [2, 3], [4, 5, 6]], {}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        (
            [[1], [2, 3], [4, 5, 6, 7]],
            {"maxlen": 3, "padding": "post", "truncating": "post", "value": -1},
            [[1, -1, -1], [2, 3, -1], [4, 5, 6]],
        ),
        ([[1, 2, 3]], {"maxlen": 2}, [[2, 3]]),
        ([[1, 2, 3], []], {"maxlen": 0}, [[], []]),
        ([[[1, 1]], [[2, 1], [2, 2]]], {"maxlen": 1}, [[[1, 1]], [[2, 2]]]),
        ([["a"], ["bb", "c"]], {"dtype": object, "value": "x"}, [["x", "a"], ["bb", "c"]]),
        ([[], [1.5]], {"dtype": "float32"}, [[0.0], [1.5]]),
        (np.array([[1, 2]]), {"maxlen": 3}, [[0, 1, 2]]),
    ],
)
def test_pad_sequences(sequences: Any, arguments: Any, expected: Any) -> None:
    assert pad_sequences(sequences, **arguments).tolist() == expected
    assert sequence.pad_sequences is pad_sequences


def test_pairs_of_words() -> None:
    random.seed(1)
    couples, labels = sequence.skipgrams([1, 2, 0, 3, 4], 5, window_size=2, seed=7)
    assert couples == [
        [3, 4], [2, 1], [3, 2], [3, 2], [4, 4], [3, 4], [1, 4], [2, 1], [1, 2], [2, 4], [2, 3], [4, 3],
    ]  # fmt: skip
    assert labels == [0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1]
    random.seed(1)
    table = np.full(5, 0.6)
    found = sequence.skipgrams([1, 2, 3], 5, 1, 2.0, shuffle=False, categorical=True, sampling_table=table)
    assert found == ([[1, 2], [1, 3], [1, 1]], [[0, 1], [1, 0], [1, 0]])
    np.testing.assert_allclose(
        sequence.make_sampling_table(4),
        [0.0031522478751942504, 0.0031522478751942504, 0.0054759726939176976, 0.007415564097374219],
        rtol=1e-12,
    )


def test_windows_of_a_series() -> None:
    series = np.arange(20)
    made = sequence.TimeseriesGenerator(
        series, series * 2, 6, sampling_rate=2, stride=3, start_index=2, end_index=17, reverse=True, batch_size=2
    )
    assert [(x.tolist(), y.tolist()) for x, y in made] == [
        ([[6, 4, 2], [9, 7, 5]], [16, 22]), ([[12, 10, 8], [15, 13, 11]], [28, 34]),
    ]  # fmt: skip
    model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(made, epochs=2, verbose=0).history["loss"]) == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: text.Tokenizer(words=3), TypeError, "words"),
        (lambda: text.Tokenizer().fit_on_texts("a text"), TypeError, "list of texts"),
        (lambda: text.Tokenizer().texts_to_matrix(["a"]), ValueError, "num_words"),
        (lambda: text.Tokenizer(5).texts_to_matrix(["a"], "tfidf"), ValueError, "fit_on_texts"),
        (lambda: text.Tokenizer(5).texts_to_matrix(["a"], "max"), ValueError, "mode"),
        (lambda: text.hashing_trick("a", 1), ValueError, "n of 2"),
        (lambda: text.hashing_trick("a", 9, "sha"), ValueError, "hash_function"),
        (lambda: text.tokenizer_from_json("{}"), ValueError, "to_json"),
        (lambda: text.text_to_word_sequence(3), TypeError, "text"),  # type: ignore[arg-type]
        (lambda: pad_sequences(3), ValueError, "iterable"),
        (lambda: pad_sequences([1]), ValueError, "non-iterable: 1"),
        (lambda: pad_sequences([[1]], padding="in"), ValueError, "Padding"),
        (lambda: pad_sequences([[1]], truncating="in"), ValueError, "Truncating"),
        (lambda: pad_sequences([["a"]], value="x"), ValueError, "dtype"),
        (lambda: pad_sequences([[1], [[1, 2]]]), ValueError, "position 1"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1], 1), ValueError, "same length"),
        (lambda: sequence.TimeseriesGenerator([1, 2], [1, 2], 2), ValueError, "disallowed"),
    ],
)
def test_refusals(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
