"""Normalisation layers over their options: outputs, five steps of training, and what they hold afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from programs.common import Program, fill, fit, regression_data, uniform

PROGRAMS: dict[str, Program] = {}

LAYERS: dict[str, Callable[[Any], Any]] = {
    "batch": lambda layers: layers.BatchNormalization(),
    "batch_options": lambda layers: layers.BatchNormalization(1, 0.5, 0.1, center=False, gamma_regularizer="l2"),
    "batch_unscaled": lambda layers: layers.BatchNormalization(momentum=0.9, scale=False),
    "batch_frozen": lambda layers: layers.BatchNormalization(momentum=0.5, trainable=False),
    "batch_renorm": lambda layers: layers.BatchNormalization(
        renorm=True, momentum=0.8, renorm_momentum=0.7, renorm_clipping={"rmin": 0.5, "rmax": 1.5, "dmax": 0.3}
    ),
    "layer": lambda layers: layers.LayerNormalization(),
    "layer_axes": lambda layers: layers.LayerNormalization((1, 2), 0.1),
    "layer_first": lambda layers: layers.LayerNormalization(1, scale=False),
    "layer_plain": lambda layers: layers.LayerNormalization(center=False, scale=False),
    "group": lambda layers: layers.GroupNormalization(2),
    "group_first": lambda layers: layers.GroupNormalization(3, axis=1, epsilon=0.1, scale=False),
    "instance": lambda layers: layers.GroupNormalization(-1, center=False),
    "rms": lambda layers: layers.RMSNormalization(),
    "rms_axes": lambda layers: layers.RMSNormalization((1, 2), 0.1),
    "unit": lambda layers: layers.UnitNormalization(),
    "unit_axes": lambda layers: layers.UnitNormalization((1, 2)),
}


def _program(make: Callable[[Any], Any]) -> Program:
    def program(keras: Any) -> dict[str, Any]:
        x, y = regression_data(features=12)
        x = x.reshape(-1, 3, 4)
        layer = make(keras.layers)
        model = keras.Sequential(
            [keras.Input((3, 4)), layer, keras.layers.Activation("relu"), keras.layers.Flatten(), keras.layers.Dense(1)]
        )
        fill(model)
        # A variance or a standard deviation is positive.
        names = [weight.path.split("/")[-1] for weight in model.weights]
        weights = zip(names, model.get_weights(), strict=True)
        model.set_weights([abs(w) + 0.5 if name.endswith(("variance", "stddev")) else w for name, w in weights])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        return {
            "inference": model.predict(x[:4], verbose=0),
            "history": fit(model, x, y, epochs=1).history,
            "trained": model.predict(x[:4], verbose=0),
            "weights": dict(zip(names, [np.asarray(w) for w in model.get_weights()], strict=True)),
        }

    return program


PROGRAMS.update({name: _program(make) for name, make in LAYERS.items()})


def functions(keras: Any) -> dict[str, Any]:
    """The functions, with arguments by position and by name."""
    ops, x = keras.ops, uniform(5, 4, 3, 6)
    vector, other = uniform(6, 3), abs(uniform(7, 3)) + 0.5
    return {
        "layer": np.asarray(ops.layer_normalization(x)),
        "layer_axis": np.asarray(ops.layer_normalization(x, vector, other, axis=1, epsilon=0.1)),
        "layer_axes": np.asarray(ops.layer_normalization(x, axis=[0, 2])),
        "rms": np.asarray(ops.rms_normalization(x)),
        "rms_axes": np.asarray(ops.rms_normalization(x, axis=(1, 2), epsilon=0.1)),
        "batch": np.asarray(ops.batch_normalization(x, vector, other, 1)),
        "batch_scaled": np.asarray(
            ops.batch_normalization(x, vector, other, -2, offset=other, scale=vector, epsilon=0.1)
        ),
        "half": np.asarray(ops.layer_normalization(x.astype("float16"))),
    }


def masked(keras: Any) -> dict[str, Any]:
    """Steps that a mask leaves out count in no statistic."""
    x = uniform(8, 6, 5, 4)
    mask = uniform(9, 6, 5) > 0
    layer = keras.layers.BatchNormalization(momentum=0.5)
    y = layer(x, training=True, mask=mask)
    return {"y": np.asarray(y), "mean": np.asarray(layer.moving_mean), "variance": np.asarray(layer.moving_variance)}


PROGRAMS.update(functions=functions, masked=masked)
