"""Matrix products, plain and as the planner fuses them with what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Shape, Spec, register, size_of
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.activation import ACTIVATIONS
from dlnative.ops.conversion import promote
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, is_symbolic, operation
from dlnative.ops.elementwise import multiply
from dlnative.ops.pointwise import broadcast_shapes


def _matrix(shape: Shape, transposed: bool) -> tuple[Any, Any]:
    return (shape[-1], shape[-2]) if transposed else (shape[-2], shape[-1])


def _infer_matmul(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    a, b = inputs[:2]
    transpose_a, transpose_b, epilogue = attributes
    (rows, inner_a), (inner_b, columns) = _matrix(a.shape, transpose_a), _matrix(b.shape, transpose_b)
    if inner_a is not None and inner_b is not None and inner_a != inner_b:
        raise ValueError(f"matmul: expected inner axes that agree, got shapes {tuple(a.shape)} and {tuple(b.shape)}")
    y = ((*a.shape[:-2], rows, columns), a.dtype)
    return [y, ((columns,), a.dtype)] if epilogue.sums else [y]


def _matmul_flops(ins: Sequence[Shape], outs: Sequence[Shape]) -> int:
    return 2 * size_of(ins[0]) * int(outs[0][-1])


def _rows(x: Any) -> Any:
    """Returns a tensor as a matrix: all axes but the last become rows."""
    return x if len(x.shape) == 2 else call("reshape", x, attributes=((size_of(x.shape[:-1]), x.shape[-1]),))


def _product(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Any:
    return call("matmul", a, b, attributes=(transpose_a, transpose_b, PLAIN))


def _matmul_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """Y = AB gives dA = dY Bᵀ and dB = Aᵀ dY; a transposed operand gets the transpose of that."""
    (a, b), dy = node.inputs, grads[0]
    transpose_a, transpose_b, _ = node.attributes
    if transpose_a:
        da = _product(b, dy, transpose_b, True)
    else:
        da = _product(dy, b, False, not transpose_b)
    if len(b.shape) == 2 and len(a.shape) > 2:
        a, dy = _rows(a), _rows(dy)
    if transpose_b:
        db = _product(dy, a, True, transpose_a)
    else:
        db = _product(a, dy, not transpose_a, False)
    return da, db


def _matrix_samples() -> list[Sample]:
    samples = []
    sizes = ((1, 1, 1), (2, 3, 4), (16, 8, 4), (5, 17, 33), (33, 65, 19), (128, 10, 70), (1, 40, 300), (70, 150, 1))
    for m, n, k in sizes:
        for transpose_a in (False, True):
            for transpose_b in (False, True):
                a, b = ((k, m) if transpose_a else (m, k)), ((n, k) if transpose_b else (k, n))
                samples.append(Sample(a, b, transpose_a=transpose_a, transpose_b=transpose_b, epilogue=PLAIN))
    samples.append(Sample((3, 5, 7), (7, 4), transpose_a=False, transpose_b=False, epilogue=PLAIN))
    samples.append(Sample((3, 5, 7), (3, 7, 4), transpose_a=False, transpose_b=False, epilogue=PLAIN))
    samples.append(Sample((2, 3, 7, 5), (2, 3, 4, 7), transpose_a=True, transpose_b=True, epilogue=PLAIN))
    return samples


def _activations() -> list[tuple[Any, ...]]:
    """Returns all activations, with parameters, for the tests."""
    return [(), *((name, *OPS[name].samples[0].attributes.values()) for name in ACTIVATIONS[1:])]


# M, N and K of the samples with an epilogue.
_FORWARD_SIZES = ((1, 1, 1), (16, 8, 4), (5, 33, 17), (65, 70, 31), (1, 600, 70), (9, 550, 450))
_BACKWARD_SIZES = ((1, 1, 1), (16, 8, 4), (5, 33, 17), (9, 1000, 8), (20, 40, 450))
_WEIGHT_SIZES = ((1, 1, 1), (4, 8, 16), (17, 33, 37), (70, 10, 130), (40, 33, 450))


def _paired(first: Sequence[Any], second: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each of one list with some of the other: all of both are met, but not each pair."""
    count = max(len(first), len(second))
    return [(first[i % len(first)], second[(i + shift) % len(second)]) for i in range(count) for shift in (0, 1)]


