"""Elementwise functions, with broadcasting."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, dtype_of, invoke, operation
from dlnative.ops.pointwise import UNSIGNED


def unary_function(
    name: str,
    formula: str,
    *,
    source: str = "",
    needs_float: bool = True,
    of_booleans: str = "",
    keeps: tuple[str, ...] = (),
) -> Callable[[Any], Any]:
    """Makes the public function of a unary op.

    Args:
        name: the name of the op.
        formula: what it computes.
        source: where it comes from.
        needs_float: whether integers are converted to the default float type.
        of_booleans: the type that booleans are converted to, if it takes them.
        keeps: types of which the result is x itself.
    """
    op = OPS[name]

    def function(x: Any) -> Any:
        if needs_float:
            return invoke(op, (to_float(x),))
        x = as_tensor(x)
        dtype = dtype_of(x)
        if dtype in keeps:
            return x
        return invoke(op, (cast(x, of_booleans) if of_booleans and dtype == "bool" else x,))

    function.__name__ = function.__qualname__ = name
    function.__module__ = "dlnative.ops"  # where pickle, too, finds it
    function.__doc__ = (
        f"Returns `{formula}`, elementwise{source and f' ({source})'}.\n\n"
        "    Args:\n        x: a tensor or array of any shape.\n    "
    )
    return operation(function)


negative = unary_function("negative", "-x", needs_float=False)
absolute = unary_function("absolute", "|x|", needs_float=False, keeps=("bool", *UNSIGNED))
abs = absolute
sign = unary_function("sign", "1, 0 or -1: the sign of x", needs_float=False)
square = unary_function("square", "x**2", needs_float=False, of_booleans="int32")
sqrt = unary_function("sqrt", "sqrt(x)")
rsqrt = unary_function("rsqrt", "1 / sqrt(x)")
exp = unary_function("exp", "e**x")
expm1 = unary_function("expm1", "e**x - 1")
log = unary_function("log", "ln(x)")
log1p = unary_function("log1p", "ln(1 + x)")
erf = unary_function("erf", "2/sqrt(pi) times the integral of e**-t**2 from 0 to x")
reciprocal = unary_function("reciprocal", "1 / x")
sin = unary_function("sin", "sin(x)")
cos = unary_function("cos", "cos(x)")
floor = unary_function("floor", "the largest integer not above x")
isfinite = unary_function("isfinite", "whether x is neither infinite nor NaN")


def binary_function(
    name: str,
    formula: str,
    *,
    needs_float: bool = False,
    integers: bool = False,
    booleans: bool = True,
    counts: bool = False,
    compares: Callable[[int, int], bool] | None = None,
    public: str = "",
) -> Callable[[Any, Any], Any]:
    """Makes the public function of a binary op.

    Args:
        name: the name of the op.
        formula: what it computes.
        needs_float: whether integers are converted to the default float type.
        integers: whether it takes integers and booleans alone.
        booleans: whether it takes booleans.
        counts: whether it makes int32 of two booleans, and no boolean.
        compares: for a comparison, the same of Python's integers: it decides where one is beyond the other's type.
        public: the name of the function, if another.
    """
    op, public = OPS[name], public or name
    of_booleans = op.types.results is not None or not booleans

    def function(x1: Any, x2: Any) -> Any:
        try:
            x1, x2 = promote(x1, x2)
        except OverflowError:  # a Python integer beyond the type of the other: all elements compare with it as 0 does
            if compares is None or (type(x1) is int) == (type(x2) is int):
                raise
            x, holds = (as_tensor(x2), compares(x1, 0)) if type(x1) is int else (as_tensor(x1), compares(0, x2))
            if dtypes.is_float(dtype_of(x)):
                raise
            return invoke(OPS["equal" if holds else "not_equal"], (x, x))
        dtype = dtype_of(x1)
        if needs_float:
            x1, x2 = to_float(x1), to_float(x2)
        elif integers and dtypes.is_float(dtype):
            raise TypeError(f"{public}: expected integers, got {dtype}")
        elif dtype == "bool" and not of_booleans:
            made = invoke(op, (cast(x1, "int32"), cast(x2, "int32")))
            return made if counts else cast(made, "bool")
        return invoke(op, (x1, x2))

    function.__name__ = function.__qualname__ = public
    function.__module__ = "dlnative.ops"  # where pickle, too, finds it
    function.__doc__ = (
        f"Returns `{formula}`, elementwise, with NumPy's broadcasting.\n\n    Args:\n"
        "        x1, x2: tensors, arrays or numbers whose shapes broadcast.\n\n    Raises:\n"
        "        ValueError: if the shapes do not broadcast.\n    "
    )
    return operation(function)


add = binary_function("add", "x1 + x2")
subtract = binary_function("subtract", "x1 - x2", booleans=False)
multiply = binary_function("multiply", "x1 * x2")
divide = binary_function("divide", "x1 / x2", needs_float=True)
true_divide = divide
maximum = binary_function("maximum", "max(x1, x2)")
minimum = binary_function("minimum", "min(x1, x2)")
equal = binary_function("equal", "x1 == x2", compares=operator.eq)
not_equal = binary_function("not_equal", "x1 != x2", compares=operator.ne)
less = binary_function("less", "x1 < x2", compares=operator.lt)
less_equal = binary_function("less_equal", "x1 <= x2", compares=operator.le)
greater = binary_function("greater", "x1 > x2", compares=operator.gt)
greater_equal = binary_function("greater_equal", "x1 >= x2", compares=operator.ge)


@operation
def power(x1: Any, x2: Any) -> Any:
    """Returns `x1 ** x2`, elementwise, with NumPy's broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers whose shapes broadcast. Integers have integers as powers, modulo 2^bits.

    Raises:
        ValueError: if the shapes do not broadcast, or integers are raised to a negative integer.
    """
    if isinstance(x2, int) and x2 < 0 and not dtypes.is_float(dtype_of(x1 := as_tensor(x1))):
        raise ValueError(f"power: expected a power of integers that is not negative, got {x2}")
    x1, x2 = promote(x1, x2)
    dtype = dtype_of(x1)
    if dtype == "bool":
        x1, x2 = cast(x1, "int32"), cast(x2, "int32")
    return invoke(OPS["power" if dtypes.is_float(dtype) else "integer_power"], (x1, x2))


def _logical(name: str, x1: Any, x2: Any) -> Any:
    return invoke(OPS[name], (cast(x1, "bool"), cast(x2, "bool")))


@operation
def logical_not(x: Any) -> Any:
    """Returns `not x`, elementwise; anything but zero is true."""
    return invoke(OPS["logical_not"], (cast(x, "bool"),))


@operation
def logical_and(x1: Any, x2: Any) -> Any:
    """Returns `x1 and x2`, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    return _logical("logical_and", x1, x2)


