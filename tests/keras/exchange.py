"""Files that travel between Keras and dlnative: the models in them, and the command that writes and reads them.

    KERAS_BACKEND=jax python tests/keras/exchange.py write keras tests/keras/files    # what the tests read
    python tests/keras/exchange.py write dlnative FOLDER
    KERAS_BACKEND=jax python tests/keras/exchange.py read keras FOLDER

Beside each file is what the model predicts, and what it predicts after one more step of training.
"""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def mlp(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, "relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.0),
            layers.Dense(2),
        ]
    )


def cnn(keras: Any) -> Any:
    layers = keras.layers
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D()(layers.GroupNormalization(2)(x))
    x = layers.Conv2DTranspose(3, 2)(layers.SeparableConv2D(3, 2)(layers.DepthwiseConv2D(2)(x)))
    x = layers.Add()([x, layers.Conv2D(3, 1)(x)])
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def lstm(keras: Any) -> Any:
    layers = keras.layers
    x = inputs = keras.Input((6,))
    x = layers.LSTM(4, return_sequences=True)(layers.Embedding(10, 4, mask_zero=True)(x))
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(3)], return_sequences=True)(x)
    return keras.Model(inputs, layers.Dense(2)(layers.SimpleRNN(3)(layers.TimeDistributed(layers.Dense(4))(x))))


def transformer(keras: Any) -> Any:
    layers, ops = keras.layers, keras.ops
    inputs = keras.Input((6,))
    x = layers.Embedding(10, 8)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dense(8)(layers.Dense(16, "gelu")(x)))
    x = x + layers.GroupQueryAttention(4, 4, 2)(x, x)
    x = ops.concatenate([ops.mean(x, axis=1), ops.max(x, axis=1), x[:, 0], x[:, -1, :4]], axis=-1)
    x = ops.transpose(ops.reshape(ops.relu(x) * 2 - 1, (-1, 2, 14)), (0, 2, 1))
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(x)))


def nested(keras: Any) -> Any:
    """Models in models, and layers that are called several times."""
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(3)])
    inputs = keras.Input((4,))
    middle = keras.Model(inputs, layers.Dense(2)(inner(inputs)))
    outer, shared = keras.Input((4,)), layers.Dense(4)
    return keras.Model(outer, layers.Add()([middle(shared(outer)), middle(shared(shared(outer)))]))


def classes(keras: Any) -> dict[str, Any]:
    """Returns a layer and a model as users write them."""
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.first = layers.Dense(units, "relu")
            self.listed = [layers.Dense(units), [layers.Dense(units)]]
            self.named = {"b": layers.Dense(units)}
            self._last = layers.Dense(units)

        def build(self, input_shape: Any) -> None:
            self.first.build(input_shape)
            shape = (*input_shape[:-1], self.units)
            for layer in (self.listed[0], self.listed[1][0], self.named["b"], self._last):
                layer.build(shape)
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            self.count = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="count")

        def call(self, x: Any) -> Any:
            return self._last(self.named["b"](self.listed[1][0](self.listed[0](self.first(x))))) * self.scale

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (*input_shape[:-1], self.units)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    class Own(keras.Model):
        def __init__(self, width: int = 4, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.width = width
            self.block = Block(width)
            self._head = layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self._head(self.block(x))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "width": self.width}

    return {"Block": Block, "Own": Own}


def subclassed(keras: Any) -> Any:
    return classes(keras)["Own"]()


MODELS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "mlp": (mlp, (4,)),
    "cnn": (cnn, (8, 8, 3)),
    "lstm": (lstm, (6,)),
    "transformer": (transformer, (6,)),
    "nested": (nested, (4,)),
    "subclassed": (subclassed, (5,)),
}


def data(name: str) -> tuple[Any, Any]:
    """Returns the inputs and the targets of a model."""
    random = np.random.default_rng(0)
    x = random.normal(size=(8, *MODELS[name][1])).astype("float32")
    y = random.normal(size=(8, 2)).astype("float32")
    return (np.abs(x * 4) % 10).astype("int32") if name in ("lstm", "transformer") else x, y


def write(keras: Any, name: str, folder: Path) -> None:
    """Trains a model for two steps, and saves it with what it predicts."""
    keras.utils.set_random_seed(0)
    model = MODELS[name][0](keras)
    x, y = data(name)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    model.save(folder / f"{name}.keras")
    if name == "mlp":
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
    now = model.predict(x, verbose=0)
    model.train_on_batch(x, y)
    np.savez(folder / f"{name}.npz", now=now, after=model.predict(x, verbose=0))


def read(keras: Any, name: str, path: Path) -> float:
    """Returns by how much what a loaded model predicts, now and after a step, differs from what it did where it was saved."""
    model = keras.saving.load_model(path, custom_objects=classes(keras))
    x, y = data(name)
    with np.load(path.parent / f"{name}.npz") as expected:
        now = np.abs(model.predict(x, verbose=0) - expected["now"]).max()
        model.train_on_batch(x, y)
        return float(max(now, np.abs(model.predict(x, verbose=0) - expected["after"]).max()))


def _smaller(path: Path) -> None:
    """Compresses the members of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)


if __name__ == "__main__":
    what, library, place = sys.argv[1:4]
    module, home = importlib.import_module(library), Path(place)
    home.mkdir(exist_ok=True)
    for chosen in MODELS:
        if what == "write":
            write(module, chosen, home)
            _smaller(home / f"{chosen}.keras")
        else:
            print(f"{chosen}: {read(module, chosen, home / f'{chosen}.keras'):.1e}")
