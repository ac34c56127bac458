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
import workload as w
from product import Product

TITLE = "PyTorch"


def version() -> str:
    return torch.__version__


def mlp(weights: list[Any]) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for index, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        if index:
            layers.append(torch.nn.ReLU())
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias))
        layers.append(linear)
    return torch.nn.Sequential(*layers)


class Training:
    def __init__(self, workload: w.Workload, threads: int) -> None:
        torch.set_num_threads(threads)
        x, y = workload.data()
        targets = torch.from_numpy(y).long() if workload.loss == w.CLASSES else torch.from_numpy(y)
        self.x: Sequence[torch.Tensor] = torch.from_numpy(x).split(workload.batch)
        self.y: Sequence[torch.Tensor] = targets.split(workload.batch)
        self.model = mlp(workload.weights())
        criterion = torch.nn.CrossEntropyLoss() if workload.loss == w.CLASSES else torch.nn.MSELoss()
        self.loss: Callable[[Any, Any], Any] = lambda x, y: criterion(self.model(x), y)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=w.LEARNING_RATE, betas=(w.BETA_1, w.BETA_2), eps=w.EPSILON
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
            self.optimizer.param_groups[0]["eps"] = w.EPSILON / (1 - w.BETA_2 ** (index + 1)) ** 0.5
            result.append(self._step(self.x[index], self.y[index]).item())
        return result

    def time(self, steps: int) -> tuple[float, int]:
        batches = len(self.x)
        start = time.perf_counter()
        for index in range(steps):
            self._step(self.x[index % batches], self.y[index % batches])
        return time.perf_counter() - start, steps


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


class Latency:
    def __init__(self, case: sample.Sample, threads: int) -> None:
        if case.way != sample.CALL:
            raise NotImplementedError
        torch.set_num_threads(threads)
        self.model: Callable[[Any], Any] = mlp(case.weights()).eval()
        self.x = torch.from_numpy(case.x())

    def values(self) -> list[float]:
        with torch.inference_mode():
            return sample.centred(self.model(self.x).numpy())

    def time(self, count: int) -> tuple[float, int]:
        with torch.inference_mode():
            return stopwatch.time_calls(partial(self.model, self.x), count)
