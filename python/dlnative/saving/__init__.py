"""Models in files, and objects as configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.saving.api import load_model as load_model
    from dlnative.saving.api import load_weights as load_weights
    from dlnative.saving.api import save_model as save_model
    from dlnative.saving.api import save_weights as save_weights
    from dlnative.saving.file_editor import KerasFileEditor as KerasFileEditor
    from dlnative.saving.registration import CustomObjectScope as CustomObjectScope
    from dlnative.saving.registration import custom_object_scope as custom_object_scope
    from dlnative.saving.registration import get_custom_objects as get_custom_objects
    from dlnative.saving.registration import get_registered_name as get_registered_name
    from dlnative.saving.registration import get_registered_object as get_registered_object
    from dlnative.saving.registration import register_keras_serializable as register_keras_serializable
    from dlnative.saving.serialization import deserialize_keras_object as deserialize_keras_object
    from dlnative.saving.serialization import serialize_keras_object as serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

__getattr__ = lazily(
    __name__,
    {
        "api": ["load_model", "load_weights", "save_model", "save_weights"],
        "file_editor": ["KerasFileEditor"],
        "registration": [
            "CustomObjectScope", "custom_object_scope", "get_custom_objects", "get_registered_name",
            "get_registered_object", "register_keras_serializable",
        ],
        "serialization": ["deserialize_keras_object", "serialize_keras_object"],
    },
)  # fmt: skip
