"""torch.compile: model and loss compiled, forward and backward; the optimizer as PyTorch runs it."""

from __future__ import annotations

import torch
import torch_peer
from network import Network
from sample import NetworkSample, Sample
from workload import Workload

TITLE = "torch.compile"
version = torch_peer.version


class Training(torch_peer.Training):
    def __init__(self, workload: Workload | Network, threads: int) -> None:
        super().__init__(workload, threads)
        self.loss = torch.compile(self.loss)


class Networks(Training):
    pass


class Latency(torch_peer.Latency):
    def __init__(self, case: Sample | NetworkSample, threads: int) -> None:
        super().__init__(case, threads)
        self.model = torch.compile(self.model)
