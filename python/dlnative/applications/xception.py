"""Xception: separable convolutions with residuals.

Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.
"""

from __future__ import annotations

from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    classifier,
    image_shape,
    network,
    normalized,
    pooled,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_FILES = Weights(
    f"{OF_TENSORFLOW}xception/",
    "xception_weights_tf_dim_ordering_tf_kernels.h5",
    ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
)


def Xception(
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
    pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = "xception",
) -> Any:  # fmt: skip
    """Builds an Xception.

    Args:
        include_top: whether the network ends in a classifier.
        weights: `None` for random ones, `"imagenet"`, or a file.
        input_tensor: what the network is applied to, in place of an input of its own.
        input_shape: the shape of the images, without the batch.
        pooling: without a classifier: `None`, or `"avg"` or `"max"` over the image.
        classes: how many classes there are.
        classifier_activation: the classifier's activation.
        name: a name.

    Returns:
        A functional model of images of 299 x 299 pixels with the classifier, of any of at least 71 x 71 without it.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    options.check()
    shape = image_shape(options, 299, 71)
    return network(
        options, shape, _features, lambda x: classifier(x, options), _FILES, lambda x: pooled(x, pooling, False)
    )


def _features(x: Any) -> Any:
    x = layers.Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(x)
    x = normalized(x, "block1_conv1_bn", "relu", "block1_conv1_act")
    x = layers.Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = normalized(x, "block1_conv2_bn", "relu", "block1_conv2_act")
    for block, filters in ((2, 128), (3, 256), (4, 728)):
        x = _halved(x, (filters, filters), f"block{block}", begins_active=block > 2)
    for block in range(5, 13):
        residual = x
        for place in (1, 2, 3):
            x = layers.Activation("relu", name=f"block{block}_sepconv{place}_act")(x)
            x = _separable(x, 728, f"block{block}_sepconv{place}")
        x = layers.add([x, residual])
    x = _halved(x, (728, 1024), "block13")
    for place, filters in ((1, 1536), (2, 2048)):
        x = _separable(x, filters, f"block14_sepconv{place}")
        x = layers.Activation("relu", name=f"block14_sepconv{place}_act")(x)
    return x


def _separable(x: Any, filters: int, name: str) -> Any:
    return normalized(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def _halved(x: Any, filters: tuple[int, int], name: str, begins_active: bool = True) -> Any:
    residual = normalized(layers.Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x), None)
    for place, count in enumerate(filters, 1):
        if begins_active or place == 2:
            x = layers.Activation("relu", name=f"{name}_sepconv{place}_act")(x)
        x = _separable(x, count, f"{name}_sepconv{place}")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.add([x, residual])


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
