"""Arguments of elementwise functions, reductions, products and matrices: by name, what draws them. `tables` has those of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .draw import INTEGERS, Draw

Arguments = tuple[list[Any], dict[str, Any]]
ARGUMENTS: dict[str, Callable[[Draw], Arguments]] = {}


def of(names: str) -> Callable[[Callable[[Draw], Arguments]], Callable[[Draw], Arguments]]:
    """Says that a function draws the arguments of others."""

    def note(function: Callable[[Draw], Arguments]) -> Callable[[Draw], Arguments]:
        ARGUMENTS.update(dict.fromkeys(names.split(), function))
        return function

    return note


@of(
    "abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil conj cos cosh deg2rad erf erfc erfinv exp exp2 "
    "expm1 fabs floor hard_sigmoid hard_silu hard_swish hard_tanh i0 imag isfinite isinf isnan isneginf isposinf isreal log log10 "
    "log1p log2 log_sigmoid logical_not mish negative rad2deg real reciprocal relu relu6 rsqrt selu sigmoid sign signbit silu sin "
    "sinc sinh softplus softsign sparse_plus sparse_sigmoid sqrt square swish tan tanh tanh_shrink trunc ravel copy nonzero "
    "fliplr flipud stop_gradient"
)
def _one(draw: Draw) -> Arguments:
    return [draw.tensor()], {}


@of(
    "add arctan2 divide divide_no_nan equal floor_divide fmax fmin fmod greater greater_equal heaviside hypot less less_equal "
    "logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod multiply nextafter not_equal subtract "
    "true_divide isclose allclose"
)
def _two(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.beside(x)][:: draw.pick(1, -1)], {}


@of("bitwise_and bitwise_or bitwise_xor gcd lcm")
def _two_integers(draw: Draw) -> Arguments:
    x = draw.tensor("i")
    return [x, draw.tensor("i", rank=0) if draw.chance(0.2) else draw.integers(0, 7, x.shape, draw.dtype("i"))], {}


@of("bitwise_left_shift bitwise_right_shift left_shift right_shift")
def _shifts(draw: Draw) -> Arguments:
    x = draw.tensor("i")
    return [x, draw.integers(0, 7, x.shape, str(x.dtype.newbyteorder("=")))], {}


@of("bitwise_not bitwise_invert")
def _one_integer(draw: Draw) -> Arguments:
    return [draw.tensor("i")], {}


@of("power")
def _power(draw: Draw) -> Arguments:
    x = draw.uniform(*draw.shape(), dtype=draw.pick("float32", "float64", "float16")) * 4
    return [x, draw.pick(2, 0.5, -1, draw.beside(x, "f"))], {}


@of("all any mean median nanmean nanmedian nanprod nanstd nansum nanvar nanmax nanmin prod std var sum logsumexp ptp")
def _reduction(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x], draw.options(axis=lambda: draw.axes(x), keepdims=draw.flag)


@of("max min amax amin")
def _extreme(draw: Draw) -> Arguments:
    args, kwargs = _reduction(draw)
    return args, {**kwargs, **draw.options(initial=[0, 1.5, -3])}


@of("argmax argmin nanargmax nanargmin")
def _place(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x], draw.options(axis=lambda: draw.axis(x, none=True), keepdims=draw.flag)


@of("cumsum cumprod nancumsum nancumprod")
def _cumulative(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x], draw.options(axis=lambda: draw.axis(x, none=True), dtype=lambda: draw.dtype("f"))


@of("sort argsort")
def _sort(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    return [x], draw.options(axis=lambda: draw.axis(x, none=True))


@of("count_nonzero flip squeeze")
def _over_axes(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x], draw.options(axis=lambda: draw.axes(x))


@of("softmax log_softmax glu sparsemax")
def _along_an_axis(draw: Draw) -> Arguments:
    x = draw.tensor("f", least=1)
    return [x], draw.options(axis=lambda: draw.axis(x))


@of("norm")
def _norm(draw: Draw) -> Arguments:
    x = draw.tensor("f")
    return [x], draw.options(
        axis=lambda: draw.axes(x), keepdims=draw.flag, ord=[None, 1, 2, -1, -2, np.inf, "fro", "nuc", 0, 3]
    )


@of("normalize")
def _normalize(draw: Draw) -> Arguments:
    x = draw.tensor("f", least=1)
    return [x], draw.options(axis=lambda: draw.axis(x), order=[1, 2, 3], epsilon=1e-3)


@of("average")
def _average(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    axis = draw.axis(x, none=True)
    shape = x.shape if axis is None or draw.flag() else (x.shape[axis],)
    return [x], {
        "axis": axis,
        **draw.options(weights=lambda: draw.uniform(*shape, dtype=draw.pick("float32", "float16"))),
    }


@of("quantile nanquantile")
def _quantile(draw: Draw) -> Arguments:
    x = draw.tensor()
    method = ["linear", "lower", "higher", "midpoint", "nearest"]
    chosen = draw.options(axis=lambda: draw.axes(x), method=method, keepdims=draw.flag)
    return [x, draw.pick(0.5, 0.0, 1.0, 0.3, [0.1, 0.9])], chosen


@of("percentile nanpercentile")
def _percentile(draw: Draw) -> Arguments:
    (x, _), kwargs = _quantile(draw)
    return [x, draw.pick(50, 0.0, 100, 30.0, [10, 90])], kwargs


@of("linspace logspace geomspace")
def _series(draw: Draw) -> Arguments:
    start = draw.pick(1, 1.0, 2.5, np.array([1.0, 2.0], "float32"), np.float64(3.3))
    stop = draw.pick(5, 10.0, np.array([3.0, 7.0], "float32"), 2)
    dtype = ["float32", "float64", "int32", None]
    return [start, stop], draw.options(num=[0, 1, 2, 5, 50], endpoint=draw.flag, dtype=dtype, axis=[0, -1])


@of("clip")
def _clip(draw: Draw) -> Arguments:
    x = draw.tensor()
    return [x, draw.pick(-1, 0, -0.5, None), draw.pick(1, 2.5, 300, None)], {}


def _parameter(name: str) -> Callable[[Draw], Arguments]:
    return lambda draw: ([draw.tensor()], draw.options(**{name: [0.5, 1.0, 0.3, 2, -1]}))


ARGUMENTS |= {
    "celu": _parameter("alpha"),
    "elu": _parameter("alpha"),
    "leaky_relu": _parameter("negative_slope"),
    "hard_shrink": _parameter("threshold"),
    "soft_shrink": _parameter("threshold"),
    "squareplus": _parameter("b"),
    "round": _parameter("decimals"),
}


@of("correlate")
def _correlate(draw: Draw) -> Arguments:
    dtype = draw.pick("float32", "float64")
    return [draw.floats(draw.pick(1, 3, 5), dtype=dtype), draw.floats(draw.pick(1, 2, 4), dtype=dtype)], draw.options(
        mode=["valid", "same", "full"]
    )


@of("cross")
def _cross(draw: Draw) -> Arguments:
    shape = (*draw.shape(draw.pick(0, 1, 2)), draw.pick(2, 3, 3))
    return [draw.floats(*shape), draw.floats(*shape)], {}


@of("diff")
def _diff(draw: Draw) -> Arguments:
    x = draw.tensor(least=1)
    return [x], draw.options(n=[0, 1, 2, 3, 7], axis=lambda: draw.axis(x))


@of("digitize")
def _digitize(draw: Draw) -> Arguments:
    return [draw.tensor("fi"), np.sort(draw.floats(draw.pick(0, 1, 4)))], {}


@of("searchsorted")
def _searchsorted(draw: Draw) -> Arguments:
    return [np.sort(draw.floats(draw.pick(0, 1, 4, 6))), draw.floats(*draw.shape())], draw.options(
        side=["left", "right"]
    )


@of("matmul dot inner")
def _product(draw: Draw) -> Arguments:
    a = draw.floats(*draw.shape(least=1), dtype=draw.pick("float32", "float64", "float16"))
    return [a, draw.floats(a.shape[-1], dtype=draw.pick(str(a.dtype.newbyteorder("=")), "float32"))], {}


@of("outer kron")
def _outer(draw: Draw) -> Arguments:
    return [
        draw.tensor("f", rank=draw.pick(0, 1, 2), extremes=False),
        draw.tensor("f", rank=draw.pick(1, 2), extremes=False),
    ], {}


@of("tensordot")
def _tensordot(draw: Draw) -> Arguments:
    a, count = draw.floats(*draw.shape(least=2)), draw.pick(0, 1, 2)
    if draw.flag():
        return [a, draw.floats(*a.shape[a.ndim - count :], 3)], {"axes": count}
    axis = int(draw.random.integers(a.ndim))
    return [a, draw.floats(2, a.shape[axis])], {"axes": draw.pick([[axis], [1]], [axis, 1], ([axis - a.ndim], [-1]))}


@of("einsum")
def _einsum(draw: Draw) -> Arguments:
    extents = {label: draw.pick(1, 2, 3, 4) for label in "ijkb"}
    subscripts = draw.pick(
        "ij,jk->ik",
        "bij,bjk->bik",
        "ij->ji",
        "ii",
        "ij,ij->",
        "i,j->ij",
        "ij,jk",
        "...ij,...jk->...ik",
        "ij->i",
        "ij,jk,kb->ib",
    )
    operands = subscripts.split("->")[0].split(",")
    shapes = [(2,) * ("." in item) + tuple(extents[label] for label in item.replace(".", "")) for item in operands]
    return [subscripts, *(draw.floats(*shape) for shape in shapes)], {}


@of("top_k")
def _top_k(draw: Draw) -> Arguments:
    return [draw.tensor("fi", least=1), draw.pick(1, 2, 3)], {}


@of("trapezoid")
def _trapezoid(draw: Draw) -> Arguments:
    y = draw.tensor("fi", least=1)
    axis = int(draw.random.integers(-y.ndim, y.ndim))
    return [y], {"axis": axis, **draw.options(x=lambda: draw.floats(y.shape[axis]), dx=0.5)}


@of("vander")
def _vander(draw: Draw) -> Arguments:
    return [draw.tensor("fi", rank=1, extremes=False)], draw.options(N=[None, 0, 1, 4], increasing=draw.flag)


@of("bincount")
def _bincount(draw: Draw) -> Arguments:
    x = draw.integers(0, 6, draw.shape(1), draw.pick(*INTEGERS))
    return [x], draw.options(weights=lambda: draw.floats(*x.shape), minlength=[0, 3, 10])


@of("det slogdet inv eigh logdet cholesky lu_factor")
def _definite(draw: Draw) -> Arguments:
    n = draw.pick(1, 2, 3)
    a = draw.random.standard_normal((*draw.pick((), (2,)), n, n))
    return [(a @ np.swapaxes(a, -1, -2) + np.eye(n)).astype(draw.pick("float32", "float64"))], {}


@of("solve solve_triangular")
def _solve(draw: Draw) -> Arguments:
    (a,), _ = _definite(draw)
    return [a, draw.floats(*a.shape[:-1], 2, dtype=str(a.dtype))], {}
