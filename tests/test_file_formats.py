"""The formats of arrays in files, beside the libraries that know them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlnative import dtypes
from dlnative.saving import safetensors
from dlnative.saving.hdf5_reader import Dataset, Hdf5File
from dlnative.saving.hdf5_writer import Array, Tree, write_hdf5

TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"]


def many() -> Tree:
    """Groups with as many names as need a tree of several levels, arrays of all types, and of no elements."""
    random = np.random.default_rng(0)
    tree = Tree({"name": "model", "names": ["ab", "cde"], "count": np.int64(3)})
    for number in range(300):
        array = (10 * random.normal(size=(number % 4, 3))).astype(TYPES[number % len(TYPES)])
        tree.group("layers/dense/vars").parts[str(number)] = Array(array)
    for number in range(100):
        tree.group(f"layers/layer_{number}").attrs["name"] = "ä" * number
    tree.group("b").parts["scalar"] = Array(np.float32(2.5), {"dtype": "as it is"})
    tree.group("empty")
    return tree


def written(tree: Tree) -> bytes:
    stream = io.BytesIO()
    write_hdf5(tree, stream)
    return stream.getvalue()


def test_hdf5_is_read_as_it_was_written() -> None:
    tree = many()
    root = Hdf5File(written(tree), "file").root
    assert root.attrs == {"name": "model", "names": ["ab", "cde"], "count": 3}
    assert list(root) == ["b", "empty", "layers"]
    for number in range(300):
        part, expected = root.get(f"layers/dense/vars/{number}"), tree.group("layers/dense/vars").parts[str(number)]
        assert isinstance(part, Dataset)
        assert isinstance(expected, Array)
        np.testing.assert_array_equal(part.read(), expected.value, strict=True)
    assert [root.get(f"layers/layer_{n}").attrs["name"] for n in range(100)] == ["ä" * n for n in range(100)]
    assert root.get("b/scalar").attrs == {"dtype": "as it is"}
    assert root.get("b/other") is None
    assert root.get("b/scalar/more") is None


def test_hdf5_for_the_library() -> None:
    h5py = pytest.importorskip("h5py")
    tree = many()
    with h5py.File(io.BytesIO(written(tree)), "r") as file:
        assert file.attrs["name"] == "model"
        assert file.attrs["names"].tolist() == [b"ab", b"cde"]
        assert len(file["layers/dense/vars"]) == 300
        for number in range(300):
            expected = tree.group("layers/dense/vars").parts[str(number)]
            assert isinstance(expected, Array)
            np.testing.assert_array_equal(np.asarray(file[f"layers/dense/vars/{number}"]), expected.value, strict=True)
        assert [file[f"layers/layer_{n}"].attrs["name"] for n in range(100)] == ["ä" * n for n in range(100)]
        assert float(file["b/scalar"][()]) == 2.5


def test_hdf5_of_the_library() -> None:
    h5py = pytest.importorskip("h5py")
    stream = io.BytesIO()
    random = np.random.default_rng(0)
    arrays = {f"{name}_{n}": (10 * random.normal(size=(n, 2))).astype(name) for name in TYPES for n in (0, 1, 5)}
    with h5py.File(stream, "w") as file:
        for name, array in arrays.items():
            file[f"a/b/{name}"] = array
        file["a/big"] = np.arange(6, dtype=">i4").reshape(2, 3)
        file["a"].attrs.update(
            {"text": "ä", "bytes": b"xyz", "list": ["one", "three"], "number": 4, "array": [1.0, 2.0]}
        )
        file["a/text"] = "words"
    root = Hdf5File(stream.getvalue(), "file").root
    for name, array in arrays.items():
        np.testing.assert_array_equal(root.get(f"a/b/{name}").read(), array, strict=True)
    np.testing.assert_array_equal(root.get("a/big").read(), [[0, 1, 2], [3, 4, 5]])
    found = root.get("a").attrs
    assert found.pop("array").tolist() == [1.0, 2.0]
    assert found == {"text": "ä", "bytes": "xyz", "list": ["one", "three"], "number": 4}
    assert root.get("a/text").read() == "words"


def test_bfloat16() -> None:
    pytest.importorskip("ml_dtypes")
    bfloat16 = dtypes.NUMPY["bfloat16"]
    values = np.array([1.0, -2.5, 3e38], "float32").astype(bfloat16)
    tree = Tree()
    tree.parts["x"] = Array(values)
    part = Hdf5File(written(tree), "file").root.get("x")
    assert isinstance(part, Dataset)
    np.testing.assert_array_equal(part.read().astype("float32"), values.astype("float32"))
    assert part.attrs == {"dtype": "bfloat16"}


def test_safetensors_beside_the_library(tmp_path: Path) -> None:
    library: Any = pytest.importorskip("safetensors.numpy")
    random = np.random.default_rng(0)
    arrays = {f"a/{name}": (10 * random.normal(size=(3, 2))).astype(name) for name in TYPES}
    arrays["a/scalar"] = np.array(2.5, "float32")
    stream = io.BytesIO()
    safetensors.write(arrays, stream)
    for name, array in library.load(stream.getvalue()).items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)
    reader = safetensors.reader(library.save(arrays), "file")
    for name, array in arrays.items():
        np.testing.assert_array_equal(reader.get("a")[name.removeprefix("a/")], array, strict=True)
