"""GroupQueryAttention: attention whose heads share keys and values."""

from __future__ import annotations

import math
from typing import Any

from dlnative import ops
from dlnative.layers.activations import Softmax
from dlnative.layers.arguments import checked_count
from dlnative.layers.head_attention import HeadAttention, for_heads
from dlnative.layers.regularization import Dropout


class GroupQueryAttention(HeadAttention):
    """Attention whose heads share keys and values: `num_query_heads / num_key_value_heads` heads of queries each.

    Args:
        head_dim: the length of a head's queries, keys and values.
        num_query_heads: the number of heads of queries.
        num_key_value_heads: that of keys and values, which divides it.
        dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, use_gate, seed: as for
            `MultiHeadAttention`.

    Call arguments:
        as for `MultiHeadAttention`.

    Raises:
        ValueError: if the numbers of heads do not divide.

    Source:
        Ainslie et al., "GQA: training generalized multi-query transformer models from multi-head checkpoints", EMNLP 2023.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.zeros((2, 7, 16), "float32")
        >>> layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)(x, x).shape
        (2, 7, 16)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, use_gate, seed, **kwargs,
        )  # fmt: skip
        self.head_dim = self._width = checked_count(self._label, "head_dim", head_dim)
        self.num_query_heads = checked_count(self._label, "num_query_heads", num_query_heads)
        self.num_key_value_heads = checked_count(self._label, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                f"{self._label}: `num_query_heads` must be divisible by `num_key_value_heads`, got {num_query_heads} and "
                f"{num_key_value_heads}"
            )
        self.num_repeats = self.num_query_heads // self.num_key_value_heads

    @property
    def dropout(self) -> float:
        """The share of weights that are dropped while training."""
        return self._dropout

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self.feature_dim = query_shape[-1]

        def to_heads(name: str, shape: Any, heads: int, **more: Any) -> Any:
            return self._projection(name, "btx,xnh->btnh", (None, heads, self.head_dim), "nh", shape, **more)

        self._query_dense = to_heads("query", query_shape, self.num_query_heads)
        self._key_dense = to_heads("key", key_shape, self.num_key_value_heads)
        if self._use_gate:
            self._gate_dense = to_heads("gate", query_shape, self.num_query_heads, activation="sigmoid")
        self._value_dense = to_heads("value", value_shape, self.num_key_value_heads)
        self._softmax = Softmax(dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy, seed=self.seed)
        self._output_dense = self._projection(
            "attention_output", "btnh,nhx->btx", (None, self.feature_dim), "x",
            (*query_shape[:-1], self.num_query_heads, self.head_dim),
        )  # fmt: skip

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None,
        return_attention_scores: bool = False, use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Returns the attention of heads, keys and values repeated, and the weights or `None`: what a subclass may replace."""
        self._refuse_scores(return_attention_scores)
        if not (self._dropout > 0 or return_attention_scores):
            return self._plain(query, key, value, attention_mask, use_causal_mask), None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            attention_mask = causal if attention_mask is None else ops.logical_and(attention_mask, causal)
        scores = ops.einsum("btnh,bsnh->bnts", query, key) * ops.cast(1.0 / math.sqrt(self.head_dim), query.dtype)
        if attention_mask is not None:
            attention_mask = for_heads(attention_mask, 4, 1)
        weights = self._softmax(scores, mask=attention_mask)
        used = self._dropout_layer(weights, training=training) if self._dropout > 0 else weights
        return ops.einsum("bnts,bsnh->btnh", used, value), weights

    def call(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None, key_mask: Any = None,
        attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        key = value if key is None else key
        more: dict[str, Any] = {}
        if self._only_causal(use_causal_mask, query_mask, value_mask, key_mask, attention_mask):
            more["use_causal_mask"] = True
        else:
            attention_mask = self._attention_mask(
                query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask
            )
        keys = ops.repeat(self._key_dense(key), self.num_repeats, axis=2)
        values = ops.repeat(self._value_dense(value), self.num_repeats, axis=2)
        heads, weights = self._compute_attention(
            self._query_dense(query), keys, values, attention_mask, training, return_attention_scores, **more
        )
        if self._use_gate:
            heads = heads * self._gate_dense(query)
        output = self._output_dense(heads)
        return (output, weights) if return_attention_scores else output

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        self._checked_shapes(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }
