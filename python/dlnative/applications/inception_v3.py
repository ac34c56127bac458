"""Inception, version 3: branches with kernels of several sizes, joined.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
"""

from __future__ import annotations

from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    channel_axis,
    classifier,
    image_shape,
    network,
    normalized,
    pooled,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_FILES = Weights(
    f"{OF_TENSORFLOW}inception_v3/",
    "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"),
)


def InceptionV3(
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
    pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = "inception_v3",
) -> Any:  # fmt: skip
    """Builds an InceptionV3.

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
        A functional model of images of 299 x 299 pixels with the classifier, of any of at least 75 x 75 without it.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    options.check()
    shape = image_shape(options, 299, 75)
    return network(
        options, shape, _features, lambda x: classifier(x, options), _FILES, lambda x: pooled(x, pooling, False)
    )


def _features(x: Any) -> Any:
    x = _convolved(x, (32, 3, 3), 2, "valid")
    x = _convolved(x, (32, 3, 3), 1, "valid")
    x = _convolved(x, (64, 3, 3))
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolved(x, (80, 1, 1), 1, "valid")
    x = _convolved(x, (192, 3, 3), 1, "valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    for place, filters in enumerate((32, 64, 64)):
        x = _joined(
            [
                _convolved(x, (64, 1, 1)),
                _row(x, (48, 1, 1), (64, 5, 5)),
                _row(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
                _averaged(x, filters),
            ],
            f"mixed{place}",
        )
    x = _joined(
        [
            _convolved(x, (384, 3, 3), 2, "valid"),
            _convolved(_row(x, (64, 1, 1), (96, 3, 3)), (96, 3, 3), 2, "valid"),
            layers.MaxPooling2D(3, strides=2)(x),
        ],
        "mixed3",
    )
    for place, n in enumerate((128, 160, 160, 192), 4):
        x = _joined(
            [
                _convolved(x, (192, 1, 1)),
                _row(x, (n, 1, 1), (n, 1, 7), (192, 7, 1)),
                _row(x, (n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)),
                _averaged(x, 192),
            ],
            f"mixed{place}",
        )
    x = _joined(
        [
            _convolved(_row(x, (192, 1, 1)), (320, 3, 3), 2, "valid"),
            _convolved(_row(x, (192, 1, 1), (192, 1, 7), (192, 7, 1)), (192, 3, 3), 2, "valid"),
            layers.MaxPooling2D(3, strides=2)(x),
        ],
        "mixed8",
    )
    for place in range(2):
        first = _convolved(x, (320, 1, 1))
        second = _parted(_row(x, (384, 1, 1)), f"mixed9_{place}")
        third = _parted(_row(x, (448, 1, 1), (384, 3, 3)), None)
        x = _joined([first, second, third, _averaged(x, 192)], f"mixed{9 + place}")
    return x


def _convolved(x: Any, kernel: tuple[int, int, int], strides: int = 1, padding: str = "same") -> Any:
    filters, *size = kernel
    x = layers.Conv2D(filters, tuple(size), strides=strides, padding=padding, use_bias=False)(x)
    return normalized(x, None, "relu", scale=False)


def _row(x: Any, *kernels: tuple[int, int, int]) -> Any:
    for kernel in kernels:
        x = _convolved(x, kernel)
    return x


def _averaged(x: Any, filters: int) -> Any:
    return _convolved(layers.AveragePooling2D(3, strides=1, padding="same")(x), (filters, 1, 1))


def _parted(x: Any, name: str | None) -> Any:
    return _joined([_convolved(x, (384, 1, 3)), _convolved(x, (384, 3, 1))], name)


def _joined(branches: list[Any], name: str | None) -> Any:
    return layers.concatenate(branches, axis=channel_axis(), name=name)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
