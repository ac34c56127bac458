"""What layers of attention have in common that project sequences to heads."""

from __future__ import annotations

from typing import Any

from dlnative import constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_number
from dlnative.layers.einsum_dense import EinsumDense
from dlnative.layers.layer import Layer


def _optional_count(label: str, name: str, value: Any) -> int | None:
    if value is None:
        return None
    if not hasattr(value, "__index__") or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{label}: `{name}` must be `None` or a positive integer, got {name}={value!r}")
    return int(value)


class HeadAttention(Layer):
    """What layers of attention have in common that project query, key and value to heads."""

    _width: int  # of a head's queries and keys

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._dropout = checked_number(self, "dropout", dropout, high=1.0)
        self._use_bias, self._use_gate = use_bias, use_gate
        self._sliding_window = _optional_count(self._label, "sliding_window", sliding_window)
        self._flash_attention = bool(flash_attention)
        if self._flash_attention and self._dropout > 0:
            raise ValueError(f"{self._label}: Dropout is not supported when flash attention is enabled, got {dropout}")
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)
        self._kernel_regularizer = regularizers.get(kernel_regularizer)
        self._bias_regularizer = regularizers.get(bias_regularizer)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self._kernel_constraint = constraints.get(kernel_constraint)
        self._bias_constraint = constraints.get(bias_constraint)
        self.seed = seed

    def _projection(self, name: str, equation: str, output_shape: Any, bias_axes: str, shape: Any, **more: Any) -> Any:
        """Returns a product with weights along axes, built for inputs of a shape."""
        layer = EinsumDense(
            equation,
            output_shape=output_shape,
            bias_axes=bias_axes if self._use_bias else None,
            # Initializers of their own: one that has a seed would draw the same again.
            kernel_initializer=_another(self._kernel_initializer),
            bias_initializer=_another(self._bias_initializer),
            kernel_regularizer=self._kernel_regularizer,
            bias_regularizer=self._bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self._kernel_constraint,
            bias_constraint=self._bias_constraint,
            dtype=self.dtype_policy,
            name=name,
            **more,
        )
        layer.supports_masking = True  # masks are this layer's affair
        layer.build(shape)
        return layer

    def _attention_mask(
        self, query: Any, value: Any, query_mask: Any, value_mask: Any, key_mask: Any, attention_mask: Any, causal: bool
    ) -> Any:
        """Returns what queries see of keys, (batch, T, S), from all that has a say in it; `None` for everything."""
        seen = None if attention_mask is None else ops.cast(attention_mask, "bool")
        parts = [None if query_mask is None else ops.expand_dims(ops.cast(query_mask, "bool"), -1)]
        parts += [None if m is None else ops.expand_dims(ops.cast(m, "bool"), -2) for m in (value_mask, key_mask)]
        if causal:
            parts.append(self._compute_causal_mask(query, value))
        if self._sliding_window is not None:
            parts.append(self._compute_sliding_window_mask(query, value))
        for part in parts:
            if part is not None:
                seen = part if seen is None else ops.logical_and(seen, part)
        return seen

    def _places(self, query: Any, value: Any) -> tuple[Any, Any]:
        queries = ops.shape(query)[1]
        keys = queries if value is None else ops.shape(value)[1]
        return ops.reshape(ops.arange(queries, dtype="int32"), (1, -1, 1)), ops.reshape(
            ops.arange(keys, dtype="int32"), (1, 1, -1)
        )

    def _compute_causal_mask(self, query: Any, value: Any = None) -> Any:
        """Returns for each query the keys up to its own place: booleans of shape (1, T, S)."""
        row, column = self._places(query, value)
        return ops.greater_equal(row, column)

    def _compute_sliding_window_mask(self, query: Any, value: Any = None) -> Any:
        """Returns for each query the keys that are less than `sliding_window` away: booleans of shape (1, T, S)."""
        row, column = self._places(query, value)
        return ops.less(ops.absolute(row - column), self._sliding_window)

    def _plain(self, query: Any, key: Any, value: Any, attention_mask: Any, causal: bool) -> Any:
        """Returns the attention of heads without their weights."""
        if attention_mask is not None:
            attention_mask = for_heads(attention_mask, 4, 1)
        return ops.dot_product_attention(
            query, key, value, mask=attention_mask, scale=self._width**-0.5, is_causal=causal
        )

    def _only_causal(self, use_causal_mask: bool, *masks: Any) -> bool:
        """Whether there is nothing but the order that hides keys, and attention is this library's."""
        plain = type(self)._compute_attention.__module__.startswith("dlnative.")
        return use_causal_mask and self._sliding_window is None and plain and all(mask is None for mask in masks)

    def _compute_attention(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _refuse_scores(self, return_attention_scores: bool) -> None:
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                f"{self._label}: Returning attention scores is not supported when flash attention is enabled. Please disable "
                "flash attention to access attention scores."
            )

    def _checked_shapes(self, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{self._label}: All dimensions of `value` and `key`, except the last one, must be equal. Received: "
                f"value_shape={tuple(value_shape)} and key_shape={tuple(key_shape)}"
            )

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the query goes on with the output."""
        return previous_mask

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dropout": self._dropout,
            "use_bias": self._use_bias,
            "use_gate": self._use_gate,
            "sliding_window": self._sliding_window,
            "kernel_initializer": initializers.serialize(self._kernel_initializer),
            "bias_initializer": initializers.serialize(self._bias_initializer),
            "kernel_regularizer": regularizers.serialize(self._kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self._bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self._kernel_constraint),
            "bias_constraint": constraints.serialize(self._bias_constraint),
            "seed": self.seed,
        }


def _another(initializer: Any) -> Any:
    return initializers.get(initializers.serialize(initializer))


def for_heads(mask: Any, rank: int, attention_axes: int) -> Any:
    """Returns a mask with an axis for the heads, and what else it lacks of a rank."""
    for _ in range(rank - len(mask.shape)):
        mask = ops.expand_dims(mask, axis=-2 * attention_axes - 1)
    return mask