def _sample(
    m: int, n: int, k: int, epilogue: Epilogue, transpose_a: bool = False, transpose_b: bool = False, high: float = 2.0
) -> Sample:
    """Of a single element nothing cancels: there is no larger one to judge by, so it is positive."""

    def operand(*shape: int, high: float = 2.0) -> Arg:
        return Arg(shape, low=0.4 if m * n == 1 else -high, high=high)

    return Sample(
        operand(*((k, m) if transpose_a else (m, k))),
        operand(*((n, k) if transpose_b else (k, n)), high=high),
        *([operand(n)] if epilogue.bias else []),
        *([operand(m, n)] if epilogue.residual else []),
        *([operand(m, n, high=0.9)] if epilogue.gradient_of else []),
        transpose_a=transpose_a,
        transpose_b=transpose_b,
        epilogue=epilogue,
    )


def _epilogue_samples() -> list[Sample]:
    samples = []
    for (m, n, k), activation in _paired(_FORWARD_SIZES, _activations()):
        for number, (bias, residual) in enumerate(((True, False), (False, True), (True, True))):
            # Weights as they are: an activation does not hide what a sum has lost.
            epilogue = Epilogue(bias, residual, activation)
            samples.append(_sample(m, n, k, epilogue, transpose_b=number == 1 and k == 31, high=0.5))
    for (m, n, k), activation in _paired(_BACKWARD_SIZES, _activations()[1:]):
        for residual in (False, True):
            samples.append(_sample(m, n, k, Epilogue(False, residual, gradient_of=activation), transpose_b=True))
    samples += [_sample(m, n, k, Epilogue(sums=True), transpose_a=True) for m, n, k in _WEIGHT_SIZES]
    return samples


def _takes(shapes: Sequence[Shape], attributes: tuple[Any, ...]) -> bool:
    """The kernel has an epilogue for a product of rows and one matrix, and sums for a weight gradient xᵀ dy."""
    transpose_a, _, epilogue = attributes
    if len(shapes[1]) != 2:
        return False
    if epilogue.sums:
        return bool(attributes == (True, False, Epilogue(sums=True)) and len(shapes[0]) == 2)
    if epilogue.gradient_of:
        return not (epilogue.activation or epilogue.bias) and (len(shapes[0]) == 2 or not transpose_a)
    return not transpose_a


def _without_transposes(inputs: list[Any], attributes: tuple[Any, ...]) -> tuple[list[Any], tuple[Any, ...]]:
    """An operand that was transposed is taken as it was before."""
    flags = list(attributes)
    inputs = list(inputs)
    ranks = [len(value.shape) for value in inputs]
    for index, value in enumerate(inputs):
        step = value.producer
        if step is None or not step.op.roles.permutes or (index == 0 and ranks[0] != ranks[1]):
            continue  # the leading axes of `a` are rows where `b` is one matrix
        *leading, last_but_one, last = step.attributes[0]
        if leading == list(range(ranks[index] - 2)) and last_but_one == last + 1:
            inputs[index] = step.inputs[0]
            flags[index] = not flags[index]
    return inputs, tuple(flags)


