"""Gives tensors and variables their arithmetic, in terms of the functions of `dlnative.ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlnative import ops
from dlnative.graph.tensor import Tensor
from dlnative.graph.variable import Variable
from dlnative.ops import conversion, elementwise, product, shape
from dlnative.symbolic import KerasTensor


def _swapped(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: function(b, a)


def _later(name: str) -> Callable[..., Any]:
    """Returns a function of `dlnative.ops` whose file need not be loaded yet."""
    return lambda *args: getattr(ops, name)(*args)


_BINARY = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": _later("floor_divide"),
    "mod": _later("mod"),
    "pow": elementwise.power,
    "matmul": product.matmul,
    "lshift": _later("bitwise_left_shift"),
    "rshift": _later("bitwise_right_shift"),
}
_BITWISE = {"and": _later("bitwise_and"), "or": _later("bitwise_or"), "xor": _later("bitwise_xor")}
_LOGICAL = {"and": _later("logical_and"), "or": _later("logical_or"), "xor": _later("logical_xor")}
_COMPARE = {
    "__lt__": elementwise.less,
    "__le__": elementwise.less_equal,
    "__gt__": elementwise.greater,
    "__ge__": elementwise.greater_equal,
    "__ne__": elementwise.not_equal,
}
_UNARY = {
    "__neg__": elementwise.negative,
    "__pos__": conversion.convert_to_tensor,
    "__abs__": elementwise.absolute,
    "__invert__": _later("bitwise_invert"),
    "__round__": _later("round"),
    "__trunc__": _later("trunc"),
    "__floor__": elementwise.floor,
    "__ceil__": _later("ceil"),
}


def install() -> None:
    """Sets the operators on the classes."""
    # In a trace, as on arrays, `&` is of bits; as in Keras, it is of truth values on variables and where models are recorded.
    for cls, binary in (
        (Tensor, _BINARY | _BITWISE),
        (Variable, _BINARY | _LOGICAL),
        (KerasTensor, _LOGICAL),
    ):
        for name, function in binary.items():
            setattr(cls, f"__{name}__", lambda a, b, function=function: function(a, b))
            setattr(cls, f"__r{name}__", _swapped(function))
    setattr(KerasTensor, "__invert__", _later("logical_not"))  # noqa: B010
    for cls in (Tensor, Variable):
        for name, function in _COMPARE.items():
            setattr(cls, name, lambda a, b, function=function: function(a, b))
        for name, unary in _UNARY.items():
            setattr(cls, name, lambda x, *rest, function=unary: function(x, *rest))
        setattr(cls, "__divmod__", lambda a, b: (ops.floor_divide(a, b), ops.mod(a, b)))  # noqa: B010
        setattr(cls, "__getitem__", lambda x, key: ops.get_item(x, key))  # noqa: B010

    # Elementwise, as in Keras; a symbolic tensor is equal to itself alone, also in Keras, so that lists of them can be searched.
    # Nothing is equal to None, which stands for a weight that is not there.
    setattr(Variable, "__eq__", lambda a, b: NotImplemented if b is None else elementwise.equal(a, b))  # noqa: B010
    setattr(Variable, "__ne__", lambda a, b: NotImplemented if b is None else elementwise.not_equal(a, b))  # noqa: B010
    setattr(Variable, "__hash__", object.__hash__)  # noqa: B010

    def convert(variable: Variable, value: Tensor) -> Any:
        return shape.broadcast_to(conversion.cast(value, variable.own_dtype), variable.shape)

    setattr(Variable, "_convert", convert)  # noqa: B010
