"""Prices of houses in California, from Keras's cache or from where Keras fetches them."""

from __future__ import annotations

from typing import Any

from dlnative.datasets.stored import GOOGLE, Pair, divided, read_arrays, stored

_CALL = "california_housing.load_data"


def load_data(
    version: str = "large", path: Any = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Pair, Pair]:
    """Returns 8 numbers about each of 20,640 districts of California in 1990, and the median price of a house, in $.

    Args:
        version: `"large"`, or `"small"` for 600 districts.
        path: a file in the layout of Keras's `california_housing.npz`: a whole path, or a name in Keras's cache. One that is
            not there is fetched.
        test_split: the share of the rows for testing.
        seed: of the order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: rows `(n, 8)` and prices `(n,)`, float32.

    Raises:
        OSError: if the file is not there and cannot be fetched.
        ValueError: for another version or split, or if the file holds something else.

    Source:
        R. K. Pace and R. Barry, "Sparse Spatial Autoregressions", Statistics and Probability Letters 33, 1997.
    """
    if version not in ("large", "small"):
        raise ValueError(f'{_CALL}: Argument `version` must be one of "small", "large", got {version!r}')
    file = stored(
        _CALL,
        path,
        f"{GOOGLE}california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    )
    x, y = read_arrays(_CALL, file, "x", "y")
    size = 600 if version == "small" else len(x)
    return divided(_CALL, x[:size], y[:size], test_split, seed)
