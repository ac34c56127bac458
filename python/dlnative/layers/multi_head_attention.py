"""MultiHeadAttention: attention between projections of sequences, many heads side by side."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from dlnative import ops
from dlnative.layers.activations import Softmax
from dlnative.layers.head_attention import HeadAttention, for_heads
from dlnative.layers.regularization import Dropout
from dlnative.symbolic import KerasTensor


class MultiHeadAttention(HeadAttention):
    """Attention of many heads: `output(concat over heads of softmax(q k^T / sqrt(key_dim)) v)` of projections q, k and v.

    Where nothing needs the weights themselves, memory is linear in the lengths of both sequences.

    Args:
        num_heads: the number of heads, N.
        key_dim: the length of a head's queries and keys.
        value_dim: that of its values, by default the same.
        dropout: the share of weights that are dropped while training.
        use_bias: whether projections have biases.
        output_shape: the shape of an output, an int or several; by default the query's last extent.
        attention_axes: the axes along which there is attention; by default all between the batch and the features.
        sliding_window: if given, a query sees only keys that are less than this far away.
        flash_attention: accepted for Keras's sake: there is one way, and it is of that kind. It excludes dropout and returned
            weights, as in Keras.
        kernel_initializer, bias_initializer: how the weights of projections begin.
        kernel_regularizer, bias_regularizer: functions of them that are added to the loss.
        activity_regularizer: a function of the output of each projection that is added to the loss.
        kernel_constraint, bias_constraint: functions applied to them after each step.
        use_gate: whether heads are multiplied by a sigmoid of a projection of the query.
        seed: of the dropout.

    Call arguments:
        query: of shape `(batch, T, features)`.
        value: of shape `(batch, S, features)`.
        key: of shape `(batch, S, features)`, by default `value`.
        query_mask, value_mask, key_mask: which steps count; by default those that travel with the tensors.
        attention_mask: which keys a query sees, of shape `(batch, T, S)`.
        return_attention_scores: whether the weights, `(batch, N, T, S)`, are returned too.
        training: whether weights are dropped.
        use_causal_mask: whether a query sees only keys up to its own place.

    Raises:
        ValueError: for arguments that are not positive, or shapes of keys and values that differ.

    Source:
        Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.zeros((2, 7, 16), "float32")
        >>> layers.MultiHeadAttention(num_heads=4, key_dim=4)(x, x, use_causal_mask=True).shape
        (2, 7, 16)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        for name, value in (("num_heads", num_heads), ("key_dim", key_dim), ("value_dim", value_dim)):
            whole = hasattr(value, "__index__") and not isinstance(value, bool)
            if not (whole and value > 0) and not (name == "value_dim" and value is None):  # type: ignore[operator]
                or_none = " or `None`" if name == "value_dim" else ""
                raise ValueError(
                    f"MultiHeadAttention: Received an invalid value for argument `{name}`, expected a positive integer"
                    f"{or_none}. Received: {name}={value}"
                )
        super().__init__(
            dropout, use_bias, sliding_window, flash_attention, kernel_initializer, bias_initializer, kernel_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, use_gate, seed, **kwargs,
        )  # fmt: skip
        self._num_heads, self._key_dim = int(num_heads), int(key_dim)
        self._value_dim = self._key_dim if value_dim is None else int(value_dim)
        self._width = self._key_dim
        if output_shape is not None and not isinstance(output_shape, (int, list, tuple)):
            raise ValueError(
                f"{self._label}: Invalid `output_shape`: {output_shape}. When specified, the `output_shape` should be of type "
                "tuple, list, or int."
            )
        self._features = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape or ()) or None
        if isinstance(attention_axes, int):
            attention_axes = (attention_axes,)
        elif attention_axes is not None and not isinstance(attention_axes, (list, tuple)):
            raise ValueError(
                f"{self._label}: `attention_axes` must be an int, list, or tuple.Received: attention_axes={attention_axes}"
            )
        self._attention_axes = None if attention_axes is None else tuple(attention_axes)

    @property
    def num_heads(self) -> int:
        """The number of heads."""
        return self._num_heads

    @property
    def key_dim(self) -> int:
        """The length of a head's queries and keys."""
        return self._key_dim

    @property
    def value_dim(self) -> int:
        """The length of a head's values."""
        return self._value_dim

    @property
    def dropout(self) -> float:
        """The share of weights that are dropped while training."""
        return self._dropout

    @property
    def use_bias(self) -> bool:
        """Whether projections have biases."""
        return self._use_bias

    @property
    def attention_axes(self) -> tuple[int, ...] | None:
        """The axes along which there is attention."""
        return self._attention_axes

    @property
    def query_dense(self) -> Any:
        """The projection of queries."""
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        """The projection of keys."""
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        """The projection of values."""
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        """The projection of the heads, side by side, to the output."""
        return self._output_dense

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._checked_shapes(value_shape, key_shape)
        rank = len(query_shape)

        def to_heads(name: str, shape: Any, width: int, **more: Any) -> Any:
            free = string.ascii_lowercase[: len(shape) - 1]
            output = [None] * (len(shape) - 2) + [self._num_heads, width]
            return self._projection(name, f"{free}x,xyz->{free}yz", output, "yz", shape, **more)

        self._query_dense = to_heads("query", query_shape, self._key_dim)
        self._key_dense = to_heads("key", key_shape, self._key_dim)
        if self._use_gate:
            self._gate_dense = to_heads("gate", query_shape, self._value_dim, activation="sigmoid")
        self._value_dense = to_heads("value", value_shape, self._value_dim)
        if self._attention_axes is None:
            self._attention_axes = tuple(range(1, rank - 1))
        else:
            self._attention_axes = tuple([axis if axis >= 0 else rank + axis for axis in self._attention_axes])
        self._softmax = Softmax(axis=tuple(range(-len(self._attention_axes), 0)), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy, seed=self.seed)
        features = self._features or (query_shape[-1],)
        free, made = string.ascii_lowercase[: rank - 1], string.ascii_uppercase[: len(features)]
        self._output_dense = self._projection(
            "attention_output", f"{free}yz,yz{made}->{free}{made}", [None] * (rank - 2) + list(features), made,
            (*query_shape[:-1], self._num_heads, self._value_dim),
        )  # fmt: skip

    def _equations(self, rank: int) -> tuple[str, str]:
        """Returns how scores come from keys and queries of a rank, and results from weights and values."""
        assert self._attention_axes is not None
        queries = string.ascii_lowercase[:rank]
        keys = "".join(
            [letter.upper() if axis in self._attention_axes else letter for axis, letter in enumerate(queries)]
        )
        batch = [axis for axis in range(rank - 1) if axis not in self._attention_axes]
        scores = "".join([queries[i] for i in batch] + [queries[i] for i in self._attention_axes])
        scores += "".join([keys[i] for i in self._attention_axes])
        return f"{keys},{queries}->{scores}", f"{scores},{keys}->{queries}"

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None,
        return_attention_scores: bool = False, use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Returns the attention of projected heads, and the weights or `None`: what a subclass may replace."""
        self._refuse_scores(return_attention_scores)
        rank = len(query.shape)
        if not (self._dropout > 0 or return_attention_scores or rank != 4):
            return self._plain(query, key, value, attention_mask, use_causal_mask), None
        assert self._attention_axes is not None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            attention_mask = causal if attention_mask is None else ops.logical_and(attention_mask, causal)
        to_scores, to_values = self._equations(rank)
        scores = ops.einsum(to_scores, key, query * ops.cast(1.0 / math.sqrt(self._key_dim), query.dtype))
        if attention_mask is not None:
            attention_mask = for_heads(attention_mask, len(scores.shape), len(self._attention_axes))
        weights = self._softmax(scores, mask=attention_mask)
        used = self._dropout_layer(weights, training=training) if self._dropout > 0 else weights
        return ops.einsum(to_values, used, value), weights

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
        heads, weights = self._compute_attention(
            self._query_dense(query), self._key_dense(key), self._value_dense(value), attention_mask, training,
            return_attention_scores, **more,
        )  # fmt: skip
        if self._use_gate:
            heads = heads * self._gate_dense(query)
        output = self._output_dense(heads)
        return (output, weights) if return_attention_scores else output

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> Any:
        self._checked_shapes(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *self._features) if self._features else tuple(query_shape)

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None, key_mask: Any = None,
        attention_mask: Any = None, return_attention_scores: bool = False, training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        shape = self.compute_output_shape(query.shape, value.shape, None if key is None else key.shape)
        output = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        scores = (query.shape[0], self._num_heads, query.shape[1], value.shape[1])
        return output, KerasTensor(scores, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "output_shape": self._features,
            "attention_axes": self._attention_axes,
        }
