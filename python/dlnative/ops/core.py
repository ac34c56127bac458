"""How a function of `dlnative.ops` runs: recorded on Keras tensors, traced on symbolic tensors, at once on arrays."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from dlnative import dtypes
from dlnative.graph.apply import apply
from dlnative.graph.eager import OnArrays, evaluate
from dlnative.graph.op import OPS, Op
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import Trace, constant, current_trace
from dlnative.graph.tree import flatten, flatten_structure, map_structure
from dlnative.graph.variable import Variable
from dlnative.symbolic import Call, KerasTensor, attach, has_keras_tensor

Function = TypeVar("Function", bound=Callable[..., Any])


def operation(function: Function) -> Function:
    """Makes a function of tensors also work on `KerasTensor`s, by recording the call for the functional model.

    On arrays alone it takes a short way; its own must depend on nothing but their shapes, types and layouts.
    """

    on_arrays = OnArrays(function)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if args and not kwargs:
            for argument in args:
                if argument.__class__ is not np.ndarray:
                    break
            else:
                return on_arrays(args)
        if has_keras_tensor(args) or (kwargs and has_keras_tensor(tuple(kwargs.values()))):
            return record(Call(wrapper, args, kwargs), lambda *a, **k: function(*a, **k))
        return function(*args, **kwargs)

    wrapper.name = function.__name__  # type: ignore[attr-defined]  # as layers in a functional model have one
    return cast(Function, wrapper)


class UnknownExtentError(ValueError):
    """An extent that a call must know whatever it computes is not known."""


# What stands for extents that are not known where `call` of a layer computes with them: numbers of which many parts exist,
# or which are small, where a table has only so many rows.
_STAND_INS = ((60, 84), (4, 6))


def record(call: Call, specification: Callable[..., Any], computes_with_extents: bool = False) -> Any:
    """Returns `KerasTensor`s for the outputs of a call, found by running it on placeholders.

    Args:
        call: the call; its outputs are filled in.
        specification: a function that takes symbolic tensors for the `KerasTensor`s and returns symbolic tensors.
        computes_with_extents: whether what cannot be found without all extents, as in `ops.zeros(ops.shape(x))`, is found
            with numbers in their place: what differs with the number is not known.

    Raises:
        ValueError: for text, which no op takes.
    """
    if any(tensor.dtype == "string" for tensor in call.inputs):
        name = getattr(call.function, "_label", None) or getattr(call.function, "__name__", "op")
        raise ValueError(
            f"{name}: expected numbers, got text: StringLookup, TextVectorization and Hashing turn it into numbers"
        )
    try:
        return attach(call, _on_placeholders(call, specification, None))
    except UnknownExtentError:
        raise
    except Exception:
        if not computes_with_extents or all(None not in tensor.shape for tensor in call.inputs):
            raise
        outputs = next(filter(None, (_with_stand_ins(call, specification, pair) for pair in _STAND_INS)), None)
        if outputs is None:
            raise  # its shapes are those of the user's
    return attach(call, outputs[0])


def _with_stand_ins(call: Call, specification: Callable[..., Any], extents: tuple[int, int]) -> tuple[Any] | None:
    """Returns what both extents give, without what differs; `None` if `specification` fails or gives other nestings."""
    try:
        first, second = [_on_placeholders(call, specification, extent) for extent in extents]
        others = flatten(second)
        if len(flatten(first)) != len(others):
            return None
        following = iter(others)
        return (map_structure(lambda leaf: _in_common(leaf, next(following)), first),)
    except Exception:
        return None


def _on_placeholders(call: Call, specification: Callable[..., Any], extent: int | None) -> Any:
    """Returns what `specification` makes of placeholders with an extent in place of each that is not known."""
    trace = Trace()

    def placeholder(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        shape = leaf.shape if extent is None else tuple(extent if size is None else size for size in leaf.shape)
        feed = trace.feed(shape, leaf.dtype)
        mask = getattr(leaf, "_keras_mask", None)
        if mask is not None:
            feed._keras_mask = placeholder(mask)
        return feed

    args, kwargs = map_structure(placeholder, (call.args, call.kwargs))
    try:
        result = trace.record(lambda: specification(*args, **kwargs))
        return map_structure(_of_its_shape, result)
    finally:
        trace.release()


def _of_its_shape(leaf: Any) -> Any:
    """Returns a tensor like another one, or like an array that does not depend on the inputs."""
    if isinstance(leaf, np.ndarray):
        return Tensor(leaf.shape, dtypes.of_array(leaf))
    return Tensor(leaf.shape, leaf.dtype) if isinstance(leaf, Tensor) else leaf


def _in_common(a: Any, b: Any) -> Any:
    """Returns a tensor of the extents that two tensors have in common."""
    if not isinstance(a, Tensor):
        return a
    shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
    return Tensor(shape, a.dtype)


def to_array(x: Any) -> np.ndarray[Any, Any]:
    """Returns an array of a supported dtype; Python floats become the default float type and integers int32."""
    return x.value if isinstance(x, Variable) else dtypes.as_array(x)


def as_tensor(x: Any) -> Any:
    """Returns a symbolic tensor for a variable in a trace, an array for anything else that is not symbolic."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, Variable):
        trace = current_trace()
        if trace is None:
            return x.value
        tensor = trace.read(x)
        return tensor if tensor.dtype == x.dtype else invoke(OPS["cast"], (tensor,), (x.dtype,))
    return to_array(x)


