"""PyTorch: the usual eager loop over batches that are tensors already; products and samples as its functions do them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sample
import stopwatch
import torch
import torch_memory
import torch_networks
import window
import workload as w
from network import Network
from product import Product

TITLE = "PyTorch"


def version() -> str:
    return torch.__version__


def own_layout(x: Any) -> torch.Tensor:
    """Returns inputs as PyTorch has them: images with their channels before rows and columns."""
    tensor = torch.from_numpy(x)
    return tensor.permute(0, 3, 1, 2).contiguous() if tensor.ndim == 4 else tensor


class Training:
    def __init__(self, workload: w.Workload | Network, threads: int) -> None:
        torch.set_num_threads(threads)
        self.epsilon = workload.epsilon
        x, y = workload.data()
        targets = torch.from_numpy(y).long() if workload.loss == w.CLASSES else torch.from_numpy(y)
        self.x: Sequence[torch.Tensor] = own_layout(x).split(workload.batch)
        self.y: Sequence[torch.Tensor] = targets.split(workload.batch)
        self.model = torch_networks.build(workload)
        criterion = torch.nn.CrossEntropyLoss() if workload.loss == w.CLASSES else torch.nn.MSELoss()
        self.loss: Callable[[Any, Any], Any] = lambda x, y: criterion(self.model(x).flatten(0, -2), y.flatten())
        if workload.loss == w.SQUARES:
            self.loss = lambda x, y: criterion(self.model(x), y)
        self.optimizer = torch.optim.Adam(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=w.LEARNING_RATE,
            betas=(w.BETA_1, w.BETA_2),
            eps=workload.epsilon,
        )

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        loss.backward()
        self.optimizer.step()
        return loss

    def values(self) -> list[float]:
        """Returns the losses of the first steps."""
        result = []
        for index in range(w.STEPS_COMPARED):
            # PyTorch adds epsilon to the corrected second moment, the others to the moment itself.
            self.optimizer.param_groups[0]["eps"] = self.epsilon / (1 - w.BETA_2 ** (index + 1)) ** 0.5
            result.append(self._step(self.x[index], self.y[index]).item())
        return result

    def time(self, steps: int) -> tuple[float, int]:
        batches = len(self.x)
        start = time.perf_counter()
        for index in range(steps):
            self._step(self.x[index % batches], self.y[index % batches])
        return time.perf_counter() - start, steps


class Networks(Training):
    pass


class Memory(Training):
    def bytes(self) -> dict[str, int]:
        """Returns what a step holds, after `values` has made the optimizer's state."""
        x, y = self.x[0], self.y[0]
        saved = torch_memory.saved_for_backward(lambda: self.loss(x, y), [*self.model.parameters(), x, y])
        self.optimizer.zero_grad()
        before = torch_memory.peaks(lambda: self.loss(x, y).backward(), self.model.parameters())["temporary"]
        self.optimizer.zero_grad()
        whole = torch_memory.peaks(lambda: self._step(x, y), self.model.parameters())
        return {"saved": saved, "temporary before the update": before, **whole}


class Gemm:
    def __init__(self, product: Product, threads: int) -> None:
        torch.set_num_threads(threads)
        self.product = product
        self.c = torch.from_numpy(product.result())
        self.run = partial(torch.matmul, *map(torch.from_numpy, product.operands()), out=self.c)

    def values(self) -> list[float]:
        self.run()
        return self.product.sampled(self.c.numpy())

    def time(self, count: int) -> tuple[float, int]:
        return stopwatch.time_calls(self.run, count)


class Convolution:
    def __init__(self, case: window.Convolution, threads: int, memory_format: Any = torch.contiguous_format) -> None:
        torch.set_num_threads(threads)
        self.case = case
        images, windows, gradient = case.operands()
        order = (3, 2, 0, 1)
        x, dy = (own_layout(value).contiguous(memory_format=memory_format) for value in (images, gradient))
        w = torch.from_numpy(windows).permute(order).contiguous(memory_format=memory_format)
        backward = torch.ops.aten.convolution_backward
        geometry = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])
        self.run: Callable[[], Any] = partial(backward, dy, x, w, None, *geometry)
        if case.way == window.FORWARD:
            self.run = partial(torch.nn.functional.conv2d, x, w, None, 1, 1)

    def values(self) -> list[float]:
        with torch.inference_mode():
            results = self.run()
        if self.case.way == window.FORWARD:
            return self.case.sampled(results.permute(0, 2, 3, 1).numpy())
        return self.case.sampled(results[0].permute(0, 2, 3, 1).numpy(), results[1].permute(2, 3, 1, 0).numpy())

    def time(self, count: int) -> tuple[float, int]:
        with torch.inference_mode():
            return stopwatch.time_calls(self.run, count)


class Latency:
    def __init__(self, case: sample.Sample | sample.NetworkSample, threads: int) -> None:
        if case.way != sample.CALL:
            raise NotImplementedError
        torch.set_num_threads(threads)
        self.model: Callable[[Any], Any] = torch_networks.build(case.network).eval()
        self.x = own_layout(case.x())

    def values(self) -> list[float]:
        with torch.inference_mode():
            return sample.centred(self.model(self.x).numpy())

    def time(self, count: int) -> tuple[float, int]:
        with torch.inference_mode():
            return stopwatch.time_calls(partial(self.model, self.x), count)


class Generation:
    """One token after the other, keys and values of those before in tensors as long as the context."""

    def __init__(self, case: sample.Tokens, threads: int) -> None:
        torch.set_num_threads(threads)
        self.case = case
        self.model = torch_networks.build(case.network).eval()
        self.prompt = torch.from_numpy(case.prompt()).long()

    def values(self) -> list[float]:
        with torch.inference_mode():
            return torch_networks.generate(self.model, self.prompt, self.case.count)

    def time(self, count: int) -> tuple[float, int]:
        seconds, calls = stopwatch.time_calls(self.values, max(1, round(count / self.case.count)))
        return seconds, calls * self.case.count
