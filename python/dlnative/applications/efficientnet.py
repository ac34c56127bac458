"""EfficientNet B0 to B7: width, depth and resolution grown together.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dlnative import layers
from dlnative.applications.building import (
    Options,
    Weights,
    channel_axis,
    described,
    image_shape,
    multiple_of,
    network,
    normalized,
    repeats,
    same_padding,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

# Of each row of blocks: kernel size, how often, filters before and behind, expansion, stride of the first.
_ROWS = (
    (3, 1, 32, 16, 1, 1), (3, 2, 16, 24, 6, 2), (5, 2, 24, 40, 6, 2), (3, 3, 40, 80, 6, 2), (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2), (3, 1, 192, 320, 6, 1),
)  # fmt: skip
KERNEL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
DENSE = {"class_name": "VarianceScaling", "config": {"scale": 1.0 / 3.0, "mode": "fan_out", "distribution": "uniform"}}
_DEVIATIONS = (0.229, 0.224, 0.225)
_DROP_RATE = 0.2  # of the last block; it grows from 0


def _variant(
    number: int, width: float, depth: float, size: int, dropout: float, hashes: tuple[str, str]
) -> Callable[..., Any]:
    cls, own = f"EfficientNetB{number}", f"efficientnetb{number}"

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = own,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        shape = image_shape(options, size, 32)
        files = Weights("https://storage.googleapis.com/keras-applications/", f"{own}.h5", hashes)
        return network(
            options,
            shape,
            lambda x: _features(x, width, depth, weights == "imagenet"),
            lambda x: top(x, options, dropout),
            files,
        )

    images = f"images of {size} x {size} pixels with the classifier, of any of at least 32 x 32 without it"
    return described(build, cls, f"{images}; it scales pixels from 0 to 255 itself")


def _features(x: Any, width: float, depth: float, pretrained: bool) -> Any:
    x = layers.Normalization(axis=channel_axis())(layers.Rescaling(1 / 255)(x))
    if pretrained:  # the normalization of the file divides by deviations whose roots were meant
        x = layers.Rescaling([1 / math.sqrt(value) for value in _DEVIATIONS])(x)
    x = layers.ZeroPadding2D(same_padding(x, 3), name="stem_conv_pad")(x)
    x = layers.Conv2D(
        multiple_of(32 * width), 3, strides=2, use_bias=False, kernel_initializer=KERNEL, name="stem_conv"
    )(x)
    x = normalized(x, "stem_bn", "swish", "stem_activation")
    place, count = 0, sum(repeats(row[1], depth) for row in _ROWS)
    for row, (kernel, often, before, behind, expansion, first) in enumerate(_ROWS, 1):
        before, behind = multiple_of(before * width), multiple_of(behind * width)
        for turn in range(repeats(often, depth)):
            name = f"block{row}{chr(97 + turn)}_"
            strides, filters = (first, before) if turn == 0 else (1, behind)
            x = _block(x, name, (filters, behind), kernel, strides, expansion, _DROP_RATE * place / count)
            place += 1
    x = layers.Conv2D(
        multiple_of(1280 * width), 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name="top_conv"
    )(x)
    return normalized(x, "top_bn", "swish", "top_activation")


def _block(
    inputs: Any, name: str, filters: tuple[int, int], kernel: int, strides: int, expansion: int, drop_rate: float
) -> Any:
    x, wide = inputs, filters[0] * expansion
    if expansion != 1:
        x = layers.Conv2D(
            wide, 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name=f"{name}expand_conv"
        )(x)
        x = normalized(x, f"{name}expand_bn", "swish", f"{name}expand_activation")
    if strides == 2:
        x = layers.ZeroPadding2D(same_padding(x, kernel), name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel, strides=strides, padding="valid" if strides == 2 else "same", use_bias=False,
        depthwise_initializer=KERNEL, name=f"{name}dwconv",
    )(x)  # fmt: skip
    x = normalized(x, f"{name}bn", "swish", f"{name}activation")
    x = excited(x, name, wide, max(1, int(filters[0] * 0.25)))
    x = layers.Conv2D(
        filters[1], 1, padding="same", use_bias=False, kernel_initializer=KERNEL, name=f"{name}project_conv"
    )(x)
    x = normalized(x, f"{name}project_bn")
    return added(x, inputs, name, drop_rate) if strides == 1 and filters[0] == filters[1] else x


def excited(inputs: Any, name: str, channels: int, squeezed: int) -> Any:
    """Returns features whose channels are weighed by what all of the image is like: squeeze and excitation.

    Args:
        inputs: the features.
        name: what the layers' names begin with.
        channels: how many channels there are.
        squeezed: how many there are in between.
    """
    x = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(inputs)
    x = layers.Reshape((channels, 1, 1) if channel_axis() == 1 else (1, 1, channels), name=f"{name}se_reshape")(x)
    x = layers.Conv2D(
        squeezed, 1, padding="same", activation="swish", kernel_initializer=KERNEL, name=f"{name}se_reduce"
    )(x)
    x = layers.Conv2D(
        channels, 1, padding="same", activation="sigmoid", kernel_initializer=KERNEL, name=f"{name}se_expand"
    )(x)
    return layers.multiply([inputs, x], name=f"{name}se_excite")


def added(x: Any, inputs: Any, name: str, drop_rate: float) -> Any:
    """Returns the sum of a block's output, which training drops for some samples, and its input.

    Args:
        x: the output.
        inputs: the input.
        name: what the layers' names begin with.
        drop_rate: for which share of the samples.
    """
    if drop_rate > 0:
        x = layers.Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.add([x, inputs], name=f"{name}add")


def top(x: Any, options: Options, dropout: float) -> Any:
    """Returns the classes' probabilities.

    Args:
        x: the features.
        options: the network's arguments.
        dropout: the rate of the dropout before the classifier.
    """
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout > 0:
        x = layers.Dropout(dropout, name="top_dropout")(x)
    return layers.Dense(
        options.classes, activation=options.classifier_activation, kernel_initializer=DENSE, name="predictions"
    )(x)


EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3 = (
    _variant(0, 1.0, 1.0, 224, 0.2, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")),
    _variant(1, 1.0, 1.1, 240, 0.2, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")),
    _variant(2, 1.1, 1.2, 260, 0.3, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")),
    _variant(3, 1.2, 1.4, 300, 0.3, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")),
)
EfficientNetB4, EfficientNetB5, EfficientNetB6, EfficientNetB7 = (
    _variant(4, 1.4, 1.8, 380, 0.4, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")),
    _variant(5, 1.6, 2.2, 456, 0.4, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")),
    _variant(6, 1.8, 2.6, 528, 0.5, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")),
    _variant(7, 2.0, 3.1, 600, 0.5, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")),
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Returns the images as they are: the network itself scales pixels.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return x
