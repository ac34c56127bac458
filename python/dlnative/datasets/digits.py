"""The UCI handwritten digits, shipped with dlnative."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def load_data(test_split: float = 0.2, seed: int = 113) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Returns 1797 images of handwritten digits, 8 x 8 pixels, shuffled and split.

    Each pixel counts the dark pixels in a block of 4 x 4 of the scan, so it lies between 0 and 16.

    Args:
        test_split: the share of the images that is held out, in (0, 1).
        seed: of the shuffle; the same seed gives the same split.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 8, 8)` uint8, labels `(n,)` uint8.

    Raises:
        ValueError: if `test_split` is not in (0, 1).

    Source:
        E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
        https://doi.org/10.24432/C50P49, the test set of 1797 images; CC BY 4.0. Unchanged but for the file format.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, x_test.shape, int(x_train.max())
        ((1438, 8, 8), (359, 8, 8), 16)
    """
    if not 0 < test_split < 1:
        raise ValueError(f"digits.load_data: expected a test_split in (0, 1), got {test_split!r}")
    path = os.path.join(os.path.dirname(__file__), "digits.npz")
    with np.load(path, allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(labels))
    held_out = round(len(labels) * test_split)
    train, test = order[:-held_out], order[-held_out:]
    return (images[train], labels[train]), (images[test], labels[test])