@operation
def logical_or(x1: Any, x2: Any) -> Any:
    """Returns `x1 or x2`, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    return _logical("logical_or", x1, x2)


@operation
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Returns `x1` where the condition holds and `x2` elsewhere, with broadcasting.

    Args:
        condition: a tensor or array; anything but zero is true.
        x1, x2: tensors, arrays or numbers. Without both, the result is the places where the condition holds, as a tuple
            of indices (int32) along each axis: their number must be known, so not in a traced function.

    Raises:
        ValueError: if one of `x1` and `x2` is given alone.
    """
    if x1 is None or x2 is None:
        if x1 is not None or x2 is not None:
            raise ValueError("where: `x1` and `x2` either both should be `None` or neither, got one of them")
        return nonzero(condition)
    x1, x2 = promote(x1, x2)
    return invoke(OPS["where"], (cast(condition, "bool"), x1, x2))


@operation
def nonzero(x: Any) -> tuple[Any, ...]:
    """Returns the places of elements that are not zero, as indices (int32) along each axis; not in a traced function.

    Example:
        >>> import numpy as np
        >>> [index.tolist() for index in nonzero(np.array([[0, 1], [2, 0]]))]
        [[0, 1], [1, 0]]
    """
    x = as_tensor(x)
    if isinstance(x, Tensor):
        raise ValueError(
            "nonzero: how many elements are not zero would be a shape, which a traced function cannot know"
        )
    return tuple([index.astype("int32") for index in np.atleast_1d(x).nonzero()])


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Returns `min(max(x, x_min), x_max)`, elementwise.

    Args:
        x: a tensor or array.
        x_min, x_max: the bounds, which broadcast with x; `None` for no bound.
    """
    for bound, limit, side in ((maximum, x_min, -1), (minimum, x_max, 1)):
        try:
            x = x if limit is None else bound(x, limit)
        except OverflowError:
            if type(limit) is not int or limit * side < 0:
                raise  # else it is beyond all elements, and bounds nothing
    return as_tensor(x)
