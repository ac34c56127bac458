"""The matrix products that are timed: c (M, N) = a (M, K) b (K, N), float32, row-major."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENTRIES_COMPARED = 256


@dataclass(frozen=True)
class Product:
    """A matrix product of random matrices."""

    M: int
    N: int
    K: int

    @property
    def name(self) -> str:
        return f"{self.M}×{self.N}×{self.K}"

    @property
    def flops(self) -> float:
        return 2.0 * self.M * self.N * self.K

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        shapes = (self.M, self.K), (self.K, self.N)
        a, b = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return a, b

    def _entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns rows and columns of the entries that are compared: random ones and the four corners."""
        random = np.random.default_rng(1)
        rows, columns = (random.integers(0, extent, ENTRIES_COMPARED) for extent in (self.M, self.N))
        rows[:4], columns[:4] = (0, 0, -1, -1), (0, -1, 0, -1)
        return rows, columns

    def sampled(self, c: np.ndarray) -> list[float]:
        """Returns the entries of c that are compared."""
        return [float(value) for value in np.asarray(c)[self._entries()]]

    def expected(self) -> list[float]:
        """Returns those entries computed in float64."""
        a, b = (operand.astype(np.float64) for operand in self.operands())
        rows, columns = self._entries()
        return [float(value) for value in np.einsum("ik,ki->i", a[rows], b[:, columns])]


CASES = [
    Product(32, 64, 64),
    Product(32, 256, 784),
    Product(128, 256, 784),
    Product(1024, 1024, 1024),
    Product(2048, 2048, 2048),
]
