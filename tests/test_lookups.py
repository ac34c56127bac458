"""Layers that find text and integers by hashes or in a vocabulary. Values: TensorFlow's documentation, or formulas."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.layers.preprocessing.fingerprint import fingerprints, keyed_hashes

TEXTS = ["foo bar", "bar baz", "baz bada boom"]


def test_fingerprints() -> None:
    """Strings of every branch of FarmHash, against its C++ library; SipHash against the vectors of its paper."""
    strings = [b"", b"ab", b"abcde", b"abcdefghij", b"abcdefghij" * 3, b"abcdefghij" * 6, b"abcdefghij" * 70]
    expected = [
        11160318154034397263, 12289600257749001502, 13992479962126222548, 9960479591422212091, 1522963769923342083,
        3318402151940612692, 2220519551512991992,
    ]  # fmt: skip
    assert fingerprints(strings).tolist() == expected
    key = [int.from_bytes(bytes(range(8)), "little"), int.from_bytes(bytes(range(8, 16)), "little")]
    assert keyed_hashes([bytes(range(15)), b""], key).tolist() == [0xA129CA6149BE45E5, 0x726FDB47DD0E0E31]


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        ({"num_bins": 3}, list("ABCDE"), [1, 0, 1, 1, 2]),
        ({"num_bins": 3, "mask_value": ""}, ["A", "B", "", "C", "D"], [1, 1, 0, 2, 2]),
        ({"num_bins": 3, "salt": [133, 137]}, list("ABCDE"), [1, 2, 1, 0, 2]),
        ({"num_bins": 3, "salt": 133}, list("ABCDE"), [0, 0, 2, 1, 0]),
        ({"num_bins": 3}, [0, 1, 2, 3, 4], [1, 0, 1, 0, 2]),
        ({"num_bins": 3}, [0.4, 1.9, 2.0, 3.0, 4.0], [1, 0, 1, 0, 2]),
        (
            {"num_bins": 1000},
            [True, False],
            layers.Hashing(1000)(["true", "false"]).tolist(),
        ),  # as TensorFlow writes them
        ({"num_bins": 3, "salt": [133, 137]}, np.arange(5, dtype="int32"), [1, 1, 2, 0, 1]),
        ({"num_bins": 2}, [b"omar", b"stringer", b"marlo", b"wire", b"skywalker"], [0, 0, 1, 0, 0]),
        ({"num_bins": 3, "output_mode": "count"}, [0, 1, 2, 3, 4], [2, 2, 1]),
    ],
)
def test_hashing(arguments: Any, values: Any, expected: Any) -> None:
    y = layers.Hashing(**arguments)(values)
    assert y.tolist() == expected
    assert y.dtype == ("float32" if "output_mode" in arguments else "int64")


def test_hashed_crossing() -> None:
    features = np.array(["A", "B", "A", "B", "A"]), [101, 101, 101, 102, 102]
    assert layers.HashedCrossing(num_bins=5)(features).tolist() == [1, 4, 1, 1, 3]
    y = layers.HashedCrossing(num_bins=5, output_mode="one_hot")(features)
    np.testing.assert_array_equal(y, np.eye(5)[[1, 4, 1, 1, 3]])


def test_integer_lookup() -> None:
    """The examples of Keras's documentation."""
    data = np.array([[12, 1138, 42], [42, 1000, 36]])
    layer = layers.IntegerLookup()
    layer.adapt(data)
    assert layer.get_vocabulary() == [-1, 42, 1138, 1000, 36, 12]
    assert layer(data).tolist() == [[5, 2, 1], [1, 3, 4]]
    vocabulary = [12, 36, 1138, 42]
    layer = layers.IntegerLookup(vocabulary=vocabulary, num_oov_indices=2)
    assert layer(np.array([[12, 1138, 42], [37, 1000, 36]])).tolist() == [[2, 4, 5], [1, 0, 3]]
    rows = np.array([[12, 1138, 42, 42], [42, 7, 36, 7]])
    layer = layers.IntegerLookup(vocabulary=vocabulary, idf_weights=[0.25, 0.75, 0.6, 0.4], output_mode="tf_idf")
    np.testing.assert_allclose(layer(rows), [[0, 0.25, 0, 0.6, 0.8], [1.0, 0, 0.75, 0, 0.4]], rtol=1e-6)
    layer = layers.IntegerLookup(
        vocabulary=[-1, *vocabulary], idf_weights=[0.9, 0.25, 0.75, 0.6, 0.4], output_mode="tf_idf"
    )
    np.testing.assert_allclose(layer(rows), [[0, 0.25, 0, 0.6, 0.8], [1.8, 0, 0.75, 0, 0.4]], rtol=1e-6)
    back = layers.IntegerLookup(vocabulary=vocabulary, invert=True)
    assert back([[1, 3, 4], [4, 0, 9]]).tolist() == [[12, 1138, 42], [42, -1, -1]]
    inverse = layers.IntegerLookup(vocabulary=[10, 20], num_oov_indices=3, mask_token=7, oov_token=-5, invert=True)
    assert inverse([[0, 1, 3, 4, 5, 6]]).tolist() == [[7, -5, -5, 10, 20, -5]]
    hashed = layers.IntegerLookup(vocabulary=[10, 20, 30], num_oov_indices=4, oov_method="farmhash")
    assert hashed([100, 200, 300, 400, 20]).tolist() == [3, 1, 3, 1, 5]


