"""Parts of tensors, by slices and by indices: `x[key]` and its relatives.

`gather` takes rows by number along an axis, `scatter` puts them there. Whatever else selects by indices is one of these
two on a tensor whose indexed axes were made one. A number out of range is refused where it is known before the plan
runs; otherwise `gather` gives NaN (0 where the type has none) for it, and `scatter` leaves it out.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, zero_gradient
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.variable import Variable
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axis, operation, scalar, shown, unknown
from dlnative.ops.elementwise import add, equal, greater_equal, less, logical_and, multiply, where
from dlnative.ops.pointwise import broadcast_shapes
from dlnative.ops.shape import broadcast_to, moveaxis, ravel, reshape, transpose

SET, ADD, MAX, MIN, MULTIPLY = range(5)  # how `scatter` joins what comes to one place
REDUCTIONS = {None: SET, "add": ADD, "max": MAX, "min": MIN, "mul": MULTIPLY}
NUMBERS = ("float32", "float64", "int32", "int64")


class OutOfRangeError(IndexError, ValueError):
    """An index that is out of range: an IndexError, as in Python and NumPy, and a ValueError, as in Keras."""


def _infer_gather(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x, indices), axis = inputs, attributes[0]
    return [((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)]


def _gather_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    x, indices = node.inputs
    zeros = call("broadcast_to", scalar(0.0, grads[0]), attributes=(x.shape,))
    return call("scatter", zeros, indices, grads[0], attributes=(node.attributes[0], ADD)), None


register(
    Op(
        "gather",
        "indexing",
        _infer_gather,
        attributes=(("axis", "int"), ("nan", "bool")),
        gradient=_gather_gradient,
        flops=lambda ins, outs: 0,
        dtypes=dtypes.DTYPES,
        operands={1: ("int32", "int64")},
        samples=lambda: [
            Sample(Arg(shape), Arg(indices, "integer", -1, shape[axis] + 1, dtype), axis=axis, nan=False)
            for shape, axis, indices, dtype in (
                ((5,), 0, (7,), "int32"), ((4, 3), 0, (2, 2), "int64"), ((3, 6, 2), 1, (9,), "int32"), ((2, 7), 1, (), "int64"),
                ((300, 33), 0, (500,), "int32"),
            )
        ],
        tolerance=0.0,
    )
)  # fmt: skip


def _scatter_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    (x, indices, updates), (axis, reduction), dy = node.inputs, node.attributes, grads[0]
    arriving = call("gather", dy, indices, attributes=(axis, False))
    zero = scalar(0.0, dy)
    if reduction == ADD:
        return dy, None, arriving
    if reduction == SET:  # of several updates of one place the last one counts
        number = np.arange(math.prod(indices.shape), dtype="int32").reshape(indices.shape)
        nobody = np.full((x.shape[axis],), -1, "int32")
        winner = call("scatter", nobody, indices, number, attributes=(0, SET))
        last = equal(call("gather", winner, indices, attributes=(0, False)), number)
        behind = (1,) * (len(x.shape) - axis - 1)
        kept, last = reshape(less(winner, 0), (*winner.shape, *behind)), reshape(last, (*last.shape, *behind))
        return where(kept, dy, zero), None, where(last, arriving, zero)
    if reduction == MULTIPLY:
        raise NotImplementedError("gradients: there is no rule for the gradient of a scatter that multiplies")
    y = node.outputs[0]
    of_x = cast(equal(x, y), dy.dtype)
    of_updates = cast(equal(updates, call("gather", y, indices, attributes=(axis, False))), dy.dtype)
    number = call("scatter", of_x, indices, of_updates, attributes=(axis, ADD))  # that share the gradient
    share = dy / where(equal(number, 0.0), scalar(1.0, dy), number)
    return of_x * share, None, of_updates * call("gather", share, indices, attributes=(axis, False))


register(
    Op(
        "scatter",
        "indexing",
        lambda inputs, attributes: [(inputs[0].shape, inputs[0].dtype)],
        attributes=(("axis", "int"), ("reduction", "int")),
        gradient=_scatter_gradient,
        inplace=lambda attributes, output: (0,),
        flops=lambda ins, outs: math.prod(ins[2]),
        dtypes=NUMBERS,
        operands={1: ("int32", "int64")},
        samples=lambda: [
            Sample(
                Arg(shape),
                Arg(indices, "integer", -1, shape[axis] + 1, dtype),
                Arg((*shape[:axis], *indices, *shape[axis + 1 :])),
                axis=axis,
                reduction=reduction,
            )
            for reduction in (SET, ADD, MAX, MIN)
            for shape, axis, indices, dtype in (
                ((5,), 0, (7,), "int32"), ((4, 3), 0, (2, 2), "int64"), ((3, 6, 2), 1, (9,), "int32"),
            )
        ],
    )
)  # fmt: skip
register(
    Op(
        "argsort",
        "indexing",
        lambda inputs, attributes: [(inputs[0].shape, "int32")],
        attributes=(("descending", "bool"),),
        gradient=zero_gradient,
        flops=lambda ins, outs: 10 * math.prod(ins[0]),
        dtypes=NUMBERS,
        results=("int32",),
        uint64="order",
        samples=lambda: [
            Sample(shape, descending=descending)
            for shape in ((1,), (9,), (3, 5), (2, 3, 40), (2, 1031))
            for descending in (False, True)
        ],
        tolerance=0.0,
    )
)


def as_indices(x: Any, name: str) -> Any:
    """Returns a tensor of integers as `gather` takes them.

    Raises:
        TypeError: if it holds no integers.
    """
    x = as_tensor(x)
    dtype = dtype_of(x)
    if dtype in ("int32", "int64"):
        return x
    if dtypes.is_float(dtype) or dtype == "bool":
        if not (isinstance(x, np.ndarray) and x.size == 0):
            raise TypeError(f"{name}: expected integers for indices, got {dtype}")
    return cast(x, "int64")


def from_the_front(indices: Any, extent: Any, name: str) -> Any:
    """Returns indices counted from the front; known ones are checked.

    Raises:
        OutOfRangeError: if an index that is known is out of range.
    """
    if isinstance(indices, Tensor) and indices.constant is not None:
        indices = indices.constant
    if isinstance(indices, Tensor) or extent is None:
        extent = extent or 0
        return where(less(indices, 0), add(indices, extent), indices)
    if indices.size:
        low, high = int(indices.min()), int(indices.max())
        if low < -extent or high >= extent:
            wrong = low if low < -extent else high
            raise OutOfRangeError(f"{name}: index {wrong} is out of range for an axis of extent {extent}")
        if low < 0:
            return np.where(indices < 0, indices + extent, indices)
    return indices


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Takes elements along an axis by number.

    Args:
        x: a tensor or array.
        indices: integers of any shape; negative ones count from the end.
        axis: the axis; `None` takes elements of the flattened tensor.

    Returns:
        A tensor whose axis `axis` became the axes of `indices`.

    Raises:
        IndexError: if an index is out of range. In a traced function it gives NaN, or 0 of integers.

    Example:
        >>> import numpy as np
        >>> take(np.array([10, 20, 30]), [[0, -1]]).tolist()
        [[10, 30]]
    """
    x, indices = as_tensor(x), as_indices(indices, "take")
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, len(x.shape), "take")
    return invoke(OPS["gather"], (x, from_the_front(indices, x.shape[axis], "take")), (axis, True))


