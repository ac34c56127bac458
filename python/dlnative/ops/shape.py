"""Operations that move elements or give them another shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, flat, register, size_of
from dlnative.graph.roles import Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import promote
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axis, operation
from dlnative.ops.reduction import sum_to_shape


def _no_flops(ins: Sequence[Any], outs: Sequence[Any]) -> int:
    return 0


def _infer_target(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(attributes[0], inputs[0].dtype)]


# reshape shares the memory of its input, so it is no instruction; where memory cannot be shared it becomes a copy.
register(
    Op(
        "reshape",
        "shape",
        _infer_target,
        attributes=(("shape", "shape"),),
        gradient=lambda node, grads: (call("reshape", grads[0], attributes=(node.inputs[0].shape,)),),
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        roles=Roles(view=lambda shape, attributes: 0),
    )
)
# stop_gradient is its input to the plan and a constant to differentiation.
register(
    Op(
        "stop_gradient",
        "shape",
        lambda inputs, attributes: [(inputs[0].shape, inputs[0].dtype)],
        gradient=flat,
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        roles=Roles(view=lambda shape, attributes: 0),
    )
)

register(
    Op(
        "broadcast_to",
        "shape",
        _infer_target,
        attributes=(("shape", "shape"),),
        gradient=lambda node, grads: (sum_to_shape(grads[0], node.inputs[0].shape),),
        flops=_no_flops,
        roles=Roles(repeats=True, serves="repeating"),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((3, 1), shape=(3, 5)), Sample((), shape=(2, 3)), Sample((4,), shape=(2, 3, 4)),
            Sample((2, 1, 3), shape=(2, 7, 3)),
        ],
    )
)  # fmt: skip


def _infer_transpose(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    shape = inputs[0].shape
    return [(tuple(shape[axis] for axis in attributes[0]), inputs[0].dtype)]


def _inverse(permutation: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


register(
    Op(
        "transpose",
        "shape",
        _infer_transpose,
        attributes=(("permutation", "ints"),),
        gradient=lambda node, grads: (call("transpose", grads[0], attributes=(_inverse(node.attributes[0]),)),),
        flops=_no_flops,
        roles=Roles(permutes=True),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((3, 5), permutation=(1, 0)), Sample((2, 3, 4), permutation=(2, 0, 1)), Sample((70, 33), permutation=(1, 0)),
            Sample((2, 3, 4, 5), permutation=(0, 2, 1, 3)), Sample((4,), permutation=(0,)),
        ],
    )
)  # fmt: skip


def _infer_concatenate(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    axis = attributes[0]
    first = inputs[0].shape
    total: Any = 0
    for x in inputs:
        if len(x.shape) != len(first) or any(
            a != b and a is not None and b is not None
            for index, (a, b) in enumerate(zip(x.shape, first, strict=True))
            if index != axis
        ):
            shapes = ", ".join(str(tuple(item.shape)) for item in inputs)
            raise ValueError(f"concatenate: expected shapes that agree except along axis {axis}, got {shapes}")
        total = None if total is None or x.shape[axis] is None else total + x.shape[axis]
    return [((*first[:axis], total, *first[axis + 1 :]), inputs[0].dtype)]


def _concatenate_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    axis, dy, start, parts = node.attributes[0], grads[0], 0, []
    for x in node.inputs:
        starts = tuple(start if index == axis else 0 for index in range(len(x.shape)))
        parts.append(call("slice", dy, attributes=(starts, (1,) * len(x.shape), x.shape)))
        start += x.shape[axis]
    return parts


register(
    Op(
        "concatenate",
        "shape",
        _infer_concatenate,
        attributes=(("axis", "int"),),
        gradient=_concatenate_gradient,
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((3, 2), (3, 5), axis=1),
            Sample((1, 4), (3, 4), (2, 4), axis=0),
            Sample((2, 1, 3), (2, 4, 3), axis=1),
        ],
    )
)


def _infer_slice(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(attributes[2], inputs[0].dtype)]


def _part(shape: tuple[Any, ...], attributes: tuple[Any, ...]) -> int | None:
    """Returns the element that a slice begins with, if it is one piece of memory."""
    starts, steps, extents = attributes
    first, whole, split = 0, 1, False  # split: along some axis behind, not all is taken
    for axis in reversed(range(len(shape))):
        start, step, extent, size = starts[axis], steps[axis], extents[axis], shape[axis]
        if extent == 0 or (extent > 1 and (split or step > 1)):
            return None
        first += start * whole
        whole *= size
        split = split or extent < size
    return first


def _slice_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    starts, steps, _ = node.attributes
    dy = grads[0]
    for axis, step in enumerate(steps):
        if step > 1:
            dy = _spaced(dy, axis, step)
    return (call("pad", dy, attributes=(starts, node.inputs[0].shape)),)


def _spaced(x: Any, axis: int, step: int) -> Any:
    """Puts `step - 1` zeros between neighbours along an axis: pads each to a group of `step`, and cuts off the last zeros."""
    shape, rank = tuple(x.shape), len(x.shape)
    before, behind = shape[: axis + 1], shape[axis + 1 :]
    x = call("reshape", x, attributes=((*before, 1, *behind),))
    x = call("pad", x, attributes=((0,) * (rank + 1), (*before, step, *behind)))
    x = call("reshape", x, attributes=((*shape[:axis], shape[axis] * step, *behind),))
    kept = (*shape[:axis], max((shape[axis] - 1) * step + 1, 0), *behind)
    return call("slice", x, attributes=((0,) * rank, (1,) * rank, kept))


register(
    Op(
        "slice",
        "shape",
        _infer_slice,
        attributes=(("starts", "ints"), ("steps", "ints"), ("shape", "shape")),
        gradient=_slice_gradient,
        flops=_no_flops,
        roles=Roles(view=_part),
        dtypes=dtypes.DTYPES,
        samples=lambda: [
            Sample((5, 7), starts=(1, 2), steps=(1, 1), shape=(3, 4)),
            Sample((9,), starts=(1,), steps=(3,), shape=(3,)),
        ],
    )
)
register(
    Op(
        "pad",
        "shape",
        lambda inputs, attributes: [(attributes[1], inputs[0].dtype)],
        attributes=(("before", "ints"), ("shape", "shape")),
        gradient=lambda node, grads: (
            call("slice", grads[0], attributes=(node.attributes[0], (1,) * len(node.attributes[0]), node.inputs[0].shape)),
        ),
        flops=_no_flops,
        dtypes=dtypes.DTYPES,
        samples=lambda: [Sample((3, 4), before=(1, 2), shape=(5, 7)), Sample((3,), before=(0,), shape=(3,))],
    )
)  # fmt: skip
register(
    Op(
        "one_hot",
        "shape",
        lambda inputs, attributes: [((*inputs[0].shape, attributes[0]), attributes[1])],
        attributes=(("classes", "shape"), ("dtype", "output_dtype")),
        gradient=flat,
        flops=_no_flops,
        dtypes=("int32", "int64"),
        results=dtypes.DTYPES,
        samples=lambda: [
            Sample(Arg(shape, "integer", -2, 7), classes=5, dtype=dtype)
            for shape in ((), (4,), (3, 2))
            for dtype in ("float32", "float64", "int32", "bool")
        ],
    )
)


# The public functions.


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """Gives a tensor another shape with as many elements.

    Args:
        x: a tensor or array.
        newshape: the shape; one extent may be -1, which takes what remains.

    Raises:
        ValueError: if the number of elements differs.
    """
    x = as_tensor(x)
    target = tuple(newshape) if isinstance(newshape, (tuple, list)) else (int(newshape),)
    if sum(extent in (-1, None) for extent in target) > 1:
        raise ValueError(f"reshape: expected at most one unknown extent, got {target}")
    unknown = None in x.shape
    if not unknown:
        known = size_of(tuple(extent for extent in target if extent not in (-1, None)))
        total = size_of(x.shape)
        if -1 in target or None in target:
            missing = total // known if known else 0
            target = tuple(missing if extent in (-1, None) else extent for extent in target)
        if size_of(target) != total:
            raise ValueError(
                f"reshape: expected a shape of {total} elements for {tuple(x.shape)}, got {tuple(newshape)}"
            )
    else:
        target = tuple(None if extent == -1 else extent for extent in target)
        fixed_in = size_of(tuple(extent for extent in x.shape if extent is not None))
        fixed_out = size_of(tuple(extent for extent in target if extent is not None))
        if None in target and x.shape.count(None) == 1 and fixed_out and fixed_in % fixed_out and target[0] is None:
            raise ValueError(
                f"reshape: expected a shape of as many elements as {tuple(x.shape)}, got {tuple(newshape)}"
            )
    return invoke(OPS["reshape"], (x,), (target,))


@operation
def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """Permutes the axes; without `axes`, reverses them."""
    x = as_tensor(x)
    rank = len(x.shape)
    axes = tuple(range(rank))[::-1] if axes is None else tuple(normalize_axis(int(a), rank, "transpose") for a in axes)
    if sorted(axes) != list(range(rank)):
        raise ValueError(f"transpose: expected a permutation of {rank} axes, got {axes}")
    return invoke(OPS["transpose"], (x,), (axes,))


@operation
def concatenate(xs: Sequence[Any], axis: int = -1) -> Any:
    """Joins tensors along an axis.

    Args:
        xs: tensors or arrays with equal shapes, except along the axis.
        axis: the axis.
    """
    if not xs:
        raise ValueError("concatenate: expected at least one tensor, got none")
    parts = [as_tensor(x) for x in xs]
    for index in range(1, len(parts)):
        parts[0], parts[index] = promote(parts[0], parts[index])
    parts = [promote(part, parts[0])[0] for part in parts]
    return invoke(OPS["concatenate"], parts, (normalize_axis(axis, len(parts[0].shape), "concatenate"),))


@operation
def stack(xs: Sequence[Any], axis: int = 0) -> Any:
    """Joins tensors of one shape along a new axis."""
    rank = len(np.shape(xs[0]) if not hasattr(xs[0], "shape") else xs[0].shape)
    axis = normalize_axis(axis, rank + 1, "stack")
    return concatenate([expand_dims(x, axis) for x in xs], axis)


@operation
def expand_dims(x: Any, axis: int) -> Any:
    """Inserts an axis of extent 1."""
    x = as_tensor(x)
    axis = normalize_axis(axis, len(x.shape) + 1, "expand_dims")
    return invoke(OPS["reshape"], (x,), ((*x.shape[:axis], 1, *x.shape[axis:]),))


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """Removes axes of extent 1: the given ones, or all."""
    x = as_tensor(x)
    rank = len(x.shape)
    listed = range(rank) if axis is None else (axis if isinstance(axis, (tuple, list)) else (axis,))
    chosen = {normalize_axis(a, rank, "squeeze") for a in listed if axis is not None or x.shape[a] == 1}
    for a in chosen:
        if x.shape[a] not in (1, None):
            raise ValueError(f"squeeze: expected extent 1 along axis {a}, got shape {tuple(x.shape)}")
    return invoke(OPS["reshape"], (x,), (tuple(e for index, e in enumerate(x.shape) if index not in chosen),))


@operation
def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    """Repeats a tensor along axes of extent 1 to reach a shape, by NumPy's rule."""
    x = as_tensor(x)
    target = tuple(shape)
    if np.broadcast_shapes(tuple(x.shape), target) != target:
        raise ValueError(f"broadcast_to: expected a shape that broadcasts to {target}, got {tuple(x.shape)}")
    return x if x.shape == target else invoke(OPS["broadcast_to"], (x,), (target,))


