"""The convolutions that are timed: windows of 3×3 over images, as large as the images, and both of their gradients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FORWARD, GRADIENTS = "forward", "both gradients"
BATCH = 32


@dataclass(frozen=True)
class Convolution:
    """Images (BATCH, size, size, channels), windows (3, 3, channels, filters), strides of 1, `same`."""

    channels: int
    filters: int
    size: int
    way: str

    @property
    def name(self) -> str:
        return f"{self.channels}→{self.filters}, {self.size}×{self.size}, {self.way}"

    @property
    def flops(self) -> float:
        forward = 2.0 * BATCH * self.size**2 * 9 * self.channels * self.filters
        return forward * (1 if self.way == FORWARD else 2)

    def operands(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns images, windows, and the gradient of the result."""
        random = np.random.default_rng(0)
        images, result = ((BATCH, self.size, self.size, depth) for depth in (self.channels, self.filters))
        shapes = images, (3, 3, self.channels, self.filters), result
        x, w, dy = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
        return x, w, dy

    def sampled(self, *results: np.ndarray) -> list[float]:
        """Returns some entries of each result, which has the layout of the operands, divided by its root mean square."""
        values = []
        for result in results:
            flat = np.asarray(result, np.float64).ravel()
            picked = flat[np.random.default_rng(1).integers(0, len(flat), 100)]
            values += [float(value) for value in picked / np.sqrt(np.square(flat).mean())]
        return values


CASES = [
    Convolution(channels, filters, size, way)
    for channels, filters, size in ((32, 32, 28), (64, 64, 14), (64, 128, 28), (128, 128, 14))
    for way in (FORWARD, GRADIENTS)
]
