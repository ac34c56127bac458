"""VGG19: five blocks of 3 x 3 convolutions.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
"""

from __future__ import annotations

from typing import Any

from dlnative.applications.building import OF_TENSORFLOW, Options, Weights
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions
from dlnative.applications.vgg import preprocess_input as preprocess_input
from dlnative.applications.vgg import vgg

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
    return vgg(options, (2, 2, 4, 4, 4), _FILES)
