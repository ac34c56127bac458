"""MNIST, from Keras's cache or from where Keras fetches it."""

from __future__ import annotations

from typing import Any

from dlnative.datasets.stored import GOOGLE, Pair, read_arrays, stored

_CALL = "mnist.load_data"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: Any = "mnist.npz") -> tuple[Pair, Pair]:
    """Returns the 60,000 training and 10,000 test images of MNIST, 28 x 28 pixels.

    Args:
        path: a file in the layout of Keras's `mnist.npz`: a whole path, or a name in Keras's cache, `~/.keras/datasets` (or
            `datasets` under `KERAS_HOME`). One that is not there is fetched.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` uint8 between 0 and 255, labels `(n,)` uint8.

    Raises:
        FileNotFoundError: if a whole path is given and there is no such file.
        OSError: if the file cannot be fetched.
        ValueError: if what was fetched is not MNIST, or the file holds something else.

    Source:
        Y. LeCun, C. Cortes and C. Burges, the MNIST database of handwritten digits; CC BY-SA 3.0.
    """
    file = stored(_CALL, path or "mnist.npz", f"{GOOGLE}mnist.npz", _SHA256)
    x_train, y_train, x_test, y_test = read_arrays(_CALL, file, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)
