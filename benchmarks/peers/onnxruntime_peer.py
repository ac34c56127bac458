"""ONNX Runtime: products between bound arrays, both operands fed; samples by `run` on a NumPy array, weights in the file."""

from __future__ import annotations

from functools import partial
from typing import Any

import network as n
import numpy as np
import onnx_networks
import onnxruntime
import sample
import stopwatch
from onnx import TensorProto
from onnx_networks import Graph
from product import Product

TITLE = "ONNX Runtime"


def version() -> str:
    return onnxruntime.__version__


def _session(file: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        self.product = product
        a, b = product.operands()
        self.c = product.result()
        graph = Graph({"a": (TensorProto.FLOAT, a.shape), "b": (TensorProto.FLOAT, b.shape)})
        graph.add("MatMul", "a", "b", output="y")
        session = _session(graph.serialized({"y": (TensorProto.FLOAT, self.c.shape)}), threads)
        # The arrays themselves are used, not copies of them.
        self.bound = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (a, b)]
        binding = session.io_binding()
        for name, value in zip("ab", self.bound, strict=True):
            binding.bind_ortvalue_input(name, value)
        binding.bind_output("y", "cpu", 0, np.float32, self.c.shape, self.c.ctypes.data)
        self.run = partial(session.run_with_iobinding, binding)

    def values(self) -> list[float]:
        self.run()
        return self.product.sampled(self.c)

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Latency:
    def __init__(self, case: sample.Sample | sample.NetworkSample, threads: int) -> None:
        if case.way != sample.CALL:
            raise NotImplementedError
        x = onnx_networks.own_layout(case.x())
        self.run = partial(_session(onnx_networks.build(case.network, x), threads).run, ["y"], {"x": x})

    def values(self) -> list[float]:
        return sample.centred(self.run()[0])

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Generation:
    """One token after the other; keys and values stay ONNX Runtime's own, and go from one run into the next."""

    def __init__(self, case: sample.Tokens, threads: int) -> None:
        self.case = case
        self.session = _session(onnx_networks.decoder(case.network), threads)
        self.caches = [value.name for value in self.session.get_inputs()[2:]]
        self.outputs = ["y", *(f"new_{name}" for name in self.caches)]
        head = n.GPT_WIDTH // n.GPT_HEADS
        self.empty = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, n.GPT_HEADS, 0, head), np.float32))

    def values(self) -> list[float]:
        token, result = self.case.prompt()[0].astype(np.int64), []
        caches = [self.empty] * len(self.caches)
        of_numpy = onnxruntime.OrtValue.ortvalue_from_numpy
        for position in range(self.case.count):
            feeds = {"token": of_numpy(token), "position": of_numpy(np.array([position]))}
            logits, *caches = self.session.run_with_ort_values(
                self.outputs, feeds | dict(zip(self.caches, caches, strict=True))
            )
            token = logits.numpy().argmax(-1)[0]
            result.append(float(token[0]))
        return result

    def time(self, count: int) -> tuple[float, int]:
        seconds, calls = stopwatch.time_calls(self.values, max(1, round(count / self.case.count)))
        return seconds, calls * self.case.count
