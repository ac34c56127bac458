"""The networks in PyTorch, as its users write them; images have their channels where the peer wants them in memory."""

from __future__ import annotations

from typing import Any

import network as n
import numpy as np
import torch
import workload as w
from torch import nn
from torch.nn import functional as f

BATCH_NORM_EPSILON = 1e-3  # Keras's, in all networks
MOMENTUM = 0.01


def build(workload: w.Workload | n.Network) -> nn.Module:
    """Returns a module with its initial weights, and logits as its output."""
    if isinstance(workload, w.Workload):
        return mlp(workload.weights())
    return BUILDERS[workload.kind](workload.weights())


def _set(parameter: nn.Parameter, value: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _linear(kernel: np.ndarray, bias: np.ndarray) -> nn.Linear:
    layer = nn.Linear(*kernel.shape)
    _set(layer.weight, kernel.T)
    _set(layer.bias, bias)
    return layer


def _norm(values: list[np.ndarray]) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(len(values[0]), eps=BATCH_NORM_EPSILON, momentum=MOMENTUM)


class _Same(nn.Module):
    """A convolution with Keras's `same`, which with strides pads less in front than behind."""

    def __init__(self, kernel: np.ndarray, strides: int, depthwise: bool = False) -> None:
        super().__init__()
        size = kernel.shape[0]
        self.pad = size == 3 and strides == 2
        order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        value = kernel.transpose(order)
        groups = len(value) if depthwise else 1
        self.convolution = nn.Conv2d(
            value.shape[1] * groups, len(value), size, strides, 1 if size == 3 and strides == 1 else 0,
            groups=groups, bias=False,
        )  # fmt: skip
        _set(self.convolution.weight, value)

    def forward(self, x: Any) -> Any:
        return self.convolution(f.pad(x, (0, 1, 0, 1)) if self.pad else x)


def mlp(weights: list[np.ndarray]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for index, (kernel, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        if index:
            layers.append(nn.ReLU())
        layers.append(_linear(kernel, bias))
    return nn.Sequential(*layers)


def _cnn(weights: n.Weights) -> nn.Module:
    layers: list[nn.Module] = []
    for name in ("conv1", "conv2"):
        kernel, bias = weights[name]
        layer = nn.Conv2d(*kernel.shape[2:], 3)
        _set(layer.weight, kernel.transpose(3, 2, 0, 1))
        _set(layer.bias, bias)
        layers += [layer, nn.ReLU(), nn.MaxPool2d(2)]
    kernel, bias = weights["hidden"]
    by_channels = kernel.reshape(5, 5, 64, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
    return nn.Sequential(*layers, nn.Flatten(), _linear(by_channels, bias), nn.ReLU(), _linear(*weights["logits"]))


class _Residual(nn.Module):
    def __init__(self, weights: n.Weights) -> None:
        super().__init__()
        self.stem, self.norm = _Same(weights["stem"][0], 1), _norm(weights["stem_norm"])
        self.blocks = nn.ModuleList()
        for name, channels, filters, strides in n.residual_blocks():
            block = nn.ModuleDict({
                "conv1": _Same(weights[f"{name}_conv1"][0], strides), "norm1": _norm(weights[f"{name}_norm1"]),
                "conv2": _Same(weights[f"{name}_conv2"][0], 1), "norm2": _norm(weights[f"{name}_norm2"]),
            })  # fmt: skip
            if channels != filters:
                block["shortcut"] = _Same(weights[f"{name}_shortcut"][0], strides)
            self.blocks.append(block)
        self.logits = _linear(*weights["logits"])

    def forward(self, x: Any) -> Any:
        x = f.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            y = f.relu(block["norm1"](block["conv1"](x)))
            y = block["norm2"](block["conv2"](y))
            x = f.relu(y + (block["shortcut"](x) if "shortcut" in block else x))
        return self.logits(x.mean((2, 3)))


def _separable(weights: n.Weights) -> nn.Module:
    layers: list[nn.Module] = [_Same(weights["stem"][0], 1), _norm(weights["stem_norm"]), nn.ReLU()]
    for name, _, _, strides in n.separable_blocks():
        layers += [_Same(weights[f"{name}_depthwise"][0], strides, depthwise=True), _norm(weights[f"{name}_norm1"])]
        layers += [nn.ReLU(), _Same(weights[f"{name}_pointwise"][0], 1), _norm(weights[f"{name}_norm2"]), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), _linear(*weights["logits"]))


class _Rows(nn.Module):
    """The last state of a recurrent layer over rows, classified."""

    def __init__(self, layer: Any, logits: list[np.ndarray]) -> None:
        super().__init__()
        self.layer, self.logits = layer, _linear(*logits)

    def forward(self, x: Any) -> Any:
        return self.logits(self.layer(x)[0][:, -1])


def _lstm(weights: n.Weights) -> nn.Module:
    kernel, recurrent, bias = weights["rows"]
    layer = nn.LSTM(len(kernel), len(recurrent), batch_first=True)
    _set(layer.weight_ih_l0, kernel.T)
    _set(layer.weight_hh_l0, recurrent.T)
    _set(layer.bias_ih_l0, bias)
    _set(layer.bias_hh_l0, np.zeros_like(bias))
    layer.bias_hh_l0.requires_grad_(False)  # Keras has one bias
    return _Rows(layer, weights["logits"])


def _gru(weights: n.Weights) -> nn.Module:
    def gates(value: np.ndarray) -> np.ndarray:  # Keras: update, reset, candidate; PyTorch: reset, update, candidate
        update, reset, candidate = np.split(value, 3, axis=-1)
        return np.concatenate([reset, update, candidate], axis=-1)

    kernel, recurrent, bias = map(gates, weights["rows"])
    layer = nn.GRU(len(kernel), len(recurrent), batch_first=True)
    _set(layer.weight_ih_l0, kernel.T)
    _set(layer.weight_hh_l0, recurrent.T)
    _set(layer.bias_ih_l0, bias[0])
    _set(layer.bias_hh_l0, bias[1])
    return _Rows(layer, weights["logits"])


class _Block(nn.Module):
    def __init__(self, weights: n.Weights, name: str) -> None:
        super().__init__()
        attention = weights[f"{name}_attention"]
        kernels = np.concatenate([kernel.reshape(n.GPT_WIDTH, -1) for kernel in attention[0:6:2]], axis=1)
        biases = np.concatenate([bias.ravel() for bias in attention[1:6:2]])
        self.norm1, self.norm2 = nn.LayerNorm(n.GPT_WIDTH), nn.LayerNorm(n.GPT_WIDTH)
        self.inputs = _linear(kernels, biases)
        self.outputs = _linear(attention[6].reshape(-1, n.GPT_WIDTH), attention[7])
        self.expand, self.contract = _linear(*weights[f"{name}_expand"]), _linear(*weights[f"{name}_contract"])

    def forward(self, x: Any) -> Any:
        batch, steps, width = x.shape
        heads = self.inputs(self.norm1(x)).view(batch, steps, 3, n.GPT_HEADS, -1).permute(2, 0, 3, 1, 4)
        y = f.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.outputs(y.transpose(1, 2).reshape(batch, steps, width))
        return x + self.contract(f.gelu(self.expand(self.norm2(x))))


class _GPT(nn.Module):
    def __init__(self, weights: n.Weights) -> None:
        super().__init__()
        self.tokens = nn.Embedding(n.VOCABULARY, n.GPT_WIDTH)
        _set(self.tokens.weight, weights["tokens"][0])
        self.positions = nn.Parameter(torch.from_numpy(weights["positions"][0]))
        self.blocks = nn.Sequential(*(_Block(weights, f"block{number}") for number in range(n.GPT_LAYERS)))
        self.norm, self.logits = nn.LayerNorm(n.GPT_WIDTH), _linear(*weights["logits"])

    def forward(self, tokens: Any) -> Any:
        return self.logits(self.norm(self.blocks(self.tokens(tokens) + self.positions)))


def generate(model: Any, prompt: Any, count: int) -> list[float]:
    """Returns so many tokens after the prompt, each the likeliest; keys and values are kept."""
    context = len(model.positions)
    head = n.GPT_WIDTH // n.GPT_HEADS
    keys, values = torch.zeros(2, n.GPT_LAYERS, 1, n.GPT_HEADS, context, head).unbind()
    token, result = prompt, []
    for position in range(count):
        x = model.tokens(token) + model.positions[position]
        for layer, block in enumerate(model.blocks):
            query, key, value = block.inputs(block.norm1(x)).view(1, 1, 3, n.GPT_HEADS, head).permute(2, 0, 3, 1, 4)
            keys[layer][:, :, position : position + 1] = key
            values[layer][:, :, position : position + 1] = value
            y = f.scaled_dot_product_attention(
                query, keys[layer][:, :, : position + 1], values[layer][:, :, : position + 1]
            )
            x = x + block.outputs(y.reshape(1, 1, n.GPT_WIDTH))
            x = x + block.contract(f.gelu(block.expand(block.norm2(x))))
        token = model.logits(model.norm(x)).argmax(-1)
        result.append(float(token))
    return result


BUILDERS: dict[str, Any] = {
    "cnn": _cnn, "residual": _Residual, "separable": _separable, "lstm": _lstm, "gru": _gru, "gpt": _GPT,
}  # fmt: skip
