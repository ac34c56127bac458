"""Dense, and what layers with a kernel and a bias have in common."""

from __future__ import annotations

from typing import Any

from dlnative import activations, constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_count
from dlnative.layers.lora import LowRankLayer


class KernelLayer(LowRankLayer):
    """A layer with a kernel, a bias and an activation."""

    _main = "kernel"

    def __init__(
        self,
        activation: Any,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        lora_rank: int | None,
        lora_alpha: float | None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("quantization_config", None) is not None:
            raise ValueError(f"{type(self).__name__}: expected quantization_config=None: weights are not quantised")
        super().__init__(lora_rank, lora_alpha, **kwargs)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def _add_weights(self, kernel_shape: Any, bias_shape: Any, kernel_initializer: Any) -> None:
        self._kernel = self.add_weight(
            shape=kernel_shape,
            initializer=kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if bias_shape is not None:
            self.bias = self.add_weight(
                shape=bias_shape,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        if self.lora_rank:
            self.built = True
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @property
    def kernel(self) -> Any:
        """The matrix that inputs are multiplied by."""
        return self._effective() if self.lora_enabled else self._kernel

    def _finish(self, x: Any) -> Any:
        """Adds the bias and applies the activation."""
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": None if self.activation is None else activations.serialize(self.activation),
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Dense(KernelLayer):
    """A fully connected layer: `activation(x kernel + bias)`.

    Args:
        units: the number of outputs, N.
        activation: a function or its name; linear by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        lora_rank, lora_alpha: see `enable_lora`, which is called when the layer is built.

    Shapes:
        input `(batch, ..., K)`, output `(batch, ..., N)`; kernel `(K, N)`, bias `(N,)`.

    Raises:
        ValueError: if `units` is not a positive integer, or the last axis of an input is not K.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Dense(3)(np.zeros((2, 5), "float32")).shape
        (2, 3)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        units = checked_count("Dense", "units", units)
        super().__init__(
            activation, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint,
            bias_constraint, lora_rank, lora_alpha, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.units = units
        self.use_bias = use_bias
        self.supports_masking = True

    def check_input_shape(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple):
            raise ValueError(f"{self._label}: expected one input, got {input_shape}")
        if len(input_shape) < 2:
            raise ValueError(f"{self._label}: expected an input of rank 2 or more, got shape {input_shape}")
        if input_shape[-1] is None:
            raise ValueError(f"{self._label}: expected an input whose last axis is known, got shape {input_shape}")
        if self.built and input_shape[-1] != self._kernel.shape[0]:
            raise ValueError(
                f"{self._label}: expected last axis {self._kernel.shape[0]}, got input of shape {input_shape}, which is "
                "incompatible with the layer"
            )

    def build(self, input_shape: Any) -> None:
        self._add_weights(
            (input_shape[-1], self.units), (self.units,) if self.use_bias else None, self.kernel_initializer
        )

    def call(self, inputs: Any, training: Any = None) -> Any:
        del training
        return self._finish(ops.matmul(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "use_bias": self.use_bias}