def test_integer_lookup_in_a_model(backend: str) -> None:
    """Also of integers that no float holds, and with a mask."""
    del backend
    layer = layers.IntegerLookup(vocabulary=[2**40 + 1, 7, -3], mask_token=0)
    model = dlnative.Sequential([dlnative.Input((4,), dtype="int64"), layer])
    x = np.array([[2**40 + 1, 2**40, 0, -3]])
    assert model.predict(x, verbose=0).tolist() == [[2, 1, 0, 4]]
    layer.set_vocabulary([2**40])
    assert model.predict(x, verbose=0).tolist() == [[1, 2, 0, 1]]


def test_inverse_document_frequencies() -> None:
    rows = [["one", "one"], ["one", "two"], ["two", "three"]]
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt(rows)
    weights = np.log(1 + 3 / (1 + np.array([2, 2, 1])))
    assert layer.get_vocabulary(include_special_tokens=False) == ["one", "two", "three"]
    np.testing.assert_allclose(layer([["one", "two"], ["two", "four"]]), [
        [0, weights[0], weights[1], 0], [weights.mean(), 0, weights[1], 0],
    ], rtol=1e-6)  # fmt: skip


def test_many_indices_out_of_the_vocabulary_take_no_memory() -> None:
    layer = layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=10**12)
    assert layer(["a", "b"]).tolist() == [10**12, 10**12 + 1]
    assert layer.vocabulary_size() == 10**12 + 2


def test_string_lookup(tmp_path: pathlib.Path) -> None:
    layer = layers.StringLookup(mask_token="[MASK]")
    layer.adapt(iter([["cat", "dog"], np.array(["cat", "eel"]), np.array([b"\xc3\xa4"])]))
    assert layer.get_vocabulary() == ["[MASK]", "[UNK]", "cat", "ä", "eel", "dog"]
    assert layer(["[MASK]", "dog", "none", "ä"]).tolist() == [0, 5, 1, 3]
    several = layers.StringLookup(vocabulary=list("ab"), num_oov_indices=3)
    assert several(list("ABa")).tolist() == [1, 0, 3]  # by the hashes of test_hashing
    file = tmp_path / "terms.txt"
    file.write_text("x\ny\n")
    assert layers.StringLookup(vocabulary=file)([["y"], ["z"]]).tolist() == [[2], [0]]
    back = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    assert back(np.array([[2, 0, 1]])).tolist() == [["b", "[UNK]", "a"]]
    few = layers.StringLookup(max_tokens=3)
    few.adapt(["a", "b", "b", "c", "c", "c"])
    assert few.get_vocabulary() == ["[UNK]", "c", "b"]
    layer.save_assets(str(tmp_path))
    again = layers.StringLookup.from_config(layer.get_config())
    again.load_assets(str(tmp_path))
    assert again.get_vocabulary() == layer.get_vocabulary()


@pytest.mark.parametrize(
    ("arguments", "texts", "expected"),
    [
        ({"output_sequence_length": 4}, [["foo qux bar"], ["qux baz"]], [[4, 1, 3, 0], [1, 2, 0, 0]]),
        ({}, ["Foo, BAR!", "baz"], [[4, 3], [2, 0]]),
        ({"output_sequence_length": 1}, np.array([b"foo bar", b"baz"]), [[4], [2]]),
        ({"standardize": None}, ["Foo foo"], [[1, 4]]),
        ({"standardize": "lower"}, ["Foo FOO,"], [[4, 1]]),
        (
            {"vocabulary": ["é", "É", "a\xa0b"]},
            ["É! A\xa0B é\tx"],
            [[3, 4, 2, 1]],
        ),  # letters and spaces of ASCII, as TensorFlow
        ({"standardize": "strip_punctuation"}, ["Foo foo."], [[1, 4]]),
        ({"standardize": lambda text: np.char.replace(text, "-", " ")}, ["foo-bar"], [[4, 3]]),
        ({"split": None}, [["foo"], ["foo bar"]], [[4], [1]]),
        (
            {"split": lambda text: [item.split("|") for item in text.tolist()], "standardize": None},
            ["foo|bar"],
            [[4, 3]],
        ),
        ({"output_mode": "multi_hot"}, ["foo foo qux", "bar"], [[1, 0, 0, 1], [0, 0, 1, 0]]),
        ({"output_mode": "count"}, ["foo foo qux", ""], [[1, 0, 0, 2], [0, 0, 0, 0]]),
        ({"output_mode": "count", "max_tokens": 6, "pad_to_max_tokens": True}, ["foo"], [[0, 0, 0, 1, 0, 0]]),
    ],
)
def test_text_vectorization(arguments: Any, texts: Any, expected: Any) -> None:
    layer = layers.TextVectorization(**({"vocabulary": ["baz", "bar", "foo"]} | arguments))
    y = layer(texts)
    assert y.tolist() == expected
    symbolic = layer(dlnative.KerasTensor((None, 1), "string"))
    assert symbolic.dtype == y.dtype
    assert all(known in (None, found) for known, found in zip(symbolic.shape, y.shape, strict=True))


