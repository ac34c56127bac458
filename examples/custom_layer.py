"""A layer, a loss and a metric of one's own, written in ops: traced once, then native like the built-in ones."""

import numpy as np

import dlnative as keras
from dlnative import ops


class Gated(keras.layers.Layer):
    """x w * sigmoid(x v)."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], self.units), name="w")
        self.v = self.add_weight((input_shape[-1], self.units), name="v")

    def call(self, inputs):
        return ops.matmul(inputs, self.w) * ops.sigmoid(ops.matmul(inputs, self.v))


def quantile_loss(y_true, y_pred):
    """The loss whose minimum is the 0.9 quantile."""
    error = y_true - y_pred
    return ops.mean(ops.maximum(0.9 * error, -0.1 * error), axis=-1)


def share_below(y_true, y_pred):
    """1 where the prediction is not exceeded."""
    return ops.cast(y_true <= y_pred, "float32")


generator = np.random.default_rng(0)
x = generator.uniform(-1, 1, (4000, 3)).astype("float32")
y = (x.sum(axis=1, keepdims=True) + generator.normal(0, 0.5, (4000, 1))).astype("float32")

keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((3,)), Gated(16), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.01), quantile_loss, metrics=[share_below])
model.fit(x, y, epochs=20, verbose=2, validation_split=0.2)
