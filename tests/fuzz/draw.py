"""Draws values, axes and options for one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .values import TYPES, Array, Generator, array, laid_out

FLOATS = ("float32", "float32", "float32", "float64", "float16", "bfloat16")
INTEGERS = ("int32", "int32", "int64", "int8", "int16", "uint8", "uint16", "uint32")


class Draw:
    """Draws from a generator of random numbers."""

    def __init__(self, random: Generator) -> None:
        self.random = random

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def chance(self, p: float) -> bool:
        return bool(self.random.random() < p)

    def flag(self) -> bool:
        return self.chance(0.5)

    def options(self, **choices: Any) -> dict[str, Any]:
        """Returns about half of the options; a list stands for one of its elements, a function for what it returns."""
        chosen = {name: choice for name, choice in choices.items() if self.flag()}
        return {
            name: self.pick(*choice) if isinstance(choice, list) else choice() if callable(choice) else choice
            for name, choice in chosen.items()
        }

    def dtype(self, kinds: str = "fib") -> str:
        """Returns a type: of a float, an integer or bool, as the letters of `kinds` say."""
        p = self.random.random()
        if "b" in kinds and (p < 0.1 or kinds == "b"):
            return "bool"
        if "i" in kinds and (p < 0.4 or "f" not in kinds):
            return str(self.pick(*INTEGERS))
        return str(self.pick(*(dtype for dtype in FLOATS if dtype in TYPES)))

    def shape(self, rank: int | None = None, least: int = 0, empty: float = 0.04) -> tuple[int, ...]:
        """Returns a small shape; `least` is the smallest rank, `empty` how often an axis has no elements."""
        rank = max(self.pick(0, 1, 1, 2, 2, 2, 3, 3, 4) if rank is None else rank, least)
        return tuple(0 if self.chance(empty) else int(self.pick(1, 1, 2, 3, 3, 4, 5, 6)) for _ in range(rank))

    def floats(self, *shape: int, dtype: str = "float32") -> Array:
        """Returns finite numbers, now and then with ties."""
        x = self.random.standard_normal(shape) * 2
        return laid_out(self.random, np.asarray(np.round(x) if self.chance(0.15) else x).astype(dtype))

    def uniform(self, *shape: int, dtype: str = "float32") -> Array:
        """Returns numbers between 0 and 1."""
        return laid_out(self.random, np.asarray(self.random.uniform(0.01, 0.99, shape)).astype(dtype))

    def integers(self, low: int, high: int, shape: Sequence[int], dtype: str = "int32") -> Array:
        """Returns integers from low to high - 1."""
        return laid_out(self.random, np.asarray(self.random.integers(low, max(high, low + 1), shape)).astype(dtype))

    def tensor(self, kinds: str = "fib", rank: int | None = None, least: int = 0, extremes: bool = True) -> Array:
        """Returns any tensor, now and then with infinities and NaN."""
        return array(self.random, self.shape(rank, least), self.dtype(kinds), extremes and self.chance(0.15))

    def beside(self, x: Array, kinds: str = "fib", extremes: bool = True) -> Any:
        """Returns a tensor or number that broadcasts with x, most often of its type."""
        if self.chance(0.2):
            return self.pick(2, -1, 0.5, True, 0, 3.0, np.float32(1.5), np.float64(0.3), np.int64(2))
        shape = tuple(1 if self.chance(0.2) else extent for extent in x.shape)
        shape = shape[int(self.random.integers(len(shape) + 1)) :] if self.chance(0.2) else shape
        dtype = self.dtype(kinds) if self.chance(0.4) else str(x.dtype.newbyteorder("="))
        return array(self.random, shape, dtype, extremes and self.chance(0.15))

    def axis(self, x: Array, none: bool = False) -> int | None:
        """Returns an axis of x, from the front or from the back."""
        rank = np.ndim(x)
        return None if rank == 0 or (none and self.chance(0.25)) else int(self.random.integers(-rank, rank))

    def axes(self, x: Array) -> Any:
        """Returns an axis of x, several, or `None`."""
        rank = np.ndim(x)
        if rank == 0 or self.chance(0.7):
            return self.axis(x, none=True)
        count = int(self.random.integers(1, rank + 1))
        return tuple(int(a) - (rank if self.flag() else 0) for a in self.random.permutation(rank)[:count])

    def images(self, rank: int, channels: int, smallest: int = 1, dtype: str = "float32") -> tuple[str, Array]:
        """Returns a data format and a batch of images with as many spatial axes as `rank` says."""
        extents = tuple(int(self.random.integers(smallest, smallest + 8)) for _ in range(rank))
        batch = self.pick(1, 2)
        if self.flag():
            return "channels_last", self.floats(batch, *extents, channels, dtype=dtype)
        return "channels_first", self.floats(batch, channels, *extents, dtype=dtype)
