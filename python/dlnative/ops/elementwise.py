"""Elementwise operations, with broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, flat, register
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import cast, promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, operation, scalar
from dlnative.ops.reduction import sum_to_shape

FLOAT = ("float32", "float64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
POINTWISE = Roles(pointwise=True, chainable=True)
_NUMBER = ("float32", "float64", "int32", "int64")


def broadcast_shapes(name: str, *shapes: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns the shape that shapes broadcast to, by NumPy's rule; an unknown extent (`None`) fits any other."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    rank = max(len(shape) for shape in shapes)
    result: list[Any] = [1] * rank
    for shape in shapes:
        for index, extent in enumerate(shape, rank - len(shape)):
            known = result[index]
            if extent == known or extent == 1:
                continue
            if known == 1 or known is None:
                result[index] = extent
            elif extent is not None:
                raise ValueError(f"{name}: expected shapes that broadcast, got {' and '.join(map(str, shapes))}")
    return tuple(result)


def infer_same(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, inputs[0].dtype)]


def _infer_boolean(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(inputs[0].shape, "bool")]


def unary(
    name: str,
    gradient: Callable[[Node, Any], Any] | None = None,
    *,
    attributes: Mapping[str, float] = MappingProxyType({}),
    numbers: tuple[str, ...] = FLOAT,
    low: float = -4.0,
    high: float = 4.0,
    flops: int = 1,
    boolean: bool = False,
    kind: str = "real",
    uint64: str | None = None,
    tolerance: float = 8.0,
    size: str = "element",
    roles: Roles = POINTWISE,
    family: str = "elementwise",
) -> None:
    """Registers a unary op; `gradient` maps (node, dy) to dx, `attributes` are parameters with values for the tests."""
    register(
        Op(
            name,
            family,
            _infer_boolean if boolean else infer_same,
            attributes=tuple((key, "float") for key in attributes),
            gradient=None if gradient is None else (lambda node, grads: (gradient(node, grads[0]),)),
            inplace=not boolean,
            flops=lambda ins, outs: flops * math.prod(outs[0]),
            dtypes=numbers,
            results=("bool",) if boolean and kind != "boolean" else None,
            uint64=uint64,
            samples=lambda: [
                Sample(Arg(shape, kind, low, high, "bool" if kind == "boolean" else None), **attributes)
                for shape in ((), (1,), (7,), (3, 5), (2, 3, 17), (1031,))
            ],
            roles=roles,
            tolerance=tolerance,
            size=size,
        )
    )


def mul(a: Any, b: Any) -> Any:
    return call("multiply", a, b)


unary("negative", lambda node, dy: call("negative", dy), numbers=_NUMBER, uint64="modulo")
unary("absolute", lambda node, dy: mul(dy, call("sign", node.inputs[0])), numbers=_NUMBER)
unary("sign", lambda node, dy: None, numbers=_NUMBER)
unary(
    "square",
    lambda node, dy: mul(mul(dy, node.inputs[0]), scalar(2.0, dy)),
    numbers=_NUMBER,
    uint64="modulo",
)
unary("sqrt", lambda node, dy: call("divide", mul(dy, scalar(0.5, dy)), node.outputs[0]), low=0.01)
unary(
    "rsqrt",
    lambda node, dy: mul(mul(dy, scalar(-0.5, dy)), call("divide", node.outputs[0], node.inputs[0])),
    low=0.01,
    flops=2,
)
unary("exp", lambda node, dy: mul(dy, node.outputs[0]), flops=10)
unary("expm1", lambda node, dy: mul(dy, call("add", node.outputs[0], scalar(1.0, dy))), flops=10)
unary("log", lambda node, dy: call("divide", dy, node.inputs[0]), low=0.01, flops=10)
unary("log1p", lambda node, dy: call("divide", dy, call("add", node.inputs[0], scalar(1.0, dy))), low=-0.9, flops=10)
unary(
    "erf",
    lambda node, dy: mul(
        dy,
        mul(call("exp", call("negative", call("square", node.inputs[0]))), scalar(2.0 / math.sqrt(math.pi), dy)),
    ),
    flops=20,
)
unary("reciprocal", lambda node, dy: call("negative", mul(dy, call("square", node.outputs[0]))), low=0.1)
unary("sin", lambda node, dy: mul(dy, call("cos", node.inputs[0])), flops=12)
unary("cos", lambda node, dy: call("negative", mul(dy, call("sin", node.inputs[0]))), flops=12)
unary("floor", lambda node, dy: None)
unary("logical_not", boolean=True, kind="boolean", numbers=("bool",))
unary("isfinite", boolean=True)


def _infer_binary(name: str, boolean: bool) -> Any:
    def infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
        a, b = inputs
        if a.shape == b.shape or not b.shape:
            shape = a.shape
        else:
            shape = broadcast_shapes(name, a.shape, b.shape) if a.shape else b.shape
        return [(shape, "bool" if boolean else a.dtype)]

    return infer


_SHAPE_PAIRS: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((), ()), ((5,), ()), ((3, 7), (7,)), ((3, 7), (3, 1)), ((4, 1, 6), (5, 1)), ((2, 3, 33), (2, 3, 33)), ((1, 8), (1031, 8)),
)  # fmt: skip


def binary(
    name: str,
    gradient: Callable[[Node, Any], Any] | None = None,
    *,
    numbers: tuple[str, ...] = _NUMBER,
    boolean: bool = False,
    kind: str = "real",
    low: float = -4.0,
    high: float = 4.0,
    uint64: str | None = None,
    tolerance: float = 8.0,
    roles: Roles = POINTWISE,
    family: str = "elementwise",
) -> None:
    """Registers a binary op; `gradient` maps (node, dy) to (da, db) before the broadcast axes are summed."""

    def rule(node: Node, grads: Sequence[Any]) -> tuple[Any, ...]:
        assert gradient is not None
        pair = gradient(node, grads[0])
        return tuple(None if g is None else sum_to_shape(g, x.shape) for g, x in zip(pair, node.inputs, strict=True))

    dtype = "bool" if kind == "boolean" else None
    register(
        Op(
            name,
            family,
            _infer_binary(name, boolean),
            gradient=gradient if gradient in (None, flat) else rule,
            inplace=not boolean or kind == "boolean",
            broadcasting=True,
            dtypes=numbers,
            results=("bool",) if boolean and kind != "boolean" else None,
            uint64=uint64,
            samples=lambda: [
                Sample(Arg(a, kind, low, high, dtype), Arg(b, kind, low, high, dtype)) for a, b in _SHAPE_PAIRS
            ],
            roles=roles,
            tolerance=tolerance,
        )
    )


def _mask(condition: str, node: Node, dy: Any) -> tuple[Any, Any]:
    """Shares the gradient of maximum and minimum: to the chosen input, half to each where both are equal."""
    a, b = node.inputs
    zero, half = scalar(0.0, dy), mul(dy, scalar(0.5, dy))
    tie = call("equal", a, b)
    chosen_a = call("where", call(condition, a, b), dy, zero)
    chosen_b = call("where", call(condition, b, a), dy, zero)
    return call("where", tie, half, chosen_a), call("where", tie, half, chosen_b)


def _power_gradient(node: Node, dy: Any) -> tuple[Any, Any]:
    a, b = node.inputs
    da = mul(mul(dy, b), call("power", a, call("subtract", b, scalar(1.0, dy))))
    if b.constant is not None:
        return da, None
    positive = call("greater", a, scalar(0.0, a))
    logarithm = call("log", call("where", positive, a, scalar(1.0, a)))
    return da, mul(mul(dy, node.outputs[0]), logarithm)


binary(
    "add",
    lambda node, dy: (dy, dy),
    uint64="modulo",
    roles=POINTWISE._replace(neutral=0.0, commutes=True, post_op="addition", serves="adding"),
)
binary(
    "subtract",
    lambda node, dy: (dy, call("negative", dy)),
    uint64="modulo",
    roles=POINTWISE._replace(neutral=0.0),
)
binary(
    "multiply",
    lambda node, dy: (mul(dy, node.inputs[1]), mul(dy, node.inputs[0])),
    uint64="modulo",
    roles=POINTWISE._replace(neutral=1.0, commutes=True, post_op="scaling"),
)
binary(
    "divide",
    lambda node, dy: (
        call("divide", dy, node.inputs[1]),
        call("negative", call("divide", mul(dy, node.outputs[0]), node.inputs[1])),
    ),
    numbers=FLOAT,
    low=0.5,
    roles=POINTWISE._replace(neutral=1.0),
)
binary("power", _power_gradient, numbers=FLOAT, low=0.1, high=3.0, tolerance=32.0)
binary("maximum", lambda node, dy: _mask("greater", node, dy), uint64="order")
binary("minimum", lambda node, dy: _mask("less", node, dy), uint64="order")
for _name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
    binary(_name, boolean=True, numbers=(*_NUMBER, "uint8", "bool"), uint64="order")
for _name in ("logical_and", "logical_or"):
    binary(_name, boolean=True, kind="boolean", numbers=("bool",))


def _infer_where(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(broadcast_shapes("where", *(x.shape for x in inputs)), inputs[1].dtype)]


def _where_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    condition, a, b = node.inputs
    dy, zero = grads[0], scalar(0.0, grads[0])
    return (
        None,
        sum_to_shape(call("where", condition, dy, zero), a.shape),
        sum_to_shape(call("where", condition, zero, dy), b.shape),
    )


register(
    Op(
        "where",
        "elementwise",
        _infer_where,
        gradient=_where_gradient,
        inplace=True,
        broadcasting=True,
        dtypes=dtypes.DTYPES,
        operands={0: ("bool",)},
        roles=POINTWISE,
        samples=lambda: [
            Sample(Arg(c, "boolean", dtype="bool"), Arg(a), Arg(b))
            for c, a, b in (((3, 4), (3, 4), (3, 4)), ((4,), (3, 4), ()), ((3, 1), (), (1, 7)), ((), (5,), (5,)))
        ],
    )
)


# The public functions.


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
    public: str = "",
) -> Callable[[Any, Any], Any]:
    """Makes the public function of a binary op.

    Args:
        name: the name of the op.
        formula: what it computes.
        needs_float: whether integers are converted to the default float type.
        integers: whether it takes integers and booleans alone.
        booleans: whether it takes booleans.
        public: the name of the function, if another.
    """
    op, public = OPS[name], public or name
    of_booleans = op.types.results is not None or not booleans

    def function(x1: Any, x2: Any) -> Any:
        x1, x2 = promote(x1, x2)
        dtype = dtype_of(x1)
        if needs_float:
            x1, x2 = to_float(x1), to_float(x2)
        elif integers and dtypes.is_float(dtype):
            raise TypeError(f"{public}: expected integers, got {dtype}")
        elif dtype == "bool" and not of_booleans:
            return cast(invoke(op, (cast(x1, "int32"), cast(x2, "int32"))), "bool")
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
equal = binary_function("equal", "x1 == x2")
not_equal = binary_function("not_equal", "x1 != x2")
less = binary_function("less", "x1 < x2")
less_equal = binary_function("less_equal", "x1 <= x2")
greater = binary_function("greater", "x1 > x2")
greater_equal = binary_function("greater_equal", "x1 >= x2")


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
    """Returns `x1 and x2`, elementwise, with broadcasting."""
    return _logical("logical_and", x1, x2)


@operation
def logical_or(x1: Any, x2: Any) -> Any:
    """Returns `x1 or x2`, elementwise, with broadcasting."""
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
            raise ValueError(
                "where: `x1` and `x2` either both should be `None` or both should be given, got one of them"
            )
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
    x = x if x_min is None else maximum(x, x_min)
    return as_tensor(x) if x_max is None else minimum(x, x_max)
