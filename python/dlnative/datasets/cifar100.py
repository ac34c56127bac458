"""CIFAR-100, from Keras's cache or from where Keras fetches it."""

from __future__ import annotations

from typing import Any

from dlnative.datasets.cifar import folder_of, read_batch
from dlnative.datasets.stored import Pair, unpacked

_CALL = "cifar100.load_data"


def load_data(label_mode: str = "fine", path: Any = None) -> tuple[Pair, Pair]:
    """Returns the 50,000 training and 10,000 test images of CIFAR-100, 32 x 32 pixels in colours.

    Args:
        label_mode: `"fine"` for 100 classes, `"coarse"` for 20 groups of them.
        path: a directory with the files `train` and `test`; by default `cifar-100-python-target` in Keras's cache, where they
            are fetched to.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)` uint8 between 0 and 255, labels `(n, 1)` uint8.

    Raises:
        OSError: if the files are not there and cannot be fetched.
        ValueError: for another mode, or if a file holds something else.

    Source:
        A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'{_CALL}: `label_mode` must be one of "fine", "coarse", got {label_mode!r}')
    if path is None:
        path = unpacked(
            _CALL,
            "cifar-100-python-target",
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        )
    folder = folder_of(path, "cifar-100-python")
    train, test = (read_batch(_CALL, folder, name, f"{label_mode}_labels") for name in ("train", "test"))
    return train, test
