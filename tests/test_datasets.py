"""Data sets: the shipped digits, and MNIST from a cache."""

from __future__ import annotations

import hashlib
import io
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlnative.datasets import digits, mnist


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
    with pytest.raises(ValueError, match=r"mnist.load_data: expected a file with SHA-256 731c5ac"):
        mnist.load_data()
    assert not (tmp_path / "datasets").exists()
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
    with pytest.raises(
        OSError, match=r"mnist.load_data: expected .* or a way to fetch it from https.*no route to host"
    ):
        mnist.load_data()


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, x_train=np.array([{"a": 1}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        mnist.load_data(path)
