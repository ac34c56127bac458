"""The rows of elementwise ops in the op table, and broadcasting. The functions are in `elementwise.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import Arg, Op, Sample, Spec, register, zero_gradient
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import call, scalar
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
            gradient=gradient if gradient in (None, zero_gradient) else rule,
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