@operation
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """Takes an element for each index along an axis, at the index's own place along the others.

    Args:
        x: a tensor or array.
        indices: integers, of the rank of `x`; the other axes broadcast.
        axis: the axis; `None` takes elements of the flattened tensor by a vector of indices.

    Example:
        >>> import numpy as np
        >>> take_along_axis(np.array([[1, 2], [3, 4]]), np.array([[1], [0]]), axis=1).tolist()
        [[2], [3]]
    """
    name = "take_along_axis"
    x, indices = as_tensor(x), as_indices(indices, name)
    if axis is None:
        x, axis = ravel(x), 0
    rank = len(x.shape)
    axis = normalize_axis(axis, rank, name)
    if len(indices.shape) != rank:
        raise ValueError(f"{name}: expected indices of rank {rank}, got shape {tuple(indices.shape)}")
    others = [tuple(shape[:axis]) + tuple(shape[axis + 1 :]) for shape in (x.shape, indices.shape)]
    rest = broadcast_shapes(name, *others)
    shape = (*rest[:axis], indices.shape[axis], *rest[axis:])
    if None in shape or None in x.shape:
        return unknown(shape, x)
    key: list[Any] = []
    for index, extent in enumerate(shape):
        if index == axis:
            key.append(from_the_front(indices, x.shape[axis], name))
        else:
            own = np.arange(extent, dtype="int32") if x.shape[index] != 1 else np.zeros(extent, "int32")
            key.append(own.reshape(tuple(extent if place == index else 1 for place in range(rank))))
    return gather_all(x, key, name)


