"""The networks as functions of weights and inputs, in JAX; weights by layer, as Keras has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import network as n
import workload as w

BATCH_NORM_EPSILON = 1e-3


def forward(workload: w.Workload | n.Network) -> Callable[[Any, Any], Any]:
    """Returns the function that gives logits."""
    return mlp if isinstance(workload, w.Workload) else FORWARDS[workload.kind]


def mlp(weights: Any, x: Any) -> Any:
    for index in range(0, len(weights), 2):
        x = x @ weights[index] + weights[index + 1]
        if index + 2 < len(weights):
            x = jnp.maximum(x, 0)
    return x


def _dense(layer: Any, x: Any) -> Any:
    return x @ layer[0] + layer[1]


def convolution(x: Any, kernel: Any, strides: int = 1, padding: str = "SAME", groups: int = 1) -> Any:
    """Returns the convolution of images whose channels are last."""
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, kernel, (strides, strides), padding, dimension_numbers=layout, feature_group_count=groups
    )


def _pooled(x: Any) -> Any:
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _normalized(x: Any, layer: Any) -> Any:
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * (jax.lax.rsqrt(variance + BATCH_NORM_EPSILON) * layer[0]) + layer[1]


def _cnn(weights: Any, x: Any) -> Any:
    for name in ("conv1", "conv2"):
        kernel, bias = weights[name]
        x = _pooled(jax.nn.relu(convolution(x, kernel, padding="VALID") + bias))
    x = jax.nn.relu(_dense(weights["hidden"], x.reshape(len(x), -1)))
    return _dense(weights["logits"], x)


def _residual(weights: Any, x: Any) -> Any:
    x = jax.nn.relu(_normalized(convolution(x, weights["stem"][0]), weights["stem_norm"]))
    for name, channels, filters, strides in n.residual_blocks():
        y = convolution(x, weights[f"{name}_conv1"][0], strides)
        y = jax.nn.relu(_normalized(y, weights[f"{name}_norm1"]))
        y = _normalized(convolution(y, weights[f"{name}_conv2"][0]), weights[f"{name}_norm2"])
        if channels != filters:
            x = convolution(x, weights[f"{name}_shortcut"][0], strides)
        x = jax.nn.relu(y + x)
    return _dense(weights["logits"], x.mean((1, 2)))


def _separable(weights: Any, x: Any) -> Any:
    x = jax.nn.relu(_normalized(convolution(x, weights["stem"][0]), weights["stem_norm"]))
    for name, channels, _, strides in n.separable_blocks():
        kernel = weights[f"{name}_depthwise"][0].reshape(3, 3, 1, channels)
        x = convolution(x, kernel, strides, groups=channels)
        x = jax.nn.relu(_normalized(x, weights[f"{name}_norm1"]))
        x = convolution(x, weights[f"{name}_pointwise"][0])
        x = jax.nn.relu(_normalized(x, weights[f"{name}_norm2"]))
    return _dense(weights["logits"], x.mean((1, 2)))


def _lstm(weights: Any, x: Any) -> Any:
    kernel, recurrent, bias = weights["rows"]
    zeros = jnp.zeros((len(x), n.ROW_UNITS), x.dtype)

    def step(state: Any, z: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(z + h @ recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), None

    (h, _), _ = jax.lax.scan(step, (zeros, zeros), (x @ kernel + bias).swapaxes(0, 1))
    return _dense(weights["logits"], h)


def _gru(weights: Any, x: Any) -> Any:
    kernel, recurrent, bias = weights["rows"]

    def step(h: Any, z: Any) -> Any:
        update_x, reset_x, candidate_x = jnp.split(z, 3, axis=-1)
        update_h, reset_h, candidate_h = jnp.split(h @ recurrent + bias[1], 3, axis=-1)
        update, reset = jax.nn.sigmoid(update_x + update_h), jax.nn.sigmoid(reset_x + reset_h)
        candidate = jnp.tanh(candidate_x + reset * candidate_h)
        return update * h + (1 - update) * candidate, None

    h, _ = jax.lax.scan(step, jnp.zeros((len(x), n.ROW_UNITS), x.dtype), (x @ kernel + bias[0]).swapaxes(0, 1))
    return _dense(weights["logits"], h)


def _layer_norm(x: Any, layer: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * layer[0] + layer[1]


def _gpt(weights: Any, tokens: Any) -> Any:
    x = weights["tokens"][0][tokens] + weights["positions"][0]
    for block in range(n.GPT_LAYERS):
        name = f"block{block}"
        attention = weights[f"{name}_attention"]
        y = _layer_norm(x, weights[f"{name}_norm1"])
        query, key, value = (
            jnp.einsum("btd,dhe->bthe", y, attention[2 * index]) + attention[2 * index + 1] for index in range(3)
        )
        y = jax.nn.dot_product_attention(query, key, value, is_causal=True)
        x = x + jnp.einsum("bthe,hed->btd", y, attention[6]) + attention[7]
        y = _dense(weights[f"{name}_expand"], _layer_norm(x, weights[f"{name}_norm2"]))
        x = x + _dense(weights[f"{name}_contract"], jax.nn.gelu(y, approximate=False))
    return _dense(weights["logits"], _layer_norm(x, weights["norm"]))


FORWARDS = {"cnn": _cnn, "residual": _residual, "separable": _separable, "lstm": _lstm, "gru": _gru, "gpt": _gpt}
