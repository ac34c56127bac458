"""Embedding and ReversibleEmbedding: vectors for integers."""

from __future__ import annotations

from typing import Any

from dlnative import constraints, dtypes, initializers, ops, regularizers
from dlnative.layers.arguments import checked_count
from dlnative.layers.lora import LowRankLayer


class Embedding(LowRankLayer):
    """Replaces integers by rows of a matrix of weights.

    Args:
        input_dim: the number of rows: integers are in `[0, input_dim)`.
        output_dim: the length of a row.
        embeddings_initializer: how the weights begin.
        embeddings_regularizer: a function of the weights that is added to the loss.
        embeddings_constraint: a function applied to the weights after each step.
        mask_zero: whether 0 stands for a step that does not count: a mask goes on with the output.
        weights: first values of the weights, an array of shape `(input_dim, output_dim)`.
        lora_rank, lora_alpha: see `enable_lora`, which is called when the layer is built.

    Shapes:
        input `(batch, ...)` of integers, output `(batch, ..., output_dim)`.

    Raises:
        ValueError: if a dimension is not a positive integer.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Embedding(10, 4)(np.array([[1, 2, 9]])).shape
        (1, 3, 4)
    """

    _main = "embeddings"

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        cls = type(self).__name__
        sizes = [checked_count(cls, "input_dim", input_dim), checked_count(cls, "output_dim", output_dim)]
        kwargs.pop("input_length", None)  # of Keras 2: the length is the input's
        if kwargs.pop("quantization_config", None) is not None:
            raise ValueError(f"{cls}: expected quantization_config=None: weights are not quantised")
        super().__init__(lora_rank, lora_alpha, **kwargs)
        self.input_dim, self.output_dim = sizes
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        self._embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @property
    def embeddings(self) -> Any:
        """The matrix whose rows are given."""
        return self._effective() if self.lora_enabled else self._embeddings

    def call(self, inputs: Any) -> Any:
        dtype = inputs.dtype if isinstance(inputs.dtype, str) else dtypes.of_array(inputs)
        if dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int64")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


class ReversibleEmbedding(Embedding):
    """An embedding that also goes back: `call(x, reverse=True)` gives a logit for each integer.

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: as for
            `Embedding`.
        tie_weights: whether the way back takes the transposed embeddings; otherwise it has weights of its own.
        reverse_dtype: the type in which the way back is computed; by default the input's.
        logit_soft_cap: a bound c for logits: `c * tanh(logits / c)`; none by default.

    Source:
        Press and Wolf, "Using the output embedding to improve language models", EACL 2017.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero, **kwargs
        )  # fmt: skip
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return super().call(inputs)
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs, kernel = ops.cast(inputs, self.reverse_dtype), ops.cast(kernel, self.reverse_dtype)
        logits = ops.matmul(inputs, kernel)
        cap = self.logit_soft_cap
        return logits if cap is None else ops.tanh(logits / cap) * cap

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The way there masks zeros; the way back hands on no mask."""
        dtype = inputs.dtype if isinstance(inputs.dtype, str) else dtypes.of_array(inputs)
        return None if dtypes.is_float(dtype) else super().compute_mask(inputs, previous_mask)

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
