"""Activations as layers: Activation, ReLU, LeakyReLU, PReLU, ELU, Softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlnative import activations, constraints, initializers, ops, regularizers
from dlnative.layers.arguments import checked_number
from dlnative.layers.input_spec import InputSpec
from dlnative.layers.layer import Layer


class _Elementwise(Layer):
    """A layer without weights whose output has the shape of its input; masks go on with it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


class Activation(_Elementwise):
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


class ReLU(_Elementwise):
    """`x` from `threshold` on, at most `max_value`, and `negative_slope * (x - threshold)` below.

    Args:
        max_value: the largest result; no bound by default.
        negative_slope: the slope below the threshold.
        threshold: from where on the input is passed on.

    Raises:
        ValueError: if an argument is negative.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.ReLU(max_value=6.0, negative_slope=0.5)(np.array([-2.0, 3.0, 9.0], "float32"))
        array([-1.,  3.,  6.], dtype=float32)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and (not hasattr(max_value, "__float__") or max_value < 0):
            raise ValueError(f"{self._label}: max_value of a ReLU layer cannot be a negative value, got {max_value!r}")
        self.max_value = None if max_value is None else float(max_value)
        self.negative_slope = checked_number(self, "negative_slope", negative_slope)
        self.threshold = checked_number(self, "threshold", threshold)

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(_Elementwise):
    """`max(x, 0) + negative_slope * min(x, 0)`.

    Args:
        negative_slope: the slope below 0. `alpha` is its former name.

    Raises:
        ValueError: if it is negative.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = checked_number(self, "negative_slope", negative_slope)

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(_Elementwise):
    """`x` above 0, `alpha * (exp(x) - 1)` below.

    Args:
        alpha: the limit far below 0, with the other sign.

    Source:
        Clevert et al., "Fast and accurate deep network learning by exponential linear units", ICLR 2016.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = checked_number(self, "alpha", alpha, low=float("-inf"))

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}


class PReLU(Layer):
    """`max(x, 0) + alpha * min(x, 0)` with weights `alpha` of the shape of a sample.

    Args:
        alpha_initializer: how the weights begin.
        alpha_regularizer: a function of the weights that is added to the loss.
        alpha_constraint: a function applied to the weights after each step.
        shared_axes: axes, the batch being 0, along which one weight serves all.

    Raises:
        ValueError: for an axis that the input has not.

    Source:
        He et al., "Delving deep into rectifiers", ICCV 2015.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        listed: Any = shared_axes if isinstance(shared_axes, (list, tuple)) else [shared_axes]
        self.shared_axes: list[int] | None = None if shared_axes is None else list(listed)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(shape):
                raise ValueError(f"{self._label}: expected shared_axes from 1 to {len(shape)}, got {axis}")
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            shape=shape,
            name="alpha",
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        shared = self.shared_axes or ()
        axes = {axis: extent for axis, extent in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Any:
        return activations.prelu(inputs, self.alpha)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }


class Softmax(_Elementwise):
    """`exp(x) / sum(exp(x))` along an axis or several.

    Args:
        axis: the axis, or a list of axes.

    Call arguments:
        inputs: the logits.
        mask: what counts: of the inputs' shape, or one that broadcasts to it. What does not gets 0.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Softmax()(np.array([[1.0, 1.0, 5.0]]), mask=np.array([True, True, False]))
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            own, other = tuple(inputs.shape), tuple(mask.shape)
            pairs = zip(reversed(other), reversed(own), strict=False)
            if len(other) > len(own) or any(a not in (1, None, b) and b is not None for a, b in pairs):
                raise ValueError(
                    f"{self._label}: expected a mask broadcastable to the inputs, which must not have more dimensions, "
                    f"got shape {other} for inputs of shape {own}"
                )
            if mask.dtype != "bool":
                mask = ops.greater(mask, 0.5)
            inputs = ops.where(mask, inputs, -3e4 if inputs.dtype == "float16" else -1e9)
        outputs = ops.softmax(inputs, tuple(self.axis) if isinstance(self.axis, list) else self.axis)
        return outputs if mask is None else ops.where(mask, outputs, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
