"""Models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative.models.functional import Functional
from dlnative.models.model import Model
from dlnative.models.sequential import Sequential
from dlnative.utils.lazy import lazily

if TYPE_CHECKING:
    from dlnative.models.cloning import clone_model as clone_model
    from dlnative.saving.api import load_model as load_model
    from dlnative.saving.api import save_model as save_model

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]

__getattr__ = lazily(__name__, {"cloning": ["clone_model"], "dlnative.saving.api": ["load_model", "save_model"]})


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a model, with new weights, of what `Model.to_json` returned.

    Args:
        json_string: the text.
        custom_objects: classes of the user's, by name.

    Example:
        >>> import dlnative
        >>> model = dlnative.Sequential([dlnative.Input((4,)), dlnative.layers.Dense(2)])
        >>> model_from_json(model.to_json()).count_params()
        10
    """
    import json

    from dlnative.saving.serialization import deserialize_keras_object

    return deserialize_keras_object(json.loads(json_string), custom_objects)
