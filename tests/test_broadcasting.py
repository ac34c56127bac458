"""Operands that broadcast, with rows shorter than vectors, as the channels of images: NumPy's results, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlnative import ops

RANDOM = np.random.RandomState(0)
# Shapes of two operands: columns, rows, both, several axes; fewer rows than a block of 512 elements holds, and more.
SHAPES = [
    ((7, 3), (7, 1)), ((7, 3), (3,)), ((700, 3), (700, 1)), ((700, 3), (3,)), ((700, 1), (3,)), ((700, 1), (1, 11)),
    ((5, 200, 4), (5, 1, 4)), ((5, 200, 4), (5, 1, 1)), ((5, 200, 4), (200, 1)), ((4, 9, 300, 3), (4, 1, 300, 1)),
    ((4, 9, 300, 3), (9, 1, 3)), ((2, 1, 171, 3), (1, 5, 1, 3)), ((1000, 2), (1000, 1)), ((600, 12), (600, 1)),
]  # fmt: skip


def _values(shape: tuple[int, ...], dtype: str) -> Any:
    return RANDOM.randint(1, 100, shape).astype(dtype)


@pytest.mark.parametrize(("first", "second"), SHAPES)
def test_short_rows(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    for dtype in ("float32", "float64", "int32", "int64"):
        a, b = _values(first, dtype), _values(second, dtype)
        np.testing.assert_array_equal(ops.subtract(a, b), a - b)
        np.testing.assert_array_equal(ops.multiply(b, a), b * a)
    for dtype in ("float64", "int32", "uint8"):
        a, b = _values(first, dtype), _values(second, dtype)
        np.testing.assert_array_equal(ops.less(a, b), a < b)
        chosen = _values(second, "int32") > 50
        np.testing.assert_array_equal(ops.where(chosen, a, b), np.where(chosen, a, b))
        np.testing.assert_array_equal(ops.where(chosen, b, a[..., :1]), np.where(chosen, b, a[..., :1]))
    a, b = _values(first, "int32") > 50, _values(second, "int32") > 50
    np.testing.assert_array_equal(ops.logical_and(a, b), a & b)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 16])
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_rows_by_number(length: int, index: str) -> None:
    for dtype in ("float32", "float64", "uint8"):
        x = _values((3, 50, length), dtype)
        places = RANDOM.randint(0, 50, (7, 11)).astype(index)
        np.testing.assert_array_equal(ops.take(x, places, axis=1), x[:, places])
    many = RANDOM.randint(0, 9, 5000).astype(index)
    rows = _values((9, length), "float32")
    np.testing.assert_array_equal(ops.take(rows, many, axis=0), rows[many])
