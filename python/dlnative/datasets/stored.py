"""Files of data sets: found by name in Keras's cache, or fetched to there; and arrays in them, without any code."""

from __future__ import annotations

import os
import pickle
import zipfile
from typing import Any, BinaryIO

import numpy as np

from dlnative.utils.files import get_file, keras_home

Array = np.ndarray[Any, Any]
Pair = tuple[Array, Array]

GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def stored(call: str, path: Any, origin: str, file_hash: str | None, folder: str = "datasets") -> str:
    """Returns the path of a file of a data set.

    A file that is there is taken as it is: files are fetched whole, and checked then.

    Args:
        call: who asks, for messages.
        path: a whole path, or a name in the cache.
        origin: where it is fetched from.
        file_hash: its hash.
        folder: the directory in the cache.

    Raises:
        FileNotFoundError: if a whole path is given and there is no such file.
        OSError: if the file cannot be fetched.
        ValueError: if what was fetched has another hash.
    """
    name = os.fspath(path)
    if os.path.exists(name):
        return name
    cached = os.path.join(keras_home(), folder, name)
    if os.path.exists(cached):
        return cached
    if os.path.dirname(name):
        raise FileNotFoundError(f"{call}: expected a file {name}, found none")
    try:
        return get_file(name, origin, file_hash=file_hash, cache_subdir=folder)
    except OSError as error:
        raise OSError(f"{call}: expected {cached} or a way to fetch it, got: {error}") from None
    except ValueError as error:
        raise ValueError(f"{call}: {error}") from None


def unpacked(call: str, name: str, origin: str, file_hash: str) -> str:
    """Returns the directory of an archive of a data set, unpacked in the cache."""
    folder = os.path.join(keras_home(), "datasets", name)
    if os.path.isdir(folder):
        return folder
    try:
        return get_file(name, origin, file_hash=file_hash, extract=True)
    except OSError as error:
        raise OSError(f"{call}: expected {folder} or a way to fetch it, got: {error}") from None


def read_arrays(call: str, path: str, *names: str, of_objects: bool = False) -> list[Array]:
    """Returns arrays of a file `.npz`.

    Args:
        call: who asks, for messages.
        path: the file.
        *names: of the arrays.
        of_objects: whether arrays may hold lists of numbers and text; nothing else is ever made of a file.

    Raises:
        ValueError: if the file is no such archive, an array is missing, or it would run code.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = []
            for name in names:
                with archive.open(f"{name}.npy") as stream:
                    found.append(_read_array(stream, of_objects))
            return found
    except (KeyError, zipfile.BadZipFile, ValueError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).strip("'\"").splitlines()[0]
        raise ValueError(f"{call}: expected arrays {', '.join(names)} in {path}, got: {reason}") from None


def _read_array(stream: Any, of_objects: bool) -> Array:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject and not of_objects:
        raise ValueError("numbers are expected, and objects are not read (as with allow_pickle=False)")
    if dtype.hasobject:
        array: Array = read_pickled(stream)
        if not isinstance(array, np.ndarray):
            raise ValueError(f"expected an array, got {type(array).__name__}")
        return array.reshape(shape)
    count = int(np.prod(shape, dtype=np.int64))
    content = stream.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        raise ValueError("the file is cut short")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C").copy()


def read_pickled(stream: BinaryIO) -> Any:
    """Returns what was pickled, if it is made of numbers, text, lists, dicts and arrays.

    Raises:
        pickle.UnpicklingError: if it is made of anything else; nothing of it is run.
    """
    return _Plain(stream, encoding="bytes").load()


class _Plain(pickle.Unpickler):
    """Knows arrays, and refuses every other class and function."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return _array
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            return _encoded
        raise pickle.UnpicklingError(
            f"only numbers and arrays are read (as with allow_pickle=False), not {module}.{name}"
        )


def _array(*arguments: Any) -> Array:
    del arguments
    return np.empty(0, "uint8")  # its state follows


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"expected bytes in latin1, got {encoding}")
    return text.encode("latin1")


def divided(call: str, x: Array, y: Array, test_split: float, seed: int) -> tuple[Pair, Pair]:
    """Returns rows in a random order, the last of them for testing."""
    if not 0 <= test_split < 1:
        raise ValueError(f"{call}: expected test_split in [0, 1), got {test_split!r}")
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    middle = int(len(x) * (1 - test_split))
    return (x[:middle], y[:middle]), (x[middle:], y[middle:])


def objects(rows: list[Any]) -> Array:
    """Returns lists of any lengths as an array of objects."""
    made = np.empty(len(rows), object)
    made[:] = rows
    return made
