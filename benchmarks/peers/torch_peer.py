"""PyTorch: the usual eager loop over batches that are tensors already."""

from __future__ import annotations

import time

import torch
import workload as w

TITLE = "PyTorch"


def version() -> str:
    return torch.__version__


class Peer:
    def __init__(self, workload: w.Workload, threads: int) -> None:
        torch.set_num_threads(threads)
        self.workload = workload
        x, y = workload.data()
        self.x = torch.from_numpy(x).split(workload.batch)
        self.y = torch.from_numpy(y).long().split(workload.batch) if workload.loss == w.CLASSES else None
        if self.y is None:
            self.y = torch.from_numpy(y).split(workload.batch)
        layers: list[torch.nn.Module] = []
        weights = workload.weights()
        for index, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
            if index:
                layers.append(torch.nn.ReLU())
            linear = torch.nn.Linear(*kernel.shape)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
                linear.bias.copy_(torch.from_numpy(bias))
            layers.append(linear)
        self.model = torch.nn.Sequential(*layers)
        self.loss = torch.nn.CrossEntropyLoss() if workload.loss == w.CLASSES else torch.nn.MSELoss()
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=w.LEARNING_RATE, betas=(w.BETA_1, w.BETA_2), eps=w.EPSILON
        )

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, steps: int) -> list[float]:
        result = []
        for index in range(steps):
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
