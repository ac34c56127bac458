"""dlnative: a product as `ops.matmul` on NumPy arrays, which finds its plan and returns a new array."""

from __future__ import annotations

from functools import partial

import stopwatch
from product import Product

import dlnative

TITLE = "dlnative ops.matmul"


def version() -> str:
    return dlnative.__version__


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        dlnative.set_num_threads(threads)
        self.product = product
        self.run = partial(dlnative.ops.matmul, *product.operands())

    def values(self) -> list[float]:
        return self.product.sampled(self.run())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
