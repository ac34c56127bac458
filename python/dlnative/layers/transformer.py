"""Blocks of transformers: encoder and decoder."""

from __future__ import annotations

from typing import Any

from dlnative import activations, initializers, ops
from dlnative.layers.arguments import checked_count, checked_number
from dlnative.layers.dense import Dense
from dlnative.layers.layer import Layer
from dlnative.layers.multi_head_attention import MultiHeadAttention
from dlnative.layers.normalization import LayerNormalization
from dlnative.layers.regularization import Dropout


class _Block(Layer):
    """Self-attention and a feedforward network, each with its normalisation, dropout and shortcut."""

    def __init__(
        self, intermediate_dim: int, num_heads: int, dropout: float = 0.0, activation: Any = "relu",
        layer_norm_epsilon: float = 1e-5, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        normalize_first: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.intermediate_dim = checked_count(self._label, "intermediate_dim", intermediate_dim)
        self.num_heads = checked_count(self._label, "num_heads", num_heads)
        self.dropout = checked_number(self, "dropout", dropout, high=1.0)
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = checked_number(self, "layer_norm_epsilon", layer_norm_epsilon)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.normalize_first = normalize_first
        self.supports_masking = True

    def _width(self, shape: Any) -> int:
        width = shape[-1]
        if width is None or width % self.num_heads:
            raise ValueError(
                f"{self._label}: expected features that num_heads={self.num_heads} divides, got shape {tuple(shape)}"
            )
        return int(width)

    def _attention(self, name: str, width: int, query_shape: Any, value_shape: Any) -> MultiHeadAttention:
        layer = MultiHeadAttention(
            self.num_heads, width // self.num_heads, dropout=self.dropout, name=name, dtype=self.dtype_policy,
            kernel_initializer=initializers.serialize(self.kernel_initializer),
            bias_initializer=initializers.serialize(self.bias_initializer),
        )  # fmt: skip
        layer.build(query_shape, value_shape)
        return layer

    def _norm(self, name: str, shape: Any) -> LayerNormalization:
        layer = LayerNormalization(epsilon=self.layer_norm_epsilon, name=name, dtype=self.dtype_policy)
        layer.build(shape)
        return layer

    def _dense(self, name: str, units: int, shape: Any, activation: Any = None) -> Dense:
        layer = Dense(
            units, activation, name=name, dtype=self.dtype_policy,
            kernel_initializer=initializers.serialize(self.kernel_initializer),
            bias_initializer=initializers.serialize(self.bias_initializer),
        )  # fmt: skip
        layer.build(shape)
        return layer

    def _build_feedforward(self, shape: Any) -> None:
        width = shape[-1]
        self._feedforward_norm = self._norm("feedforward_layer_norm", shape)
        self._feedforward_in = self._dense(
            "feedforward_intermediate_dense", self.intermediate_dim, shape, self.activation
        )
        self._feedforward_out = self._dense("feedforward_output_dense", width, (*shape[:-1], self.intermediate_dim))
        self._drop = Dropout(self.dropout, name="dropout", dtype=self.dtype_policy)

    def _with_shortcut(self, x: Any, norm: Any, branch: Any, training: Any) -> Any:
        """Returns x plus a branch of it, normalised before the branch or after the sum."""
        if self.normalize_first:
            return x + self._drop(branch(norm(x)), training=training)
        return norm(x + self._drop(branch(x), training=training))

    def _feedforward(self, x: Any, training: Any) -> Any:
        return self._with_shortcut(
            x, self._feedforward_norm, lambda h: self._feedforward_out(self._feedforward_in(h)), training
        )

    def compute_output_shape(self, input_shape: Any, *others: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }


class TransformerEncoder(_Block):
    """A block of an encoder: self-attention, then a feedforward network.

    Args:
        intermediate_dim: the units of the feedforward network's first layer.
        num_heads: the number of heads, which divides the features.
        dropout: the share of elements that are dropped while training.
        activation: of the feedforward network's first layer.
        layer_norm_epsilon: of the normalisations.
        kernel_initializer, bias_initializer: how weights begin.
        normalize_first: whether what goes into a branch is normalised, instead of the sum that comes out.

    Call arguments:
        inputs: of shape `(batch, steps, features)`.
        padding_mask: which steps count, of shape `(batch, steps)`; by default the mask that travels with the inputs.
        attention_mask: which steps a step sees, of shape `(batch, steps, steps)`.

    Source:
        Vaswani et al., "Attention is all you need", NeurIPS 2017. Names as in KerasHub.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.TransformerEncoder(64, 4)(np.zeros((2, 5, 16), "float32")).shape
        (2, 5, 16)
    """

    def build(self, input_shape: Any) -> None:
        width = self._width(input_shape)
        self._self_attention = self._attention("self_attention_layer", width, input_shape, input_shape)
        self._attention_norm = self._norm("self_attention_layer_norm", input_shape)
        self._build_feedforward(input_shape)

    def call(self, inputs: Any, padding_mask: Any = None, attention_mask: Any = None, training: Any = None) -> Any:
        if padding_mask is not None:
            padding = ops.expand_dims(ops.cast(padding_mask, "bool"), 1)
            attention_mask = padding if attention_mask is None else ops.logical_and(attention_mask, padding)

        def attend(x: Any) -> Any:
            return self._self_attention(x, x, attention_mask=attention_mask, training=training)

        return self._feedforward(self._with_shortcut(inputs, self._attention_norm, attend, training), training)


class TransformerDecoder(_Block):
    """A block of a decoder: causal self-attention, attention to an encoder's output if there is one, a feedforward network.

    Args:
        intermediate_dim, num_heads, dropout, activation, layer_norm_epsilon, kernel_initializer, bias_initializer,
            normalize_first: as for `TransformerEncoder`.

    Call arguments:
        decoder_sequence: of shape `(batch, steps, features)`.
        encoder_sequence: of shape `(batch, source steps, features)`; all calls have one, or none has.
        decoder_padding_mask, encoder_padding_mask: which steps count.
        use_causal_mask: whether a step sees only those before it, and itself.

    Source:
        Vaswani et al., "Attention is all you need", NeurIPS 2017. Names as in KerasHub.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> x = np.zeros((2, 5, 16), "float32")
        >>> layers.TransformerDecoder(64, 4, normalize_first=True)(x).shape
        (2, 5, 16)
    """

    def build(self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None) -> None:
        shape = decoder_sequence_shape
        width = self._width(shape)
        self._self_attention = self._attention("self_attention", width, shape, shape)
        self._attention_norm = self._norm("self_attention_layer_norm", shape)
        self._cross_attention: Any = None
        if encoder_sequence_shape is not None:
            self._cross_attention = self._attention("cross_attention", width, shape, encoder_sequence_shape)
            self._cross_norm = self._norm("cross_attention_layer_norm", shape)
        self._build_feedforward(shape)

    def call(
        self, decoder_sequence: Any, encoder_sequence: Any = None, decoder_padding_mask: Any = None,
        encoder_padding_mask: Any = None, training: Any = None, use_causal_mask: bool = True,
    ) -> Any:  # fmt: skip
        if (encoder_sequence is None) != (self._cross_attention is None):
            expected = "no encoder_sequence" if self._cross_attention is None else "an encoder_sequence"
            raise ValueError(f"{self._label}: expected {expected}, as in its first call")
        own = None if decoder_padding_mask is None else ops.expand_dims(ops.cast(decoder_padding_mask, "bool"), 1)

        def attend(x: Any) -> Any:
            return self._self_attention(x, x, attention_mask=own, use_causal_mask=use_causal_mask, training=training)

        return self._rest(
            self._with_shortcut(decoder_sequence, self._attention_norm, attend, training), encoder_sequence,
            encoder_padding_mask, training,
        )  # fmt: skip

    def _rest(self, x: Any, encoder_sequence: Any, encoder_padding_mask: Any, training: Any) -> Any:
        """What follows self-attention."""
        if encoder_sequence is not None:
            seen = None if encoder_padding_mask is None else ops.expand_dims(ops.cast(encoder_padding_mask, "bool"), 1)

            def attend(h: Any) -> Any:
                return self._cross_attention(h, encoder_sequence, attention_mask=seen, training=training)

            x = self._with_shortcut(x, self._cross_norm, attend, training)
        return self._feedforward(x, training)

    def call_with_cache(
        self, x: Any, keys: Any, values: Any, start: Any, encoder_sequence: Any = None, encoder_padding_mask: Any = None
    ) -> Any:
        """Returns the block's output for steps from `start` on, whose keys and values it writes into a cache.

        Args:
            x: of shape `(batch, steps, features)`.
            keys, values: variables of shape `(batch, capacity, heads, features / heads)`: those of all steps so far.
            start: the step that the first one is, a tensor of rank 0.
            encoder_sequence, encoder_padding_mask: as for a call.
        """
        layer = self._self_attention

        def attend(h: Any) -> Any:
            for cache, new in ((keys, layer.key_dense(h)), (values, layer.value_dense(h))):
                zero = ops.zeros_like(start)
                cache.assign(ops.slice_update(cache, ops.stack([zero, start, zero, zero]), new))
            rows, columns = ops.arange(h.shape[1], dtype="int32"), ops.arange(keys.shape[1], dtype="int32")
            seen = ops.less_equal(ops.expand_dims(columns, 0), ops.expand_dims(rows + start, 1))
            heads = ops.dot_product_attention(
                layer.query_dense(h), ops.convert_to_tensor(keys), ops.convert_to_tensor(values), mask=seen
            )
            return layer.output_dense(heads)

        x = self._with_shortcut(x, self._attention_norm, attend, False)
        return self._rest(x, encoder_sequence, encoder_padding_mask, False)
