"""dlnative: the step inside `fit`; a product as the one instruction of a plan; the model called and asked to predict."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import network as n
import stopwatch
import window
from keras_style import KerasStyleLatency, KerasStyleTraining
from network import Network
from product import Product
from sample import NetworkSample, Sample, Tokens
from workload import Workload

import dlnative
from dlnative import _native
from dlnative.dtypes import CODES
from dlnative.generation import GPT
from dlnative.graph.roles import PLAIN
from dlnative.ops.core import OPS, invoke

TITLE = "dlnative"


def version() -> str:
    return dlnative.__version__


class Training(KerasStyleTraining):
    def __init__(self, workload: Workload | Network, threads: int) -> None:
        dlnative.set_num_threads(threads)
        super().__init__(dlnative, workload)


class Networks(Training):
    pass


class Latency(KerasStyleLatency):
    def __init__(self, case: Sample | NetworkSample, threads: int) -> None:
        dlnative.set_num_threads(threads)
        super().__init__(dlnative, case)


class Generation:
    """`generate`, which has its cache compiled into the plan of a token."""

    def __init__(self, case: Tokens, threads: int) -> None:
        dlnative.set_num_threads(threads)
        self.prompt, self.count = case.prompt(), case.count
        self.model = GPT(n.VOCABULARY, case.context, n.GPT_LAYERS, n.GPT_HEADS, n.GPT_WIDTH)
        self.model(self.prompt)
        weights = case.network.weights()
        weights["logits"] = weights["logits"][:1]  # the bias is zero, and GPT has none
        self.model.set_weights([value for layer in weights.values() for value in layer])

    def values(self) -> list[float]:
        return [float(token) for token in self.model.generate(self.prompt, self.count + 1)[0, 1:]]

    def time(self, count: int) -> tuple[float, int]:
        seconds, calls = stopwatch.time_calls(self.values, max(1, round(count / self.count)))
        return seconds, calls * self.count


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


class Convolution:
    """`ops.conv`, and the two ops that are its gradients."""

    def __init__(self, case: window.Convolution, threads: int) -> None:
        dlnative.set_num_threads(threads)
        self.case = case
        x, w, dy = case.operands()
        geometry = ((1, 1), (1, 1), (1, 1))  # strides, dilation, what a window reaches over in front
        extents = (case.size, case.size)

        def gradients() -> tuple[Any, Any]:
            dx = invoke(OPS["conv_input_gradient"], (dy, w), (*geometry, 1, extents, PLAIN))
            return dx, invoke(OPS["conv_weight_gradient"], (x, dy), (*geometry, 1, (3, 3)))

        forward = partial(dlnative.ops.conv, x, w, padding="same")
        self.run: Callable[[], Any] = forward if case.way == window.FORWARD else gradients

    def values(self) -> list[float]:
        results = self.run()
        return self.case.sampled(*(results if isinstance(results, tuple) else [results]))

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


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