def gather_all(x: Any, keys: Sequence[Any], name: str) -> Any:
    """Returns `x[keys]` for index tensors, counted from the front, along the first axes of `x`."""
    extents = tuple(x.shape[: len(keys)])
    shape = broadcast_shapes(name, *(tuple(key.shape) for key in keys))
    rest = tuple(x.shape[len(keys) :])
    if len(keys) == 1:
        return invoke(OPS["gather"], (x, keys[0]), (0, True))
    if None in extents or None in shape or None in rest:
        return unknown(shape + rest, x)
    number = broadcast_to(linear_index(keys, extents), shape)
    return invoke(OPS["gather"], (reshape(x, (math.prod(extents), *rest)), number), (0, True))


def linear_index(keys: Sequence[Any], extents: Sequence[int]) -> Any:
    """Returns row-major numbers of places given by an index along each axis; -1 where one is out of range."""
    if not any(isinstance(key, Tensor) for key in keys):
        number: Any = np.zeros((), "int64")
        for key, extent in zip(keys, extents, strict=True):
            number = number * extent + key
        return np.asarray(number, "int64")
    number, inside = None, None
    for key, extent in zip(keys, extents, strict=True):
        number = key if number is None else add(multiply(number, extent), key)
        if isinstance(key, Tensor):
            here = logical_and(greater_equal(key, 0), less(key, extent))
            inside = here if inside is None else logical_and(inside, here)
    return where(inside, number, -1)


def _is_slice(item: Any) -> bool:
    return isinstance(item, builtins.slice)


def _is_number(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) and not isinstance(item, bool)


def _is_array(item: Any) -> bool:
    return isinstance(item, (list, np.ndarray, Tensor, Variable, bool, np.bool_))


