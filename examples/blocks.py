"""Residual and depthwise-separable blocks, on the handwritten digits that come with the package.

    python examples/blocks.py [epochs]

A residual block (He et al., 2015) learns what is to be added to its input. A depthwise-separable one (Howard et al.,
MobileNets, 2017) looks at each channel by itself and then mixes them, with far fewer multiplications.
"""

import sys

import dlnative as keras
from dlnative import layers


def residual(x, filters, strides=1):
    """Returns relu(f(x) + x), f being two convolutions; x goes through one of extent 1 where shapes change."""
    y = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(y))
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = layers.BatchNormalization(momentum=0.9)(y)
    if x.shape != y.shape:
        x = layers.Conv2D(filters, 1, strides)(x)
    return layers.ReLU()(layers.Add()([y, x]))


def separable(x, filters, strides=1):
    """Returns a convolution of each channel by itself, and one of extent 1, each normalised and cut off below 0."""
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def network(block):
    """Returns a classifier of two blocks."""
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    x = block(block(x, 16), 32, strides=2)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


epochs = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 12)
(x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
x_train, x_test = (x[..., None].astype("float32") / 16 for x in (x_train, x_test))
for block in (residual, separable):
    keras.utils.set_random_seed(0)
    model = network(block)
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=64, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{block.__name__}: {model.count_params()} parameters, held out: accuracy {accuracy:.2%}")