def _over_turns(node: Node) -> Any:
    """The sum of aᵀ b over turns is the product of the rows of all turns."""
    (a, b), (transpose_a, transpose_b, _) = node.inputs, node.attributes
    if not transpose_a or transpose_b or len(a.shape) != 2 or len(b.shape) != 2:
        return None

    def rows(x: Any, like: Tensor) -> Any:
        return call("reshape", x, attributes=((size_of(x.shape) // max(like.shape[1], 1), like.shape[1]),))

    return lambda x, y: _product(rows(x, a), rows(y, b), True, False)


register(
    Op(
        "matmul",
        "linalg",
        _infer_matmul,
        attributes=(("transpose_a", "bool"), ("transpose_b", "bool"), ("epilogue", "epilogue")),
        gradient=_matmul_gradient,
        # The result of a relu is read while its gradient is in registers.
        inplace=lambda attributes, output: (2,) if attributes[2] == Epilogue(gradient_of=("relu",)) else (),
        flops=_matmul_flops,
        samples=lambda: _matrix_samples() + _epilogue_samples(),
        roles=Roles(takes=_takes, rewrite=_without_transposes, over_turns=_over_turns),
        tolerance=4.0,
        size="terms",
    )
)


@operation
def matmul(x1: Any, x2: Any) -> Any:
    """Returns the matrix product, over the last two axes; leading axes broadcast.

    A vector is taken as a row on the left and as a column on the right, and that axis is left out of the result.

    Args:
        x1: a tensor or array of shape `(..., M, K)` or `(K,)`.
        x2: a tensor or array of shape `(..., K, N)` or `(K,)`.

    Returns:
        A tensor or array of shape `(..., M, N)`. Products of integers are integers, exact as far as sums stay below 2^53.

    Raises:
        ValueError: if the inner axes differ or an operand has rank 0.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    narrow = dtype_of(a) == dtype_of(b) == "int8"
    a, b = promote(a, b)
    if not a.shape or not b.shape:
        raise ValueError("matmul: expected operands of rank 1 or more, got a scalar")
    dtype = dtype_of(a)
    if not dtypes.is_float(dtype):
        return _integer_product(a, b, "int32" if narrow else dtype)
    row, column = len(a.shape) == 1, len(b.shape) == 1
    if row:
        a = call("reshape", a, attributes=((1, *a.shape),))
    if column:
        b = call("reshape", b, attributes=((*b.shape, 1),))
    if a.shape[-1] is not None and b.shape[-2] is not None and a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: expected inner axes that agree, got shapes {tuple(a.shape)} and {tuple(b.shape)}")
    if len(b.shape) > 2:
        batch = broadcast_shapes("matmul", a.shape[:-2], b.shape[:-2])
        a, b = _broadcast_batch(a, batch), _broadcast_batch(b, batch)
    transpose_a = transpose_b = False
    if not is_symbolic(a, b):
        (a, transpose_a), (b, transpose_b) = _as_stored(a, len(b.shape) == len(a.shape)), _as_stored(b, True)
    y = invoke(OPS["matmul"], (a, b), (transpose_a, transpose_b, PLAIN))
    if row or column:
        shape = y.shape[:-2] + (() if row else y.shape[-2:-1]) + (() if column else y.shape[-1:])
        y = call("reshape", y, attributes=(shape,))
    return y


def _integer_product(a: Any, b: Any, dtype: str) -> Any:
    """Returns the product of integers by one of float64, which is exact as long as no sum passes 2**53."""
    y = matmul(call("cast", a, attributes=("float64",)), call("cast", b, attributes=("float64",)))
    if dtype != "bool":
        y = call("cast", y, attributes=("int64",))  # what is too large wraps around
    return call("cast", y, attributes=(dtype,))


def _as_stored(x: np.ndarray[Any, Any], may_transpose: bool) -> tuple[np.ndarray[Any, Any], bool]:
    """Returns an operand and whether it is to be transposed: an array made by transposing is taken as it was before."""
    if may_transpose and not x.flags.c_contiguous:
        stored = x.swapaxes(-1, -2)
        if stored.flags.c_contiguous:
            return stored, True
    return x, False


def _broadcast_batch(x: Any, batch: Shape) -> Any:
    shape = (*batch, *x.shape[-2:])
    return x if x.shape == shape else call("broadcast_to", x, attributes=(shape,))


@operation
def dot(x1: Any, x2: Any) -> Any:
    """Returns the product over the last axis of `x1` and the second-to-last (or only) axis of `x2`.

    Args:
        x1: a tensor or array of shape `(..., K)`.
        x2: a tensor or array of shape `(K,)` or `(..., K, N)`.

    Returns:
        A tensor of all axes of `x1` but the last, and then all of `x2` but the second-to-last. The product of a scalar and a
        tensor is elementwise.

    Raises:
        ValueError: if the extents of these axes differ.
    """
    a, b = as_tensor(x1), as_tensor(x2)
    if not a.shape or not b.shape:
        return multiply(a, b)
    if len(b.shape) <= 2:
        return matmul(a, b)
    inner, rest = b.shape[-2], (*b.shape[:-2], b.shape[-1])
    order = (len(b.shape) - 2, *range(len(b.shape) - 2), len(b.shape) - 1)
    columns = call("transpose", b, attributes=(order,))
    y = matmul(a, call("reshape", columns, attributes=((inner, None if None in rest else size_of(rest)),)))
    return call("reshape", y, attributes=((*a.shape[:-1], *rest),))
