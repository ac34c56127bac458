"""Data sets of texts, sounds and pictures in directories."""

from __future__ import annotations

import pathlib
import wave
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.data import AUTOTUNE
from dlnative.utils import audio_dataset_from_directory, text_dataset_from_directory


@pytest.fixture
def texts(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, count in (("bad", 3), ("good", 5)):
        folder = tmp_path / "texts" / name
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number}.txt").write_text(f"{name} {number} ä", encoding="utf-8")
    (tmp_path / "texts" / "good" / "other.doc").write_text("no text")
    return tmp_path / "texts"


def test_texts_in_directories(texts: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = text_dataset_from_directory(texts, batch_size=3, shuffle=False)
    assert "Found 8 files belonging to 2 classes." in capsys.readouterr().out
    assert dataset.class_names == ["bad", "good"]
    assert len(dataset) == 3
    assert len(dataset.file_paths) == 8
    assert [part.tolist() for part in list(dataset)[1]] == [["good 0 ä", "good 1 ä", "good 2 ä"], [1, 1, 1]]
    for x, y in text_dataset_from_directory(texts, batch_size=None, seed=2, verbose=False):
        assert ["bad", "good"][int(y)] == x.item().split()[0]
    binary = text_dataset_from_directory(
        texts, label_mode="binary", class_names=["good", "bad"], verbose=False, max_length=4
    )
    x, y = next(iter(binary))
    assert y.shape == (8, 1)
    assert y.dtype == "float32"
    assert {(item, float(label[0])) for item, label in zip(x, y, strict=True)} == {("good", 0.0), ("bad ", 1.0)}
    categorical = text_dataset_from_directory(texts, label_mode="categorical", verbose=False, shuffle=False)
    np.testing.assert_array_equal(next(iter(categorical))[1], np.eye(2)[[0, 0, 0, 1, 1, 1, 1, 1]])
    assert next(iter(text_dataset_from_directory(texts, labels=None, verbose=False))).shape == (8,)
    listed = text_dataset_from_directory(texts, labels=[4, 4, 4, 5, 6, 7, 7, 7], verbose=False)
    assert listed.class_names == ["4", "5", "6", "7"]


def test_texts_are_split(texts: pathlib.Path) -> None:
    given: dict[str, Any] = {"validation_split": 0.25, "seed": 5, "verbose": False}
    train, test = text_dataset_from_directory(texts, subset="both", **given)
    assert (len(train.file_paths), len(test.file_paths)) == (6, 2)
    assert not set(train.file_paths) & set(test.file_paths)
    alone = text_dataset_from_directory(texts, subset="validation", **given)
    assert alone.file_paths == test.file_paths
    order = np.arange(8)
    np.random.RandomState(5).shuffle(order)  # the order of Keras
    names = sorted(str(path) for path in texts.glob("*/*.txt"))
    assert train.file_paths == [names[place] for place in order[:6]]


def test_a_model_learns_from_texts_in_directories(texts: pathlib.Path) -> None:
    dataset = text_dataset_from_directory(texts, batch_size=4, verbose=False)
    vectorize = dlnative.layers.TextVectorization(output_mode="count")
    vectorize.adapt(dataset.map(lambda x, y: x))
    model = dlnative.Sequential([dlnative.Input((vectorize.vocabulary_size(),)), dlnative.layers.Dense(2, "softmax")])
    model.compile(dlnative.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(dataset.map(lambda x, y: (vectorize(x), y)), epochs=30, verbose=0)
    assert model.evaluate(dataset.map(lambda x, y: (vectorize(x), y)), verbose=0)[1] == 1


def wave_file(path: pathlib.Path, samples: Any, width: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.asarray(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(8000)
        offset = 128 if width == 1 else 0
        content = b"".join(
            int(sample + offset).to_bytes(width, "little", signed=width > 1) for sample in samples.ravel()
        )
        file.writeframes(content)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sounds_in_directories(tmp_path: pathlib.Path, width: int) -> None:
    scale = 2 ** (8 * width - 1)
    wave_file(tmp_path / "high" / "a.wav", [[scale // 2, -scale], [0, scale - 1]], width)
    wave_file(tmp_path / "low" / "b.wav", [[-scale // 4, 0]], width)
    sounds, labels = next(iter(audio_dataset_from_directory(tmp_path, shuffle=False, verbose=False)))
    expected = [[[0.5, -1], [0, (scale - 1) / scale]], [[-0.25, 0], [0, 0]]]
    np.testing.assert_allclose(sounds, expected, rtol=1e-6)
    assert labels.tolist() == [0, 1]
    cut = audio_dataset_from_directory(tmp_path, output_sequence_length=3, shuffle=False, verbose=False)
    assert next(iter(cut))[0].shape == (2, 3, 2)


@pytest.mark.parametrize(
    ("interpolation", "size", "fit"),
    [
        ("nearest", (7, 9), {}),
        ("bilinear", (24, 5), {}),
        ("bicubic", (7, 9), {}),
        ("lanczos3", (24, 5), {}),
        ("lanczos5", (7, 9), {}),
        ("bilinear", (7, 9), {"crop_to_aspect_ratio": True}),
        ("bilinear", (24, 5), {"crop_to_aspect_ratio": True}),
        ("bilinear", (7, 9), {"pad_to_aspect_ratio": True}),
        ("bilinear", (24, 5), {"pad_to_aspect_ratio": True}),
    ],
)
def test_pictures_are_resized_as_in_a_model(interpolation: str, size: Any, fit: Any, tmp_path: pathlib.Path) -> None:
    """As `ops.image.resize`, which Keras's own images are compared with."""
    pytest.importorskip("PIL")
    picture = np.random.RandomState(0).randint(0, 256, (20, 13, 3)).astype("uint8")
    dlnative.utils.save_img(tmp_path / "a.png", picture, scale=False)
    dataset = dlnative.utils.image_dataset_from_directory(
        tmp_path, labels=None, image_size=size, interpolation=interpolation, verbose=False, **fit
    )
    expected = dlnative.ops.image.resize(picture.astype("float32"), size, interpolation, **fit)
    (found,) = next(iter(dataset))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def test_pictures_in_directories(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("PIL")
    for name, value, count in (("dark", 20, 3), ("light", 200, 4)):
        (tmp_path / name / "more").mkdir(parents=True)
        for number in range(count):
            array = np.full((9 + number, 12, 3), value, "uint8")
            dlnative.utils.save_img(tmp_path / name / "more" / f"{number}.png", array, scale=False)
    make: Any = dlnative.preprocessing.image_dataset_from_directory
    given: dict[str, Any] = {"image_size": 8, "seed": 3, "verbose": False}
    dataset = make(tmp_path, batch_size=4, **given)
    assert dataset.class_names == ["dark", "light"]
    assert [x.shape for x, _ in dataset] == [(4, 8, 8, 3), (3, 8, 8, 3)]
    for x, y in dataset.unbatch():
        assert x.numpy().mean() == pytest.approx([20, 200][int(y)])
    gray = make(tmp_path, color_mode="grayscale", data_format="channels_first", label_mode="binary", **given)
    x, y = next(iter(gray))
    assert (x.shape, y.shape) == ((7, 1, 8, 8), (7, 1))
    train, test = make(tmp_path, validation_split=0.3, subset="both", **given)
    model = dlnative.Sequential([
        dlnative.Input((8, 8, 3)), dlnative.layers.Rescaling(1 / 255), dlnative.layers.Flatten(),
        dlnative.layers.Dense(2, "softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(train.cache().prefetch(AUTOTUNE), validation_data=test, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert model.predict(test, verbose=0).shape == (2, 2)
    (tmp_path / "dark" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"expected a picture in .*broken"):
        list(make(tmp_path, **given))
    for wrong in ({"color_mode": "cmyk"}, {"image_size": (3,)}, {"interpolation": "area"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            make(tmp_path, **given | wrong)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"labels": "other"}, "labels"),
        ({"labels": [1, 2]}, "number of files"),
        ({"labels": None, "class_names": ["bad"]}, "class_names"),
        ({"class_names": ["none"]}, "did not match"),
        ({"label_mode": "multi"}, "label_mode"),
        ({"label_mode": "binary", "class_names": ["bad"]}, "exactly 2"),
        ({"validation_split": 2.0, "subset": "both", "seed": 1}, "between 0 and 1"),
        ({"validation_split": 0.2}, "subset"),
        ({"validation_split": 0.2, "subset": "test", "seed": 1}, "subset"),
        ({"validation_split": 0.2, "subset": "both"}, "seed"),
        ({"validation_split": 0.01, "subset": "validation", "seed": 1}, "No text files"),
        ({"format": "grain"}, "format"),
        ({"batch_size": 0}, "batch_size"),
        ({"directory": "/nowhere"}, "directory"),
    ],
)
def test_directories_are_refused(texts: pathlib.Path, arguments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as raised:
        text_dataset_from_directory(**({"directory": texts, "verbose": False} | arguments))
    assert "\n" not in str(raised.value)
