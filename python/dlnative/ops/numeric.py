"""Elementwise functions that are made of others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.ops.arithmetic import floor_divide, mod
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, operation, scalar
from dlnative.ops.elementwise import (
    absolute,
    add,
    divide,
    equal,
    exp,
    greater,
    isfinite,
    less,
    less_equal,
    log1p,
    logical_and,
    logical_or,
    maximum,
    minimum,
    multiply,
    not_equal,
    power,
    sin,
    subtract,
    where,
)
from dlnative.ops.reduction import all as all_of


@operation
def isnan(x: Any) -> Any:
    """Returns whether x is not a number, elementwise."""
    x = as_tensor(x)
    return not_equal(x, x)


@operation
def isinf(x: Any) -> Any:
    """Returns whether x is infinite, elementwise."""
    return equal(absolute(to_float(x)), math.inf)


@operation
def isposinf(x: Any) -> Any:
    """Returns whether x is plus infinity, elementwise."""
    return equal(to_float(x), math.inf)


@operation
def isneginf(x: Any) -> Any:
    """Returns whether x is minus infinity, elementwise."""
    return equal(to_float(x), -math.inf)


@operation
def isreal(x: Any) -> Any:
    """Returns whether x has no imaginary part, elementwise: there are no complex tensors."""
    x = as_tensor(x)
    return logical_or(equal(x, x), True)


@operation
def logical_xor(x1: Any, x2: Any) -> Any:
    """Returns whether one of x1 and x2 is true, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    return not_equal(cast(x1, "bool"), cast(x2, "bool"))


