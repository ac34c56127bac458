"""NumPy: products into an array that is there already; a sample through a forward pass written out."""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import sample
import stopwatch
from product import Product

CORE_TYPE = os.environ.get("OPENBLAS_CORETYPE")
TITLE = f"NumPy, {CORE_TYPE}" if CORE_TYPE else "NumPy"


def version() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return np.__version__
    libraries = [info for info in threadpool_info() if info["user_api"] == "blas"]
    names = (f"{info['internal_api']} {info['version']} {info.get('architecture', '')}".rstrip() for info in libraries)
    return ", ".join([np.__version__, *names])


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        self.product = product
        self.c = product.result()
        self.run = partial(np.matmul, *product.operands(), out=self.c)

    def values(self) -> list[float]:
        self.run()
        return self.product.sampled(self.c)

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Latency:
    def __init__(self, case: sample.Sample | sample.NetworkSample, threads: int) -> None:
        if case.way != sample.CALL or isinstance(case, sample.NetworkSample):
            raise NotImplementedError
        weights = case.weights()
        self.x = case.x()
        *self.hidden, self.last = list(zip(weights[::2], weights[1::2], strict=True))

    def run(self) -> np.ndarray:
        x = self.x
        for kernel, bias in self.hidden:
            x = np.maximum(x @ kernel + bias, 0)
        kernel, bias = self.last
        return x @ kernel + bias

    def values(self) -> list[float]:
        return sample.centred(self.run())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
