"""What a `FeatureSpace` is made of: features, and features that are hashed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative.saving import deserialize_keras_object, register_keras_serializable, serialize_keras_object


@register_keras_serializable("dlnative")
class Cross:
    """Features that are hashed together; `FeatureSpace.cross` makes one.

    Args:
        feature_names: their names.
        crossing_dim: how many numbers the hash has.
        output_mode: `"one_hot"` or `"int"`.
    """

    def __init__(self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> None:
        check_mode("cross", output_mode, ("int", "one_hot"))
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the features, with `_X_` between."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            "feature_names": list(self.feature_names),
            "crossing_dim": self.crossing_dim,
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Cross:
        """Makes one of what `get_config` returned."""
        return cls(**config)


@register_keras_serializable("dlnative")
class Feature:
    """How a feature becomes numbers; `FeatureSpace.feature` makes one.

    Args:
        dtype: of what is given.
        preprocessor: a layer.
        output_mode: `"one_hot"`: what the layer gives are class numbers, which become vectors; `"int"`: they stay; `"float"`:
            it gives floats.
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        check_mode("feature", output_mode, ("int", "one_hot", "float"))
        self.dtype = dtype
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor
        self.output_mode = output_mode

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            "dtype": self.dtype,
            "preprocessor": serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Feature:
        """Makes one of what `get_config` returned."""
        return cls(**config)


def check_mode(label: str, mode: Any, modes: tuple[str, ...]) -> None:
    """Refuses an output mode that there is not.

    Raises:
        ValueError: for such a one.
    """
    if mode not in modes:
        raise ValueError(
            f"{label}: Invalid value for argument `output_mode`. Expected one of {modes}, got output_mode={mode!r}"
        )
