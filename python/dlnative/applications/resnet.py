"""ResNet: blocks whose input is added to their output.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; the second version: He et al., "Identity Mappings in
Deep Residual Networks", ECCV 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    classifier,
    described,
    image_shape,
    network,
    normalized,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_EPSILON = 1.001e-5
_FILTERS = (64, 128, 256, 512)


def variant(cls: str, repeats: Sequence[int], hashes: tuple[str, str], version: int = 1) -> Callable[..., Any]:
    """Returns the function that builds a ResNet.

    Args:
        cls: its name.
        repeats: how many blocks each of the four stages has.
        hashes: of the files of its weights, with a classifier and without one.
        version: 1, or 2, whose blocks begin with the normalization.
    """
    own = cls.lower()
    files = Weights(f"{OF_TENSORFLOW}resnet/", f"{own}_weights_tf_dim_ordering_tf_kernels.h5", hashes)

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax", name: str = own,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        shape = image_shape(options, 224, 32)
        body = _features if version == 1 else _features_v2
        return network(options, shape, lambda x: body(x, repeats), lambda x: classifier(x, options), files)

    return described(
        build, cls, "images of 224 x 224 pixels with the classifier, of any of at least 32 x 32 without it"
    )


def _stem(x: Any) -> Any:
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    return layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)


def _pool(x: Any) -> Any:
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def _features(x: Any, repeats: Sequence[int]) -> Any:
    x = _pool(normalized(_stem(x), "conv1_bn", "relu", "conv1_relu", epsilon=_EPSILON))
    for stage, (filters, count) in enumerate(zip(_FILTERS, repeats, strict=True), 2):
        for place in range(1, count + 1):
            x = _block(x, filters, 2 if place == 1 and stage > 2 else 1, place == 1, f"conv{stage}_block{place}")
    return x


def _block(x: Any, filters: int, strides: int, projects: bool, name: str) -> Any:
    shortcut = x
    if projects:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(x)
        shortcut = normalized(shortcut, f"{name}_0_bn", epsilon=_EPSILON)
    x = layers.Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x)
    x = normalized(x, f"{name}_1_bn", "relu", f"{name}_1_relu", epsilon=_EPSILON)
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = normalized(x, f"{name}_2_bn", "relu", f"{name}_2_relu", epsilon=_EPSILON)
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = normalized(x, f"{name}_3_bn", epsilon=_EPSILON)
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _features_v2(x: Any, repeats: Sequence[int]) -> Any:
    x = _pool(_stem(x))
    for stage, (filters, count) in enumerate(zip(_FILTERS, repeats, strict=True), 2):
        for place in range(1, count + 1):
            strides = 2 if place == count and stage < 5 else 1
            x = _block_v2(x, filters, strides, place == 1, f"conv{stage}_block{place}")
    return normalized(x, "post_bn", "relu", "post_relu", epsilon=_EPSILON)


def _block_v2(x: Any, filters: int, strides: int, projects: bool, name: str) -> Any:
    active = normalized(x, f"{name}_preact_bn", "relu", f"{name}_preact_relu", epsilon=_EPSILON)
    if projects:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(active)
    else:
        shortcut = layers.MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active)
    x = normalized(x, f"{name}_1_bn", "relu", f"{name}_1_relu", epsilon=_EPSILON)
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(x)
    x = normalized(x, f"{name}_2_bn", "relu", f"{name}_2_relu", epsilon=_EPSILON)
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


ResNet50 = variant("ResNet50", (3, 4, 6, 3), ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"))
ResNet101 = variant(
    "ResNet101", (3, 4, 23, 3), ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
)
ResNet152 = variant(
    "ResNet152", (3, 8, 36, 3), ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Turns images from RGB to BGR and subtracts the means of ImageNet; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "caffe")
