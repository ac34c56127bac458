"""Prices of houses in Boston, from Keras's cache or from where Keras fetches them."""

from __future__ import annotations

from typing import Any

from dlnative.datasets.stored import GOOGLE, Pair, divided, read_arrays, stored

_CALL = "boston_housing.load_data"


def load_data(path: Any = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> tuple[Pair, Pair]:
    """Returns 13 numbers about each of 506 districts of Boston in the 1970s, and the median price of a house, in 1000 $.

    One of the numbers is made from the share of Black inhabitants, on the assumption that it lowers prices: for learning
    from rather than for models that are used.

    Args:
        path: a file in the layout of Keras's `boston_housing.npz`: a whole path, or a name in Keras's cache. One that is not
            there is fetched.
        test_split: the share of the rows for testing.
        seed: of the order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: rows `(n, 13)` and prices `(n,)`, float64.

    Raises:
        OSError: if the file is not there and cannot be fetched.
        ValueError: for another split, or if the file holds something else.

    Source:
        D. Harrison and D. L. Rubinfeld, "Hedonic prices and the demand for clean air", J. Environ. Economics and
        Management 5, 1978.
    """
    file = stored(
        _CALL, path, f"{GOOGLE}boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    )
    x, y = read_arrays(_CALL, file, "x", "y")
    return divided(_CALL, x, y, test_split, seed)
