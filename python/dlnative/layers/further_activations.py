"""Activations that few networks use, as layers: Arctan, GLU, Maxout, ShiftedReLU, Sparsemax, Step, ThresholdedReLU."""

from __future__ import annotations

from typing import Any

from dlnative import activations, ops
from dlnative.layers.activations import _Elementwise
from dlnative.layers.arguments import checked_count, checked_number
from dlnative.layers.dense import Dense
from dlnative.layers.layer import Layer


class Arctan(_Elementwise):
    """`2 / pi * arctan(x)`, between -1 and 1."""

    def call(self, inputs: Any) -> Any:
        return activations.arctan(inputs)


class ShiftedReLU(_Elementwise):
    """`max(x - shift_x, 0) + shift_y`; with both -1 that is `max(x, -1)`.

    Args:
        shift_x: where the bend is.
        shift_y: the value left of it.
    """

    def __init__(self, shift_x: float = -1.0, shift_y: float = -1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shift_x = checked_number(self, "shift_x", shift_x, low=float("-inf"))
        self.shift_y = checked_number(self, "shift_y", shift_y, low=float("-inf"))

    def call(self, inputs: Any) -> Any:
        return activations.shifted_relu(inputs, self.shift_x, self.shift_y)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shift_x": self.shift_x, "shift_y": self.shift_y}


class Step(_Elementwise):
    """1 where x is positive, 0 where it is negative, and `at_zero` at 0. Nothing before it learns: its gradient is 0.

    Args:
        at_zero: 1 as in a perceptron, 0.5 as in Heaviside's function, or 0.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> layers.Step(at_zero=0.5)(np.array([-2.0, 0.0, 3.0], "float32"))
        array([0. , 0.5, 1. ], dtype=float32)
    """

    def __init__(self, at_zero: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_zero = checked_number(self, "at_zero", at_zero, high=1.0)

    def call(self, inputs: Any) -> Any:
        return activations.step(inputs, self.at_zero)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "at_zero": self.at_zero}


class ThresholdedReLU(_Elementwise):
    """`x` above `theta`, 0 elsewhere.

    Args:
        theta: the threshold, 0 or more.
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = checked_number(self, "theta", theta)

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, threshold=self.theta)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "theta": self.theta}


class Sparsemax(_Elementwise):
    """The probabilities nearest to x along an axis, of which many are 0.

    Args:
        axis: the axis.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return activations.sparsemax(inputs, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class GLU(Layer):
    """`a * sigmoid(b)`, a and b the halves of the input along an axis.

    Args:
        axis: the axis, whose extent is even.

    Source:
        Dauphin et al., "Language modeling with gated convolutional networks", ICML 2017.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return ops.glu(inputs, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Maxout(Dense):
    """The largest of `num_pieces` linear functions, for each of `units` outputs.

    Args:
        units: the number of outputs, N.
        num_pieces: how many linear functions each output chooses from, P.
        **kwargs: the other arguments of `Dense`, but for `activation`.

    Shapes:
        input `(batch, ..., K)`, output `(batch, ..., N)`; kernel `(K, N * P)`, bias `(N * P,)`; pieces of one output are
        neighbours.

    Source:
        Goodfellow et al., "Maxout networks", ICML 2013.

    Example:
        >>> import numpy as np
        >>> from dlnative import layers
        >>> absolute = layers.Maxout(1, num_pieces=2, use_bias=False)
        >>> absolute.build((None, 1))
        >>> absolute.set_weights([np.array([[1.0, -1.0]])])
        >>> absolute(np.array([[-3.0], [2.0]], "float32")).tolist()
        [[3.0], [2.0]]
    """

    def __init__(self, units: int, num_pieces: int = 2, **kwargs: Any) -> None:
        if kwargs.pop("activation", None) is not None:
            raise ValueError("Maxout: expected no activation: taking the largest is one")
        super().__init__(checked_count("Maxout", "units", units), **kwargs)
        self.num_pieces = checked_count("Maxout", "num_pieces", num_pieces)

    def build(self, input_shape: Any) -> None:
        pieces = self.units * self.num_pieces
        self._add_weights((input_shape[-1], pieces), (pieces,) if self.use_bias else None, self.kernel_initializer)

    def _finish(self, x: Any) -> Any:
        return activations.maxout(super()._finish(x), self.num_pieces)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activation"]
        return {**config, "num_pieces": self.num_pieces}
