"""Arguments of the functions that move, join and pick elements."""

from __future__ import annotations

import numpy as np

from .arguments import Arguments, of
from .draw import Draw


@of("append")
def _append(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    other = draw.integers(0, 5, x.shape, draw.dtype("i")) if draw.chance(0.3) else x * np.ones((), x.dtype)
    return [x, other], draw.options(axis=lambda: draw.axis(x, none=True))


@of("concatenate")
def _concatenate(draw: Draw) -> Arguments:
    tensors, kwargs = _append(draw)
    return [tensors], kwargs


@of("hstack vstack dstack")
def _stacks(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [[x, x]], {}


@of("stack")
def _stack(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [[x, draw.beside(x) if not x.shape else x]], draw.options(axis=[0, -1, x.ndim, -x.ndim - 1])


@of("split array_split")
def _split(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    return [x, draw.pick(1, 2, 3, [1], [1, 2], [0])], draw.options(axis=lambda: draw.axis(x))


@of("diag diagflat tril triu")
def _diagonal(draw: Draw) -> Arguments:
    return [draw.tensor(rank=draw.pick(1, 2, 2))], draw.options(k=[0, 1, -1, 2, -4])


@of("diagonal trace")
def _of_matrices(draw: Draw) -> Arguments:
    return [draw.tensor(least=2)], {"offset": draw.pick(0, 1, -1, 5), **draw.pick({}, {"axis1": -1, "axis2": 0})}


@of("expand_dims")
def _expand_dims(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick(0, -1, (0, 1), (-1, 0), x.ndim)], {}


@of("tile")
def _tile(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick(2, (2,), (1, 2), (2, 1, 3), 0, [2] * x.ndim)], {}


@of("reshape")
def _reshape(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick((-1,), -1, (*x.shape, 1), (1, -1), x.shape[::-1], (2, -1), x.size)], {}


@of("repeat")
def _repeat(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick(0, 1, 2, [2])], {"axis": draw.axis(x, none=True)}


@of("roll")
def _roll(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick(1, -2, 7, 0)], {"axis": draw.axes(x)}


@of("rot90")
def _rot90(draw: Draw) -> Arguments:
    return [draw.tensor(least=2)], draw.options(k=[0, 1, 2, 3, -1, 5], axes=[(0, 1), (1, 0), (-1, 0)])


@of("moveaxis")
def _moveaxis(draw: Draw) -> Arguments:
    return [draw.tensor(least=2), *draw.pick((0, 1), (0, -1), ([0, 1], [1, 0]), ((0, 1), (-1, -2)))], {}


@of("transpose")
def _transpose(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x], draw.options(axes=lambda: [int(a) for a in draw.random.permutation(x.ndim)])


@of("pad")
def _pad(draw: Draw) -> Arguments:
    x = draw.tensor(extremes=False)
    modes = ["constant", "reflect", "symmetric", "edge", "wrap", "linear_ramp", "maximum", "mean", "minimum", "median"]
    width = draw.pick(1, ((1, 2),), [[0, 1]] * x.ndim, (1, 1), 0, 2, [(2, 0)] * x.ndim)
    return [x, width], {"mode": draw.pick(*modes)}


@of("one_hot multi_hot")
def _one_hot(draw: Draw) -> Arguments:
    x = draw.integers(-2, 7, draw.shape(draw.pick(1, 2, 3)), draw.pick("int32", "int64", "int8"))
    return [x, 5], draw.options(axis=[-1, 0, 1], dtype=draw.dtype)


@of("scatter")
def _scatter(draw: Draw) -> Arguments:
    count, depth = draw.pick(1, 3), draw.pick(1, 2)
    shape = draw.shape(draw.pick(depth, depth + 1), empty=0)
    indices = np.stack([draw.integers(0, extent, (count,)) for extent in shape[:depth]], -1)
    return [indices, draw.floats(count, *shape[depth:]), shape], {}


@of("scatter_update")
def _scatter_update(draw: Draw) -> Arguments:
    (indices, values, shape), _ = _scatter(draw)
    return [draw.floats(*shape), indices[:1], values[:1]], draw.options(reduction=["add", "max", "min", "mul"])


@of("segment_sum segment_max segment_min segment_prod")
def _segments(draw: Draw) -> Arguments:
    x = draw.tensor("f", least=1, extremes=False)
    return [x, draw.integers(0, 4, x.shape[:1])], {"num_segments": draw.pick(4, 6)}


@of("select")
def _select(draw: Draw) -> Arguments:
    x = draw.tensor()
    conditions = [np.asarray(draw.random.random(x.shape) < 0.5) for _ in range(2)]
    return [conditions, [x, draw.integers(0, 5, x.shape)]], draw.options(default=[0, 1.5, 1])


@of("take")
def _take(draw: Draw) -> Arguments:
    x = draw.tensor(rank=draw.pick(1, 2, 3))
    axis = draw.axis(x, none=True)
    extent = x.size if axis is None else x.shape[axis]
    return [x, draw.integers(-extent, extent, draw.shape(draw.pick(0, 1, 2)))], {"axis": axis}


@of("take_along_axis")
def _take_along_axis(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    axis = int(draw.random.integers(-x.ndim, x.ndim))
    shape = list(x.shape)
    shape[axis] = 2
    return [x, draw.integers(0, x.shape[axis], shape)], {"axis": axis}


@of("unique")
def _unique(draw: Draw) -> Arguments:
    flags = {f"return_{name}": draw.flag for name in ("index", "inverse", "counts")}
    return [draw.tensor("fi", extremes=False)], {"size": draw.pick(1, 3, 10), **draw.options(**flags)}


@of("unravel_index")
def _unravel_index(draw: Draw) -> Arguments:
    return [draw.integers(0, 12, draw.shape()), (3, 4)], {}


@of("where")
def _where(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [np.asarray(draw.random.random(x.shape) < 0.5), x, draw.pick(0, 1.5, draw.beside(x))], {}
