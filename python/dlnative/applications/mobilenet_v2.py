"""MobileNet, version 2: blocks that are narrow where their input is added.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
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
    multiple_of,
    network,
    normalized,
    pooled,
    same_padding,
    sizes_of,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions
from dlnative.applications.mobilenet import square_size

_SIZES = (96, 128, 160, 192, 224)  # of images for which there are weights
_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
# Filters, how often, and the stride of the first, of each row of blocks.
_BLOCKS = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
_NORM: dict[str, Any] = {"epsilon": 1e-3, "momentum": 0.999}


def MobileNetV2(
    input_shape: Any = None, alpha: float = 1.0, include_top: bool = True, weights: Any = "imagenet",
    input_tensor: Any = None, pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Any:  # fmt: skip
    """Builds a MobileNetV2.

    Args:
        alpha: what the numbers of filters are multiplied by.
        include_top: whether the network ends in a classifier.
        weights: `None` for random ones, `"imagenet"`, or a file.
        input_tensor: what the network is applied to, in place of an input of its own.
        input_shape: the shape of the images, without the batch.
        pooling: without a classifier: `None`, or `"avg"` or `"max"` over the image.
        classes: how many classes there are.
        classifier_activation: the classifier's activation.
        name: a name.

    Returns:
        A functional model of images of 224 x 224 pixels with the classifier, of any of at least 32 x 32 without it.

    Raises:
        ValueError: if there are no such weights, or the images' shape cannot be right.
    """
    label = name or "mobilenetv2"
    if input_tensor is not None and input_shape is not None and tuple(input_tensor.shape[1:]) != tuple(input_shape):
        raise ValueError(
            f"{label}: expected input_shape to be that of input_tensor, {tuple(input_tensor.shape[1:])}, got {input_shape}"
        )
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, label)
    options.check()
    seen = input_shape if input_tensor is None else tuple(input_tensor.shape[1:])
    size = square_size(seen, _SIZES)
    shape = image_shape(options, size, 32)
    rows = sizes_of(shape)[0]
    if weights == "imagenet":
        if alpha not in _WIDTHS:
            raise ValueError(
                f"{label}: If imagenet weights are being loaded, alpha must be one of `0.35`, `0.50`, `0.75`, `1.0`, `1.3` or "
                f"`1.4`, got alpha={alpha}"
            )
        if rows not in _SIZES or sizes_of(shape)[1] != rows:
            rows = 224
    options = options._replace(name=name or f"mobilenetv2_{alpha:0.2f}_{rows}")
    file = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}.h5"
    files = Weights(f"{OF_TENSORFLOW}mobilenet_v2/", file, (None, None), file.replace(".h5", "_no_top.h5"))
    return network(
        options,
        shape,
        lambda x: _features(x, alpha),
        lambda x: classifier(x, options, None),
        files,
        lambda x: pooled(x, pooling, False),
    )


def _features(x: Any, alpha: float) -> Any:
    x = layers.Conv2D(multiple_of(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(normalized(x, "bn_Conv1", **_NORM))
    place = 0
    for filters, count, first in _BLOCKS:
        for turn in range(count):
            x = _block(x, multiple_of(int(filters * alpha)), first if turn == 0 else 1, place)
            place += 1
    last = multiple_of(1280 * alpha) if alpha > 1.0 else 1280
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    return layers.ReLU(6.0, name="out_relu")(normalized(x, "Conv_1_bn", **_NORM))


def _block(inputs: Any, filters: int, strides: int, place: int) -> Any:
    x, channels = inputs, inputs.shape[channel_axis()]
    name = f"block_{place}" if place else "expanded_conv"
    if place:
        x = layers.Conv2D(6 * channels, 1, padding="same", use_bias=False, name=f"{name}_expand")(x)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(normalized(x, f"{name}_expand_BN", **_NORM))
    if strides == 2:
        x = layers.ZeroPadding2D(same_padding(x, 3), name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same" if strides == 1 else "valid", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(normalized(x, f"{name}_depthwise_BN", **_NORM))
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = normalized(x, f"{name}_project_BN", **_NORM)
    return layers.Add(name=f"{name}_add")([inputs, x]) if channels == filters and strides == 1 else x


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
