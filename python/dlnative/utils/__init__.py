"""Utilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.data.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from dlnative.data.py_dataset import PyDataset
from dlnative.utils.lazy import lazily
from dlnative.utils.naming import get_uid, reset_names
from dlnative.utils.progbar import Progbar
from dlnative.utils.random_seed import set_random_seed
from dlnative.utils.terminal import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

if TYPE_CHECKING:
    from dlnative.saving.registration import CustomObjectScope as CustomObjectScope
    from dlnative.saving.registration import custom_object_scope as custom_object_scope
    from dlnative.saving.registration import get_custom_objects as get_custom_objects
    from dlnative.saving.registration import get_registered_name as get_registered_name
    from dlnative.saving.registration import get_registered_object as get_registered_object
    from dlnative.saving.registration import register_keras_serializable as register_keras_serializable
    from dlnative.saving.serialization import deserialize_keras_object as deserialize_keras_object
    from dlnative.saving.serialization import serialize_keras_object as serialize_keras_object
    from dlnative.utils import bounding_boxes as bounding_boxes
    from dlnative.utils import legacy as legacy
    from dlnative.utils.audio_dataset import audio_dataset_from_directory
    from dlnative.utils.directories import text_dataset_from_directory
    from dlnative.utils.feature_space import FeatureSpace
    from dlnative.utils.files import get_file
    from dlnative.utils.image_dataset import image_dataset_from_directory
    from dlnative.utils.image_utils import array_to_img, img_to_array, load_img, save_img
    from dlnative.utils.model_plot import model_to_dot, plot_model
    from dlnative.utils.sequences import pad_sequences
    from dlnative.utils.splitting import split_dataset
    from dlnative.utils.timeseries import timeseries_dataset_from_array

Sequence = PyDataset  # Keras's older name

__all__ = [
    "Config",
    "CustomObjectScope",
    "FeatureSpace",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "bounding_boxes",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "get_uid",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "legacy",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

__getattr__ = lazily(
    __name__,
    {
        "audio_dataset": ("audio_dataset_from_directory",),
        "dlnative.backend": ("standardize_dtype",),
        "dlnative.saving.registration": (
            "CustomObjectScope",
            "custom_object_scope",
            "get_custom_objects",
            "get_registered_name",
            "get_registered_object",
            "register_keras_serializable",
        ),
        "dlnative.saving.serialization": ("deserialize_keras_object", "serialize_keras_object"),
        "bounding_boxes": (),
        "config": ("Config",),
        "directories": ("text_dataset_from_directory",),
        "feature_space": ("FeatureSpace",),
        "files": ("get_file",),
        "image_dataset": ("image_dataset_from_directory",),
        "legacy": (),
        "image_utils": ("array_to_img", "img_to_array", "load_img", "save_img"),
        "model_plot": ("model_to_dot", "plot_model"),
        "sequences": ("pad_sequences",),
        "symbolic_inputs": ("get_source_inputs", "is_keras_tensor"),
        "splitting": ("split_dataset",),
        "timeseries": ("timeseries_dataset_from_array",),
    },
)


def clear_session(free_memory: bool = True) -> None:
    """Begins to count the names of layers, models and metrics anew: the next `Dense` is `"dense"` again.

    Args:
        free_memory: accepted for Keras's sake; memory is freed when nothing refers to it.

    Example:
        >>> from dlnative import layers
        >>> clear_session()
        >>> layers.Dense(1).name, layers.Dense(1).name
        ('dense', 'dense_1')
    """
    del free_memory
    reset_names()


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """Returns class numbers as one-hot rows.

    Args:
        x: integers of any shape; a last axis of extent 1 is taken away.
        num_classes: the length of the rows; by default the largest number and one more.

    Returns:
        A float array with one more axis.

    Raises:
        ValueError: if a number is not in `[0, num_classes)`.

    Example:
        >>> to_categorical([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = np.asarray(x).astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = int(labels.max()) + 1 if num_classes is None else int(num_classes)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels[(labels < 0) | (labels >= classes)].ravel()[0]
        raise ValueError(f"to_categorical: expected class numbers in [0, {classes}), got {wrong}")
    return np.eye(classes)[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray[Any, Any]:
    """Returns an array divided by its norm along an axis.

    Args:
        x: an array.
        axis: the axis.
        order: of the norm.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    return array / np.expand_dims(norm, axis)
