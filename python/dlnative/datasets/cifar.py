"""What CIFAR-10 and CIFAR-100 share: their files."""

from __future__ import annotations

import os
import pickle
from typing import Any

import numpy as np

from dlnative.config import image_data_format
from dlnative.datasets.stored import Array, read_pickled


def read_batch(call: str, folder: str, name: str, labels: str) -> tuple[Array, Array]:
    """Returns the images `(n, 32, 32, 3)` (channels first if that is Keras's setting) and labels `(n, 1)` of a file, uint8.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds something else.
    """
    file = os.path.join(folder, name)
    if not os.path.exists(file):
        raise FileNotFoundError(f"{call}: expected a file {file}, found none")
    try:
        with open(file, "rb") as stream:
            content: dict[Any, Any] = {_text(key): value for key, value in read_pickled(stream).items()}
        images = np.asarray(content["data"], np.uint8).reshape(-1, 3, 32, 32)
        numbers = np.asarray(content[labels], np.uint8).reshape(-1, 1)
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{call}: expected a batch of CIFAR in {file}, got: {error}") from None
    if image_data_format() == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    return images, numbers


def _text(key: Any) -> Any:
    return key.decode() if isinstance(key, bytes) else key


def folder_of(path: Any, inner: str) -> str:
    """Returns the directory with the files: the one given, or one of the archive's name in it."""
    folder = os.fspath(path)
    return os.path.join(folder, inner) if os.path.isdir(os.path.join(folder, inner)) else folder
