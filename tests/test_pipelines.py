"""`Dataset`, what makes one of series and directories, and files from URLs."""

from __future__ import annotations

import collections
import hashlib
import io
import pathlib
import tarfile
import threading
import time
import wave
import zipfile
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative.data import AUTOTUNE, Dataset
from dlnative.utils import (
    audio_dataset_from_directory,
    get_file,
    split_dataset,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)


def lists(dataset: Any) -> list[Any]:
    def plain(item: Any) -> Any:
        if isinstance(item, tuple):
            return tuple(map(plain, item))
        return {key: plain(part) for key, part in item.items()} if isinstance(item, dict) else item.tolist()

    return [plain(item) for item in dataset]


# Pipelines: what each step gives of 0 to 5, and how many.
STEPS: list[tuple[Any, Any]] = [
    (lambda d: d, [0, 1, 2, 3, 4, 5]),
    (lambda d: d.map(lambda x: x * 2), [0, 2, 4, 6, 8, 10]),
    (lambda d: d.map(lambda x: (x, -x)).map(lambda x, y: x - y, num_parallel_calls=AUTOTUNE), [0, 2, 4, 6, 8, 10]),
    (lambda d: d.filter(lambda x: x % 2 == 0), [0, 2, 4]),
    (lambda d: d.batch(4), [[0, 1, 2, 3], [4, 5]]),
    (lambda d: d.batch(4, drop_remainder=True), [[0, 1, 2, 3]]),
    (lambda d: d.map(lambda x: x).batch(4), [[0, 1, 2, 3], [4, 5]]),
    (lambda d: d.batch(4).unbatch(), [0, 1, 2, 3, 4, 5]),
    (lambda d: d.take(2), [0, 1]),
    (lambda d: d.batch(2).take(1), [[0, 1]]),
    (lambda d: d.skip(4), [4, 5]),
    (lambda d: d.map(lambda x: x).skip(4), [4, 5]),
    (lambda d: d.take(-1).skip(-1), []),
    (lambda d: d.take(2).repeat(2), [0, 1, 0, 1]),
    (lambda d: d.repeat().take(8), [0, 1, 2, 3, 4, 5, 0, 1]),
    (lambda d: d.take(1).concatenate(d.skip(5)), [0, 5]),
    (lambda d: d.take(2).enumerate(start=3), [(3, 0), (4, 1)]),
    (lambda d: d.prefetch(AUTOTUNE).cache().prefetch(3), [0, 1, 2, 3, 4, 5]),
    (lambda d: Dataset.zip((d, d.skip(3))), [(0, 3), (1, 4), (2, 5)]),
    (lambda d: Dataset.zip({"a": d, "b": d}).take(1), [{"a": 0, "b": 0}]),
    (lambda d: d.map(lambda x: np.arange(x)).take(3).padded_batch(3, padding_values=9), [[[9, 9], [0, 9], [0, 1]]]),
    (lambda d: d.apply(lambda inner: inner.take(1)), [0]),
    (lambda d: Dataset.range(2, 9, 3), [2, 5, 8]),
    (lambda d: Dataset.from_tensors([1, 2]), [[1, 2]]),
    (lambda d: Dataset.from_tensor_slices({"a": [1, 2], "b": ([3, 4],)}), [{"a": 1, "b": (3,)}, {"a": 2, "b": (4,)}]),
    (lambda d: Dataset.from_generator(lambda n: iter(range(n)), output_types="int8", args=(2,)), [0, 1]),
]


@pytest.mark.parametrize(("step", "expected"), STEPS)
def test_steps_of_a_pipeline(step: Any, expected: Any) -> None:
    """Each gives the same again in a second pass, and knows its length if it says one."""
    dataset = step(Dataset.from_tensor_slices(np.arange(6)))
    assert lists(dataset) == expected
    assert lists(dataset) == expected
    assert int(dataset.cardinality()) in (len(expected), -2)
    if int(dataset.cardinality()) >= 0:
        assert len(dataset) == len(expected)


