"""MNIST, from Keras's cache or from where Keras fetches it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Returns the 60,000 training and 10,000 test images of MNIST, 28 x 28 pixels.

    Args:
        path: a file in the layout of Keras's `mnist.npz`: a whole path, or a name in Keras's cache, `~/.keras/datasets` (or
            `datasets` under `KERAS_HOME`). By default `mnist.npz` there, which is fetched if it is absent.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` uint8 between 0 and 255, labels `(n,)` uint8.

    Raises:
        FileNotFoundError: if a path is given and there is no such file.
        OSError: if the file cannot be fetched.
        ValueError: if what was fetched is not MNIST.

    Source:
        Y. LeCun, C. Cortes and C. Burges, the MNIST database of handwritten digits; CC BY-SA 3.0.
    """
    cache = os.path.join(os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras"), "datasets")
    name = os.fspath(path) if path is not None else "mnist.npz"
    file = name if os.path.exists(name) else os.path.join(cache, name)
    if not os.path.exists(file):
        if path is not None and os.path.isabs(name):
            raise FileNotFoundError(f"mnist.load_data: expected a file {name}, found none")
        _fetch(file)
    with np.load(file, allow_pickle=False) as stored:
        return (stored["x_train"], stored["y_train"]), (stored["x_test"], stored["y_test"])


def _fetch(file: str) -> None:
    """Fetches MNIST to a file, which appears only when it is whole and right."""
    import hashlib
    import urllib.request

    try:
        with urllib.request.urlopen(_URL, timeout=60) as response:
            content = response.read()
    except OSError as error:
        raise OSError(f"mnist.load_data: expected {file} or a way to fetch it from {_URL}, got: {error}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != _SHA256:
        raise ValueError(f"mnist.load_data: expected a file with SHA-256 {_SHA256}, got {found}")
    os.makedirs(os.path.dirname(file), exist_ok=True)
    partial = f"{file}.{os.getpid()}.part"
    with open(partial, "wb") as stream:
        stream.write(content)
    os.replace(partial, file)
