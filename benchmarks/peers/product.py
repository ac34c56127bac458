"""The matrix products that are timed: c (M, N) = a (M, K) b (K, N), float32, row-major; or a batch of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENTRIES_COMPARED = 256


@dataclass(frozen=True)
class Product:
    """A matrix product of random matrices, or a batch of such products."""

    M: int
    N: int
    K: int
    batch: int | None = None

    @property
    def name(self) -> str:
        each = f"{self.M}×{self.N}×{self.K}"
        return each if self.batch is None else f"{self.batch} of {each}"

    @property
    def flops(self) -> float:
        return 2.0 * (self.batch or 1) * self.M * self.N * self.K

    def _shape(self, rows: int, columns: int) -> tuple[int, ...]:
        return (rows, columns) if self.batch is None else (self.batch, rows, columns)

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        shapes = self._shape(self.M, self.K), self._shape(self.K, self.N)
        a, b = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return a, b

    def result(self) -> np.ndarray:
        """Returns an array for c."""
        return np.full(self._shape(self.M, self.N), np.nan, np.float32)

    def _entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns matrix, row and column of the entries that are compared: random ones and the corners."""
        random = np.random.default_rng(1)
        rows, columns, matrices = (
            random.integers(0, extent, ENTRIES_COMPARED) for extent in (self.M, self.N, self.batch or 1)
        )
        rows[:4], columns[:4], matrices[:4] = (0, 0, -1, -1), (0, -1, 0, -1), (0, 0, -1, -1)
        return matrices, rows, columns

    def sampled(self, c: np.ndarray) -> list[float]:
        """Returns the entries of c that are compared."""
        matrices = np.asarray(c).reshape(-1, self.M, self.N)
        return [float(value) for value in matrices[self._entries()]]

    def expected(self) -> list[float]:
        """Returns those entries computed in float64."""
        a, b = (operand.astype(np.float64).reshape(-1, *operand.shape[-2:]) for operand in self.operands())
        matrices, rows, columns = self._entries()
        return [float(value) for value in np.einsum("ik,ik->i", a[matrices, rows], b[matrices, :, columns])]


CASES = [
    Product(32, 64, 64),
    Product(32, 256, 784),
    Product(128, 256, 784),
    Product(1024, 1024, 1024),
    Product(2048, 2048, 2048),
    Product(32, 32, 32, batch=128),
    Product(64, 64, 32, batch=64),
    Product(64, 32, 64, batch=64),
    Product(128, 128, 128, batch=32),
]
