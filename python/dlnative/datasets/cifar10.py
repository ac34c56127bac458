"""CIFAR-10, from Keras's cache or from where Keras fetches it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.datasets.cifar import folder_of, read_batch
from dlnative.datasets.stored import Pair, unpacked

_CALL = "cifar10.load_data"


def load_data(path: Any = None) -> tuple[Pair, Pair]:
    """Returns the 50,000 training and 10,000 test images of CIFAR-10, 32 x 32 pixels in colours, of 10 classes.

    Args:
        path: a directory with the files `data_batch_1` to `data_batch_5` and `test_batch`; by default
            `cifar-10-batches-py-target` in Keras's cache, where they are fetched to.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)` uint8 between 0 and 255, labels `(n, 1)` uint8:
        airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.

    Raises:
        OSError: if the files are not there and cannot be fetched.
        ValueError: if a file holds something else.

    Source:
        A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    if path is None:
        path = unpacked(
            _CALL,
            "cifar-10-batches-py-target",
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        )
    folder = folder_of(path, "cifar-10-batches-py")
    batches = [read_batch(_CALL, folder, f"data_batch_{number}", "labels") for number in range(1, 6)]
    images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return (images, labels), read_batch(_CALL, folder, "test_batch", "labels")
