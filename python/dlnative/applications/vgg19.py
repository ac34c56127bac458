"""VGG19: five blocks of 3 x 3 convolutions.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from __future__ import annotations

from typing import Any

from dlnative import layers
from dlnative.applications import imagenet_utils
from dlnative.applications.building import OF_TENSORFLOW, Options, Weights, image_shape, network, pooled
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

_BLOCKS = (2, 2, 4, 4, 4)  # how many convolutions of 64, 128, 256, 512 and 512 filters
_FILES = Weights(
    f"{OF_TENSORFLOW}vgg19/",
    "vgg19_weights_tf_dim_ordering_tf_kernels.h5",
    ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"),
)


def VGG19(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg19",
) -> Any:
    """Builds VGG19.

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
        A functional model of images of 224 x 224 pixels with the classifier, of any of at least 32 x 32 without it.
    """
    options = Options(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name)
    options.check()
    shape = image_shape(options, 224, 32)
    return network(options, shape, _features, lambda x: _top(x, options), _FILES, lambda x: pooled(x, pooling, False))


def _features(x: Any) -> Any:
    for block, count in enumerate(_BLOCKS, 1):
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