def test_text_vectorization_adapts() -> None:
    layer = layers.TextVectorization()
    layer.adapt(TEXTS)
    assert layer.get_vocabulary() == ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]
    pairs = layers.TextVectorization(ngrams=2, split="character")
    pairs.adapt(np.array([["ab"], ["ab"], ["b"]]))
    assert pairs.get_vocabulary(False) == ["b", "a b", "a"]
    skipping = layers.TextVectorization(ngrams=(1, 3), max_tokens=9)
    skipping.adapt(iter([["a b c"], ["d"]]), steps=1)
    assert skipping.get_vocabulary(False) == ["c", "b", "a b c", "a"]
    all_lengths = layers.TextVectorization(ngrams=10**12)
    all_lengths.adapt(iter([["a b c"]]), steps=1)
    assert sorted(all_lengths.get_vocabulary(False)) == ["a", "a b", "a b c", "b", "b c", "c"]
    weighted = layers.TextVectorization(output_mode="tf_idf")
    weighted.adapt(TEXTS)
    weights = np.log(1 + 3 / (1 + np.array([2, 2, 1, 1, 1])))
    np.testing.assert_allclose(weighted(["foo foo nix"]), [[weights.mean(), 0, 0, 2 * weights[2], 0, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Hashing(0), "num_bins"),
        (lambda: layers.Hashing(3, salt=[1]), "salt"),
        (lambda: layers.Hashing(3, dtype="float32"), "integer type"),
        (lambda: layers.Hashing(3)([None]), "text"),
        (lambda: layers.HashedCrossing(3)([["a"]]), "at least two"),
        (lambda: layers.HashedCrossing(3)([["a"], ["a", "b"]]), "equal shape"),
        (lambda: layers.HashedCrossing(3)([[1.0], [1.0]]), "integer or string"),
        (lambda: layers.IntegerLookup(max_tokens=1), "max_tokens"),
        (lambda: layers.IntegerLookup(num_oov_indices=-1), "num_oov_indices"),
        (lambda: layers.IntegerLookup(salt=3), "farmhash"),
        (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), "vocabulary_dtype"),
        (lambda: layers.IntegerLookup(vocabulary=["a"]), "integers"),
        (lambda: layers.IntegerLookup(vocabulary=[1, 2], num_oov_indices=0)([1, 3]), r"OOV values \[3\]"),
        (lambda: layers.IntegerLookup()([1]), "vocabulary"),
        (lambda: layers.IntegerLookup(vocabulary=[1]).adapt([1]), "static vocabulary"),
        (lambda: layers.StringLookup(vocabulary=["a", "a"]), "repeated"),
        (lambda: layers.StringLookup(vocabulary=[]), "empty"),
        (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), "reserved mask"),
        (lambda: layers.StringLookup(vocabulary=["a", "[UNK]", "b"], invert=True), "reserved OOV"),
        (lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), "larger"),
        (lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), "idf_weights"),
        (lambda: layers.StringLookup(vocabulary="/nowhere"), "does not exist"),
        (lambda: layers.StringLookup(vocabulary=["a"], invert=True, output_mode="count"), "invert"),
        (lambda: layers.StringLookup(pad_to_max_tokens=True), "max_tokens"),
        (lambda: layers.StringLookup(vocabulary=["a"])([["a"], ["a", "b"]]), "one length"),
        (lambda: layers.StringLookup(vocabulary=["a"])([1]), "text"),
        (lambda: layers.StringLookup.from_config({"vocabulary": "/etc/hostname"}), "path"),
        (lambda: layers.TextVectorization.from_config({"vocabulary": "/etc/hostname"}), "path"),
        (lambda: layers.TextVectorization(ragged=True), "ragged"),
        (lambda: layers.TextVectorization(ngrams="two"), "ngrams"),
        (lambda: layers.TextVectorization(split="line"), "split"),
        (lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3), "output_sequence_length"),
        (lambda: layers.TextVectorization(vocabulary=["a"])([["a", "b"]]), "last shape dimension"),
        (lambda: layers.TextVectorization()(["a"]), "vocabulary"),
    ],
)  # fmt: skip
def test_refusals(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
