"""Fashion-MNIST, from Keras's cache or from where Keras fetches it."""

from __future__ import annotations

import gzip
import os
import struct
from typing import Any

import numpy as np

from dlnative.datasets.stored import GOOGLE, Array, Pair, read_arrays, stored

_CALL = "fashion_mnist.load_data"
_FOLDER = os.path.join("datasets", "fashion-mnist")


def load_data(path: Any = None) -> tuple[Pair, Pair]:
    """Returns the 60,000 training and 10,000 test images of Fashion-MNIST, 28 x 28 pixels of 10 kinds of clothes.

    Args:
        path: a directory with the four files; by default `fashion-mnist` in Keras's cache, where they are fetched to.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` uint8 between 0 and 255, labels `(n,)` uint8 in [0, 10):
        T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Raises:
        OSError: if a file is not there and cannot be fetched.
        ValueError: if a file holds something else.

    Source:
        H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
        Algorithms", 2017; MIT license.
    """
    if path is not None and os.path.isfile(path):  # in the layout of mnist.npz
        x_train, y_train, x_test, y_test = read_arrays(_CALL, os.fspath(path), "x_train", "y_train", "x_test", "y_test")
        return (x_train, y_train), (x_test, y_test)
    parts = []
    for part in ("train", "t10k"):
        images = _read(_file(path, f"{part}-images-idx3-ubyte.gz"), 3)
        labels = _read(_file(path, f"{part}-labels-idx1-ubyte.gz"), 1)
        if len(images) != len(labels):
            raise ValueError(f"{_CALL}: expected as many labels as images, got {len(labels)} and {len(images)}")
        parts.append((images, labels))
    return parts[0], parts[1]


def _file(path: Any, name: str) -> str:
    return stored(_CALL, name if path is None else os.path.join(path, name), f"{GOOGLE}{name}", None, _FOLDER)


def _read(file: str, rank: int) -> Array:
    """Returns the bytes of an IDX file."""
    try:
        with gzip.open(file, "rb") as stream:
            content = stream.read()
        magic, *shape = struct.unpack_from(f">{rank + 1}I", content)
    except (OSError, EOFError, struct.error) as error:
        raise ValueError(f"{_CALL}: expected an IDX file {file}, got: {error}") from None
    if magic != 0x800 + rank or len(content) != 4 * (rank + 1) + int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"{_CALL}: expected an IDX file of {rank} axes of bytes, got {file}")
    return np.frombuffer(content, np.uint8, offset=4 * (rank + 1)).reshape(shape)
