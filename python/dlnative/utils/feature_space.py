"""FeatureSpace: features of many kinds, given in a dict, as one vector."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlnative import layers, ops
from dlnative.data.dataset import Dataset
from dlnative.data.elements import as_element
from dlnative.layers.layer import Layer
from dlnative.layers.preprocessing.data_layer import features_of
from dlnative.ops.core import dtype_of
from dlnative.saving import deserialize_keras_object, serialize_keras_object
from dlnative.symbolic import has_keras_tensor
from dlnative.utils.features import Cross, Feature, check_mode
from dlnative.utils.naming import auto_name

_KINDS = (
    "float", "float_normalized", "float_rescaled", "float_discretized", "integer_categorical", "string_categorical",
    "integer_hashed", "string_hashed",
)  # fmt: skip


class FeatureSpace(Layer):
    """Turns a dict of features into one vector for each sample, or into a dict of encoded features.

    Args:
        features: what each feature is: `"float"`, `"float_normalized"`, `"float_rescaled"`, `"float_discretized"`,
            `"integer_categorical"`, `"string_categorical"`, `"integer_hashed"`, `"string_hashed"`, or what the methods of these
            names return, or `FeatureSpace.feature(...)` with a layer of one's own.
        output_mode: `"concat"`: one vector, features and then crosses in the order of the alphabet; `"dict"`.
        crosses: tuples of names of features that are hashed together, or `FeatureSpace.cross(...)`.
        crossing_dim, hashing_dim, num_discretization_bins: how many numbers there are for crosses, hashed and discretized
            features that do not say so.
        name: a name.

    Call arguments:
        data: a dict of arrays `(batch,)` or `(batch, 1)`, or of single values.

    Raises:
        ValueError: for wrong arguments, features that are missing, or a call before `adapt` where that is needed.

    Example:
        >>> from dlnative.utils import FeatureSpace
        >>> space = FeatureSpace({"size": "float_normalized", "colour": "string_categorical"})
        >>> space.adapt({"size": [1.0, 3.0], "colour": ["red", "blue"]})
        >>> space({"size": [1.0, 3.0], "colour": ["blue", "green"]})
        array([[ 0.,  0.,  1., -1.],
               [ 1.,  0.,  0.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        label = self._label
        if not features:
            raise ValueError(f"{label}: The `features` argument cannot be None or empty, got {features!r}")
        check_mode(label, output_mode, ("dict", "concat"))
        self.output_mode = output_mode
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {key: self._feature_of(key, value) for key, value in features.items()}
        self.crosses = [self._cross_of(cross) for cross in crosses or ()]
        self.preprocessors = {key: feature.preprocessor for key, feature in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, Any] = {}
        self.inputs = {
            key: layers.Input(shape=(1,), dtype=feature.dtype, name=key) for key, feature in self.features.items()
        }
        self._encoded: Any = None

    # What features may be.

    @classmethod
    def cross(cls, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Returns features that are hashed together."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """Returns a feature with a layer of one's own."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Returns a number that stays as it is."""
        return Feature("float32", layers.Identity(dtype="float32", name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Returns a number that is multiplied and moved."""
        return Feature("float32", layers.Rescaling(scale, offset, name=_layer_name(name, "float_rescaled")), "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Returns a number whose mean is taken away, divided by its standard deviation."""
        return Feature("float32", layers.Normalization(axis=-1, name=_layer_name(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Returns a number by the interval that it falls into."""
        layer = layers.Discretization(bin_boundaries, num_bins, name=_layer_name(name, "float_discretized"))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Returns an integer by its place in a vocabulary."""
        layer = layers.IntegerLookup(max_tokens, num_oov_indices, name=_layer_name(name, "integer_categorical"))
        return Feature("int64", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Returns text by its place in a vocabulary."""
        layer = layers.StringLookup(max_tokens, num_oov_indices, name=_layer_name(name, "string_categorical"))
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Returns text by its hash."""
        return Feature("string", layers.Hashing(num_bins, name=_layer_name(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Returns an integer by its hash."""
        return Feature("int64", layers.Hashing(num_bins, name=_layer_name(name, "integer_hashed")), output_mode)

    def _feature_of(self, name: str, value: Any) -> Feature:
        if isinstance(value, dict):
            value = deserialize_keras_object(value)
        if isinstance(value, Feature):
            return value
        if value not in _KINDS:
            raise ValueError(f"{self._label}: Invalid feature type: expected one of {', '.join(_KINDS)}, got {value!r}")
        given: dict[str, Any] = {
            "float_discretized": {"num_bins": self.num_discretization_bins},
            "integer_hashed": {"num_bins": self.hashing_dim},
            "string_hashed": {"num_bins": self.hashing_dim},
        }.get(value, {})
        made: Feature = getattr(self, value)(name=name, **given)
        return made

    def _cross_of(self, value: Any) -> Cross:
        if isinstance(value, dict):
            value = deserialize_keras_object(value)
        if not isinstance(value, Cross):
            if not self.crossing_dim:
                raise ValueError(
                    f"{self._label}: expected crossing_dim: When specifying `crosses`, the argument `crossing_dim` should be "
                    f"specified as well, got {self.crossing_dim!r}"
                )
            value = Cross(value, self.crossing_dim)
        unknown = [name for name in value.feature_names if name not in self.features]
        if unknown:
            raise ValueError(
                f"{self._label}: All features referenced in the `crosses` argument should be present in the `features` dict, "
                f"got {unknown} beside {list(self.features)}"
            )
        made: Cross = value
        return made

    # Adapting.

    def _to_adapt(self) -> list[str]:
        """Returns the names of features whose layers learn from data and have not."""

        def learns(layer: Any) -> bool:
            if getattr(layer, "input_mean", None) is not None or getattr(layer, "_static", False):
                return False
            if isinstance(layer, layers.TextVectorization) and layer._lookup._static:
                return False
            if isinstance(layer, layers.Discretization) and layer.num_bins is None:
                return False
            return hasattr(layer, "adapt")

        return [name for name, layer in self.preprocessors.items() if learns(layer)]

    def adapt(self, dataset: Any) -> None:
        """Lets the layers of all features learn from data.

        Args:
            dataset: a dict of arrays or lists, or a `Dataset` of such dicts; targets and weights beside them are left out.

        Raises:
            ValueError: for anything else.
        """
        if not isinstance(dataset, (Dataset, dict)):
            raise ValueError(
                f"{self._label}: `adapt()` can only be called on a Dataset or a dict of arrays/lists, got "
                f"{type(dataset).__name__}"
            )
        for name in self._to_adapt():
            layer = self.preprocessors[name]
            if isinstance(dataset, dict):
                layer.adapt(_column(self._label, dataset, name))
            else:
                layer.adapt(self._columns(dataset, name))
        self._encoded = None
        self.one_hot_encoders = {}
        self._is_adapted = True
        self.get_encoded_features()

    def _columns(self, dataset: Dataset, name: str) -> Iterator[Any]:
        """Yields a feature of a data set as columns; single values are joined."""
        items: Iterator[Any] = (_value(self._label, features_of(item), name) for item in dataset)
        first = next(items, None)
        if first is None:
            raise ValueError(f"{self._label}: expected data to adapt to, got none")
        items = itertools.chain([first], items)
        if np.ndim(first) == 0:
            while part := list(itertools.islice(items, 1024)):
                yield np.stack(part)[:, None]
        else:
            for item in items:
                yield item[:, None] if np.ndim(item) == 1 else item

    _is_adapted = False

    def _check_if_adapted(self) -> None:
        if not self._is_adapted and self._to_adapt():
            raise ValueError(
                f"{self._label}: You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it: expected "
                f"data for {', '.join(self._to_adapt())}"
            )

    # From features to vectors.

    def get_inputs(self) -> dict[str, Any]:
        """Returns the symbolic inputs of a model that is given raw features, by their names."""
        self._check_if_adapted()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """Returns what becomes of the symbolic inputs."""
        self._check_if_adapted()
        if self._encoded is None:
            self._encoded = self._merged(self.inputs)
            self.built = True
        return self._encoded

    def _merged(self, data: dict[str, Any]) -> Any:
        found = {name: layer(data[name]) for name, layer in self.preprocessors.items()}
        crossed = {
            cross.name: self.crossers[cross.name]([found[name] for name in cross.feature_names])
            for cross in self.crosses
        }
        modes = {name: feature.output_mode for name, feature in self.features.items()}
        modes |= {cross.name: cross.output_mode for cross in self.crosses}
        made: dict[str, Any] = {}
        for name, value in [*sorted(found.items()), *sorted(crossed.items())]:
            encoded = self._one_hot(name, value) if modes[name] == "one_hot" else value
            kind = dtype_of(encoded) if not isinstance(getattr(encoded, "dtype", None), str) else encoded.dtype
            if self.output_mode == "concat" and not kind.startswith(("float", "bfloat")):
                raise ValueError(
                    f"{self._label}: Cannot concatenate features because feature '{name}' has not been encoded (it has dtype "
                    f"{kind}). Consider using `output_mode='dict'`"
                )
            made[name] = encoded
        return made if self.output_mode == "dict" else ops.concatenate(list(made.values()), axis=-1)

    def _one_hot(self, name: str, value: Any) -> Any:
        encoder = self.one_hot_encoders.get(name)
        if encoder is None:
            layer = self.preprocessors.get(name) or self.crossers[name]
            size: Any = None
            if isinstance(layer, (layers.IntegerLookup, layers.StringLookup)):
                size = layer.vocabulary_size()
            elif isinstance(layer, layers.CategoryEncoding):
                size = layer.num_tokens
            elif isinstance(layer, layers.Discretization):
                size = layer.num_bins or len(layer.bin_boundaries or ()) + 1
            elif isinstance(layer, (layers.HashedCrossing, layers.Hashing)):
                size = layer.num_bins
            if size is None:
                raise ValueError(
                    f"{self._label}: Feature '{name}' has `output_mode='one_hot'`, but how many numbers {layer._label} gives is "
                    "not known: Try using `output_mode='int'`"
                )
            encoder = self.one_hot_encoders[name] = layers.CategoryEncoding(size, output_mode="multi_hot")
        return encoder(value)

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"{self._label}: A FeatureSpace can only be called with a dict, got {type(data).__name__}")
        self._check_if_adapted()
        if has_keras_tensor(list(data.values())):
            return self._merged(data)
        self.get_encoded_features()
        given = {name: self._given(data, name) for name in self.features}
        single = all(value.ndim == 0 for value in given.values())
        made = self._merged({name: value.reshape(-1, 1) if value.ndim < 2 else value for name, value in given.items()})
        if not single:
            return made
        return {name: value[0] for name, value in made.items()} if isinstance(made, dict) else made[0]

    def _given(self, data: dict[str, Any], name: str) -> Any:
        value, dtype = np.asarray(_value(self._label, data, name)), self.features[name].dtype
        return value if dtype == "string" or value.dtype.kind not in "iufb" else value.astype(dtype)

    # Configuration and files.

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "features": {name: serialize_keras_object(feature) for name, feature in self.features.items()},
            "output_mode": self.output_mode,
            "crosses": [serialize_keras_object(cross) for cross in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shapes that the layers of the features were built with."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layers of the features."""
        for name, shapes in (config or {}).items():
            layer = self.preprocessors.get(name)
            if layer is not None and not layer.built:
                layer.build_from_config(shapes)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Writes the feature space, with what it learned, to a file `.keras`; `saving.load_model` reads it."""
        from dlnative.saving import save_model

        save_model(self, filepath)


def _layer_name(name: str | None, kind: str) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _value(label: str, data: Any, name: str) -> Any:
    """Returns a feature of a dict."""
    if not isinstance(data, dict) or name not in data:
        raise ValueError(
            f"{label}: expected a dict with the feature {name!r}, got {list(data) if isinstance(data, dict) else type(data)}"
        )
    value = data[name]
    return value.to_numpy() if hasattr(value, "to_numpy") else as_element(value)


def _column(label: str, data: Any, name: str) -> Any:
    value = np.asarray(_value(label, data, name))
    return value[:, None] if value.ndim == 1 else value
