"""Elementwise ops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from dlnative.dtypes import is_float
from dlnative.graph.tensor import Node, Tensor
from dlnative.onnx.writing.graph import CONVERTERS, GraphWriter, NotInOnnx, converts

Formula = Callable[..., Any]  # from the graph, the tensor that gives the type, and names of operands to a name


def pointwise(graph: GraphWriter, node: Node, formula: Formula) -> None:
    """Writes an op element by element, in the form that its operands have."""
    (y,) = node.outputs
    by_first = any(graph.is_first(x) for x in node.inputs) and all(_turns(graph, x, y) for x in node.inputs)
    if not by_first:
        graph.set(y, formula(graph, node.inputs[0], *[graph.value(x) for x in node.inputs], *node.attributes))
        return
    names = [_first(graph, x, y.ndim) for x in node.inputs]
    graph.set_first(y, formula(graph, node.inputs[0], *names, *node.attributes))


def _turns(graph: GraphWriter, x: Tensor, y: Tensor) -> bool:
    return x.ndim == y.ndim or x.ndim == 0 or (x.ndim == 1 and graph.array(x) is not None)


def _first(graph: GraphWriter, x: Tensor, rank: int) -> str:
    if x.ndim == rank:
        return graph.first(x)
    array = graph.array(x)
    if x.ndim == 1 and array is not None:
        return graph.constant(array.reshape(-1, *[1] * (rank - 2)))
    return graph.value(x)


def _formula(name: str, formula: Formula) -> None:
    CONVERTERS[name] = lambda graph, node: pointwise(graph, node, formula)


def _node(op_type: str, **attributes: Any) -> Formula:
    return lambda graph, like, *names: graph.add(op_type, *names, **attributes)


for _name, _type in {
    "negative": "Neg", "absolute": "Abs", "sign": "Sign", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "erf": "Erf",
    "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan",
    "sinh": "Sinh", "cosh": "Cosh", "arcsinh": "Asinh", "arccosh": "Acosh", "arctanh": "Atanh", "floor": "Floor",
    "round": "Round", "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow",
    "integer_power": "Pow", "maximum": "Max", "minimum": "Min", "less": "Less", "less_equal": "LessOrEqual",
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "equal": "Equal", "logical_and": "And", "logical_or": "Or",
    "logical_not": "Not", "bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor",
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softplus": "Softplus", "softsign": "Softsign",
    "hard_silu": "HardSwish",
}.items():  # fmt: skip
    _formula(_name, _node(_type))

_formula("hard_sigmoid", _node("HardSigmoid", alpha=1 / 6, beta=0.5))
_formula("sparse_sigmoid", _node("HardSigmoid", alpha=0.5, beta=0.5))
_formula("selu", _node("Selu", alpha=1.67326319217681884765625, gamma=1.05070102214813232421875))
_formula("leaky_relu", lambda graph, like, x, slope: graph.add("LeakyRelu", x, alpha=slope))
_formula("elu", lambda graph, like, x, alpha: graph.add("Elu", x, alpha=alpha))
_formula("celu", lambda graph, like, x, alpha: graph.add("Celu", x, alpha=alpha))
_formula("hard_shrink", lambda graph, like, x, threshold: graph.add("Shrink", x, lambd=threshold, bias=0.0))
_formula("soft_shrink", lambda graph, like, x, threshold: graph.add("Shrink", x, lambd=threshold, bias=threshold))
_formula("relu6", lambda graph, like, x: graph.add("Clip", x, graph.like(like, 0), graph.like(like, 6)))
_formula("hard_tanh", lambda graph, like, x: graph.add("Clip", x, graph.like(like, -1), graph.like(like, 1)))
_formula("square", lambda graph, like, x: graph.add("Mul", x, x))
_formula("rsqrt", lambda graph, like, x: graph.add("Reciprocal", graph.add("Sqrt", x)))
_formula(
    "trunc", lambda graph, like, x: graph.add("Mul", graph.add("Sign", x), graph.add("Floor", graph.add("Abs", x)))
)
_formula("log2", lambda graph, like, x: graph.add("Div", graph.add("Log", x), graph.like(like, math.log(2))))
_formula("log10", lambda graph, like, x: graph.add("Div", graph.add("Log", x), graph.like(like, math.log(10))))
_formula("not_equal", lambda graph, like, a, b: graph.add("Not", graph.add("Equal", a, b)))
_formula("silu", lambda graph, like, x: graph.add("Mul", x, graph.add("Sigmoid", x)))
_formula("tanh_shrink", lambda graph, like, x: graph.add("Sub", x, graph.add("Tanh", x)))
_formula("mish", lambda graph, like, x: graph.add("Mul", x, graph.add("Tanh", graph.add("Softplus", x))))
_formula("log_sigmoid", lambda graph, like, x: graph.add("Neg", graph.add("Softplus", graph.add("Neg", x))))


def _expm1(graph: GraphWriter, like: Tensor, x: str) -> str:
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1)."""
    half = graph.add("Tanh", graph.add("Mul", x, graph.like(like, 0.5)))
    return str(graph.add("Mul", half, graph.add("Add", graph.add("Exp", x), graph.like(like, 1))))


