"""Attention and AdditiveAttention: of one head, without projections."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative import random as draws
from dlnative.layers.arguments import checked_number
from dlnative.layers.layer import Layer
from dlnative.random.seed_generator import SeedGenerator
from dlnative.symbolic import KerasTensor


class Attention(Layer):
    """`softmax(scores(query, key)) value`, after Luong.

    Args:
        use_scale: whether scores are multiplied by a weight.
        score_mode: `"dot"`: `scale * query key^T`; `"concat"`: `weight * sum(tanh(scale * (query + key)))`.
        dropout: the share of weights that are dropped while training.
        seed: of the dropout.

    Call arguments:
        inputs: a list of query `(batch, T, length)`, value `(batch, S, length of values)` and, perhaps, key, which is by
            default the value.
        mask: a list of the masks of query and value; results of queries that do not count are 0.
        return_attention_scores: whether the weights, `(batch, T, S)`, are returned too.
        training: whether weights are dropped.
        use_causal_mask: whether a query sees only keys up to its own place.

    Raises:
        ValueError: for inputs or masks that are no such lists.

    Source:
        Luong et al., "Effective approaches to attention-based neural machine translation", EMNLP 2015.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> query, value = np.zeros((1, 1, 2), "float32"), np.array([[[1.0, 2.0], [3.0, 6.0]]], "float32")
        >>> layers.Attention()([query, value])
        array([[[2., 4.]]], dtype=float32)
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = checked_number(self, "dropout", dropout, high=1.0)
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"{self._label}: Invalid value for argument score_mode. Expected one of {{'dot', 'concat'}}. Received: "
                f"score_mode={score_mode}"
            )
        self.scale: Any = None
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(shape=(), initializer="ones", name="concat_score_weight")

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """Returns scores (batch, T, S): what a subclass may replace."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        together = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        if self.scale is not None:
            together = together * self.scale
        return self.concat_score_weight * ops.sum(ops.tanh(together), axis=-1)

    def _apply_scores(self, scores: Any, value: Any, scores_mask: Any = None, training: Any = False) -> tuple[Any, Any]:
        """Returns the values' means by the softmax of scores, and the weights: what a subclass may replace."""
        if scores_mask is not None:
            seen = scores_mask if len(scores_mask.shape) > 2 else ops.expand_dims(scores_mask, -2)
            scores = ops.where(seen, scores, scores - (65504.0 if scores.dtype == "float16" else 1e9))
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = draws.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.matmul(weights, value), weights

    def call(
        self, inputs: Any, mask: Any = None, training: Any = False, return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        self._check(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask else (None, None)
        scores = self._calculate_scores(query, key)
        seen = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), -2)
        if use_causal_mask:
            rows, columns = (ops.arange(extent, dtype="int32") for extent in ops.shape(scores)[-2:])
            causal = ops.greater_equal(ops.reshape(rows, (1, -1, 1)), ops.reshape(columns, (1, 1, -1)))
            seen = causal if seen is None else ops.logical_and(seen, causal)
        result, weights = self._apply_scores(scores, value, seen, training)
        if query_mask is not None:
            result = ops.where(ops.expand_dims(ops.cast(query_mask, "bool"), -1), result, 0.0)
        return (result, weights) if return_attention_scores else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        self._check(inputs, mask)
        return mask[0] if mask else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(
        self, inputs: Any, mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        self._check(inputs, mask)
        shapes = [x.shape for x in inputs]
        output = KerasTensor(self.compute_output_shape(shapes), dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        return output, KerasTensor((*shapes[0][:-1], shapes[-1][-2]), dtype=self.compute_dtype)

    def _check(self, inputs: Any, mask: Any = None) -> None:
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise ValueError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or [query, value, key]. Received: "
                f"inputs={inputs}."
            )
        if len(inputs) not in (2, 3):
            raise ValueError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or [query, value, key]. Received "
                f"length: {len(inputs)}."
            )
        if mask is not None:
            if not isinstance(mask, list):
                raise ValueError(
                    f"{name} layer mask must be a list, namely [query_mask, value_mask]. Received: mask={mask}."
                )
            if len(mask) not in (2, 3):
                raise ValueError(
                    f"{name} layer accepts mask list of length 2 or 3. Received: inputs={inputs}, mask={mask}."
                )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """`softmax(scores) value` with `scores = sum(scale * tanh(query + key))`, after Bahdanau.

    Args:
        use_scale: whether there is a weight for each element of the sum.
        dropout: the share of weights that are dropped while training.
        **kwargs: `seed`, and the arguments of every layer.

    Call arguments:
        as for `Attention`.

    Source:
        Bahdanau et al., "Neural machine translation by jointly learning to align and translate", ICLR 2015.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(shape=(input_shape[0][-1],), initializer="glorot_uniform", name="scale")

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        together = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(together if self.scale is None else together * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
