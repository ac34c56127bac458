"""Images read at places between pixels: a gather for each corner around a place, weighted by how near it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from dlnative import dtypes, ops
from dlnative.ops.core import as_tensor, call, dtype_of, operation, shown, unknown

FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
ORDERS = {"nearest": 0, "bilinear": 1}


@operation
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0.0
) -> Any:
    """Returns what a tensor has at places between its elements.

    Args:
        inputs: a tensor or array of rank n.
        coordinates: of shape `(n, ...)`: for each axis where the places are, in elements.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what is outside: `"constant"`, `"nearest"` (the nearest element), `"wrap"` (as at the other end),
            `"mirror"` (as in a mirror at the middle of the outermost element), `"reflect"` (as in one at its edge).
        fill_value: the constant.

    Returns:
        A tensor of the shape of the places, in the type of `inputs`; integers are rounded.

    Raises:
        ValueError: for another order or mode, or if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> map_coordinates(np.array([0.0, 2.0, 6.0]), np.array([[0.5, 1.25, 2.5]]), order=1).tolist()
        [1.0, 3.0, 3.0]
    """
    name = "map_coordinates"
    x = as_tensor(inputs)
    at = ops.stack(list(coordinates)) if isinstance(coordinates, (tuple, list)) else as_tensor(coordinates)
    if not at.shape or at.shape[0] != len(x.shape):
        raise ValueError(
            f"{name}: First dim of `coordinates` must be the same as the rank of `inputs`, got inputs of shape "
            f"{tuple(x.shape)} and coordinates of shape {tuple(at.shape)}"
        )
    if len(at.shape) < 2:
        raise ValueError(f"{name}: Invalid coordinates rank: expected at least rank 2, got shape {tuple(at.shape)}")
    check_fill_mode(name, fill_mode)
    if isinstance(order, bool) or order not in (0, 1):
        raise ValueError(f"{name}: Invalid value for argument `order`: expected 0 or 1, got {shown(order)}")
    if None in x.shape or None in at.shape:
        return unknown(at.shape[1:], x)
    places = [ops.get_item(at, axis) for axis in range(len(x.shape))]
    return sampled(ops.reshape(x, (-1,)), x.shape, places, order, fill_mode, fill_value)


def check_fill_mode(name: str, fill_mode: Any) -> None:
    """Raises a `ValueError` for a mode that there is not."""
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"{name}: Invalid value for argument `fill_mode`: expected one of {', '.join(FILL_MODES)}, got {shown(fill_mode)}"
        )


def order_of(name: str, interpolation: Any) -> int:
    """Returns the order of an interpolation.

    Raises:
        ValueError: for another than `"nearest"` and `"bilinear"`.
    """
    if interpolation not in ORDERS:
        raise ValueError(
            f"{name}: Invalid value for argument `interpolation`: expected one of {', '.join(ORDERS)}, got {shown(interpolation)}"
        )
    return ORDERS[interpolation]


def sampled(
    rows: Any, extents: Sequence[int], places: Sequence[Any], order: int, fill_mode: str, fill_value: float, first: Any = None
) -> Any:  # fmt: skip
    """Returns what grids of elements have at places between them.

    Args:
        rows: the elements of all grids one behind the other: a vector, or a matrix with several numbers for an element.
        extents: of a grid.
        places: for each axis of a grid where the places are; all of one shape.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what is outside, one of `FILL_MODES`.
        fill_value: the constant.
        first: the row in which the grid of each place begins, integers that broadcast to the places; `None`: there is one grid.

    Returns:
        A tensor of the shape of the places, with the numbers of an element behind, in the type of `rows`.
    """
    dtype = dtype_of(rows)
    wide = len(rows.shape) > 1
    kind = dtypes.result_type(dtype, dtypes.floatx())
    corners = [_corners(ops.cast(place, _place_type(place)), order) for place in places]
    total: Any = None
    inside_weight: Any = None
    for corner in itertools.product(*corners):
        row, valid, weight = first, None, None
        for axis, (index, share) in enumerate(corner):
            fixed, fits = _fixed(index, extents[axis], fill_mode)
            stride = math.prod(extents[axis + 1 :])
            step = ops.cast(fixed, "int32")
            step = step * stride if stride != 1 else step
            row = step if row is None else row + step
            valid = fits if valid is None else ops.logical_and(valid, fits)
            weight = share if weight is None or share is None else weight * share
        if valid is not None:
            row = ops.where(valid, row, -1)
        part = ops.cast(call("gather", rows, row, attributes=(0, False)), kind)
        if weight is not None:
            weight = ops.cast(weight, kind)
            part = part * (ops.expand_dims(weight, -1) if wide else weight)
        if valid is not None and fill_value != 0:
            share = ops.cast(valid, kind) if weight is None else ops.where(valid, weight, 0.0)
            inside_weight = share if inside_weight is None else inside_weight + share
        total = part if total is None else total + part
    if inside_weight is not None:
        outside = (1.0 - inside_weight) * fill_value
        total = total + (ops.expand_dims(outside, -1) if wide else outside)
    return ops.cast(total if dtypes.is_float(dtype) else round_away(total), dtype)


def round_away(x: Any) -> Any:
    """Returns the nearest integers, of halves those that are further from zero."""
    whole = ops.trunc(x)
    return ops.where(ops.abs(x - whole) >= 0.5, whole + ops.sign(x), whole)


def _place_type(place: Any) -> str:
    return dtype_of(place) if dtype_of(place) in ("float32", "float64") else "float32"


def _corners(place: Any, order: int) -> list[tuple[Any, Any]]:
    """Returns the elements around places along an axis, as floats, and their shares (`None`: the whole)."""
    if order == 0:
        return [(round_away(place), None)]
    low = ops.floor(place)
    share = place - low
    return [(low, 1.0 - share), (low + 1.0, share)]


def _fixed(index: Any, extent: int, fill_mode: str) -> tuple[Any, Any]:
    """Returns which elements stand for those outside, and which are inside (`None`: all then are)."""
    if fill_mode == "constant":
        return index, ops.logical_and(index >= 0, index <= extent - 1)
    if fill_mode == "nearest" or extent == 1:
        return ops.clip(index, 0, extent - 1), None
    if fill_mode == "wrap":
        return index - extent * ops.floor(index / extent), None
    if fill_mode == "mirror":
        return _folded(index, extent - 1), None
    return ops.floor((_folded(2 * index + 1, 2 * extent) - 1) / 2), None


def _folded(index: Any, last: int) -> Any:
    """Returns the distance to the nearest multiple of `2 * last`: a wave that goes from 0 up to `last` and back."""
    period = 2 * last
    return ops.abs(index - period * ops.floor((index + last) / period))
