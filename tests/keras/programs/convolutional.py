"""Convolutions and poolings over their options: outputs, shapes, five steps of training, and what they hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.common import Program, fill, fit, regression_data, uniform

PROGRAMS: dict[str, Program] = {}

# The shape of a sample, and the layer.
LAYERS: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "conv1d": ((12, 1), lambda layers: layers.Conv1D(4, 3)),
    "conv1d_causal": ((6, 2), lambda layers: layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="tanh")),
    "conv2d": ((3, 4, 1), lambda layers: layers.Conv2D(3, 2, activation="relu")),
    "conv2d_same": ((3, 2, 2), lambda layers: layers.Conv2D(4, (3, 2), (2, 1), "same", use_bias=False)),
    "conv2d_dilated": ((4, 3, 1), lambda layers: layers.Conv2D(2, 2, 1, "same", None, (2, 1), kernel_regularizer="l2")),
    "conv2d_groups": ((2, 3, 2), lambda layers: layers.Conv2D(4, 2, groups=2, bias_initializer="ones")),
    "conv3d": ((2, 3, 2, 1), lambda layers: layers.Conv3D(2, (1, 2, 2), (1, 2, 1), "same")),
    "conv1d_transpose": ((4, 3), lambda layers: layers.Conv1DTranspose(2, 3, 2, output_padding=1)),
    "conv2d_transpose": ((2, 3, 2), lambda layers: layers.Conv2DTranspose(3, 3, 2, "same", activation="relu")),
    "conv2d_transpose_dilated": ((2, 3, 2), lambda layers: layers.Conv2DTranspose(2, 2, dilation_rate=2)),
    "conv3d_transpose": ((1, 2, 3, 2), lambda layers: layers.Conv3DTranspose(1, 2, (1, 2, 1), "same")),
    "depthwise1d": ((6, 2), lambda layers: layers.DepthwiseConv1D(3, 2, "same", depth_multiplier=2)),
    "depthwise2d": ((2, 3, 2), lambda layers: layers.DepthwiseConv2D(2, padding="same", activation="tanh")),
    "depthwise2d_strides": ((3, 4, 1), lambda layers: layers.DepthwiseConv2D(2, 2, depth_multiplier=3, use_bias=False)),
    "separable1d": ((6, 2), lambda layers: layers.SeparableConv1D(3, 3, depth_multiplier=2)),
    "separable2d": ((2, 3, 2), lambda layers: layers.SeparableConv2D(3, 2, padding="same")),
    "max1d": ((12, 1), lambda layers: layers.MaxPooling1D(3, 2)),
    "max2d": ((3, 4, 1), lambda layers: layers.MaxPooling2D(2, padding="same")),
    "max3d": ((2, 3, 2, 1), lambda layers: layers.MaxPooling3D((1, 2, 2), 1)),
    "average1d": ((6, 2), lambda layers: layers.AveragePooling1D(3, 2, "same")),
    "average2d": ((3, 4, 1), lambda layers: layers.AveragePooling2D((2, 1))),
    "average3d": ((2, 3, 2, 1), lambda layers: layers.AveragePooling3D(2, 1, "same")),
    "global_max2d": ((2, 3, 2), lambda layers: layers.GlobalMaxPooling2D(keepdims=True)),
    "global_average1d": ((4, 3), lambda layers: layers.GlobalAveragePooling1D()),
    "global_average3d": ((1, 2, 3, 2), lambda layers: layers.GlobalAveragePooling3D()),
    "adaptive_max2d": ((3, 4, 1), lambda layers: layers.AdaptiveMaxPooling2D((2, 3))),
    "adaptive_average1d": ((6, 2), lambda layers: layers.AdaptiveAveragePooling1D(4)),
}  # fmt: skip


def _program(shape: tuple[int, ...], make: Callable[[Any], Any]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = regression_data(features=12)
        x = x.reshape(-1, *shape)
        layer = make(keras.layers)
        # The first layer's gradient by its input is asked for, too.
        model = keras.Sequential(
            [keras.Input(shape), keras.layers.Dense(shape[-1]), layer, keras.layers.Flatten(), keras.layers.Dense(1)]
        )
        fill(model)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        return {
            "shape": layer.output.shape,
            "inference": model.predict(x[:3], verbose=0),
            "history": fit(model, x, y, epochs=1).history,
            "trained": model.predict(x[:3], verbose=0),
            "weights": [np.asarray(weight) for weight in layer.get_weights()],
        }

    return program


PROGRAMS.update({name: _program(shape, make) for name, (shape, make) in LAYERS.items()})


def functions(keras: Any) -> dict[str, Any]:
    """The functions, with arguments by position and by name."""
    ops, x, w = keras.ops, uniform(5, 2, 4, 5, 2), uniform(6, 3, 2, 2, 3)
    return {
        "conv": np.asarray(ops.conv(x, w, 2, "same")),
        "conv_dilated": np.asarray(ops.conv(x, w, dilation_rate=(1, 2))),
        "transpose": np.asarray(ops.conv_transpose(x, uniform(7, 3, 2, 4, 2), (1, 2), "same")),
        "depthwise": np.asarray(ops.depthwise_conv(x, w, padding="same")),
        "separable": np.asarray(ops.separable_conv(x, w, uniform(8, 1, 1, 6, 2), 1, "valid")),
        "max": np.asarray(ops.max_pool(x, (2, 3), 1, "same")),
        "average": np.asarray(ops.average_pool(x, 2, (1, 2), "same")),
        "adaptive_max": np.asarray(ops.adaptive_max_pool(x, 3)),
        "adaptive_average": np.asarray(ops.adaptive_average_pool(x, (3, 2))),
    }


PROGRAMS.update(functions=functions)