def to_symbol(x: Any) -> Tensor:
    """Returns a symbolic tensor; an array becomes a constant."""
    if isinstance(x, Tensor):
        return x
    if x.ndim == 0:
        trace = current_trace()
        if trace is not None:
            return trace.scalar(x.item(), dtypes.of_array(x))
    return constant(np.asarray(x, order="C"))


def invoke(op: Op, inputs: Sequence[Any], attributes: tuple[Any, ...] = ()) -> Any:
    """Applies an op of the table to tensors or arrays.

    Returns:
        Symbolic tensors if an input is symbolic, otherwise arrays; a tuple if the op has several outputs.
    """
    for x in inputs:
        if isinstance(x, Tensor):
            break
    else:
        return evaluate(op, tuple(inputs), attributes)
    outputs = apply(op, tuple([x if isinstance(x, Tensor) else to_symbol(x) for x in inputs]), attributes)
    return outputs[0] if len(outputs) == 1 else outputs


def call(name: str, *inputs: Any, attributes: tuple[Any, ...] = ()) -> Any:
    """Applies an op by name, as gradient rules do."""
    return invoke(OPS[name], inputs, attributes)


def scalar(value: float, like: Any) -> Any:
    """Returns a constant of rank 0 with the dtype of a tensor or array."""
    dtype = dtype_of(like)
    trace = current_trace()
    if trace is not None and isinstance(like, Tensor):
        return trace.scalar(value, dtype)
    return np.asarray(value, dtype)


def dtype_of(x: Any) -> str:
    """Returns the dtype of a tensor, array or variable by name."""
    return x.dtype if isinstance(x.dtype, str) else dtypes.of_array(x)


def is_symbolic(*structures: Any) -> bool:
    """Tells whether a symbolic tensor is among nested arguments."""
    return any(isinstance(leaf, Tensor) for leaf in flatten_structure(structures))


def shown(value: Any) -> str:
    """Returns an argument as an error shows it, in one line: of arrays and tensors, what they are."""
    if hasattr(value, "shape"):
        return f"a tensor of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return text if len(text) < 100 else f"{text[:97]}..."


def integer(value: Any, what: str) -> int:
    """Returns an argument that must be an integer.

    Args:
        value: the argument.
        what: the function and the argument's name, for example `"tile: repeats"`.

    Raises:
        TypeError: if it is none.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{what}: expected an integer, got {shown(value)}") from None


def normalize_axis(axis: Any, rank: int, name: str) -> int:
    """Returns the axis counted from the front.

    Raises:
        TypeError: if it is no integer.
        ValueError: if there is no such axis.
    """
    try:
        axis = operator.index(axis)
    except TypeError:
        raise TypeError(f"{name}: expected an integer for an axis, got {shown(axis)}") from None
    if not -rank <= axis < rank:
        raise ValueError(f"{name}: axis {axis} is out of bounds: expected an axis in [{-rank}, {rank})")
    return int(axis) + rank if axis < 0 else int(axis)


def normalize_axes(axis: Any, rank: int, name: str) -> tuple[int, ...]:
    """Returns axes counted from the front: those of one, of a list or tuple, or (`None`) all.

    Raises:
        TypeError: if one is no integer.
        ValueError: if there is no such axis, or it is given twice.
    """
    if axis is None:
        return tuple(range(rank))
    axes = tuple([normalize_axis(item, rank, name) for item in (axis if isinstance(axis, (tuple, list)) else (axis,))])
    if len(axes) > 1 and len(set(axes)) < len(axes):
        raise ValueError(f"{name}: expected distinct axes, got {axis}")
    return axes


def shape_of(name: str, shape: Any) -> tuple[int, ...]:
    """Returns a shape that is given as an integer or as some integers.

    Raises:
        TypeError: if it is none of these.
        ValueError: if an extent is negative.
    """
    try:
        extents = tuple([operator.index(item) for item in (shape if isinstance(shape, Iterable) else (shape,))])
    except TypeError:
        raise TypeError(f"{name}: expected a shape of integers, got {shown(shape)}") from None
    if min(extents, default=0) < 0:
        raise ValueError(f"{name}: expected a shape of non-negative extents, got {shown(shape)}")
    return extents


def unknown(shape: Sequence[Any], like: Any, dtype: str | None = None) -> Tensor:
    """Returns what stands for the result of a call on `KerasTensor`s while it is recorded, where extents are not known.

    Args:
        shape: its shape; `None` for an extent that is not known.
        like: a tensor that has its dtype.
        dtype: its dtype, if another.
    """
    return Tensor(tuple(shape), dtype or dtype_of(like))