@operation
def get_item(x: Any, key: Any) -> Any:
    """Returns `x[key]`, by NumPy's rules.

    Args:
        x: a tensor or array.
        key: integers, slices, `None`, `...`, and arrays of integers or booleans, or a tuple of them. Integers may be
            tensors, too.

    Raises:
        IndexError: if an integer is out of range, or there are more than axes.
    """
    x = as_tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    if not isinstance(x, Tensor) and not any(isinstance(item, Tensor) for item in keys):
        return x[tuple(item.value if isinstance(item, Variable) else item for item in keys)]
    keys = _whole(keys, x)
    cuts: list[tuple[int, int, Any]] = []  # start, step and count along each axis
    result: list[Any] = []
    arrays: list[Any] = []  # by axes, which come in this order
    places: list[int] = []  # of these axes in `result`
    indexed = any(_is_array(item) for item in keys)
    axis, split = 0, False
    for item in keys:
        if item is None:
            result.append(1)
            continue
        if item is Ellipsis:  # stands for no axis, but between two index arrays it keeps them apart
            split = split or bool(arrays)
            continue
        extent = x.shape[axis]
        if _is_slice(item):
            cuts.append(_cut_of(item, extent))
            result.append(cuts[-1][2])
        elif indexed:
            numbers = from_the_front(as_indices(item, "get_item"), extent, "get_item")
            arrays.append(numbers)
            places.append(len(result))
            cuts.append((0, 1, extent))
            result.append(extent)
        elif _is_number(item):
            index = int(item) + ((extent or 0) if item < 0 else 0)
            if extent is not None and not 0 <= index < extent:
                raise OutOfRangeError(f"index {item} is out of range for axis {axis} of shape {tuple(x.shape)}")
            cuts.append((index, 1, 1))
        else:
            raise TypeError(f"a tensor is indexed by integers, slices and arrays of integers, got {shown(item)}")
        axis += 1
    starts, steps, extents = (tuple(item[part] for item in cuts) for part in range(3))
    if extents != tuple(x.shape) or any(step != 1 for step in steps):
        x = invoke(OPS["slice"], (x,), (starts, steps, extents))
    if tuple(x.shape) != tuple(result):
        x = invoke(OPS["reshape"], (x,), (tuple(result),))
    if not arrays:
        return x
    x = transpose(x, [*places, *(index for index in range(len(result)) if index not in places)])
    rank = len(broadcast_shapes("get_item", *(tuple(item.shape) for item in arrays)))
    x = gather_all(x, arrays, "get_item")
    if split or places != list(range(places[0], places[0] + len(places))) or not rank:
        return x
    return moveaxis(x, tuple(range(rank)), tuple(range(places[0], places[0] + rank)))


def _whole(keys: list[Any], x: Any) -> list[Any]:
    """Returns a key for each axis: what `...` stands for is written out, masks become the numbers that they choose."""
    written: list[Any] = []
    for item in keys:
        if isinstance(item, Variable):
            item = as_tensor(item)
        if isinstance(item, Tensor) and item.dtype == "bool":
            if item.constant is None:
                raise TypeError(
                    "a boolean mask that is not known before the plan runs cannot index: how many elements it chooses "
                    "would be a shape; use ops.where"
                )
            item = item.constant
        if isinstance(item, (list, np.ndarray, bool, np.bool_)):
            array = np.asarray(item)
            if array.dtype == bool:
                if array.ndim == 0:
                    raise TypeError("a tensor is indexed by integers, slices and arrays of integers, got a boolean")
                at = sum(entry is not None and entry is not Ellipsis for entry in written)
                if Ellipsis not in [entry for entry in written if not isinstance(entry, (np.ndarray, Tensor))]:
                    expected = tuple(x.shape[at : at + array.ndim])
                    if None not in expected and array.shape != expected:
                        raise OutOfRangeError(f"a mask of shape {array.shape} does not fit axes of shape {expected}")
                written += np.nonzero(array)
                continue
        written.append(item)
    used = sum(item is not None and item is not Ellipsis for item in written)
    if sum(item is Ellipsis for item in written) > 1:
        raise OutOfRangeError("a tensor is indexed with one `...` at most")
    if used > len(x.shape):
        raise OutOfRangeError(
            f"a tensor of shape {tuple(x.shape)} is indexed by {len(x.shape)} numbers at most, got {used}"
        )
    rest = [np.s_[:]] * (len(x.shape) - used)
    for place, item in enumerate(written):
        if item is Ellipsis:
            return written[:place] + (rest or [Ellipsis]) + written[place + 1 :]
    return written + rest


def _cut_of(item: Any, extent: Any) -> tuple[int, int, Any]:
    if extent is None:
        return 0, 1, None
    start, stop, step = item.indices(extent)
    return start, step, len(range(start, stop, step))


def cut(x: Any, axis: int, first: int, last: Any, step: int = 1) -> Any:
    """Returns the part of a tensor between two places along an axis."""
    return get_item(x, (np.s_[:],) * axis + (np.s_[first:last:step],))