def _log1p(graph: GraphWriter, like: Tensor, x: str) -> str:
    """ln(u) x / (u - 1) with u = 1 + x rounded; x where u is 1 or infinite. Source: Goldberg 1991, theorem 4."""
    one = graph.like(like, 1)
    u = graph.add("Add", x, one)
    log = graph.add("Log", u)
    exact = graph.add("Mul", log, graph.add("Div", x, graph.add("Sub", u, one)))
    small = graph.add("Where", graph.add("Equal", u, one), x, exact)
    return str(graph.add("Where", graph.add("IsInf", u), log, small))


def _gelu(graph: GraphWriter, like: Tensor, x: str) -> str:
    """x / 2 (1 + erf(x / sqrt(2)))."""
    tail = graph.add("Erf", graph.add("Div", x, graph.like(like, math.sqrt(2))))
    return str(
        graph.add("Mul", graph.add("Mul", x, graph.add("Add", tail, graph.like(like, 1))), graph.like(like, 0.5))
    )


def _gelu_tanh(graph: GraphWriter, like: Tensor, x: str) -> str:
    """x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))."""
    cube = graph.add("Mul", graph.add("Mul", x, x), x)
    inner = graph.add("Add", x, graph.add("Mul", cube, graph.like(like, 0.044715)))
    scaled = graph.add("Mul", inner, graph.like(like, 2 * math.sqrt(2 / math.pi)))
    return str(graph.add("Mul", x, graph.add("Sigmoid", scaled)))


def _squareplus(graph: GraphWriter, like: Tensor, x: str, b: float) -> str:
    """(x + sqrt(x^2 + b)) / 2."""
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", x, x), graph.like(like, b)))
    return str(graph.add("Mul", graph.add("Add", x, root), graph.like(like, 0.5)))


def _sparse_plus(graph: GraphWriter, like: Tensor, x: str) -> str:
    """x from 1 on, max(x + 1, 0)^2 / 4 below."""
    one = graph.like(like, 1)
    part = graph.add("Relu", graph.add("Add", x, one))
    below = graph.add("Mul", graph.add("Mul", part, part), graph.like(like, 0.25))
    return str(graph.add("Where", graph.add("Less", x, one), below, x))


def _isfinite(graph: GraphWriter, like: Tensor, x: str) -> str:
    return str(graph.add("Not", graph.add("Or", graph.add("IsNaN", x), graph.add("IsInf", x))))


def _cbrt(graph: GraphWriter, like: Tensor, x: str) -> str:
    root = graph.add("Pow", graph.add("Abs", x), graph.like(like, 1 / 3))
    return str(graph.add("Mul", graph.add("Sign", x), root))


def _hypot(graph: GraphWriter, like: Tensor, a: str, b: str) -> str:
    """m sqrt(1 + (n / m)^2), m the larger of the two sizes: no square overflows."""
    a, b = graph.add("Abs", a), graph.add("Abs", b)
    most = graph.add("Max", a, b)
    safe = graph.add("Where", graph.add("Equal", most, graph.like(like, 0)), graph.like(like, 1), most)
    ratio = graph.add("Div", graph.add("Min", a, b), safe)
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", ratio, ratio), graph.like(like, 1)))
    return str(graph.add("Mul", most, root))


def _arctan2(graph: GraphWriter, like: Tensor, y: str, x: str) -> str:
    """arctan(y / x), and pi more or less where x is negative; half of pi where x is 0."""
    zero = graph.like(like, 0)
    turned = graph.add("Where", graph.add("Less", y, zero), graph.like(like, -math.pi), graph.like(like, math.pi))
    half = graph.add("Mul", graph.add("Sign", y), graph.like(like, math.pi / 2))
    upright = graph.add("Equal", x, zero)
    ratio = graph.add("Atan", graph.add("Div", y, graph.add("Where", upright, graph.like(like, 1), x)))
    beside = graph.add("Where", graph.add("Less", x, zero), graph.add("Add", ratio, turned), ratio)
    return str(graph.add("Where", upright, half, beside))


