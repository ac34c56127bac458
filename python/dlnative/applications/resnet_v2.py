"""ResNet, version 2: blocks that begin with the normalization.

Source: He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016.
"""

from __future__ import annotations

from typing import Any

from dlnative.applications import imagenet_utils
from dlnative.applications.imagenet_utils import decode_predictions as decode_predictions
from dlnative.applications.resnet import variant

ResNet50V2 = variant(
    "ResNet50V2", (3, 4, 6, 3), ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"), 2
)
ResNet101V2 = variant(
    "ResNet101V2", (3, 4, 23, 3), ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"), 2
)
ResNet152V2 = variant(
    "ResNet152V2", (3, 8, 36, 3), ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"), 2
)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Scales images to [-1, 1]; see `imagenet_utils.preprocess_input`.

    Args:
        x: images from 0 to 255.
        data_format: where the channels are.
    """
    return imagenet_utils.preprocess_input(x, data_format, "tf")
