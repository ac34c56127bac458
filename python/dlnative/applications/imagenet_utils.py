"""What networks trained on ImageNet were given, and what their classes are called."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.config import image_data_format
from dlnative.dtypes import floatx
from dlnative.utils import get_file

# Of the pixels of ImageNet, by channel: blue, green, red from 0 to 255; and red, green, blue from 0 to 1.
_MEANS_BGR = (103.939, 116.779, 123.68)
_MEANS_RGB, _DEVIATIONS_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_classes: dict[str, list[str]] = {}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scales pixels as a network saw them when it was trained.

    `"caffe"` turns RGB into BGR and subtracts ImageNet's means, `"tf"` scales to [-1, 1], `"torch"` scales to [0, 1],
    subtracts the means and divides by the standard deviations.

    Args:
        x: images (rows, columns, 3) or a batch of them, from 0 to 255: an array, which stays as it is, or a tensor.
        data_format: where the channels are; by default as `config.image_data_format()` says.
        mode: `"caffe"`, `"tf"` or `"torch"`.

    Returns:
        The images as floats.

    Raises:
        ValueError: for another mode or data format.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.full((1, 1, 3), 255), mode="tf")
        array([[[1., 1., 1.]]], dtype=float32)
    """
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"preprocess_input: Expected mode to be one of `caffe`, `tf` or `torch`, got mode={mode!r}")
    where = image_data_format() if data_format is None else data_format
    if where not in ("channels_first", "channels_last"):
        raise ValueError(
            "preprocess_input: Expected data_format to be one of `channels_first` or `channels_last`, got "
            f"data_format={data_format!r}"
        )
    if isinstance(x, np.ndarray):
        x = x.astype(x.dtype if np.issubdtype(x.dtype, np.floating) else floatx())
        flip: Any = np.flip
    else:
        flip = ops.flip
    if mode == "tf":
        return x / 127.5 - 1.0
    axis = -1 if where == "channels_last" else -3
    kind = x.dtype if isinstance(x, np.ndarray) else floatx()

    def by_channel(values: Any) -> Any:
        return np.asarray(values, kind).reshape((3,) + (1,) * (-1 - axis))

    if mode == "caffe":
        return flip(x, axis) - by_channel(_MEANS_BGR)
    return (x / 255.0 - by_channel(_MEANS_RGB)) / by_channel(_DEVIATIONS_RGB)


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, float]]]:
    """Returns what the most probable classes of ImageNet are called.

    Args:
        preds: probabilities (samples, 1000).
        top: how many classes of each sample are listed.

    Returns:
        A list for each sample, of tuples of the class's number in WordNet, its name, and its probability.

    Raises:
        ValueError: for another shape.
    """
    found = np.asarray(ops.convert_to_numpy(preds))
    if found.ndim != 2 or found.shape[1] != 1000:
        raise ValueError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, 1000)), got "
            f"{found.shape}"
        )
    if not _classes:
        path = get_file(
            "imagenet_class_index.json", _CLASSES, cache_subdir="models", file_hash="c2c37ea517e94d9795004a39431a14cb"
        )
        with open(path, encoding="utf-8") as file:
            _classes.update(json.load(file))
    best = np.argsort(found, axis=1)[:, ::-1][:, :top]
    return [
        [(*_classes[str(place)], values[place]) for place in places] for values, places in zip(found, best, strict=True)
    ]
