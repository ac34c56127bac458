"""PyTorch with images and kernels whose channels lie side by side in memory."""

from __future__ import annotations

from typing import Any

import torch
import torch_peer
import window
from network import Network
from sample import NetworkSample, Sample

TITLE = "PyTorch channels_last"
version = torch_peer.version


def _require_images(network: Any) -> None:
    if not isinstance(network, Network) or len(network.input_shape) != 3:
        raise NotImplementedError


class Networks(torch_peer.Training):
    def __init__(self, workload: Network, threads: int) -> None:
        _require_images(workload)
        super().__init__(workload, threads)
        self.model = self.model.to(memory_format=torch.channels_last)
        self.x = [x.contiguous(memory_format=torch.channels_last) for x in self.x]


class Convolution(torch_peer.Convolution):
    def __init__(self, case: window.Convolution, threads: int) -> None:
        super().__init__(case, threads, torch.channels_last)


class Latency(torch_peer.Latency):
    def __init__(self, case: Sample | NetworkSample, threads: int) -> None:
        _require_images(case.network)
        super().__init__(case, threads)
        self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[attr-defined]
        self.x = self.x.contiguous(memory_format=torch.channels_last)