@operation
def isclose(x1: Any, x2: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Returns whether `|x1 - x2| <= atol + rtol |x2|`, elementwise; infinities are close to themselves.

    Args:
        x1, x2: tensors or arrays whose shapes broadcast.
        rtol, atol: tolerances.
        equal_nan: whether NaN is close to NaN.
    """
    x1, x2 = promote(*(x if isinstance(x, (int, float)) else to_float(x) for x in (x1, x2)))
    near = less_equal(absolute(subtract(x1, x2)), add(multiply(absolute(x2), rtol), atol))
    close = where(logical_and(isfinite(x1), isfinite(x2)), near, equal(x1, x2))
    return logical_or(close, logical_and(isnan(x1), isnan(x2))) if equal_nan else close


@operation
def allclose(x1: Any, x2: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """Returns whether all elements are close; see `isclose`."""
    return all_of(isclose(x1, x2, rtol, atol, equal_nan))


@operation
def signbit(x: Any) -> Any:
    """Returns whether x is less than zero, or minus zero, elementwise."""
    x = as_tensor(x)
    if not dtypes.is_float(dtype_of(x)):
        return less(x, scalar(0, x))
    return where(equal(x, 0.0), less(call("reciprocal", x), 0.0), less(x, 0.0))


@operation
def fabs(x: Any) -> Any:
    """Returns `|x|` as a float, elementwise."""
    return absolute(to_float(x))


@operation
def fmax(x1: Any, x2: Any) -> Any:
    """Returns the larger of x1 and x2, elementwise, with broadcasting; a number is larger than NaN.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = promote(x1, x2)
    return maximum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@operation
def fmin(x1: Any, x2: Any) -> Any:
    """Returns the smaller of x1 and x2, elementwise, with broadcasting; a number is smaller than NaN.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = promote(x1, x2)
    return minimum(where(isnan(x1), x2, x1), where(isnan(x2), x1, x2))


@operation
def heaviside(x1: Any, x2: Any) -> Any:
    """Returns 0 where x1 is negative, 1 where it is positive and x2 where it is zero, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = (to_float(x) for x in promote(x1, x2))
    step = where(less(x1, 0.0), scalar(0.0, x1), where(greater(x1, 0.0), scalar(1.0, x1), x1))
    return where(equal(x1, 0.0), x2, step)


@operation
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Returns `x1 / x2`, elementwise, with broadcasting, and 0 where x2 is 0.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = (to_float(x) for x in promote(x1, x2))
    zero = equal(x2, 0.0)
    return where(zero, scalar(0.0, x1), divide(x1, where(zero, scalar(1.0, x2), x2)))


@operation
def exp2(x: Any) -> Any:
    """Returns `2**x`, elementwise."""
    x = to_float(x)
    return power(scalar(2.0, x), x)


@operation
def ldexp(x1: Any, x2: Any) -> Any:
    """Returns `x1 * 2**x2` for integers x2, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if not dtypes.is_integer(dtype_of(x2)):
        raise TypeError(f"ldexp: expected integers for x2, got {dtype_of(x2)}")
    x1 = to_float(x1)
    half = floor_divide(x2, 2)  # 2**x2 itself may be too large or too small
    first, second = (exp2(cast(part, dtype_of(x1))) for part in (half, subtract(x2, half)))
    return multiply(multiply(x1, first), second)


@operation
def logaddexp(x1: Any, x2: Any) -> Any:
    """Returns `ln(e**x1 + e**x2)`, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = (to_float(x) for x in promote(x1, x2))
    larger = maximum(x1, x2)
    same = equal(x1, x2)  # infinities, too
    distance = where(same, scalar(0.0, x1), absolute(subtract(x1, x2)))
    return add(larger, log1p(exp(call("negative", distance))))


@operation
def logaddexp2(x1: Any, x2: Any) -> Any:
    """Returns the logarithm of `2**x1 + 2**x2` to the base 2, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = (to_float(x) for x in promote(x1, x2))
    same = equal(x1, x2)
    distance = where(same, scalar(0.0, x1), absolute(subtract(x1, x2)))
    bits = log1p(exp(multiply(distance, -math.log(2.0))))
    return add(maximum(x1, x2), multiply(bits, 1.0 / math.log(2.0)))


@operation
def sinc(x: Any) -> Any:
    """Returns `sin(pi x) / (pi x)`, elementwise, and 1 at 0."""
    x = to_float(x)
    zero = equal(x, 0.0)
    angle_of = multiply(where(zero, scalar(1.0, x), x), math.pi)
    return where(zero, scalar(1.0, x), divide(sin(angle_of), angle_of))


@operation
def deg2rad(x: Any) -> Any:
    """Returns an angle of degrees in radians, elementwise."""
    return multiply(to_float(x), math.pi / 180.0)


@operation
def rad2deg(x: Any) -> Any:
    """Returns an angle of radians in degrees, elementwise."""
    return multiply(to_float(x), 180.0 / math.pi)


@operation
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replaces NaN and infinities, elementwise.

    Args:
        x: a tensor or array.
        nan: what NaN becomes.
        posinf, neginf: what the infinities become, by default the largest and the smallest number of the type.
    """
    x = as_tensor(x)
    dtype = dtype_of(x)
    if not dtypes.is_float(dtype):
        return x
    largest = {"float64": np.finfo("float64").max, "float16": 65504.0, "bfloat16": 3.3895313892515355e38}
    most = float(largest.get(dtype, np.finfo("float32").max))
    y = where(isnan(x), cast(nan, dtype), x)
    y = where(isposinf(x), cast(most if posinf is None else posinf, dtype), y)
    return where(isneginf(x), cast(-most if neginf is None else neginf, dtype), y)


@operation
def copy(x: Any) -> Any:
    """Returns a copy of a tensor or array."""
    return call("copy", as_tensor(x))


@operation
def real(x: Any) -> Any:
    """Returns x: there are no complex tensors."""
    return as_tensor(x)


@operation
def imag(x: Any) -> Any:
    """Returns zeros: there are no complex tensors."""
    x = as_tensor(x)
    return multiply(x, scalar(0, x)) if not dtypes.is_float(dtype_of(x)) else where(isnan(x), 0.0, scalar(0.0, x))


@operation
def conjugate(x: Any) -> Any:
    """Returns x: there are no complex tensors."""
    return as_tensor(x)


conj = conjugate


@operation
def angle(x: Any) -> Any:
    """Returns the angle of x in the complex plane, elementwise: 0, or pi of negative numbers."""
    x = to_float(x)
    return where(isnan(x), x, where(signbit(x), scalar(math.pi, x), scalar(0.0, x)))


@operation
def gcd(x1: Any, x2: Any) -> Any:
    """Returns the greatest common divisor of integers, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = promote(x1, x2)
    dtype = dtype_of(x1)
    if not dtypes.is_integer(dtype):
        raise TypeError(f"gcd: expected integers, got {dtype}")
    a, b = absolute(x1), absolute(x2)
    bits = {"uint8": 8, "int8": 7, "int16": 15, "uint16": 16, "int32": 31, "uint32": 32}.get(dtype, 64)
    for _ in range(math.ceil(1.4405 * bits) + 1):  # Euclid's algorithm ends after that many steps (Lame 1844)
        done = equal(b, scalar(0, b))
        a, b = where(done, a, b), where(done, b, mod(a, where(done, scalar(1, b), b)))
    return a


@operation
def lcm(x1: Any, x2: Any) -> Any:
    """Returns the least common multiple of integers, elementwise, with broadcasting.

    Args:
        x1, x2: tensors, arrays or numbers, which broadcast.
    """
    x1, x2 = promote(x1, x2)
    divisor = gcd(x1, x2)
    none = equal(divisor, scalar(0, divisor))
    return multiply(floor_divide(absolute(x1), where(none, scalar(1, divisor), divisor)), absolute(x2))