def _remainder(graph: GraphWriter, like: Tensor, a: str, b: str) -> str:
    if not is_float(like.dtype):
        return str(graph.add("Mod", a, b))
    rest = graph.add("Mod", a, b, fmod=1)
    zero = graph.like(like, 0)
    other = graph.add("Less", graph.add("Mul", graph.add("Sign", rest), graph.add("Sign", b)), zero)
    return str(graph.add("Where", other, graph.add("Add", rest, b), rest))


def _floor_divide(graph: GraphWriter, like: Tensor, a: str, b: str) -> str:
    if is_float(like.dtype):
        return str(graph.add("Round", graph.add("Div", graph.add("Sub", a, _remainder(graph, like, a, b)), b)))
    return str(graph.add("Div", graph.add("Sub", a, graph.add("Mod", a, b)), b))


_formulas: dict[str, Formula] = {
    "expm1": _expm1, "log1p": _log1p, "gelu": _gelu, "gelu_tanh": _gelu_tanh, "squareplus": _squareplus,
    "sparse_plus": _sparse_plus, "isfinite": _isfinite, "cbrt": _cbrt, "hypot": _hypot, "arctan2": _arctan2,
    "remainder": _remainder, "floor_divide": _floor_divide,
}  # fmt: skip
for _name, _made in _formulas.items():
    _formula(_name, _made)
_formula("fmod", _node("Mod", fmod=1))


@converts("cast")
def _cast(graph: GraphWriter, node: Node) -> None:
    (dtype,) = node.attributes
    if dtype == node.inputs[0].dtype:
        passed(graph, node)
    else:
        pointwise(graph, node, lambda graph, like, x, dtype: graph.cast(x, dtype))


@converts("where")
def _where(graph: GraphWriter, node: Node) -> None:
    pointwise(graph, node, _chosen_bools if node.outputs[0].dtype == "bool" else _node("Where"))


def _chosen_bools(graph: GraphWriter, like: Tensor, condition: str, a: str, b: str) -> str:
    yes, no = graph.add("And", condition, a), graph.add("And", graph.add("Not", condition), b)
    return str(graph.add("Or", yes, no))


@converts("copy", "stop_gradient", "custom_gradient")
def passed(graph: GraphWriter, node: Node) -> None:
    """The results are the first inputs."""
    for x, y in zip(node.inputs, node.outputs, strict=False):
        if graph.is_first(x):
            graph.set_first(y, graph.first(x))
        else:
            graph.set(y, graph.value(x))


@converts("softmax", "log_softmax")
def _softmax(graph: GraphWriter, node: Node) -> None:
    op_type = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}[node.op.name]
    x, y = node.inputs[0], node.outputs[0]
    if graph.is_first(x):
        graph.set_first(y, graph.add(op_type, graph.first(x), axis=1))
    else:
        graph.set(y, graph.add(op_type, graph.value(x), axis=-1))


@converts("batch_normalization")
def _batch_normalization(graph: GraphWriter, node: Node) -> None:
    x, mean, variance, gamma, beta = node.inputs
    (y,) = node.outputs
    statistics = [graph.value(tensor) for tensor in (gamma, beta, mean, variance)]
    if x.ndim > 2:
        graph.set_first(y, graph.add("BatchNormalization", graph.first(x), *statistics, epsilon=node.attributes[0]))
    elif x.ndim == 2:
        graph.set(y, graph.add("BatchNormalization", graph.value(x), *statistics, epsilon=node.attributes[0]))
    else:
        raise NotInOnnx(
            f"{graph.inference.call}: expected a batch normalization of rank 2 or more, got {tuple(x.shape)}"
        )


@converts("layer_normalization")
def _layer_normalization(graph: GraphWriter, node: Node) -> None:
    x, gamma, beta = node.inputs
    centered, epsilon = node.attributes
    (y,) = node.outputs
    if centered:
        operands = [graph.value(tensor) for tensor in (x, gamma, beta)]
        graph.set(y, graph.add("LayerNormalization", *operands, axis=-1, epsilon=epsilon))
        return
    squares = graph.add("ReduceMean", graph.add("Mul", graph.value(x), graph.value(x)), graph.ints([-1]), keepdims=1)
    root = graph.add("Sqrt", graph.add("Add", squares, graph.like(x, epsilon)))
    unit = graph.add("Div", graph.value(x), root)
    graph.set(y, graph.add("Add", graph.add("Mul", unit, graph.value(gamma)), graph.value(beta)))
