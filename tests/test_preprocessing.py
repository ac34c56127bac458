"""Layers that prepare features. Values: Keras 3.15 on JAX, TensorFlow's documentation of its hashes, or formulas."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers
from dlnative.layers.preprocessing.fingerprint import fingerprints, keyed_hashes

X = (np.arange(60).reshape(20, 3) ** 1.5 % 17).astype("float32")
TEXTS = ["foo bar", "bar baz", "baz bada boom"]


# Numbers.


def test_normalization_by_the_data() -> None:
    layer = layers.Normalization()
    layer.adapt(X)
    np.testing.assert_allclose(layer.mean, [[7.822867, 8.581156, 7.833766]], rtol=1e-6)
    np.testing.assert_allclose(layer.variance, [[18.240284, 31.613804, 21.926792]], rtol=1e-6)
    np.testing.assert_allclose(layer(X[:1]), [[-1.8316822, -1.3483326, -1.0689218]], rtol=1e-5)
    back = layers.Normalization(axis=None, invert=True)
    back.adapt(X)
    np.testing.assert_allclose(back(X[:1]), [[8.079263, 12.983641, 21.95094]], rtol=1e-5)


@pytest.mark.parametrize("axis", [-1, None, (1, 2), (0, -1)])
def test_normalization_of_batches_is_that_of_all(axis: Any) -> None:
    data = np.random.RandomState(0).rand(12, 2, 5) * 1e-3 + 100  # of large numbers whose squares cancel
    kept = () if axis is None else tuple(np.atleast_1d(axis) % 3)
    if 0 in kept:
        batches: Any = data
    else:
        batches = [data[:7], (data[7:9], np.ones(2)), [data[9:], np.ones(3)]]
    layer = layers.Normalization(axis=axis, dtype="float64")
    layer.adapt(batches if 0 in kept else iter(batches))
    axes = tuple(place for place in range(3) if place not in kept)
    np.testing.assert_allclose(layer.mean, data.mean(axes, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(layer.variance, data.var(axes, keepdims=True), rtol=1e-9)


def test_normalization_by_what_is_given() -> None:
    layer = layers.Normalization(axis=(1, 2), mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 16.0])
    x = np.random.RandomState(1).rand(4, 2, 3).astype("float32")
    np.testing.assert_allclose(layer(x), (x - [1, 2, 3]) / [2, 3, 4], rtol=1e-6)
    assert not layer.weights
    np.testing.assert_array_equal(layers.Normalization.from_config(layer.get_config())(x), layer(x))
    with pytest.raises(ValueError, match="without mean and variance to adapt"):
        layer.adapt(x)


def test_normalization_in_a_model_follows_adapt() -> None:
    layer = layers.Normalization(input_shape=(3,))
    model = dlnative.Sequential([layer, layers.Dense(1, kernel_initializer="ones")])
    before = model.predict(X, verbose=0)
    layer.adapt(X)
    after = model.predict(X, verbose=0)
    np.testing.assert_allclose(before[:, 0], X.sum(1), rtol=1e-5)
    np.testing.assert_allclose(after[:, 0], ((X - X.mean(0)) / X.std(0)).sum(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([], ValueError, "empty iterable"),
        (np.zeros((0, 3)), ValueError, "empty iterable"),
        (iter([3]), TypeError, "`.shape`"),
        (3, TypeError, "Unsupported data type"),
        (["a"], TypeError, "numbers"),
        (np.ones((2, 4)), ValueError, "incompatible shape"),
        ([X, np.ones((2, 4))], ValueError, "incompatible shape"),
    ],
)
def test_normalization_refuses_data(data: Any, error: Any, words: str) -> None:
    layer = layers.Normalization()
    layer.adapt(X)
    before = layer.mean
    with pytest.raises(error, match=words) as raised:
        layer.adapt(data)
    assert "\n" not in str(raised.value)
    np.testing.assert_array_equal(layer.mean, before)


def test_rescaling() -> None:
    np.testing.assert_allclose(
        layers.Rescaling([1.0, 2.0, 0.5], [0.0, 1.0, 2.0])(X[1:2]), [[5.196152, 17.0, 7.59017]], rtol=1e-6
    )
    x = np.arange(12, dtype="uint8").reshape(1, 3, 2, 2)
    before = dlnative.config.image_data_format()
    dlnative.config.set_image_data_format("channels_first")
    try:
        y = layers.Rescaling([1.0, 2.0, 3.0])(x)
    finally:
        dlnative.config.set_image_data_format(before)
    np.testing.assert_array_equal(y, x * np.array([1.0, 2, 3])[:, None, None])


@pytest.mark.parametrize(
    ("arguments", "data", "bounds"),
    [
        ({"num_bins": 4}, X, [3.0627923011779785, 7.569219589233398, 12.0]),
        ({"num_bins": 3}, np.arange(1000.0), [332.3331298828125, 665.6665649414062]),
        (
            {"num_bins": 5, "epsilon": 0.1},
            [X[:7, 0], X[7:, 1], X[:, 2]],
            [2.8284270763397217, 5.8411431312561035, 10.047913551330566, 12.466252326965332],
        ),
    ],
)
def test_discretization_finds_quantiles(arguments: Any, data: Any, bounds: Any) -> None:
    layer = layers.Discretization(**arguments)
    layer.adapt(data)
    assert layer.bin_boundaries == bounds
    np.testing.assert_array_equal(layer(X), np.digitize(X, np.float32(bounds)))
    assert layers.Discretization.from_config(layer.get_config()).bin_boundaries == bounds
    assert "trainable" not in layer.get_config()  # which Keras's does not take


VECTORS = {
    "one_hot": [([3, 0], [[0, 0, 0, 1], [1, 0, 0, 0]]), ([[3], [0]], [[0, 0, 0, 1], [1, 0, 0, 0]])],
    "multi_hot": [
        ([3, 2, 0, 0], [1, 0, 1, 1]),
        ([[0, 1], [3, 3]], [[1, 1, 0, 0], [0, 0, 0, 1]]),
        ([[[0, 1], [3, 3]]], [[[1, 0, 0, 1], [0, 1, 0, 1]]]),
    ],
    "count": [
        ([3, 2, 0, 0], [2, 0, 1, 1]),
        ([[0, 1], [3, 3]], [[1, 1, 0, 0], [0, 0, 0, 2]]),
        ([[[0, 1], [3, 3]]], [[[1, 0, 0, 1], [0, 1, 0, 1]]]),
    ],
}


@pytest.mark.parametrize("mode", VECTORS)
def test_vectors_of_classes(mode: str, backend: str) -> None:
    """The layers that give vectors give the same ones, and know their shape before."""
    del backend
    for numbers, expected in VECTORS[mode]:
        x = np.array(numbers)
        made: list[tuple[Any, Any]] = [
            (layers.CategoryEncoding(4, output_mode=mode), x),
            (layers.Discretization([1.0, 2.0, 3.0], output_mode=mode), x + 0.5),
            (layers.IntegerLookup(vocabulary=[5, 6, 7, 8], num_oov_indices=0, output_mode=mode), x + 5),
            (
                layers.StringLookup(vocabulary=list("abcd"), num_oov_indices=0, output_mode=mode),
                np.array(list("abcd"))[x],
            ),
        ]
        for layer, inputs in made:
            np.testing.assert_array_equal(layer(inputs), expected)
            assert layer.compute_output_shape(x.shape) == np.shape(expected)


def test_vectors_of_many_classes() -> None:
    """A vector for each of the 20,000 numbers would take 16 GB."""
    x = np.random.RandomState(0).randint(0, 200_000, (50, 400))
    y = layers.CategoryEncoding(200_000, output_mode="count")(x)
    assert y.sum() == x.size
    np.testing.assert_array_equal(y[7], np.bincount(x[7], minlength=200_000))


def test_category_encoding_in_a_model() -> None:
    model = dlnative.Sequential([dlnative.Input((2,)), layers.CategoryEncoding(3, output_mode="count")])
    assert model.predict(np.array([[0, 0], [2, 5]]), verbose=0).tolist() == [[2, 0, 0], [0, 0, 1]]


def test_category_encoding_with_weights() -> None:
    layer = layers.CategoryEncoding(num_tokens=4, output_mode="count")
    weights = np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]])
    y = layer([[0, 1], [0, 0], [1, 2], [3, 1]], count_weights=weights)
    np.testing.assert_allclose(y, [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0.2, 0, 0.4]], rtol=1e-6)
    with pytest.raises(ValueError, match="0 <= value < num_tokens"):
        layer([[0, 4]])


# Hashes.


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


# Vocabularies.


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


# Sounds.

SOUND = np.sin(np.arange(3000).reshape(2, 1500) ** 1.3 / 50).astype("float32")


def test_mel_spectrogram() -> None:
    given: dict[str, Any] = {"fft_length": 256, "sequence_stride": 100, "sequence_length": 200, "sampling_rate": 8000}
    layer = layers.MelSpectrogram(num_mel_bins=12, **given)
    np.testing.assert_allclose(layer(SOUND)[1, ::4, ::5], [
        [21.708904, -1.735696, -7.058015, 23.383778], [6.306022, -29.928566, -29.913921, 14.051630],
        [-7.189713, -43.860008, -43.860008, -0.318104],
    ], rtol=1e-4)  # fmt: skip
    plain = layers.MelSpectrogram(
        256, 64, num_mel_bins=8, power_to_db=False, window=None, mag_exp=1.0, min_freq=0.0, max_freq=2000
    )
    np.testing.assert_allclose(plain(SOUND[0])[::3, ::9], [
        [62.483467, 2.894739, 5.208944], [3.959365, 59.894188, 159.640991], [0.959375, 7.373015, 14.518701],
    ], rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("expand", [False, True])
def test_stft_spectrogram(first: bool, expand: bool) -> None:
    """Against the transform of NumPy, frame by frame, for two channels."""
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(100) / 99)
    signals = np.stack([SOUND, SOUND[:, ::-1]], -1)
    frames = np.stack([signals[:, at : at + 100] for at in range(0, 1401, 33)], 1)
    expected = (
        np.fft.rfft(frames * window[:, None], 128, axis=2) / window.sum()
    )  # (batch, frames, frequencies, channels)
    power = np.abs(expected) ** 2
    twice = np.where((np.arange(65) > 0) & (np.arange(65) < 64), 2.0, 1.0)[:, None]
    for mode, values in (
        ("real", expected.real), ("imag", expected.imag), ("magnitude", np.sqrt(np.maximum(power, 1e-7))),
        ("psd", power * twice), ("stft", np.concatenate([expected.real, expected.imag], 2)),
        ("log", np.log(np.sqrt(np.maximum(power, 1e-7)))), ("angle", np.angle(expected)),
    ):  # fmt: skip
        layer = layers.STFTSpectrogram(
            mode, 100, 33, 128, "hamming", scaling="spectrum", expand_dims=expand,
            data_format="channels_first" if first else "channels_last",
        )  # fmt: skip
        y = layer(np.swapaxes(signals, 1, 2) if first else signals)
        wanted = values
        if not expand:
            wanted = np.swapaxes(values, 2, 3).reshape(*values.shape[:2], -1)
            wanted = np.swapaxes(wanted, 1, 2) if first else wanted
        elif first:
            wanted = np.moveaxis(values, -1, 1)
        assert y.shape == wanted.shape
        if mode == "angle":  # which turns by 2 pi, and says nothing of what is 0
            loud = np.broadcast_to(power > 1e-6, values.shape)
            loud = loud if expand else np.swapaxes(loud, 2, 3).reshape(*values.shape[:2], -1)
            loud = np.moveaxis(loud, -1, 1) if first and expand else np.swapaxes(loud, 1, 2) if first else loud
            np.testing.assert_allclose(np.cos(y - wanted)[loud], 1, atol=1e-3)
        else:
            np.testing.assert_allclose(y, wanted, rtol=2e-4, atol=2e-4 if mode == "log" else 2e-6)
    model = dlnative.Sequential([dlnative.Input((None, 2)), layers.STFTSpectrogram(frame_length=8, padding="same")])
    assert model.predict(signals[:, :40], verbose=0).shape == (2, 10, 10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.MelSpectrogram(256, sequence_length=512), "fft_length"),
        (lambda: layers.MelSpectrogram(max_freq=9000), "max_freq"),
        (lambda: layers.STFTSpectrogram("power"), "mode"),
        (lambda: layers.STFTSpectrogram(frame_step=0), "frame_step"),
        (lambda: layers.STFTSpectrogram(frame_step=300), "frame_step"),
        (lambda: layers.STFTSpectrogram(fft_length=128), "fft_length"),
        (lambda: layers.STFTSpectrogram(padding="causal"), "padding"),
        (lambda: layers.STFTSpectrogram(window="unknowable"), "window"),
        (lambda: layers.Normalization(mean=1.0), "both `mean` and `variance`"),
        (lambda: layers.Normalization(mean=[1.0, np.nan], variance=[1.0, 1.0]), "finite"),
        (lambda: layers.Normalization(mean=[1.0], variance=1.0), "same shape"),
        (lambda: layers.Normalization(axis=2)(X), "range"),
        (lambda: layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0])(X), "broadcasts"),
        (lambda: layers.Normalization(axis="a"), "expected axis"),
        (lambda: layers.Rescaling("a"), "scale"),
        (lambda: layers.Discretization(), "either"),
        (lambda: layers.Discretization([1.0, 0.0]), "ascending"),
        (lambda: layers.Discretization([1.0], num_bins=3), "Both"),
        (lambda: layers.Discretization([1.0], output_mode="one_hot", sparse=True), "sparse"),
        (lambda: layers.Discretization(num_bins=3)(X), "adapt"),
        (lambda: layers.Discretization([0.0]).adapt(X), "num_bins"),
        (lambda: layers.CategoryEncoding(), "num_tokens"),
        (lambda: layers.CategoryEncoding(0), "num_tokens"),
        (lambda: layers.CategoryEncoding(3, "int"), "output_mode"),
        (lambda: layers.CategoryEncoding(3)([1], count_weights=[1.0]), "count_weights"),
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