def test_elements_are_arrays_with_what_tensors_have() -> None:
    """As loops over batches are written for TensorFlow."""
    for x, y in (
        Dataset.from_tensor_slices((np.ones((3, 2)), np.array([2, 0, 1]), np.array(["a", "b", "c"])))
        .map(lambda x, y, z: (x, y))
        .batch(3)
    ):
        assert type(x[0].numpy()) is np.ndarray
        assert y[0].numpy() == 2
        assert ["cat", "dog", "eel"][y[0]] == "eel"
        assert int(y[1]) == 0
        assert collections.Counter(y)[2] == 1
        assert type(np.concatenate([y, y])) is np.ndarray
    (text,) = Dataset.from_tensors((["a", "b"],)).as_numpy_iterator()
    assert text[0].tolist() == ["a", "b"]


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("buffer", [3, 50])
def test_shuffling(rows: bool, buffer: int) -> None:
    numbers = Dataset.range(50) if rows else Dataset.range(50).map(lambda x: x)
    dataset = numbers.shuffle(buffer, seed=3)
    first, second = lists(dataset), lists(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(50))
    assert all(place >= number - buffer for place, number in enumerate(first)) or buffer == 50
    assert lists(numbers.shuffle(buffer, seed=3)) == first
    fixed = numbers.shuffle(buffer, seed=3, reshuffle_each_iteration=False)
    assert lists(fixed) == lists(fixed)
    dlnative.utils.set_random_seed(1)
    one = lists(numbers.shuffle(buffer))
    dlnative.utils.set_random_seed(1)
    assert lists(numbers.shuffle(buffer)) == one


def test_prefetching_is_ahead_and_ends() -> None:
    made: list[int] = []

    def numbers() -> Any:
        for number in range(100):
            made.append(number)
            yield number

    before = threading.active_count()
    for item in Dataset.from_generator(numbers).prefetch(3):
        deadline = time.monotonic() + 5
        while len(made) < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert len(made) >= 3
        assert int(item) == 0
        break
    assert len(made) < 10
    assert threading.active_count() == before

    def broken() -> Any:
        yield 1
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        lists(Dataset.from_generator(broken).prefetch(2))


