"""Inception-ResNet, version 2: branches of several sizes whose joined output is added to their input.

Source: Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning", AAAI 2017.
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
from dlnative.layers import Layer

_NAME = "inception_resnet_v2"
_FILES = Weights(
    f"{OF_TENSORFLOW}{_NAME}/",
    f"{_NAME}_weights_tf_dim_ordering_tf_kernels.h5",
    ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
)
# The branches of each kind of block, as rows of filters and kernel sizes.
_BRANCHES: dict[str, Any] = {
    "block35": [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]],
    "block17": [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]],
    "block8": [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]],
}


def InceptionResNetV2(
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
    pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = "inception_resnet_v2",
) -> Any:  # fmt: skip
    """Builds an InceptionResNetV2.

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


class CustomScaleLayer(Layer):
    """Adds the second of two inputs, times a number, to the first.

    Args:
        scale: the number.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale


def _features(x: Any) -> Any:
    x = _convolved(x, 32, 3, 2, "valid")
    x = _convolved(x, 32, 3, 1, "valid")
    x = _convolved(x, 64, 3)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _convolved(x, 80, 1, 1, "valid")
    x = _convolved(x, 192, 3, 1, "valid")
    x = layers.MaxPooling2D(3, strides=2)(x)
    branches = [_row(x, row) for row in ([(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)])]
    averaged = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    x = _joined([*branches, _convolved(averaged, 64, 1)], "mixed_5b")
    for place in range(1, 11):
        x = _block(x, 0.17, "block35", place)
    branches = [_halved(x, row) for row in ([(384, 3)], [(256, 1), (256, 3), (384, 3)])]
    x = _joined([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_6a")
    for place in range(1, 21):
        x = _block(x, 0.1, "block17", place)
    rows = ([(256, 1), (384, 3)], [(256, 1), (288, 3)], [(256, 1), (288, 3), (320, 3)])
    branches = [_halved(x, row) for row in rows]
    x = _joined([*branches, layers.MaxPooling2D(3, strides=2)(x)], "mixed_7a")
    for place in range(1, 10):
        x = _block(x, 0.2, "block8", place)
    x = _block(x, 1.0, "block8", 10, active=False)
    return _convolved(x, 1536, 1, name="conv_7b")


def _convolved(
    x: Any, filters: int, size: Any, strides: int = 1, padding: str = "same", name: str | None = None
) -> Any:
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False, name=name)(x)
    return normalized(x, name and f"{name}_bn", "relu", name and f"{name}_ac", scale=False)


def _row(x: Any, row: Any) -> Any:
    for filters, size in row:
        x = _convolved(x, filters, size)
    return x


def _halved(x: Any, row: Any) -> Any:
    filters, size = row[-1]
    return _convolved(_row(x, row[:-1]), filters, size, 2, "valid")


def _joined(branches: list[Any], name: str) -> Any:
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)


def _block(inputs: Any, scale: float, kind: str, place: int, active: bool = True) -> Any:
    name = f"{kind}_{place}"
    x = _joined([_row(inputs, row) for row in _BRANCHES[kind]], f"{name}_mixed")
    x = layers.Conv2D(inputs.shape[channel_axis()], 1, padding="same", name=f"{name}_conv")(x)
    x = CustomScaleLayer(scale)([inputs, x])
    return layers.Activation("relu", name=f"{name}_ac")(x) if active else x


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
