"""Positions of steps: learned, as sines, and as rotations of queries and keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative import constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_count, checked_number
from dlnative.layers.embedding import Embedding, ReversibleEmbedding
from dlnative.layers.layer import Layer


class PositionEmbedding(Layer):
    """A learned vector for each step, the same for all samples: what is added to the vectors of tokens.

    Args:
        sequence_length: the number of steps that there may be.
        initializer, regularizer, constraint: of the vectors.

    Call arguments:
        inputs: of shape `(batch, steps, features)`, whose values do not matter.
        start_index: the step that the first one is, an integer or a tensor.

    Raises:
        ValueError: for more steps than there are vectors.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.PositionEmbedding(10)(np.zeros((2, 4, 8), "float32")).shape
        (2, 4, 8)
    """

    def __init__(
        self, sequence_length: int, initializer: Any = "glorot_uniform", regularizer: Any = None, constraint: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.sequence_length = checked_count(self._label, "sequence_length", sequence_length)
        self.initializer = initializers.get(initializer)
        self.regularizer = regularizers.get(regularizer)
        self.constraint = constraints.get(constraint)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.position_embeddings = self.add_weight(
            shape=(self.sequence_length, input_shape[-1]), initializer=self.initializer, regularizer=self.regularizer,
            constraint=self.constraint, name="embeddings",
        )  # fmt: skip

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        steps = inputs.shape[-2]
        if steps is not None and steps > self.sequence_length:
            raise ValueError(f"{self._label}: expected at most {self.sequence_length} steps, got {steps}")
        if isinstance(start_index, int) and start_index == 0 and steps is not None:
            vectors = self.position_embeddings[:steps]
        else:
            places = ops.arange(ops.shape(inputs)[-2], dtype="int32") + ops.cast(start_index, "int32")
            vectors = ops.take(self.position_embeddings, places, axis=0)
        return ops.broadcast_to(ops.cast(vectors, self.compute_dtype), ops.shape(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
            "regularizer": regularizers.serialize(self.regularizer),
            "constraint": constraints.serialize(self.constraint),
        }


class SinePositionEncoding(Layer):
    """Sines and cosines of the step: `sin(p / w**(2 i / features))` in the even places 2 i, the cosine in the odd ones after.

    Args:
        max_wavelength: w.

    Call arguments:
        inputs: of shape `(batch, steps, features)`, whose values do not matter.
        start_index: the step that the first one is, an integer or a tensor.

    Source:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.SinePositionEncoding()(np.zeros((1, 2, 4), "float32"))[0].round(4)
        array([[0.    , 1.    , 0.    , 1.    ],
               [0.8415, 0.5403, 0.01  , 1.    ]], dtype=float32)
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = checked_number(self, "max_wavelength", max_wavelength)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        shape, features = ops.shape(inputs), inputs.shape[-1]
        places = ops.cast(ops.arange(shape[-2], dtype="int32") + ops.cast(start_index, "int32"), self.compute_dtype)
        even = np.arange(features) // 2 * 2
        rates = np.power(float(self.max_wavelength), -even / features).astype("float32")
        angles = ops.expand_dims(places, -1) * ops.cast(rates, self.compute_dtype)
        odd = (np.arange(features) % 2).astype("float32")
        vectors = ops.sin(angles) * ops.cast(1.0 - odd, angles.dtype) + ops.cos(angles) * ops.cast(odd, angles.dtype)
        return ops.broadcast_to(vectors, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}


