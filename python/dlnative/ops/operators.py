"""Gives tensors and variables their arithmetic, in terms of the functions of `dlnative.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative.graph.tensor import Tensor
from dlnative.graph.variable import Variable
from dlnative.ops import conversion, elementwise, linalg, shape


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(b, a)


_BINARY = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "pow": elementwise.power,
    "matmul": linalg.matmul,
}
_COMPARE = {
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
}


def install() -> None:
    """Sets the operators on the classes."""
    for cls in (Tensor, Variable):
        for name, function in _BINARY.items():
            setattr(cls, f"__{name}__", lambda a, b, function=function: function(a, b))
            setattr(cls, f"__r{name}__", _swapped(function))
        for name, function in _COMPARE.items():
            setattr(cls, name, lambda a, b, function=function: function(a, b))
        setattr(cls, "__neg__", lambda x: elementwise.negative(x))  # noqa: B010
        setattr(cls, "__abs__", lambda x: elementwise.absolute(x))  # noqa: B010
        setattr(cls, "__getitem__", lambda x, key: shape.get_item(x, key))  # noqa: B010

    def convert(variable: Variable, value: Tensor) -> Any:
        return shape.broadcast_to(conversion.cast(value, variable.dtype), variable.shape)

    setattr(Variable, "_convert", convert)  # noqa: B010
