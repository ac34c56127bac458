"""MobileNet, version 3, small and large: blocks with squeeze and excitation, found by a search.

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import layers
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    channel_axis,
    described,
    image_shape,
    multiple_of,
    network,
    normalized,
    same_padding,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_HASHES = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}
# Of each block: expansion, filters, kernel size (0 for the network's own), stride, whether it has squeeze and excitation, and
# whether its activation is the network's own instead of relu.
_SMALL = (
    (1, 16, 3, 2, True, False), (72 / 16, 24, 3, 2, False, False), (88 / 24, 24, 3, 1, False, False), (4, 40, 0, 2, True, True),
    (6, 40, 0, 1, True, True), (6, 40, 0, 1, True, True), (3, 48, 0, 1, True, True), (3, 48, 0, 1, True, True),
    (6, 96, 0, 2, True, True), (6, 96, 0, 1, True, True), (6, 96, 0, 1, True, True),
)  # fmt: skip
_LARGE = (
    (1, 16, 3, 1, False, False), (4, 24, 3, 2, False, False), (3, 24, 3, 1, False, False), (3, 40, 0, 2, True, False),
    (3, 40, 0, 1, True, False), (3, 40, 0, 1, True, False), (6, 80, 3, 2, False, True), (2.5, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True), (2.3, 80, 3, 1, False, True), (6, 112, 3, 1, True, True), (6, 112, 3, 1, True, True),
    (6, 160, 0, 2, True, True), (6, 160, 0, 1, True, True), (6, 160, 0, 1, True, True),
)  # fmt: skip
_NORM: dict[str, Any] = {"epsilon": 1e-3, "momentum": 0.999}


def _variant(kind: str, blocks: Any, last: int) -> Callable[..., Any]:
    own = f"MobileNetV3{kind.capitalize()}"

    def build(
        input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
        weights: Any = "imagenet", input_tensor: Any = None, classes: int = 1000, pooling: str | None = None,
        dropout_rate: float = 0.2, classifier_activation: Any = "softmax", include_preprocessing: bool = True,
        name: str = own,
    ) -> Any:  # fmt: skip
        if input_tensor is not None and input_shape is not None and tuple(input_tensor.shape[1:]) != tuple(input_shape):
            raise ValueError(
                f"{name}: expected input_shape to be that of input_tensor, {tuple(input_tensor.shape[1:])}, got {input_shape}"
            )
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        # The classifier is a convolution, so images may be of any size.
        shape = image_shape(options._replace(include_top=False), 224, 32)
        found = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}_float"
        files = None
        if found in _HASHES:
            folder, file = f"{OF_TENSORFLOW}mobilenet_v3/", f"weights_mobilenet_v3_{found}"
            files = Weights(folder, f"{file}.h5", _HASHES[found], f"{file}_no_top_v2.h5")
        act = _relu if minimalistic else _hard_swish
        return network(
            options,
            shape,
            lambda x: _features(x, blocks, alpha, minimalistic, include_preprocessing),
            lambda x: _top(x, options, act, multiple_of(last * alpha) if alpha > 1.0 else last, dropout_rate),
            files,
        )

    return described(
        build, own, "images of any size of at least 32 x 32",
        alpha="what the numbers of filters are multiplied by.",
        minimalistic="whether the network does without squeeze and excitation, hard swish and kernels of 5 x 5.",
        dropout_rate="the rate of the dropout before the classifier.",
        include_preprocessing="whether the network itself scales pixels from 0 to 255 to [-1, 1].",
    )  # fmt: skip


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_swish(x: Any) -> Any:
    return layers.Activation("hard_swish")(x)


def _features(x: Any, blocks: Any, alpha: float, minimalistic: bool, scales: bool) -> Any:
    act = _relu if minimalistic else _hard_swish
    if scales:
        x = layers.Rescaling(1 / 127.5, -1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = act(normalized(x, "conv_bn", **_NORM))
    for place, (expansion, filters, kernel, strides, squeezes, own) in enumerate(blocks):
        size = kernel or (3 if minimalistic else 5)
        squeezes = squeezes and not minimalistic
        x = _block(x, expansion, multiple_of(filters * alpha), size, strides, squeezes, act if own else _relu, place)
    x = layers.Conv2D(multiple_of(6 * x.shape[channel_axis()]), 1, padding="same", use_bias=False, name="conv_1")(x)
    return act(normalized(x, "conv_1_bn", **_NORM))


def _block(
    inputs: Any, expansion: float, filters: int, kernel: int, strides: int, squeezes: bool, act: Any, place: int
) -> Any:
    x, channels = inputs, inputs.shape[channel_axis()]
    name = f"expanded_conv_{place}" if place else "expanded_conv"
    wide = multiple_of(channels * expansion)
    if place:
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = act(normalized(x, f"{name}_expand_bn", **_NORM))
    if strides == 2:
        x = layers.ZeroPadding2D(same_padding(x, kernel), name=f"{name}_depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel, strides=strides, padding="same" if strides == 1 else "valid", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = act(normalized(x, f"{name}_depthwise_bn", **_NORM))
    if squeezes:
        x = _excited(x, wide, f"{name}_squeeze_excite")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = normalized(x, f"{name}_project_bn", **_NORM)
    return layers.Add(name=f"{name}_add")([inputs, x]) if strides == 1 and channels == filters else x


def _excited(inputs: Any, channels: int, name: str) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_avg_pool")(inputs)
    x = layers.Conv2D(multiple_of(channels * 0.25), 1, padding="same", name=f"{name}_conv")(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.Conv2D(channels, 1, padding="same", name=f"{name}_conv_1")(x)
    x = layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)  # the hard sigmoid of these weights
    return layers.Multiply(name=f"{name}_mul")([inputs, x])


def _top(x: Any, options: Options, act: Any, last: int, dropout: float) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = act(layers.Conv2D(last, 1, padding="same", name="conv_2")(x))
    if dropout > 0:
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(layers.Conv2D(options.classes, 1, padding="same", name="logits")(x))
    return layers.Activation(options.classifier_activation, name="predictions")(x)


MobileNetV3Small = _variant("small", _SMALL, 1024)
MobileNetV3Large = _variant("large", _LARGE, 1280)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Returns the images as they are: the network itself scales pixels.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return x
