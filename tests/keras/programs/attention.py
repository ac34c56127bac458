"""Attention layers over their options: outputs, weights, masks, five steps of training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.common import Program, fill, fit, regression_data, uniform

PROGRAMS: dict[str, Program] = {}

# The layer, and how it is called on a sequence of four steps of three.
LAYERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "self": (lambda layers: layers.MultiHeadAttention(2, 3), lambda layer, x: layer(x, x)),
    "causal": (
        lambda layers: layers.MultiHeadAttention(2, 3, use_bias=False, output_shape=5),
        lambda layer, x: layer(x, x, use_causal_mask=True),
    ),
    "window": (
        lambda layers: layers.MultiHeadAttention(1, 2, sliding_window=2, use_gate=True, kernel_regularizer="l2"),
        lambda layer, x: layer(x, x, use_causal_mask=True),
    ),
    "masked": (
        lambda layers: layers.MultiHeadAttention(2, 2),
        lambda layer, x: layer(
            x, x, attention_mask=np.array([[[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]]], bool)
        ),
    ),
    "scores": (
        lambda layers: layers.MultiHeadAttention(2, 2),
        lambda layer, x: layer(x, x, x, return_attention_scores=True, use_causal_mask=True)[0],
    ),
    "groups": (lambda layers: layers.GroupQueryAttention(2, 4, 2), lambda layer, x: layer(x, x)),
    "groups_causal": (
        lambda layers: layers.GroupQueryAttention(3, 2, 1, use_bias=False, use_gate=True),
        lambda layer, x: layer(x, x, use_causal_mask=True),
    ),
    "luong": (lambda layers: layers.Attention(use_scale=True), lambda layer, x: layer([x, x], use_causal_mask=True)),
    "luong_concat": (lambda layers: layers.Attention(score_mode="concat"), lambda layer, x: layer([x, x, x])),
    "bahdanau": (lambda layers: layers.AdditiveAttention(), lambda layer, x: layer([x, x])),
}


def _program(make: Callable[[Any], Any], call: Callable[[Any, Any], Any]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = regression_data(features=12)
        x = x.reshape(-1, 4, 3)
        inputs = keras.Input((4, 3))
        layer = make(keras.layers)
        outputs = keras.layers.Dense(1)(keras.layers.Flatten()(call(layer, keras.layers.Dense(3)(inputs))))
        model = keras.Model(inputs, outputs)
        fill(model)
        model.compile(keras.optimizers.SGD(0.02), "mse")
        return {
            "inference": model.predict(x[:3], verbose=0),
            "history": fit(model, x, y, epochs=1).history,
            "trained": model.predict(x[:3], verbose=0),
            "paths": [weight.path.split("/", 1)[1] for weight in layer.weights],
        }

    return program


PROGRAMS.update({name: _program(make, call) for name, (make, call) in LAYERS.items()})


def masks_of_tensors(keras: Any) -> dict[str, Any]:
    """Masks that travel from an embedding, over all axes of two-dimensional attention, and returned weights."""
    tokens = np.array([[1, 2, 3, 0, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    embedding = keras.layers.Embedding(4, 6, mask_zero=True)
    embedding.build((3, 5))
    fill(embedding)
    layer = keras.layers.MultiHeadAttention(2, 3)
    layer.build((3, 5, 6), (3, 5, 6))
    fill(layer)
    x = embedding(tokens)
    y, scores = layer(x, x, return_attention_scores=True)
    x, again = embedding(tokens), embedding(tokens)  # Keras takes the mask off a tensor that had attention
    planes = keras.layers.MultiHeadAttention(1, 2, attention_axes=(1, 2))
    planes.build((2, 3, 2, 4), (2, 3, 2, 4))
    fill(planes)
    image = uniform(3, 2, 3, 2, 4)
    return {
        "y": np.asarray(layer(x, x)),
        "causal": np.asarray(layer(again, again, use_causal_mask=True)),
        "with_scores": np.asarray(y),
        "scores": np.asarray(scores),
        "planes": np.asarray(planes(image, image)),
    }


def function(keras: Any) -> dict[str, Any]:
    """The function, with masks, a bias, a cap, and heads that share keys."""
    ops, q, k, v = keras.ops, uniform(1, 2, 3, 4, 5), uniform(2, 2, 6, 4, 5), uniform(3, 2, 6, 4, 5)
    mask = uniform(4, 2, 1, 3, 6) > -0.5
    return {
        "plain": np.asarray(ops.dot_product_attention(q, k, v)),
        "scale": np.asarray(ops.dot_product_attention(q, k, v, scale=-0.7)),
        "causal": np.asarray(ops.dot_product_attention(q, k, v, is_causal=True)),
        "mask": np.asarray(ops.dot_product_attention(q, k, v, mask=mask)),
        "bias": np.asarray(ops.dot_product_attention(q, k, v, bias=uniform(5, 1, 4, 3, 6), mask=mask)),
        "shared": np.asarray(ops.dot_product_attention(q, k[:, :, :2], v[:, :, :2], is_causal=True)),
    }


PROGRAMS.update(masks_of_tensors=masks_of_tensors, function=function)
