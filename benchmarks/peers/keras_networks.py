"""The networks as programs of Keras's API, the module given: what dlnative and Keras share."""

from __future__ import annotations

from typing import Any

import network as n
import workload as w


def build(module: Any, workload: w.Workload | n.Network) -> Any:
    """Returns a model with its initial weights, and logits as its output."""
    if isinstance(workload, w.Workload):
        return mlp(module, workload.sizes, workload.weights())
    inputs = module.Input(workload.input_shape, dtype="int32" if workload.kind == "gpt" else "float32")
    model = module.Model(inputs, BUILDERS[workload.kind](module, workload, inputs))
    for name, values in workload.weights().items():
        model.get_layer(name).set_weights(values)
    return model


def mlp(module: Any, sizes: tuple[int, ...], weights: list[Any]) -> Any:
    layers = [module.layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = module.Sequential([module.Input((sizes[0],)), *layers, module.layers.Dense(sizes[-1])])
    model.set_weights(weights)
    return model


def _cnn(module: Any, network: n.Network, x: Any) -> Any:
    layers = module.layers
    x = layers.MaxPooling2D()(layers.Conv2D(32, 3, activation="relu", name="conv1")(x))
    x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu", name="conv2")(x))
    x = layers.Dense(128, activation="relu", name="hidden")(layers.Flatten()(x))
    return layers.Dense(n.IMAGE_CLASSES, name="logits")(x)


def _convolution(module: Any, x: Any, filters: int, size: int, strides: int, name: str) -> Any:
    return module.layers.Conv2D(filters, size, strides, padding="same", use_bias=False, name=name)(x)


def _normalized(module: Any, x: Any, name: str) -> Any:
    return module.layers.BatchNormalization(name=name)(x)


def _classified(module: Any, x: Any) -> Any:
    return module.layers.Dense(n.IMAGE_CLASSES, name="logits")(module.layers.GlobalAveragePooling2D()(x))


def _residual(module: Any, network: n.Network, x: Any) -> Any:
    layers = module.layers
    x = _convolution(module, x, n.RESIDUAL_STAGES[0][0], 3, 1, "stem")
    x = layers.ReLU()(_normalized(module, x, "stem_norm"))
    for name, channels, filters, strides in n.residual_blocks():
        y = _convolution(module, x, filters, 3, strides, f"{name}_conv1")
        y = layers.ReLU()(_normalized(module, y, f"{name}_norm1"))
        y = _convolution(module, y, filters, 3, 1, f"{name}_conv2")
        y = _normalized(module, y, f"{name}_norm2")
        if channels != filters:
            x = _convolution(module, x, filters, 1, strides, f"{name}_shortcut")
        x = layers.ReLU()(layers.Add()([y, x]))
    return _classified(module, x)


def _separable(module: Any, network: n.Network, x: Any) -> Any:
    layers = module.layers
    x = layers.ReLU()(_normalized(module, _convolution(module, x, n.SEPARABLE_STEM, 3, 1, "stem"), "stem_norm"))
    for name, _, filters, strides in n.separable_blocks():
        x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
        x = layers.ReLU()(_normalized(module, x, f"{name}_norm1"))
        x = _convolution(module, x, filters, 1, 1, f"{name}_pointwise")
        x = layers.ReLU()(_normalized(module, x, f"{name}_norm2"))
    return _classified(module, x)


def _lstm(module: Any, network: n.Network, x: Any) -> Any:
    return module.layers.Dense(n.IMAGE_CLASSES, name="logits")(module.layers.LSTM(n.ROW_UNITS, name="rows")(x))


def _gru(module: Any, network: n.Network, x: Any) -> Any:
    return module.layers.Dense(n.IMAGE_CLASSES, name="logits")(module.layers.GRU(n.ROW_UNITS, name="rows")(x))


def _gpt(module: Any, network: n.Network, tokens: Any) -> Any:
    layers = module.layers

    class Positions(layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, shape: Any) -> None:
            self.embeddings = self.add_weight(shape=tuple(shape[1:]), name="embeddings")

        def call(self, x: Any) -> Any:
            return x + self.embeddings

    x = Positions(name="positions")(layers.Embedding(n.VOCABULARY, n.GPT_WIDTH, name="tokens")(tokens))
    for block in range(n.GPT_LAYERS):
        name = f"block{block}"
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm1")(x)
        attention = layers.MultiHeadAttention(n.GPT_HEADS, n.GPT_WIDTH // n.GPT_HEADS, name=f"{name}_attention")
        x = layers.Add()([x, attention(y, y, use_causal_mask=True)])
        y = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm2")(x)
        y = layers.Dense(4 * n.GPT_WIDTH, activation="gelu", name=f"{name}_expand")(y)
        x = layers.Add()([x, layers.Dense(n.GPT_WIDTH, name=f"{name}_contract")(y)])
    return layers.Dense(n.VOCABULARY, name="logits")(layers.LayerNormalization(epsilon=1e-5, name="norm")(x))


BUILDERS = {"cnn": _cnn, "residual": _residual, "separable": _separable, "lstm": _lstm, "gru": _gru, "gpt": _gpt}
