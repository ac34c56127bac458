"""Data sets: the shipped digits, and others from a cache: files in the layout of Keras's, made here."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import struct
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlnative import config
from dlnative.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)  # fmt: skip


def test_digits_are_the_1797_images() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1438, 8, 8)
    assert x_test.shape == (359, 8, 8)
    assert y_train.shape == (1438,)
    assert x_train.dtype == y_train.dtype == np.uint8
    images = np.concatenate([x_train, x_test])
    labels = np.concatenate([y_train, y_test])
    assert images.max() == 16
    # The counts of the digits and the sum of all pixels, as scikit-learn's copy has them.
    np.testing.assert_array_equal(np.bincount(labels), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert int(images.sum()) == 561718
    assert np.bincount(y_test, minlength=10).min() > 20


def test_digits_are_split_by_the_seed() -> None:
    first, again, other = digits.load_data(), digits.load_data(), digits.load_data(seed=1)
    np.testing.assert_array_equal(first[1][0], again[1][0])
    assert np.any(first[1][0] != other[1][0])
    (x_train, _), (x_test, _) = digits.load_data(test_split=0.5)
    assert len(x_test) == 898
    assert len(x_train) + len(x_test) == 1797
    for wrong in (0.0, 1.0, -0.2):
        with pytest.raises(ValueError, match=r"digits.load_data: expected a test_split in \(0, 1\)"):
            digits.load_data(test_split=wrong)


def stored() -> bytes:
    stream = io.BytesIO()
    x, y = np.zeros((2, 28, 28), np.uint8), np.array([3, 4], np.uint8)
    np.savez(stream, x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    return stream.getvalue()


def test_mnist_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").write_bytes(stored())
    (x_train, y_train), (x_test, _) = mnist.load_data()
    assert x_train.shape == (2, 28, 28)
    assert y_train.tolist() == [3, 4]
    assert x_test.shape == (1, 28, 28)
    (tmp_path / "mine.npz").write_bytes(stored())
    assert mnist.load_data(tmp_path / "mine.npz")[0][1].tolist() == [3, 4]
    with pytest.raises(FileNotFoundError, match=r"mnist.load_data: expected a file .*none\.npz"):
        mnist.load_data(tmp_path / "none.npz")


def test_mnist_is_fetched_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    content = stored()
    fetched: list[str] = []

    def urlopen(url: str, **arguments: Any) -> io.BytesIO:
        fetched.append(url)
        return io.BytesIO(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(ValueError, match=r"mnist.load_data: .*corrupted file detected: expected the hash 731c5ac"):
        mnist.load_data()
    assert not list((tmp_path / "datasets").iterdir())
    monkeypatch.setattr(mnist, "_SHA256", hashlib.sha256(content).hexdigest())
    assert mnist.load_data()[0][1].tolist() == [3, 4]
    assert mnist.load_data()[0][1].tolist() == [3, 4]
    assert len(fetched) == 2
    assert [path.name for path in (tmp_path / "datasets").iterdir()] == ["mnist.npz"]


def test_no_network_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def urlopen(url: str, **arguments: Any) -> Any:
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(OSError, match=r"mnist.load_data: expected .* or a way to fetch it.*https.*no route to host"):
        mnist.load_data()


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, x_train=np.array([{"a": 1}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        mnist.load_data(path)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras's cache of data sets."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def objects(rows: list[Any]) -> Any:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def test_fashion_mnist(cache: Path) -> None:
    folder = cache / "fashion-mnist"
    folder.mkdir()
    for part, count in (("train", 3), ("t10k", 2)):
        images, labels = np.arange(count * 784, dtype=np.uint8), np.arange(count, dtype=np.uint8)
        for kind, header, content in (
            ("images-idx3", struct.pack(">4I", 0x803, count, 28, 28), images),
            ("labels-idx1", struct.pack(">2I", 0x801, count), labels),
        ):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + content.tobytes()))
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((3, 28, 28), (2, 28, 28))
    assert x_train[1, 0, 5] == (784 + 5) % 256
    assert (y_train.tolist(), y_test.tolist()) == ([0, 1, 2], [0, 1])
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"short"))
    with pytest.raises(ValueError, match="IDX file"):
        fashion_mnist.load_data()


def cifar_batch(path: Path, count: int, **labels: Any) -> None:
    content: dict[Any, Any] = {key.encode(): list(value) for key, value in labels.items()}
    data = np.arange(count * 3072, dtype=np.int64).reshape(count, 3072) % 251
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content | {b"data": data.astype("uint8")}, protocol=2))


def test_cifar(cache: Path) -> None:
    ten = cache / "cifar-10-batches-py-target" / "cifar-10-batches-py"
    for name in (*[f"data_batch_{number}" for number in range(1, 6)], "test_batch"):
        cifar_batch(ten / name, 2, labels=[3, 4])
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (x_train.shape, x_test.shape) == ((10, 32, 32, 3), (2, 32, 32, 3))
    assert x_train[0, 1, 2].tolist() == [(32 + 2 + 1024 * channel) % 251 for channel in range(3)]
    assert y_train.tolist() == [[3], [4]] * 5
    assert y_test.dtype == x_test.dtype == np.uint8
    hundred = cache / "cifar-100-python-target" / "cifar-100-python"
    cifar_batch(hundred / "train", 2, fine_labels=[90, 91], coarse_labels=[1, 2])
    cifar_batch(hundred / "test", 1, fine_labels=[92], coarse_labels=[3])
    assert cifar100.load_data()[0][1].tolist() == [[90], [91]]
    assert cifar100.load_data("coarse", path=hundred)[1][1].tolist() == [[3]]
    config.set_image_data_format("channels_first")
    try:
        assert cifar10.load_data(ten)[0][0].shape == (10, 3, 32, 32)
    finally:
        config.set_image_data_format("channels_last")


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_pickled_code_is_not_run(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = cache / "cifar-100-python-target"
    folder.mkdir()
    (folder / "train").write_bytes(pickle.dumps({"data": Evil()}))
    with pytest.raises(ValueError, match="only numbers and arrays") as raised:
        cifar100.load_data()
    assert "\n" not in str(raised.value)
    np.savez(cache / "reuters.npz", x=objects([Evil()]), y=np.zeros(1))
    with pytest.raises(ValueError, match="only numbers and arrays"):
        reuters.load_data()
    assert capsys.readouterr().out == ""


TEXTS: list[Any] = [[1, 5, 9], [2], [3, 3, 8, 7], [4, 6], [1, 1]]


def test_imdb(cache: Path) -> None:
    """As Keras's code reads: shuffled by RandomState(113), training before testing."""
    labels = np.array([0, 1, 0, 1, 0])
    np.savez(cache / "imdb.npz", x_train=objects(TEXTS), y_train=labels, x_test=objects(TEXTS[:3]), y_test=labels[:3])
    random = np.random.RandomState(113)
    orders = []
    for count in (5, 3):
        order = np.arange(count)
        random.shuffle(order)
        orders.append(order)
    (x_train, y_train), (x_test, y_test) = imdb.load_data()
    # The largest number is out of range, as `num_words` is one more than the largest that is kept.
    expected = [
        [[1, *[word + 3 if word + 3 < 12 else 2 for word in TEXTS[place]]] for place in order] for order in orders
    ]
    assert x_train.tolist() == expected[0]
    assert x_test.tolist() == expected[1]
    assert y_train.tolist() == labels[orders[0]].tolist()
    assert y_test.tolist() == labels[orders[1]].tolist()
    (few, few_labels), _ = imdb.load_data(num_words=8, skip_top=5, maxlen=4, start_char=None, oov_char=None)
    kept = [place for place in orders[0] if len(TEXTS[place]) < 4]
    assert few.tolist() == [[word + 3 for word in TEXTS[place] if 5 <= word + 3 < 8] for place in kept]
    assert len(few_labels) == len(few) == 4
    with pytest.raises(ValueError, match="larger maxlen"):
        imdb.load_data(maxlen=1)
    (cache / "imdb_word_index.json").write_text(json.dumps({"film": 1}))
    assert imdb.get_word_index() == {"film": 1}