class RotaryEmbedding(Layer):
    """Rotates pairs of features by angles that grow with the step, so that products of queries and keys depend on distances.

    Feature i and feature i + features / 2 are a pair, turned by `p / (scaling * w**(2 i / features))`.

    Args:
        max_wavelength: w.
        scaling_factor: how many steps count as one.
        sequence_axis: the axis of the steps.
        feature_axis: the axis of the features, of even extent.

    Call arguments:
        inputs: queries or keys, for example `(batch, steps, heads, features)`.
        start_index: the step that the first one is, an integer or a tensor.

    Raises:
        ValueError: for an odd number of features.

    Source:
        Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
    """

    def __init__(
        self, max_wavelength: float = 10000, scaling_factor: float = 1.0, sequence_axis: int = 1, feature_axis: int = -1,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.max_wavelength = checked_number(self, "max_wavelength", max_wavelength)
        self.scaling_factor = checked_number(self, "scaling_factor", scaling_factor)
        self.sequence_axis, self.feature_axis = int(sequence_axis), int(feature_axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        rank = len(inputs.shape)
        steps, features = self.sequence_axis % rank, self.feature_axis % rank
        count = inputs.shape[features]
        if count is None or count % 2:
            raise ValueError(f"{self._label}: expected an even number of features, got shape {tuple(inputs.shape)}")
        places = ops.cast(
            ops.arange(ops.shape(inputs)[steps], dtype="int32") + ops.cast(start_index, "int32"), "float32"
        )
        rates = np.power(float(self.max_wavelength), -np.arange(0, count, 2) / count) / self.scaling_factor
        angles = ops.expand_dims(places, -1) * np.concatenate([rates, rates]).astype("float32")
        if steps > features:
            angles = ops.transpose(angles)
        shape = [1] * rank
        shape[steps], shape[features] = -1, count
        angles = ops.reshape(angles, shape)
        cosine, sine = ops.cast(ops.cos(angles), inputs.dtype), ops.cast(ops.sin(angles), inputs.dtype)
        first, second = ops.split(inputs, 2, axis=features)
        turned = ops.concatenate([ops.negative(second), first], axis=features)
        return inputs * cosine + turned * sine

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_wavelength": self.max_wavelength,
            "scaling_factor": self.scaling_factor,
            "sequence_axis": self.sequence_axis,
            "feature_axis": self.feature_axis,
        }


class TokenAndPositionEmbedding(Layer):
    """The sum of a learned vector for each token and one for each step.

    Args:
        vocabulary_size: the number of tokens.
        sequence_length: the number of steps that there may be.
        embedding_dim: the length of a vector.
        tie_weights: whether `token_embedding(x, reverse=True)` takes the same weights back to tokens.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of both.
        mask_zero: whether token 0 stands for a step that does not count.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.TokenAndPositionEmbedding(100, 10, 8)(np.array([[1, 2, 3]])).shape
        (1, 3, 8)
    """

    def __init__(
        self, vocabulary_size: int, sequence_length: int, embedding_dim: int, tie_weights: bool = True,
        embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None, embeddings_constraint: Any = None,
        mask_zero: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.token_embedding: Embedding = ReversibleEmbedding(
            vocabulary_size, embedding_dim, tie_weights, embeddings_initializer, embeddings_regularizer,
            embeddings_constraint, mask_zero, name="token_embedding", dtype=self.dtype_policy,
        )  # fmt: skip
        self.position_embedding = PositionEmbedding(
            sequence_length, embeddings_initializer, embeddings_regularizer, embeddings_constraint,
            name="position_embedding", dtype=self.dtype_policy,
        )  # fmt: skip
        self.supports_masking = mask_zero

    def build(self, input_shape: Any) -> None:
        self.token_embedding.build(input_shape)
        self.position_embedding.build((*input_shape, self.token_embedding.output_dim))

    def call(self, inputs: Any, start_index: Any = 0) -> Any:
        tokens = self.token_embedding(inputs)
        return tokens + self.position_embedding(tokens, start_index=start_index)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.token_embedding.compute_mask(inputs, previous_mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.token_embedding.output_dim)

    def get_config(self) -> dict[str, Any]:
        token = self.token_embedding.get_config()
        return {
            **super().get_config(),
            "vocabulary_size": self.token_embedding.input_dim,
            "sequence_length": self.position_embedding.sequence_length,
            "embedding_dim": self.token_embedding.output_dim,
            "tie_weights": token["tie_weights"],
            **{key: token[key] for key in token if key.startswith("embeddings_")},
            "mask_zero": self.token_embedding.mask_zero,
        }
