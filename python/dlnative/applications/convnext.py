"""ConvNeXt: a convolutional network drawn like a Transformer.

Source: Liu et al., "A ConvNet for the 2020s", CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative import initializers, layers
from dlnative.applications.building import (
    OF_TENSORFLOW,
    Options,
    Weights,
    channel_axis,
    described,
    image_shape,
    network,
    pooled,
)
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions
from dlnative.layers import Layer
from dlnative.models import Sequential

_EPSILON = 1e-6
_SCALE = 1e-6  # what the scale of each block begins with
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _variant(kind: str, depths: Sequence[int], width: int, hashes: tuple[str, str]) -> Callable[..., Any]:
    cls, own = f"ConvNeXt{kind}", f"convnext_{kind.lower()}"

    def build(
        include_top: bool = True, include_preprocessing: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
        input_shape: Any = None, pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
        name: str = own,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        if channel_axis() == 1:
            raise ValueError(f"{name}: ConvNeXt does not support the `channels_first` image data format")
        shape = image_shape(options, 224, 32)
        normalizes = include_preprocessing and shape[-1] == 3
        return network(
            options,
            shape,
            lambda x: _features(x, name, depths, width, normalizes),
            lambda x: _top(x, options),
            Weights(f"{OF_TENSORFLOW}convnext/", f"{own}.h5", hashes),
            lambda x: layers.LayerNormalization(epsilon=_EPSILON)(pooled(x, pooling, False)),
        )

    return described(
        build, cls, "images of 224 x 224 pixels with the classifier, of any of at least 32 x 32 without it",
        include_preprocessing="whether the network itself normalizes pixels from 0 to 255.",
    )  # fmt: skip


class LayerScale(Layer):
    """Multiplies each channel by a weight.

    Args:
        init_values: what the weights begin with.
        projection_dim: how many channels there are.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=initializers.Constant(self.init_values))

    def call(self, inputs: Any) -> Any:
        return inputs * self.gamma

    def get_config(self) -> dict[str, Any]:
        own = {"init_values": self.init_values, "projection_dim": self.projection_dim}
        return {**super().get_config(), **own}


def _features(x: Any, name: str, depths: Sequence[int], width: int, normalizes: bool) -> Any:
    if normalizes:
        means = [255 * value for value in _MEANS]
        variances = [(255 * value) ** 2 for value in _DEVIATIONS]
        x = layers.Normalization(mean=means, variance=variances, name=f"{name}_prestem_normalization")(x)
    halves = [
        Sequential(
            [
                layers.Conv2D(width, 4, strides=4, name=f"{name}_stem_conv"),
                layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_stem_layernorm"),
            ],
            name=f"{name}_stem",
        )
    ]
    halves += [
        Sequential(
            [
                layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_downsampling_layernorm_{place}"),
                layers.Conv2D(2 * width << place, 2, strides=2, name=f"{name}_downsampling_conv_{place}"),
            ],
            name=f"{name}_downsampling_block_{place}",
        )
        for place in range(3)
    ]
    for stage, count in enumerate(depths):
        x = halves[stage](x)
        for place in range(count):
            x = _block(x, width << stage, f"{name}_stage_{stage}_block_{place}")
    return x


def _block(inputs: Any, filters: int, name: str) -> Any:
    x = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(inputs)
    x = layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_layernorm")(x)
    x = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(_SCALE, filters, name=f"{name}_layer_scale")(x)
    return inputs + layers.Activation("linear", name=f"{name}_identity")(x)


def _top(x: Any, options: Options) -> Any:
    x = layers.GlobalAveragePooling2D(name=f"{options.name}_head_gap")(x)
    x = layers.LayerNormalization(epsilon=_EPSILON, name=f"{options.name}_head_layernorm")(x)
    return layers.Dense(options.classes, activation=options.classifier_activation, name=f"{options.name}_head_dense")(x)


ConvNeXtTiny = _variant(
    "Tiny",
    (3, 3, 9, 3),
    96,
    (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)
ConvNeXtSmall = _variant(
    "Small",
    (3, 3, 27, 3),
    96,
    (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)
ConvNeXtBase = _variant(
    "Base",
    (3, 3, 27, 3),
    128,
    (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)
ConvNeXtLarge = _variant(
    "Large",
    (3, 3, 27, 3),
    192,
    (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)
ConvNeXtXLarge = _variant(
    "XLarge",
    (3, 3, 27, 3),
    256,
    (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Returns the images as they are: the network itself scales pixels.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return x
