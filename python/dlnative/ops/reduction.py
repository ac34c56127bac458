"""Reductions over axes. The op of the table reduces one block of neighbouring axes; several blocks are several ops."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Infer, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import (
    as_tensor,
    call,
    dtype_of,
    invoke,
    normalize_axes,
    normalize_axis,
    operation,
    scalar,
    unknown,
)

_SHAPES = (
    ((7,), 0, 1),
    ((3, 5), 1, 1),
    ((3, 5), 0, 1),
    ((4, 3, 6), 1, 1),
    ((4, 3, 6), 0, 2),
    ((2, 1031), 0, 2),
    ((70, 33), 0, 1),
)


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    axis, count, keepdims = attributes
    shape = inputs[0].shape
    middle = (1,) * count if keepdims else ()
    return [(shape[:axis] + middle + shape[axis + count :], inputs[0].dtype)]


def _infer_extreme(name: str) -> Infer:
    def infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
        axis, count, _ = attributes
        shape = tuple(inputs[0].shape)
        if 0 in shape[axis : axis + count]:
            raise ValueError(f"{name}: expected at least one element to reduce, got shape {shape}")
        return _infer(inputs, attributes)

    return infer


def spread(gradient: Any, node: Node) -> Any:
    """Returns a gradient of a reduction's output, broadcast back over the axes that were reduced."""
    axis, count, keepdims = node.attributes
    shape = node.inputs[0].shape
    if not keepdims:
        gradient = call("reshape", gradient, attributes=(shape[:axis] + (1,) * count + shape[axis + count :],))
    return call("broadcast_to", gradient, attributes=(shape,))


def _sum_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    return (spread(grads[0], node),)


def _mean_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    axis, count, _ = node.attributes
    number = size_of(node.inputs[0].shape[axis : axis + count])
    return (spread(call("multiply", grads[0], scalar(1.0 / builtins.max(number, 1), grads[0])), node),)


def _extreme_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """Shares the gradient among the elements that equal the extreme."""
    axis, count, _ = node.attributes
    x = node.inputs[0]
    chosen = call("equal", x, spread(node.outputs[0], node))
    ones = call("cast", chosen, attributes=(x.dtype,))
    number = call("sum", ones, attributes=(axis, count, True))
    return (call("multiply", call("divide", ones, number), spread(grads[0], node)),)


_FLOAT = ("float32", "float64")
_NUMBER = (*_FLOAT, "int32", "int64")


def _over_turns(node: Node) -> Any:
    """A sum over the first axes is one over turns in front of them, too."""
    axis, count, keepdims = node.attributes
    shape = node.inputs[0].shape
    if axis or keepdims or not size_of(shape):
        return None

    def total(x: Any) -> Any:
        turns = size_of(x.shape) // size_of(shape)
        return call("sum", call("reshape", x, attributes=((turns, *shape),)), attributes=(0, count + 1, False))

    return total


def _reduction(
    name: str, gradient: Any, numbers: tuple[str, ...], uint64: str | None, tolerance: float, roles: Roles
) -> None:
    register(
        Op(
            name,
            "reduction",
            _infer_extreme(name) if name in ("max", "min") else _infer,
            attributes=(("axis", "int"), ("count", "int"), ("keepdims", "bool")),
            gradient=gradient,
            flops=lambda ins, outs: math.prod(ins[0]),
            dtypes=numbers,
            uint64=uint64,
            samples=lambda: [
                Sample(Arg(shape, low=-4.0, high=4.0), axis=axis, count=count, keepdims=keepdims)
                for shape, axis, count in _SHAPES
                for keepdims in (False, True)
            ],
            roles=roles,
            tolerance=tolerance,
            size="terms" if name in ("sum", "mean") else "element",
        )
    )


