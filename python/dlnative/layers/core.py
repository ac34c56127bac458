"""Dense, Activation, Flatten, Reshape, Dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative import activations, constraints, initializers, ops, regularizers
from dlnative.layers.layer import Layer
from dlnative.layers.random_state import RandomState
from dlnative.ops.random import dropout


def _positive_int(layer: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or (not isinstance(value, int) and not hasattr(value, "__index__")) or int(value) <= 0:
        raise ValueError(f"{layer}: expected a positive integer for {name}, got {value!r}")
    return int(value)


class Dense(Layer):
    """A fully connected layer: `activation(x kernel + bias)`.

    Args:
        units: the number of outputs, N.
        activation: a function or its name; linear by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the weights begin.
        kernel_regularizer, bias_regularizer: functions of the weights that are added to the loss.
        activity_regularizer: a function of the output that is added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.

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
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = _positive_int("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def check_input_shape(self, input_shape: Any) -> None:
        if not isinstance(input_shape, tuple):
            raise ValueError(f"{self._label}: expected one input, got {input_shape}")
        if len(input_shape) < 2:
            raise ValueError(f"{self._label}: expected an input of rank 2 or more, got shape {input_shape}")
        if input_shape[-1] is None:
            raise ValueError(f"{self._label}: expected an input whose last axis is known, got shape {input_shape}")
        if self.built and input_shape[-1] != self.kernel.shape[0]:
            raise ValueError(
                f"{self._label}: expected last axis {self.kernel.shape[0]}, got input of shape {input_shape}"
            )

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.built = True

    def call(self, inputs: Any, training: Any = None) -> Any:
        del training
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Activation(Layer):
    """Applies an activation function.

    Args:
        activation: a function or its name.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Activation("relu")(np.array([-1.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Flatten(Layer):
    """Makes each sample a vector: `(batch, ...)` becomes `(batch, product)`.

    Args:
        data_format: accepted for Keras's sake; `"channels_last"` is the only one.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last"):
            raise ValueError(f'{self._label}: expected data_format "channels_last", got {data_format!r}')

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, self.compute_output_shape(tuple(inputs.shape)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: the shape without the batch; one extent may be -1.

    Raises:
        ValueError: if a sample does not have as many elements.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def check_input_shape(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sample = tuple(input_shape[1:])
        if None in sample:
            return (input_shape[0], *(None if extent == -1 else extent for extent in self.target_shape))
        total = math.prod(sample)
        known = math.prod(extent for extent in self.target_shape if extent != -1)
        open_extents = self.target_shape.count(-1)
        if (
            open_extents > 1
            or (open_extents and (known == 0 or total % known))
            or (not open_extents and total != known)
        ):
            raise ValueError(
                f"{self._label}: expected samples that fit target_shape {self.target_shape}, got input of shape "
                f"{tuple(input_shape)}"
            )
        return (input_shape[0], *(total // known if extent == -1 else extent for extent in self.target_shape))

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, self.compute_output_shape(tuple(inputs.shape)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Dropout(Layer):
    """While training, sets inputs to zero with probability `rate` and divides the others by `1 - rate`.

    The mask is drawn by a counter-based generator (Philox 4x32-10), so it is the same on every backend and for any
    number of threads.

    Args:
        rate: the probability, in `[0, 1]`.
        noise_shape: the shape of the mask, broadcast to the input; the input's by default.
        seed: an int that determines the masks; by default drawn from the global seed.

    Raises:
        ValueError: if the rate is outside `[0, 1]`.

    Source:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"{self._label}: expected a rate in [0, 1], got {rate!r}")
        self.rate = float(rate)
        self.seed = seed
        self.noise_shape = noise_shape
        self.seed_generator = RandomState(seed) if rate > 0 else None
        self.built = True

    def call(self, inputs: Any, training: Any = False) -> Any:
        if not training or self.seed_generator is None:
            return inputs
        if self.rate == 1:
            return ops.zeros_like(inputs)
        state = self.seed_generator.next()
        if self.noise_shape is None:
            return dropout(inputs, self.rate, state)
        shape = tuple(
            extent if wanted is None else wanted for wanted, extent in zip(self.noise_shape, inputs.shape, strict=True)
        )
        return ops.multiply(inputs, dropout(ops.ones_like(inputs[tuple(slice(0, n) for n in shape)]), self.rate, state))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