@operation
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Any:
    """Returns rows of zeros with a one at the index; an index out of range gives zeros.

    Args:
        x: integers of any shape.
        num_classes: the length of the new axis.
        axis: where the new axis goes; only the last place.
        dtype: the dtype of the result, by default float32.
    """
    x = as_tensor(x)
    if axis not in (-1, len(x.shape)):
        raise ValueError(f"one_hot: expected axis -1, got {axis}")
    if dtype_of(x) not in ("int32", "int64"):
        x = call("cast", x, attributes=("int32",))
    return invoke(OPS["one_hot"], (x,), (int(num_classes), dtypes.standardize(dtype)))


@operation
def slice(inputs: Any, start_indices: Sequence[int], shape: Sequence[int]) -> Any:
    """Cuts a block of the given shape out of a tensor, from the given indices on."""
    x = as_tensor(inputs)
    starts, extents = tuple(map(int, start_indices)), tuple(map(int, shape))
    for start, extent, whole in zip(starts, extents, x.shape, strict=True):
        if start < 0 or extent < 0 or (whole is not None and start + extent > whole):
            raise ValueError(f"slice: expected a block inside shape {tuple(x.shape)}, got {starts} and {extents}")
    return invoke(OPS["slice"], (x,), (starts, (1,) * len(starts), extents))