def test_models_take_pipelines() -> None:
    x = np.random.RandomState(0).rand(20, 3).astype("float32")
    y = x.sum(1, keepdims=True)
    model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1)])
    model.compile("sgd", "mse")
    batches = Dataset.from_tensor_slices((x, y)).shuffle(20).batch(8).map(lambda x, y: (x, y)).prefetch(AUTOTUNE)
    history = model.fit(batches, validation_data=batches, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    np.testing.assert_allclose(
        model.predict(Dataset.from_tensor_slices(x).batch(7), verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )
    assert model.evaluate(batches, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-5)
    with pytest.raises(ValueError, match=r"fit: expected a Dataset of batches, .* call batch"):
        model.fit(Dataset.from_tensor_slices((x, y)), verbose=0)
    endless = batches.repeat()
    assert len(model.fit(endless, epochs=2, steps_per_epoch=2, verbose=0).history["loss"]) == 2
    layer = dlnative.layers.Normalization()
    layer.adapt(batches)
    np.testing.assert_allclose(layer.mean[0], x.mean(0), rtol=1e-5)


@pytest.mark.parametrize(
    "steps",
    [
        lambda rows: rows.batch(8),
        lambda rows: rows.shuffle(50, seed=3).batch(7, drop_remainder=True).prefetch(2),
        lambda rows: rows.shuffle(50, seed=3).take(9).batch(4),
        lambda rows: rows.skip(5).batch(6).repeat(),
    ],
)
def test_rows_of_arrays_are_taken_by_the_model_itself(steps: Any) -> None:
    """With the same batches in the same order as those that are made one by one."""
    random = np.random.RandomState(0)
    x, y, weights = random.rand(20, 3).astype("float32"), random.rand(20, 1), random.rand(20)
    rows = Dataset.from_tensor_slices((x, y, weights))
    results = []
    for change in (lambda batches: batches, lambda batches: batches.map(lambda *items: items)):
        model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse", weighted_metrics=["mae"])
        batches = change(steps(rows))
        steps_per_epoch = 2 if int(batches.cardinality()) < 0 else None
        history = model.fit(batches, epochs=3, steps_per_epoch=steps_per_epoch, verbose=0).history
        results.append((history, model.get_weights()[0], model.predict(batches.take(2), verbose=0)))
    for made, expected in zip(*results, strict=True):
        if isinstance(made, dict):
            assert made == expected
        else:
            np.testing.assert_array_equal(made, expected)
    with pytest.raises(ValueError, match="nan"):
        model.fit(Dataset.from_tensor_slices((x * np.nan, y)).batch(4), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "windows", "targets"),
    [
        ({}, [[[0, 1, 2], [1, 2, 3]], [[2, 3, 4], [3, 4, 5]], [[4, 5, 6]]], [[10, 11], [12, 13], [14]]),
        ({"sequence_stride": 3}, [[[0, 1, 2], [3, 4, 5]]], [[10, 13]]),
        ({"sampling_rate": 2}, [[[0, 2, 4], [1, 3, 5]], [[2, 4, 6]]], [[10, 11], [12]]),
        ({"start_index": 1, "end_index": 5}, [[[1, 2, 3], [2, 3, 4]]], [[11, 12]]),
        ({"batch_size": None, "start_index": 4}, [[4, 5, 6]], [14]),
    ],
)
def test_windows_of_a_series(arguments: Any, windows: Any, targets: Any) -> None:
    series = np.arange(7)
    given: dict[str, Any] = {"sequence_length": 3, "batch_size": 2} | arguments
    assert lists(timeseries_dataset_from_array(series, series + 10, **given)) == list(
        zip(windows, targets, strict=True)
    )
    assert lists(timeseries_dataset_from_array(series, None, **given)) == windows
    shuffled = timeseries_dataset_from_array(series, series, **given, shuffle=True, seed=1)
    for x, y in shuffled.unbatch() if given["batch_size"] else shuffled:
        assert x[0] == y


@pytest.mark.parametrize("batched", [True, False])
def test_splitting(batched: bool) -> None:
    x, y = np.arange(10), np.arange(10) * 2
    whole = Dataset.from_tensor_slices((x, y))
    left, right = split_dataset(whole.batch(4) if batched else whole, left_size=0.7)
    if batched:
        assert [item[0].tolist() for item in left] == [[0, 1, 2, 3], [4, 5, 6]]
        left, right = left.unbatch(), right.unbatch()
    assert lists(left) == [(i, 2 * i) for i in range(7)]
    assert lists(right) == [(i, 2 * i) for i in range(7, 10)]
    first, last = split_dataset((x, y), left_size=2, right_size=3)
    assert [item[0] for item in lists(first)] == [0, 1]
    assert [item[0] for item in lists(last)] == [7, 8, 9]
    some, others = split_dataset(x, right_size=4, shuffle=True, seed=1)
    assert sorted(lists(some) + lists(others)) == list(range(10))
    assert lists(some) != sorted(lists(some))


# Directories.


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
    assert lists(dataset)[1] == (["good 0 ä", "good 1 ä", "good 2 ä"], [1, 1, 1])
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


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Dataset.from_tensor_slices((np.ones(2), np.ones(3))), ValueError, "one length"),
        (lambda: Dataset.from_tensor_slices(3), ValueError, "one length"),
        (lambda: Dataset.from_generator(iter([])), TypeError, "function"),
        (lambda: Dataset.range(3).batch(0), ValueError, "batch_size"),
        (lambda: Dataset.range(3).shuffle(0), ValueError, "buffer_size"),
        (lambda: Dataset.range(3).cache("file"), ValueError, "filename"),
        (lambda: Dataset.range(3).padded_batch(2, (3,)), ValueError, "padded_shapes"),
        (lambda: lists(Dataset.range(3).map(np.arange).batch(2)), ValueError, "one shape"),
        (lambda: len(Dataset.range(3).repeat()), TypeError, "without an end"),
        (lambda: len(Dataset.range(3).filter(bool)), TypeError, "unknown length"),
        (lambda: split_dataset(3, 0.5), TypeError, "expected arrays"),
        (lambda: split_dataset(np.ones(4)), ValueError, "must be specified"),
        (lambda: split_dataset(np.ones(4), 0.5, 0.6), ValueError, "greater"),
        (lambda: split_dataset(np.ones(4), 5), ValueError, "left_size"),
        (lambda: split_dataset(np.ones(4), "a"), TypeError, "left_size"),  # type: ignore[arg-type]
        (lambda: split_dataset(np.ones(4), 0.01), ValueError, "both sides"),
        (lambda: split_dataset([], 0.5), ValueError, "empty list"),
        (lambda: split_dataset([[1]], 0.5), ValueError, "numpy.ndarray"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, start_index=-1), ValueError, "start_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, start_index=5), ValueError, "start_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, end_index=9), ValueError, "end_index"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, sampling_rate=0), ValueError, "sampling_rate"),
        (lambda: timeseries_dataset_from_array(np.arange(5), None, 2, 9), ValueError, "sequence_stride"),
        (lambda: audio_dataset_from_directory(".", ragged=True), ValueError, "ragged"),
        (lambda: audio_dataset_from_directory(".", sampling_rate=0), ValueError, "sampling_rate"),
    ],
)
def test_refusals(make: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)


