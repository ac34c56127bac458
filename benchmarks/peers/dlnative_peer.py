"""dlnative: the step inside `fit`; a product as the one instruction of a plan; the model called and asked to predict."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from keras_style import KerasStyleLatency, KerasStyleTraining
from product import Product
from sample import Sample
from workload import Workload

import dlnative
from dlnative import _native
from dlnative.dtypes import CODES

TITLE = "dlnative"


def version() -> str:
    return dlnative.__version__


class Training(KerasStyleTraining):
    def __init__(self, workload: Workload, threads: int) -> None:
        dlnative.set_num_threads(threads)
        super().__init__(dlnative, workload)


class Latency(KerasStyleLatency):
    def __init__(self, case: Sample, threads: int) -> None:
        dlnative.set_num_threads(threads)
        super().__init__(dlnative, case)


class Memory(Training):
    def bytes(self) -> dict[str, int]:
        """Returns what the training plan holds beyond variables, gradients and slots, after `values` has run it."""
        plans = self.model._steps._plans
        executor = next(plan.executor for key, plan in plans.items() if key[0] == "train")
        return {"arena": executor.arena_bytes, "scratch": executor.scratch_bytes}


class Gemm:
    """A plan of one instruction, repeated by the native loop of an epoch: no Python between two products."""

    def __init__(self, product: Product, threads: int) -> None:
        dlnative.set_num_threads(threads)
        self.product = product
        a, b = product.operands()
        self.c = product.result()
        arrays = [a, b, self.c]
        buffers = [(space, 0, CODES["float32"], array.shape) for space, array in enumerate(arrays, start=1)]
        not_transposed = (0, 0)
        instruction = (_native.op_names().index("matmul"), (0, 1), (2,), not_transposed, ())
        self.plan = _native.Plan(0, [], [], arrays, buffers, [instruction])

    def values(self) -> list[float]:
        self.time(1)
        return self.product.sampled(self.c)

    def time(self, count: int) -> tuple[float, int]:
        start = time.perf_counter()
        self.plan.run_steps([], [], None, 0, count, 1, 1e9)
        return time.perf_counter() - start, count


class Limit:
    """The multiply-add limit: one loop of independent multiply-adds a core, all at once."""

    def __init__(self, product: Product, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.threads = threads

    def time(self, count: int) -> tuple[float, int]:
        """Returns the seconds that so many times 10⁹ operations take; measures about as long."""
        seconds = count / 200
        rate = sum(self.pool.map(_native.measure_fma, [seconds] * self.threads))
        return count * 1e9 / rate, count