@operation
def stop_gradient(variable: Any) -> Any:
    """Returns the tensor itself, which differentiation takes for a constant."""
    x = as_tensor(variable)
    return invoke(OPS["stop_gradient"], (x,)) if isinstance(x, Tensor) else x


def shape(x: Any) -> tuple[Any, ...]:
    """Returns the shape as a tuple; `None` where an extent is not known."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@operation
def get_item(x: Any, key: Any) -> Any:
    """Returns `x[key]` for integers, slices with positive steps, `None` and `...`."""
    x = as_tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    if not isinstance(x, Tensor):
        return x[key]
    used = sum(item is not None and item is not Ellipsis for item in keys)
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [np.s_[:]] * (len(x.shape) - used)
    else:
        keys += [np.s_[:]] * (len(x.shape) - used)
    cuts: list[tuple[int, int, Any]] = []  # start, step and count along each axis
    result: list[Any] = []
    axis = 0
    for item in keys:
        if item is None:
            result.append(1)
            continue
        extent = x.shape[axis]
        axis += 1
        if isinstance(item, (int, np.integer)):
            index = int(item) + (extent if item < 0 else 0)
            if extent is not None and not 0 <= index < extent:
                raise IndexError(f"index {item} is out of range for axis {axis - 1} of shape {tuple(x.shape)}")
            cuts.append((index, 1, 1))
            continue
        if type(item).__name__ != "slice":
            raise TypeError(f"a symbolic tensor is indexed by integers and slices, got {item!r}")
        if extent is None:
            if item.start or item.stop is not None or item.step not in (None, 1):
                raise ValueError(f"an axis of unknown extent can only be sliced whole, got {item} of {tuple(x.shape)}")
            start, step, count = 0, 1, None
        else:
            start, stop, step = item.indices(extent)
            if step < 1:
                raise ValueError(f"a symbolic tensor is sliced with steps of 1 or more, got {step}")
            count = max(0, -(-(stop - start) // step))
        cuts.append((start, step, count))
        result.append(count)
    starts, steps, extents = (tuple(cut[part] for cut in cuts) for part in range(3))
    if extents != x.shape:
        x = invoke(OPS["slice"], (x,), (starts, steps, extents))
    return x if x.shape == tuple(result) else invoke(OPS["reshape"], (x,), (tuple(result),))
