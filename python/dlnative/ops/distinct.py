"""Distinct elements. Where it is said how many there are to be, they can be found in a plan, too: by NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.core import as_tensor, call, integer, invoke, normalize_axis, operation, scalar, shown
from dlnative.ops.indexing import ADD
from dlnative.ops.reduction import narrowed


def _infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,), (axis, size, _, _) = inputs, attributes
    shape = tuple(x.shape)
    values = (size,) if axis < 0 else (*shape[:axis], size, *shape[axis + 1 :])
    return [
        (values, x.dtype),
        ((size,), "int32"),
        (shape if axis < 0 else (shape[axis],), "int32"),
        ((size,), "int32"),
    ]


def _gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """Each value is the element at its index; what fills the places that are left is constant, if it was given."""
    (x,), (_, index, _, counts), dy = node.inputs, node.outputs, grads[0]
    axis, size, _, filled = node.attributes
    if dy is None or not dtypes.is_float(x.dtype):
        return (None,)
    flat = (size_of(x.shape),) if axis < 0 else tuple(x.shape)
    place = max(axis, 0)
    if filled:
        there = call("greater", counts, scalar(0, counts))
        shape = tuple(size if other == place else 1 for other in range(len(dy.shape)))
        dy = call("where", call("reshape", there, attributes=(shape,)), dy, scalar(0.0, dy))
    zeros = call("broadcast_to", scalar(0.0, dy), attributes=(flat,))
    dx = call("scatter", zeros, index, dy, attributes=(place, ADD))
    return (call("reshape", dx, attributes=(tuple(x.shape),)),)


register(
    Op(
        "unique",
        "indexing",
        _infer,
        attributes=(("axis", "int"), ("size", "int"), ("fill", "float"), ("filled", "bool")),
        gradient=_gradient,
        dtypes=tuple(dtype for dtype in dtypes.DTYPES if "float16" not in dtype),
        results=dtypes.DTYPES,
        samples=lambda: [
            Sample(Arg(shape), axis=axis, size=size, fill=2.0, filled=filled)
            for shape, axis, size in (((7,), -1, 4), ((2, 3), -1, 8), ((3, 2), 0, 4), ((2, 4), 1, 2))
            for filled in (False, True)
        ],
        roles=HOST,
    )
)


@operation
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Returns the distinct elements, in ascending order; in a traced function as many as `size` says.

    Args:
        x: a tensor or array.
        sorted: whether their order matters; they come sorted in any case.
        return_index: whether to return where each comes first (int32), too.
        return_inverse: whether to return which of them each element is (int32), too.
        return_counts: whether to return how often each comes (int32), too.
        axis: the axis along which slices are compared; `None` compares elements.
        size: how many to return, whatever there are.
        fill_value: what fills the places that are left; by default the first of them.

    Raises:
        ValueError: if it is traced and `size` is not given.

    Example:
        >>> import numpy as np
        >>> unique(np.array([3, 1, 3]), return_counts=True)[1].tolist()
        [1, 2]
        >>> unique(np.array([3, 1, 3]), size=3, fill_value=0).tolist()
        [1, 3, 0]
    """
    x = as_tensor(x)
    place = -1 if axis is None else normalize_axis(axis, len(x.shape), "unique")
    if size is not None:
        count = integer(size, "unique: size")
        fill = 0.0 if fill_value is None else float(fill_value)
        if count < 0 or (fill_value is not None and fill != fill_value and fill == fill):
            raise ValueError(f"unique: expected a size of 0 or more and a number, got {count} and {shown(fill_value)}")
        values, *places = invoke(OPS["unique"], (x,), (place, count, fill, fill_value is not None))
        made = narrowed(values, x), *places
    elif isinstance(x, Tensor):
        raise ValueError("unique: how many elements there are would be a shape, which a traced function cannot know")
    else:
        values, index, inverse, counts = np.unique(x, True, True, True, axis=axis, equal_nan=False)
        inverse = inverse.reshape(x.shape if place < 0 else (-1,))
        made = values, *(item.astype("int32") for item in (index, inverse, counts))
    chosen = [
        item for item, wanted in zip(made, (True, return_index, return_inverse, return_counts), strict=True) if wanted
    ]
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


__all__ = ["unique"]
