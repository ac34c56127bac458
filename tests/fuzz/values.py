"""Random arrays: shapes with 0 and 1, all types, strides, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import dtypes

Generator = np.random.Generator
Array = np.ndarray[Any, Any]

EXTENTS = (0, 1, 1, 2, 3, 5, 7, 8, 15, 16, 17, 33, 64, 65)
TYPES = [dtype for dtype in dtypes.DTYPES if dtypes.is_available(dtype)]
_EXTREMES = (0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 1e-30, np.inf, -np.inf, np.nan)


def pick(random: Generator, choices: Any) -> Any:
    return choices[int(random.integers(len(choices)))]


def shape(random: Generator, rank: int | None = None, most: int = 20_000) -> tuple[int, ...]:
    """Returns a shape, now and then one large enough for several threads."""
    if rank is None:
        rank = pick(random, (0, 1, 1, 2, 2, 2, 3, 3, 4))
    found = tuple(int(pick(random, EXTENTS)) for _ in range(rank))
    if rank in (1, 2) and random.random() < 0.03:
        return (70_001,) if rank == 1 else (300, 257)
    return found if np.prod(found, dtype=np.int64) <= most else shape(random, rank, most)


def array(random: Generator, of: tuple[int, ...], dtype: str, extremes: bool = False) -> Array:
    """Returns an array that may be transposed, reversed, strided or byte-swapped."""
    if dtype == "bool":
        values: Array = random.random(of) < 0.5
    elif dtypes.is_integer(dtype):
        low, high = (0, 7) if dtype.startswith("u") else (-5, 6)
        values = random.integers(low, high, of).astype(dtype)
        if extremes and values.size:
            limits = np.iinfo(dtype)
            values.flat[int(random.integers(values.size))] = pick(random, (limits.min, limits.max))
    else:
        with np.errstate(over="ignore"):
            values = (random.standard_normal(of) * 2).astype(dtypes.NUMPY[dtype])
            if extremes and values.size:
                for _ in range(3):
                    values.flat[int(random.integers(values.size))] = np.float64(pick(random, _EXTREMES))
    return laid_out(random, values)


def laid_out(random: Generator, values: Array) -> Array:
    """Returns the same values in another layout."""
    how = random.integers(8)
    if how == 0:
        return np.asfortranarray(values)
    if how == 1 and values.ndim:
        wide = np.repeat(values, 2, axis=-1)
        return wide[..., ::2]
    if how == 2 and values.ndim:
        return values[::-1].copy()[::-1]
    if how == 3 and values.dtype.kind in "fiu" and values.dtype.itemsize > 1:
        return values.astype(values.dtype.newbyteorder(">"))
    if how == 4 and values.size:
        unaligned = np.frombuffer(b"\0" + values.tobytes(), np.uint8)[1:].view(values.dtype)
        return unaligned.reshape(values.shape)
    return values