_reduction(
    "sum", _sum_gradient, _NUMBER, "modulo", 4.0, Roles(reduces="elements", post_op="sums", over_turns=_over_turns)
)
_reduction("mean", _mean_gradient, _FLOAT, None, 4.0, Roles(reduces="elements"))
_reduction("max", _extreme_gradient, _NUMBER, "order", 0.0, Roles(reduces="rows"))
_reduction("min", _extreme_gradient, _NUMBER, "order", 0.0, Roles(reduces="rows"))


def _infer_index(name: str) -> Infer:
    def infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
        axis, keepdims = attributes
        shape = tuple(inputs[0].shape)
        if shape[axis] == 0:
            raise ValueError(f"{name}: expected at least one element to choose from, got shape {shape}")
        return [(shape[:axis] + ((1,) if keepdims else ()) + shape[axis + 1 :], "int32")]

    return infer


for _name in ("argmax", "argmin"):
    register(
        Op(
            _name,
            "reduction",
            _infer_index(_name),
            attributes=(("axis", "int"), ("keepdims", "bool")),
            flops=lambda ins, outs: math.prod(ins[0]),
            dtypes=_NUMBER,
            results=("int32",),
            uint64="order",
            samples=lambda: [
                Sample(shape, axis=axis, keepdims=keepdims)
                for shape, axis in (((7,), 0), ((3, 5), 1), ((3, 5), 0), ((4, 3, 6), 1), ((5, 131), 1))
                for keepdims in (False, True)
            ],
            tolerance=0.0,
        )
    )


def sum_to_shape(x: Any, shape: tuple[Any, ...]) -> Any:
    """Sums a tensor over the axes along which `shape` was broadcast to the tensor's shape."""
    if x.shape == shape:
        return x
    extra = len(x.shape) - len(shape)
    if extra:
        x = reduce("sum", x, tuple(range(extra)))
    axes = tuple(axis for axis, extent in enumerate(shape) if extent == 1 and x.shape[axis] != 1)
    return reduce("sum", x, axes, keepdims=True) if axes else x


def _blocks(axes: Sequence[int]) -> list[tuple[int, int]]:
    """Returns sorted axes as blocks of neighbours: (first axis, number of axes)."""
    blocks: list[tuple[int, int]] = []
    for axis in sorted(axes):
        if blocks and blocks[-1][0] + blocks[-1][1] == axis:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] + 1)
        else:
            blocks.append((axis, 1))
    return blocks


def reduce(name: str, x: Any, axis: Any, keepdims: bool = False) -> Any:
    """Reduces a tensor over axes (`None`: all of them)."""
    axes = normalize_axes(axis, len(x.shape), name)
    for first, count in reversed(_blocks(axes)):
        x = invoke(OPS[name], (x,), (first, count, bool(keepdims)))
    return x


SUMMED_AS = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


def to_summed(x: Any) -> Any:
    """Returns a tensor in the type in which its elements are added up or multiplied: small integers become 32 bits wide."""
    x = as_tensor(x)
    wide = SUMMED_AS.get(dtype_of(x))
    return x if wide is None else call("cast", x, attributes=(wide,))