def test_reuters(cache: Path) -> None:
    np.savez(cache / "reuters.npz", x=objects(TEXTS), y=np.arange(5))
    (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=20, index_from=0, start_char=None)
    order = np.arange(5)
    np.random.RandomState(113).shuffle(order)
    assert [*x_train, *x_test] == [TEXTS[place] for place in order]
    assert [*y_train, *y_test] == order.tolist()
    assert len(x_test) == 1
    assert len(set(reuters.get_label_names())) == 46
    (cache / "reuters_word_index.json").write_text(json.dumps({"oil": 2}))
    assert reuters.get_word_index() == {"oil": 2}


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        (boston_housing, "boston_housing.npz", {}),
        (california_housing, "california_housing.npz", {}),
        (california_housing, "california_housing.npz", {"version": "small"}),
    ],
)
def test_housing(cache: Path, module: Any, name: str, arguments: Any) -> None:
    x = np.arange(2000.0).reshape(1000, 2)
    np.savez(cache / name, x=x, y=x[:, 0])
    count = 600 if arguments else 1000
    order = np.arange(count)
    np.random.RandomState(113).shuffle(order)
    (x_train, y_train), (x_test, y_test) = module.load_data(**arguments)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x[order])
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), x[order, 0])
    assert len(x_test) == count // 5
    with pytest.raises(ValueError, match="test_split"):
        module.load_data(test_split=1.0)
    np.savez(cache / name, x=x)
    with pytest.raises(ValueError, match="expected arrays x, y"):
        module.load_data()
