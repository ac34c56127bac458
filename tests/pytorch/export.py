"""Networks of PyTorch as ONNX files, by both of its exporters, with what PyTorch computes:

python tests/pytorch/export.py tests/pytorch/files        # needs torch, onnx and onnxscript
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.recurrent = kind(4, 5, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 2)

    def forward(self, x: Any) -> Any:
        return self.head(self.recurrent(x)[0][:, -1])


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(20, 8)
        self.places = nn.Parameter(torch.randn(1, 6, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 20)

    def forward(self, x: Any) -> Any:
        return self.head(self.blocks(self.tokens(x) + self.places))


def networks() -> dict[str, tuple[Any, Any]]:
    """Returns networks, each with what it is given."""
    mlp = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 3), nn.Softmax(-1))
    cnn = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 6, 3, groups=6, padding=1),
        nn.SiLU(), nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )  # fmt: skip
    unet = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.GroupNorm(2, 4), nn.GELU(), nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Sigmoid(),
    )  # fmt: skip
    return {
        "mlp": (mlp, torch.randn(4, 6)),
        "cnn": (cnn, torch.randn(2, 3, 12, 12)),
        "unet": (unet, torch.randn(2, 3, 8, 8)),
        "lstm": (Recurrent(nn.LSTM), torch.randn(3, 7, 4)),
        "gru": (Recurrent(nn.GRU), torch.randn(3, 7, 4)),
        "transformer": (Transformer(), torch.randint(0, 20, (2, 6))),
    }


def strip(path: Path) -> None:
    """Removes where in PyTorch's source each node comes from."""
    model = onnx.load(path)
    for graph in (model.graph, *model.functions):
        for item in (graph, *graph.node):
            item.ClearField("doc_string")
            item.ClearField("metadata_props")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    del model.metadata_props[:]
    onnx.save(model, path)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    home = Path(sys.argv[1])
    torch.manual_seed(0)
    for name, (network, x) in networks().items():
        network(x) if x.is_floating_point() else None  # the statistics of a batch
        network.eval()
        np.savez(home / f"{name}.npz", x=x.numpy(), y=network(x).detach().numpy())
        for kind, more in (
            ("script", {"dynamo": False}),
            ("dynamo", {"dynamo": True, "external_data": False, "verbose": False}),
        ):
            torch.onnx.export(network, (x,), home / f"{name}_{kind}.onnx", input_names=["x"], **more)
            strip(home / f"{name}_{kind}.onnx")
