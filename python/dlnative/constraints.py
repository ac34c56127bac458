"""What an optimizer does to weights after each step."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.dtypes import epsilon
from dlnative.utils.registry import Registry


class Constraint:
    """A function of a weight that returns its nearest allowed value; this one allows all."""

    def __call__(self, w: Any) -> Any:
        """Returns the allowed value."""
        return w

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a constraint again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """Makes a constraint from what `get_config` returned."""
        return cls(**config)


def _norm(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class NonNeg(Constraint):
    """`max(w, 0)`."""

    def __call__(self, w: Any) -> Any:
        return ops.relu(w)


class MaxNorm(Constraint):
    """Scales w so that its norm along an axis is at most `max_value`.

    Args:
        max_value: the largest norm.
        axis: the axis, or axes, over which the norm is taken; 0 for the kernel of `Dense`.

    Example:
        >>> import numpy as np
        >>> MaxNorm(2.5)(np.array([[3.0, 0.6], [4.0, 0.8]])).round(4).tolist()
        [[1.5, 0.6], [2.0, 0.8]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        return w * (ops.clip(norm, 0.0, float(self.max_value)) / (norm + epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class UnitNorm(Constraint):
    """Scales w so that its norm along an axis is 1.

    Args:
        axis: the axis, or axes, over which the norm is taken.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (_norm(w, self.axis) + epsilon())

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves the norm of w along an axis towards `[min_value, max_value]`.

    Args:
        min_value, max_value: the bounds of the norm.
        rate: how far to go: 1 reaches the bounds in one step.
        axis: the axis, or axes, over which the norm is taken.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        wanted = self.rate * ops.clip(norm, float(self.min_value), float(self.max_value)) + (1 - self.rate) * norm
        return w * (wanted / (norm + epsilon()))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


_registry = Registry("constraint", Constraint, [NonNeg, MaxNorm, UnitNorm, MinMaxNorm])
get, serialize, deserialize = _registry.get, _registry.serialize, _registry.deserialize

# Keras's other names of the classes.
non_neg, max_norm, unit_norm, min_max_norm = NonNeg, MaxNorm, UnitNorm, MinMaxNorm


def __getattr__(name: str) -> Any:
    """Finds older names."""
    from dlnative.legacy.names import find

    return find(__name__, name)