@operation
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the sum over axes.

    Args:
        x: a tensor or array.
        axis: an axis, a tuple of axes, or `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    return reduce("sum", to_summed(x), axis, keepdims)


@operation
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the mean over axes; see `sum`. Integers are converted to the default float type."""
    x = as_tensor(x)
    wide = to_wide_float(x)
    y = reduce("mean", wide, axis, keepdims)
    return y if wide is x else narrowed(y, x)


def to_wide_float(x: Any) -> Any:
    """Returns a tensor in a float type of 32 bits or more: what is computed from sums would be lost in one of 16."""
    x = as_tensor(x)
    dtype = dtype_of(x)
    if dtype in ("float32", "float64"):
        return x
    return call("cast", x, attributes=("float32" if dtypes.is_float(dtype) else dtypes.floatx(),))


def narrowed(y: Any, x: Any) -> Any:
    """Returns a result in the float type of what it was computed from, if that has one of 16 bits."""
    dtype = dtype_of(as_tensor(x))
    return call("cast", y, attributes=(dtype,)) if dtype in ("float16", "bfloat16") else y


def _extreme(name: str, x: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    x = as_tensor(x)
    if dtype_of(x) == "bool":
        first = None if initial is None else call("cast", as_tensor(initial), attributes=("bool",))
        numbers, first = (y if y is None else call("cast", y, attributes=("int32",)) for y in (x, first))
        return call("cast", _extreme(name, numbers, axis, keepdims, first), attributes=("bool",))
    if initial is None:
        return reduce(name, x, axis, keepdims)
    initial = as_tensor(initial)
    if initial.shape != ():
        raise ValueError(f"{name}: expected a number for initial, got an array of shape {tuple(initial.shape)}")
    initial = call("cast", initial, attributes=(dtype_of(x),))
    axes = normalize_axes(axis, len(x.shape), name)
    if builtins.any(x.shape[item] == 0 for item in axes):
        kept = [1 if index in axes else extent for index, extent in enumerate(x.shape)]
        shape = tuple(extent for index, extent in enumerate(kept) if keepdims or index not in axes)
        if None in shape:
            return unknown(shape, x)
        return call("broadcast_to", initial, attributes=(shape,)) if shape else initial
    return call(f"{name}imum", reduce(name, x, axis, keepdims), initial)


@operation
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Returns the largest element over axes; NaN wins.

    Args:
        x: a tensor or array.
        axis: an axis, a tuple of axes, or `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
        initial: a number that takes part; the result where there are no elements.

    Raises:
        ValueError: if there are no elements and no `initial`.
    """
    return _extreme("max", x, axis, keepdims, initial)


@operation
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Returns the smallest element over axes; NaN wins. See `max`."""
    return _extreme("min", x, axis, keepdims, initial)


amax, amin = max, min


def _truth(name: str, x: Any, axis: Any, keepdims: bool) -> Any:
    truth = call("cast", as_tensor(x), attributes=("bool",))
    return _extreme(name, truth, axis, keepdims, name == "min")  # what there is of nothing


@operation
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns whether any element over the axes is true; see `sum`."""
    return _truth("max", x, axis, keepdims)


@operation
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns whether all elements over the axes are true; see `sum`."""
    return _truth("min", x, axis, keepdims)


@operation
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the variance over axes, `mean((x - mean(x))**2)`; see `sum`."""
    wide = to_wide_float(x)
    centred = call("subtract", wide, reduce("mean", wide, axis, True))
    return narrowed(reduce("mean", call("square", centred), axis, keepdims), x)


@operation
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Returns the standard deviation over axes, the root of `var`.

    Args:
        x: a tensor or array.
        axis: the axis or axes; `None` for all.
        keepdims: whether reduced axes stay, with extent 1.
    """
    return narrowed(call("sqrt", var(to_wide_float(x), axis, keepdims)), x)


def _index(name: str, x: Any, axis: int | None, keepdims: bool) -> Any:
    x = as_tensor(x)
    if dtype_of(x) == "bool":
        x = call("cast", x, attributes=("int32",))
    shape = tuple(x.shape)
    if axis is None:
        x = call("reshape", x, attributes=((None if None in shape else size_of(shape),),))
        place = 0
    else:
        place = normalize_axis(axis, len(shape), name)
    y = invoke(OPS[name], (x,), (place, bool(keepdims) and axis is not None))
    return call("reshape", y, attributes=((1,) * len(shape),)) if keepdims and axis is None else y


@operation
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index (int32) of the first largest element along an axis, or in the flattened tensor.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
        keepdims: whether the axis stays, with extent 1.
    """
    return _index("argmax", x, axis, keepdims)


@operation
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Returns the index (int32) of the first smallest element along an axis, or in the flattened tensor.

    Args:
        x: a tensor or array.
        axis: the axis; `None` for all elements, in order.
        keepdims: whether the axis stays, with extent 1.
    """
    return _index("argmin", x, axis, keepdims)
