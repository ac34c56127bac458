"""Layers that prepare features. Values: Keras 3.15 on JAX, TensorFlow's documentation of its hashes, or formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import layers

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
    ],
)  # fmt: skip
def test_refusals(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)