# Files from URLs.


def archive(path: pathlib.Path, names: list[str], link: str | None = None) -> str:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name in names:
                zipped.writestr(name, "inside")
    else:
        with tarfile.open(path, "w:gz") as tar:
            for name in names:
                entry = tarfile.TarInfo(name)
                entry.size = 6
                tar.addfile(entry, io.BytesIO(b"inside"))
            if link is not None:
                entry = tarfile.TarInfo("link")
                entry.type, entry.linkname = tarfile.SYMTYPE, link
                tar.addfile(entry)
    return path.as_uri()


def test_a_file_is_fetched_once(tmp_path: pathlib.Path) -> None:
    source, cache = tmp_path / "source.txt", tmp_path / "cache"
    source.write_text("first")
    hashes = [function(b"first").hexdigest() for function in (hashlib.sha256, hashlib.md5)]
    path = get_file("mine.txt", source.as_uri(), cache_dir=cache, file_hash=hashes[0])
    assert path == str(cache / "datasets" / "mine.txt")
    source.write_text("second")
    assert (
        pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache, md5_hash=hashes[1])).read_text() == "first"
    )
    assert pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache)).read_text() == "first"
    with pytest.raises(ValueError, match="Incomplete or corrupted file detected"):
        get_file("mine.txt", source.as_uri(), cache_dir=cache, file_hash=hashes[0], force_download=True)
    assert pathlib.Path(path).read_text() == "first"
    assert (
        pathlib.Path(get_file("mine.txt", source.as_uri(), cache_dir=cache, force_download=True)).read_text()
        == "second"
    )
    assert [item.name for item in (cache / "datasets").iterdir()] == ["mine.txt"]
    with pytest.raises(OSError, match=r"get_file: URL fetch failure on file://.*none") as raised:
        get_file(origin=(tmp_path / "none").as_uri(), cache_dir=cache)
    assert "\n" not in str(raised.value)
    for arguments, words in (({"origin": None}, "origin"), ({"fname": "a/b", "origin": "file:///x"}, "fname")):
        with pytest.raises(ValueError, match=words):
            get_file(**arguments, cache_dir=cache)


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_archives_are_unpacked(tmp_path: pathlib.Path, kind: str) -> None:
    url = archive(tmp_path / f"flowers{kind}", ["a/b.txt", "c.txt"])
    folder = pathlib.Path(get_file("flowers", url, extract=True, cache_dir=tmp_path / "cache"))
    assert folder == tmp_path / "cache" / "datasets" / "flowers"
    assert sorted(item.name for item in folder.rglob("*.txt")) == ["b.txt", "c.txt"]
    assert get_file("flowers", url, extract=True, cache_dir=tmp_path / "cache") == str(folder)
    dotted = get_file(f"flowers{kind}", url, extract=True, cache_dir=tmp_path / "cache")
    assert pathlib.Path(dotted).name == "flowers_extracted"


@pytest.mark.parametrize(
    ("name", "entries", "link"),
    [
        ("a.zip", ["../outside.txt"], None),
        ("a.tar.gz", ["../outside.txt"], None),
        ("a.tar.gz", ["/tmp/outside.txt"], None),
        ("a.tar.gz", ["fine.txt"], "../../outside"),
        ("a.tar.gz", ["fine.txt"], "/etc"),
    ],
)
def test_archives_stay_inside(tmp_path: pathlib.Path, name: str, entries: list[str], link: str | None) -> None:
    url = archive(tmp_path / name, entries, link)
    with pytest.raises(ValueError, match="inside") as raised:
        get_file("unsafe", url, extract=True, cache_dir=tmp_path / "cache")
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob("outside*"))
    assert not (tmp_path / "cache" / "datasets" / "unsafe").exists()


def test_what_is_no_archive(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ValueError, match="Could not extract"):
        get_file("unsafe", (tmp_path / "a.txt").as_uri(), extract=True, cache_dir=tmp_path / "cache")
    cut = tmp_path / "cut.tar.gz"
    archive(cut, ["a.txt"] * 3)
    cut.write_bytes(cut.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"expected a whole archive|Could not extract"):
        get_file("unsafe", cut.as_uri(), extract=True, cache_dir=tmp_path / "cache")
