"""SpectralNormalization: a layer whose kernel has the spectral norm 1."""

from __future__ import annotations

from typing import Any

from dlnative import initializers, ops
from dlnative.layers.arguments import checked_count
from dlnative.layers.core import Wrapper
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided by its largest singular value in each call while training.

    The value is estimated by power iteration, with a vector that goes on from call to call. A kernel of zeros stays as it is.

    Args:
        layer: a layer with a `kernel` or with `embeddings`.
        power_iterations: how many iterations each call does.

    Raises:
        ValueError: for a layer without such weights, or a number of iterations below 1.

    Source:
        Miyato et al., "Spectral normalization for generative adversarial networks", ICLR 2018.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False), power_iterations=50)
        >>> y = layer(np.ones((1, 4), "float32"), training=True)
        >>> float(np.linalg.norm(layer.layer.kernel.numpy(), 2).round(3))
        1.0
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if hasattr(power_iterations, "__index__") and power_iterations <= 0:
            raise ValueError(
                f"{self._label}: `power_iterations` should be greater than zero, got power_iterations={power_iterations}"
            )
        self.power_iterations = checked_count(self._label, "power_iterations", power_iterations)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        found = getattr(self.layer, "kernel", None)
        self.kernel: Any = getattr(self.layer, "embeddings", None) if found is None else found
        if self.kernel is None:
            raise ValueError(
                f"{self._label}: {type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
            )
        self.kernel_shape = self.kernel.shape
        self.vector_u = self.add_weight(
            shape=(1, self.kernel_shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            name="vector_u",
            dtype=self.kernel.dtype,
        )

    def call(self, inputs: Any, training: Any = False) -> Any:
        if training:
            u, kernel = self.normalized_weights()
            nothing = ops.all(ops.equal(self.kernel, 0.0))
            self.vector_u.assign(ops.where(nothing, self.vector_u, u))
            # As if the kernel had been divided before the step: its gradient is that at the value which it gets.
            change = ops.stop_gradient(ops.where(nothing, 0.0, kernel - self.kernel))
            self.kernel.assign(self.kernel + change)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Any, Any]:
        """Returns the vector after the iterations, and the kernel divided by its largest singular value."""
        weights = ops.reshape(self.kernel, (-1, self.kernel_shape[-1]))
        u = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(weights)), axis=None)
            u = ops.normalize(ops.matmul(v, weights), axis=None)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        return u, ops.reshape(ops.divide(weights, sigma), self.kernel_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}
