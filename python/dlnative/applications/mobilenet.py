"""MobileNet: depthwise and pointwise convolutions in turn.

Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017.
"""

from __future__ import annotations

from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    image_shape,
    network,
    normalized,
    pooled,
    sizes_of,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_SIZES = (128, 160, 192, 224)  # of images for which there are weights
_WIDTHS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
# Filters and stride of each block.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2),
    (1024, 1),
)  # fmt: skip


def MobileNet(
    input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 0.001, include_top: bool = True,
    weights: Any = "imagenet", input_tensor: Any = None, pooling: str | None = None, classes: int = 1000,
    classifier_activation: Any = "softmax", name: str | None = None,
) -> Any:  # fmt: skip
    """Builds a MobileNet.

    Args:
        alpha: what the numbers of filters are multiplied by.
        depth_multiplier: how many filters a depthwise convolution has for each channel.
        dropout: the rate of the dropout before the classifier.
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
    label = name or "mobilenet"
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, label)
    options.check()
    size = square_size(input_shape, _SIZES)
    shape = image_shape(options, size, 32)
    if weights == "imagenet" and (depth_multiplier != 1 or alpha not in _WIDTHS):
        raise ValueError(
            f"{label}: If imagenet weights are being loaded, depth_multiplier must be 1 and alpha one of 0.25, 0.5, 0.75 and "
            f"1.0, got depth_multiplier={depth_multiplier} and alpha={alpha}"
        )
    rows = sizes_of(shape)[0]
    if weights == "imagenet" and (rows not in _SIZES or sizes_of(shape)[1] != rows):
        rows = 224
    options = options._replace(name=name or f"mobilenet_{alpha:0.2f}_{rows}")
    files = None
    if alpha in _WIDTHS:
        file = f"mobilenet_{_WIDTHS[alpha]}_{rows}_tf.h5"
        files = Weights(f"{OF_TENSORFLOW}mobilenet/", file, (None, None), file.replace(".h5", "_no_top.h5"))
    return network(
        options,
        shape,
        lambda x: _features(x, alpha, depth_multiplier),
        lambda x: _top(x, options, dropout),
        files,
        lambda x: pooled(x, pooling, False),
    )


def square_size(input_shape: Any, sizes: tuple[int, ...]) -> int:
    """Returns the size of square images if there are weights for it, 224 otherwise.

    Args:
        input_shape: the shape of the images, without the batch.
        sizes: the sizes for which there are weights.
    """
    rows, columns = (None, None) if input_shape is None else tuple(sizes_of(tuple(input_shape)))
    return rows if rows == columns and rows in sizes else 224


def _features(x: Any, alpha: float, depth_multiplier: int) -> Any:
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
    x = layers.ReLU(6.0, name="conv1_relu")(normalized(x, "conv1_bn"))
    for place, (filters, strides) in enumerate(_BLOCKS, 1):
        if strides == 2:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{place}")(x)
        x = layers.DepthwiseConv2D(
            3, strides=strides, padding="same" if strides == 1 else "valid", depth_multiplier=depth_multiplier,
            use_bias=False, name=f"conv_dw_{place}",
        )(x)  # fmt: skip
        x = layers.ReLU(6.0, name=f"conv_dw_{place}_relu")(normalized(x, f"conv_dw_{place}_bn"))
        x = layers.Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{place}")(x)
        x = layers.ReLU(6.0, name=f"conv_pw_{place}_relu")(normalized(x, f"conv_pw_{place}_bn"))
    return x


def _top(x: Any, options: Options, dropout: float) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Conv2D(options.classes, 1, padding="same", name="conv_preds")(x)
    x = layers.Reshape((options.classes,), name="reshape_2")(x)
    return layers.Activation(options.classifier_activation, name="predictions")(x)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
