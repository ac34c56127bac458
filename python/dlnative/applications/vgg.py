"""What VGG16 and VGG19 share: five blocks of 3 x 3 convolutions, of which they have different numbers.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import Options, Weights, image_shape, network, pooled


def vgg(options: Options, convolutions: Sequence[int], files: Weights) -> Any:
    """Builds a network.

    Args:
        options: its arguments.
        convolutions: how many convolutions of 64, 128, 256, 512 and 512 filters it has.
        files: the files of its weights.
    """
    options.check()
    return network(
        options, image_shape(options, 224, 32), lambda x: _features(x, convolutions), lambda x: _top(x, options), files,
        lambda x: pooled(x, options.pooling, False),
    )  # fmt: skip


def _features(x: Any, convolutions: Sequence[int]) -> Any:
    for block, count in enumerate(convolutions, 1):
        for place in range(1, count + 1):
            x = layers.Conv2D(
                min(32 << block, 512), 3, activation="relu", padding="same", name=f"block{block}_conv{place}"
            )(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    return x


def _top(x: Any, options: Options) -> Any:
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc1")(x)
    x = layers.Dense(4096, activation="relu", name="fc2")(x)
    return layers.Dense(options.classes, activation=options.classifier_activation, name="predictions")(x)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Turns images from RGB to BGR and subtracts the means of ImageNet; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "caffe")
