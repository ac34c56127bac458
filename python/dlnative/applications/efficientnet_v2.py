"""EfficientNet, version 2: plain convolutions in the first blocks, which train faster.

Source: Tan and Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021.
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
    repeats,
)
from dlnative.applications.efficientnet import KERNEL, added, excited, top
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions

# Of each row of blocks: whether its convolutions are plain ones, how often, filters before and behind, expansion, stride.
_SMALL = (
    (True, 2, 24, 24, 1, 1), (True, 4, 24, 48, 4, 2), (True, 4, 48, 64, 4, 2), (False, 6, 64, 128, 4, 2),
    (False, 9, 128, 160, 6, 1), (False, 15, 160, 256, 6, 2),
)  # fmt: skip
_MEDIUM = (
    (True, 3, 24, 24, 1, 1), (True, 5, 24, 48, 4, 2), (True, 5, 48, 80, 4, 2), (False, 7, 80, 160, 4, 2),
    (False, 14, 160, 176, 6, 1), (False, 18, 176, 304, 6, 2), (False, 5, 304, 512, 6, 1),
)  # fmt: skip
_LARGE = (
    (True, 4, 32, 32, 1, 1), (True, 7, 32, 64, 4, 2), (True, 7, 64, 96, 4, 2), (False, 10, 96, 192, 4, 2),
    (False, 19, 192, 224, 6, 1), (False, 25, 224, 384, 6, 2), (False, 7, 384, 640, 6, 1),
)  # fmt: skip
_BASE = (
    (True, 1, 32, 16, 1, 1), (True, 2, 16, 32, 4, 2), (True, 2, 32, 48, 4, 2), (False, 3, 48, 96, 4, 2),
    (False, 5, 96, 112, 6, 1), (False, 8, 112, 192, 6, 2),
)  # fmt: skip
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DROP_RATE = 0.2  # of the last block; it grows from 0
_DROPOUT = 0.2


def _variant(
    kind: str, rows: Any, width: float, depth: float, size: int, hashes: tuple[str, str]
) -> Callable[..., Any]:
    cls, own = f"EfficientNetV2{kind}", f"efficientnetv2-{kind.lower()}"

    def build(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = 1000, classifier_activation: Any = "softmax",
        include_preprocessing: bool = True, name: str = own,
    ) -> Any:  # fmt: skip
        options = Options(
            include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        )
        options.check()
        shape = image_shape(options, size, 32)
        normalizes = kind.startswith("B") and shape[channel_axis() - 1] == 3

        def body(x: Any) -> Any:
            if include_preprocessing:
                x = _scaled(x, normalizes)
            return _features(x, rows, width, depth)

        files = Weights(f"{OF_TENSORFLOW}efficientnet_v2/", f"{own}.h5", hashes)
        return network(options, shape, body, lambda x: top(x, options, _DROPOUT), files)

    return described(
        build, cls, f"images of {size} x {size} pixels with the classifier, of any of at least 32 x 32 without it",
        include_preprocessing="whether the network itself scales pixels from 0 to 255.",
    )  # fmt: skip


def _scaled(x: Any, normalizes: bool) -> Any:
    if not normalizes:
        return layers.Rescaling(1 / 128, -1.0)(x)
    x = layers.Rescaling(1 / 255)(x)
    variances = [value**2 for value in _DEVIATIONS]
    return layers.Normalization(mean=list(_MEANS), variance=variances, axis=channel_axis())(x)


def _features(x: Any, rows: Any, width: float, depth: float) -> Any:
    x = _convolved(x, _filters(rows[0][2], width), 3, 2, "stem_conv")
    x = _normalized(x, "stem_bn", "stem_activation")
    place, count = 0, sum(row[1] for row in rows)
    for number, (plain, often, before, behind, expansion, first) in enumerate(rows, 1):
        before, behind = _filters(before, width), _filters(behind, width)
        for turn in range(repeats(often, depth)):
            name = f"block{number}{chr(97 + turn)}_"
            strides, filters = (first, before) if turn == 0 else (1, behind)
            block = _plain_block if plain else _block
            made = block(x, name, (filters, behind), strides, expansion)
            keeps = strides == 1 and filters == behind
            x = added(made, x, name, _DROP_RATE * place / count) if keeps else made
            place += 1
    x = _convolved(x, _filters(1280, width), 1, 1, "top_conv")
    return _normalized(x, "top_bn", "top_activation")


def _filters(count: int, width: float) -> int:
    return multiple_of(count * width, strict=False)


def _convolved(x: Any, filters: int, kernel: int, strides: int, name: str) -> Any:
    return layers.Conv2D(
        filters, kernel, strides=strides, padding="same", use_bias=False, kernel_initializer=KERNEL, name=name
    )(x)


def _normalized(x: Any, name: str, activation_name: str | None = None) -> Any:
    return normalized(x, name, activation_name and "swish", activation_name, momentum=0.9)


def _block(x: Any, name: str, filters: tuple[int, int], strides: int, expansion: int) -> Any:
    wide = filters[0] * expansion
    if expansion != 1:
        x = _convolved(x, wide, 1, 1, f"{name}expand_conv")
        x = _normalized(x, f"{name}expand_bn", f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, depthwise_initializer=KERNEL, name=f"{name}dwconv2"
    )(x)
    x = _normalized(x, f"{name}bn", f"{name}activation")
    x = excited(x, name, wide, max(1, int(filters[0] * 0.25)))
    return _normalized(_convolved(x, filters[1], 1, 1, f"{name}project_conv"), f"{name}project_bn")


def _plain_block(x: Any, name: str, filters: tuple[int, int], strides: int, expansion: int) -> Any:
    if expansion == 1:
        x = _convolved(x, filters[1], 3, strides, f"{name}project_conv")
        return _normalized(x, f"{name}project_bn", f"{name}project_activation")
    x = _convolved(x, filters[0] * expansion, 3, strides, f"{name}expand_conv")
    x = _normalized(x, f"{name}expand_bn", f"{name}expand_activation")
    return _normalized(_convolved(x, filters[1], 1, 1, f"{name}project_conv"), f"{name}project_bn")


EfficientNetV2B0, EfficientNetV2B1, EfficientNetV2B2, EfficientNetV2B3 = (
    _variant("B0", _BASE, 1.0, 1.0, 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")),
    _variant("B1", _BASE, 1.0, 1.1, 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37")),
    _variant("B2", _BASE, 1.1, 1.2, 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb")),
    _variant("B3", _BASE, 1.2, 1.4, 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856")),
)
EfficientNetV2S, EfficientNetV2M, EfficientNetV2L = (
    _variant("S", _SMALL, 1.0, 1.0, 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")),
    _variant("M", _MEDIUM, 1.0, 1.0, 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342")),
    _variant("L", _LARGE, 1.0, 1.0, 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615")),
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Returns the images as they are: the network itself scales pixels.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return x
