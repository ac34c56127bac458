"""ONNX Runtime: products between bound arrays, both operands fed; samples by `run` on a NumPy array, weights in the file."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import onnxruntime
import sample
import stopwatch
from onnx import TensorProto, helper, numpy_helper
from product import Product

TITLE = "ONNX Runtime"


def version() -> str:
    return onnxruntime.__version__


def _session(nodes: list[Any], shapes: dict[str, tuple[int, ...]], weights: dict[str, Any], threads: int) -> Any:
    """Returns a session of a graph; all shapes but that of "y" are inputs."""
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    output = values.pop("y")
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "graph", list(values.values()), [output], constants)
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        self.product = product
        a, b = product.operands()
        self.c = product.result()
        node = helper.make_node("MatMul", ["a", "b"], ["y"])
        session = _session([node], {"a": a.shape, "b": b.shape, "y": self.c.shape}, {}, threads)
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
    def __init__(self, case: sample.Sample, threads: int) -> None:
        if case.way != sample.CALL:
            raise NotImplementedError
        weights = {f"w{index}": value for index, value in enumerate(case.weights())}
        nodes, x, last = [], "x", len(case.sizes) - 2
        for layer in range(last + 1):
            y = "y" if layer == last else f"z{layer}"
            nodes.append(helper.make_node("Gemm", [x, f"w{2 * layer}", f"w{2 * layer + 1}"], [y]))
            if layer < last:
                nodes.append(helper.make_node("Relu", [y], [x := f"a{layer}"]))
        session = _session(nodes, {"x": (1, case.sizes[0]), "y": (1, case.sizes[-1])}, weights, threads)
        self.run = partial(session.run, ["y"], {"x": case.x()})

    def values(self) -> list[float]:
        return sample.centred(self.run()[0])

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)
