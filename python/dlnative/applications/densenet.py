"""DenseNet: each block sees what all blocks before it made.

Source: Huang et al., "Densely Connected Convolutional Networks", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    channel_axis,
    classifier,
    described,
    image_shape,
    network,
    normalized,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_EPSILON = 1.001e-5
_GROWTH = 32


def _variant(cls: str, blocks: tuple[int, ...], hashes: tuple[str, str]) -> Callable[..., Any]:
    own = cls.lower()
    files = Weights(f"{OF_TENSORFLOW}densenet/", f"{own}_weights_tf_dim_ordering_tf_kernels.h5", hashes)

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = own,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        if channel_axis() == 1:
            raise ValueError(f"{name}: DenseNet does not support the `channels_first` image data format")
        shape = image_shape(options, 224, 32)
        return network(options, shape, lambda x: _features(x, blocks), lambda x: classifier(x, options), files)

    return described(
        build, cls, "images of 224 x 224 pixels with the classifier, of any of at least 32 x 32 without it"
    )


def _features(x: Any, blocks: tuple[int, ...]) -> Any:
    x = layers.ZeroPadding2D(3)(x)
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = normalized(x, "conv1_bn", "relu", "conv1_relu", epsilon=_EPSILON)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(layers.ZeroPadding2D(1)(x))
    for stage, count in enumerate(blocks, 2):
        for place in range(1, count + 1):
            x = _block(x, f"conv{stage}_block{place}")
        if stage <= len(blocks):
            x = normalized(x, f"pool{stage}_bn", "relu", f"pool{stage}_relu", epsilon=_EPSILON)
            x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False, name=f"pool{stage}_conv")(x)
            x = layers.AveragePooling2D(2, strides=2, name=f"pool{stage}_pool")(x)
    return normalized(x, "bn", "relu", "relu", epsilon=_EPSILON)


def _block(inputs: Any, name: str) -> Any:
    x = normalized(inputs, f"{name}_0_bn", "relu", f"{name}_0_relu", epsilon=_EPSILON)
    x = layers.Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(x)
    x = normalized(x, f"{name}_1_bn", "relu", f"{name}_1_relu", epsilon=_EPSILON)
    x = layers.Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(x)
    return layers.Concatenate(name=f"{name}_concat")([inputs, x])


DenseNet121 = _variant(
    "DenseNet121", (6, 12, 24, 16), ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738")
)
DenseNet169 = _variant(
    "DenseNet169", (6, 12, 32, 32), ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b")
)
DenseNet201 = _variant(
    "DenseNet201", (6, 12, 48, 32), ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1")
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [0, 1] and normalizes them by channel; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "torch")
