"""Elementwise functions, statistics, cumulative functions and products of `dlnative.ops`, against NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops, value_and_grad
from dlnative.symbolic import KerasTensor
from everywhere import check

X = np.random.RandomState(0).uniform(-3, 3, (3, 4)).astype("float32")
Y = np.random.RandomState(1).uniform(-3, 3, (3, 4)).astype("float32")
SPECIAL = np.array([0.0, -0.0, 1.5, -2.5, 0.5, np.inf, -np.inf, np.nan, 1e-20, -3e20], "float32")
HOLES = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan] * 4, [5.0, 6.0, np.nan, np.nan]], "float32")
A, B = np.array([7, -7, 7, -7, 0, 5, 2**31 - 1, -(2**31)]), np.array([3, 3, -3, -3, 4, 0, 2, -1])

TRAPEZOID = np.trapezoid if hasattr(np, "trapezoid") else np.trapz  # noqa: NPY201

UNARY: list[Any] = [
    "ceil", "trunc", "round", "floor", "isnan", "isinf", "isposinf", "isneginf", "signbit", "fabs", "exp2", "sinc",
    "deg2rad", "rad2deg", "nan_to_num", "isfinite", "tan", "arctan", "arcsinh", "cbrt", "angle", "real", "conj",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_argument(name: str, backend: str) -> None:
    for x in (X, SPECIAL[:-2] if name in ("tan", "arcsinh") else SPECIAL):
        check(getattr(ops, name), getattr(np, name)(x), x, rtol=3e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("arcsin", -1, 1), ("arccos", -1, 1), ("arccosh", 1, 9), ("arctanh", -1, 1),
        ("log2", 0, 9), ("log10", 0, 9), ("sinh", -90, 90), ("cosh", -90, 90),
    ],
)  # fmt: skip
def test_functions_of_a_range(name: str, low: float, high: float, backend: str) -> None:
    x = np.linspace(low, high, 41).astype("float32")
    check(getattr(ops, name), getattr(np, name)(x), x, rtol=3e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name", ["arctan2", "hypot", "fmod", "mod", "floor_divide", "fmax", "fmin", "heaviside", "logaddexp", "logaddexp2",
             "nextafter", "logical_xor", "isclose", "outer", "vdot", "kron"],
)  # fmt: skip
def test_functions_of_two_arguments(name: str, backend: str) -> None:
    check(getattr(ops, name), getattr(np, name)(X, Y), X, Y, rtol=3e-6)
    if name not in ("outer", "vdot", "kron"):
        a, b = SPECIAL[:, None], np.concatenate([SPECIAL, X[0]])
        a, b = (a[:5], b[2:5]) if name in ("fmod", "mod", "floor_divide", "nextafter") else (a, b)
        check(getattr(ops, name), getattr(np, name)(a, b), a, b, rtol=3e-6)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_divide_as_in_python(dtype: str, backend: str) -> None:
    limits = np.iinfo(dtype)
    a, b = (np.where(abs(x) < 100, x, x) for x in (A, B))
    a, b = a.astype("int64"), b.astype("int64")
    a[-2:] = limits.max, limits.min
    a, b = a.astype(dtype), b.astype(dtype)
    with np.errstate(all="ignore"):
        for name in ("floor_divide", "mod", "fmod", "bitwise_and", "bitwise_or", "bitwise_xor"):
            check(getattr(ops, name), getattr(np, name)(a, b), a, b)
    shift = np.array([0, 1, 5, 8 * a.dtype.itemsize, 99, -1, 3, 2], dtype)
    wanted = [int(x) << int(s) if 0 <= s < 8 * a.dtype.itemsize else 0 for x, s in zip(a, shift, strict=True)]
    np.testing.assert_array_equal(
        ops.left_shift(a, shift), np.array([w & (2 * limits.max + 1) for w in wanted], "uint64").astype(dtype)
    )
    wanted = [int(x) >> (int(s) if 0 <= s < 64 else 64) for x, s in zip(a, shift, strict=True)]
    np.testing.assert_array_equal(ops.right_shift(a, shift), np.array(wanted, dtype))
    check(lambda x: ops.power(x, 3), a**3, a)
    assert ops.power(np.array([2, 1, -1, -1], dtype), np.array([-1, -5, -3, -2], dtype)).tolist() == [0, 1, -1, 1]
    check(ops.bitwise_not, ~a, a)


def test_booleans_and_small_integers(backend: str) -> None:
    t, u = np.array([True, True, False]), np.array([True, False, False])
    for name in ("add", "multiply", "maximum", "minimum", "bitwise_and", "bitwise_xor"):
        made = getattr(ops, name)(t, u)
        assert made.dtype == bool
        np.testing.assert_array_equal(made, getattr(np, name)(t, u))
    np.testing.assert_array_equal(ops.bitwise_not(np.array([0, 200], "uint8")), np.array([255, 55], "uint8"))
    np.testing.assert_array_equal(ops.logical_not(np.array([0.0, 0.5, np.nan])), [True, False, False])
    assert ops.sum(np.array([200, 200], "uint8")).item() == 400
    assert ops.prod(np.array([100, 100], "int8")).item() == 10000
    assert ops.max(t).dtype == bool
    np.testing.assert_array_equal(ops.gcd(np.array([12, -18, 0]), 30), np.gcd([12, -18, 0], 30))
    np.testing.assert_array_equal(ops.lcm(np.array([12, -18, 0]), 30), np.lcm([12, -18, 0], 30))
    with pytest.raises(TypeError, match="bitwise_and: expected integers, got float32"):
        ops.bitwise_and(X, X)


AXES: list[Any] = [None, 0, -1, (0, 1)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(axis: Any, keepdims: bool, backend: str) -> None:
    for name in ("prod", "median", "ptp", "var", "std", "amax", "amin"):
        check(
            lambda x, name=name: getattr(ops, name)(x, axis, keepdims),
            getattr(np, name)(X, axis=axis, keepdims=keepdims),
            X,
            rtol=1e-5,
        )
    for name in ("nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian", "nanprod"):
        check(
            lambda x, name=name: getattr(ops, name)(x, axis, keepdims),
            getattr(np, name)(HOLES, axis=axis, keepdims=keepdims),
            HOLES,
        )
    assert np.isnan(ops.nanvar(np.array([np.inf, np.nan, 1.0])))  # of inf - inf, as in NumPy
    for name in ("quantile", "nanquantile"):
        for method in ("linear", "lower", "higher", "midpoint", "nearest"):
            for x in (X, HOLES):
                wanted = getattr(np, name)(x, [0.1, 0.5], axis=axis, method=method, keepdims=keepdims)
                check(
                    lambda x, n=name, m=method: getattr(ops, n)(x, [0.1, 0.5], axis, m, keepdims), wanted, x, rtol=1e-5
                )


def test_full_of_an_array_that_does_not_broadcast_to_the_shape_is_refused(backend: str) -> None:
    with pytest.raises(ValueError, match=r"expected a shape that broadcasts to \(3,\), got \(4,\)"):
        ops.vectorized_map(lambda row: ops.full((3,), row), np.zeros((2, 4), "float32"))


def test_reductions_of_nothing(backend: str) -> None:
    nothing = np.zeros((2, 0), "float32")
    assert ops.all(nothing).item() is True
    assert ops.any(nothing, 1).tolist() == [False, False]
    assert ops.prod(nothing, 1).tolist() == [1, 1]
    assert ops.prod(np.array([1e-30, 1e30, 1e-30, 1e30], "float32")) == pytest.approx(1.0)  # as far as float64 reaches
    assert ops.max(nothing, 1, initial=3.0).tolist() == [3, 3]
    assert ops.cumsum(nothing, 1).shape == (2, 0)
    assert ops.max(X, initial=100).item() == 100
    assert ops.max(np.array([False]), initial=-3).item() is True  # a boolean, as in NumPy
    assert ops.logsumexp(nothing, 1).tolist() == [-np.inf, -np.inf]
    for call in (ops.max, ops.argmax, ops.softmax, lambda x: ops.quantile(x, 0.5), lambda x: ops.argmin(x, 1)):
        with pytest.raises(ValueError, match="at least one"):
            call(nothing)
    with pytest.raises(TypeError, match=r"sum: expected an integer for an axis, got 0\.5"):
        ops.sum(X, axis=0.5)


def test_cumulative(backend: str) -> None:
    for axis in (None, 0, -1):
        check(lambda x, axis=axis: ops.cumsum(x, axis), np.cumsum(X, axis), X)
        check(lambda x, axis=axis: ops.cumprod(x, axis), np.cumprod(X, axis), X)
        check(lambda x, axis=axis: ops.nancumsum(x, axis), np.nancumsum(HOLES, axis), HOLES)
    check(lambda x: ops.diff(x, 2), np.diff(X, 2), X)
    check(lambda y, x: ops.trapezoid(y, x), TRAPEZOID(Y, np.sort(X)), Y, np.sort(X))
    check(lambda y: ops.trapezoid(y, dx=0.5, axis=0), TRAPEZOID(Y, dx=0.5, axis=0), Y)


def test_gradients_of_products_hold_at_zeros(backend: str) -> None:
    x = np.array([2.0, 0.0, 3.0], "float32")
    assert value_and_grad(ops.prod)(x)[1].tolist() == [0, 6, 0]
    assert value_and_grad(lambda x: ops.sum(ops.cumprod(x)))(x)[1].tolist() == [1, 8, 0]
    rising = np.concatenate([np.full(70, 30.0, "float32"), np.full(300, 0.5, "float32")])  # beyond, and back a part
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(
            ops.cumprod(rising), np.cumprod(rising, dtype="float64").astype("float32"), rtol=1e-5
        )


@pytest.mark.parametrize(
    "name", ["tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "arcsinh", "arctanh", "exp2", "sinc"]
)
def test_gradients_are_those_of_differences(name: str) -> None:
    x = np.array([-0.7, 0.3, 0.6])
    function = getattr(ops, name)
    _, gradient = value_and_grad(lambda x: ops.sum(function(x)))(x)
    np.testing.assert_allclose(gradient, (function(x + 1e-6) - function(x - 1e-6)) / 2e-6, 1e-7)


def test_matrices(backend: str) -> None:
    x = np.arange(24, dtype="float32").reshape(2, 3, 4)
    for offset in (-1, 0, 2, 9):
        check(lambda x, k=offset: ops.diagonal(x, k, 2, 0), np.diagonal(x, offset, 2, 0), x)
        check(lambda x, k=offset: ops.tril(x, k), np.tril(x, offset), x)
        check(lambda x, k=offset: ops.triu(x, k), np.triu(x, offset), x)
        check(lambda x, k=offset: ops.diag(x, k), np.diag(X[0], offset), X[0])
    check(ops.trace, np.trace(x), x)
    check(ops.dot, np.dot(X, np.swapaxes(x, 1, 2)), X, np.swapaxes(x, 1, 2))
    check(ops.inner, np.inner(X, x), X, x)
    check(lambda a, b: ops.tensordot(a, b, ((0, -1), (1, 2))), np.tensordot(X, x, ((0, -1), (1, 2))), X, x)
    check(lambda a, b: ops.tensordot(a, b, 0), np.tensordot(X, x, 0), X, x)
    check(ops.cross, np.cross(X[:, :3], Y[:, 1:]), X[:, :3], Y[:, 1:])
    check(lambda a: ops.vander(a, 3), np.vander(X[0], 3), X[0])
    check(lambda a: ops.corrcoef(a), np.corrcoef(X), X, rtol=1e-5)
    integers = np.array([[2**20, -3], [7, 11]], "int32")
    check(ops.matmul, integers @ integers, integers, integers)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 5)]), ("ij,jk", [(3, 4), (4, 5)]), ("ij->ji", [(3, 4)]), ("ij->", [(3, 4)]),
        ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("...ij,jk->...ik", [(2, 2, 3, 4), (4, 5)]), ("...ij,...jk->...ik", [(6, 1, 3, 4), (2, 4, 5)]),
        ("abc,cd,de->abe", [(2, 3, 4), (4, 5), (5, 2)]), ("i,j->ij", [(3,), (4,)]), ("i,i->i", [(3,), (3,)]),
        ("ab,bc,ac->", [(2, 3), (3, 4), (2, 4)]), ("abcd,aecf->acbe", [(2, 3, 4, 5), (2, 6, 4, 3)]),
        ("aab,b->a", [(3, 3, 4), (4,)]), ("b...a,ac", [(2, 3, 4), (4, 5)]), (" ij , jk -> ki ", [(3, 4), (4, 5)]),
    ],
)  # fmt: skip
def test_einsum(subscripts: str, shapes: list[tuple[int, ...]], backend: str, random: np.random.RandomState) -> None:
    arrays = [random.uniform(-1, 1, shape).astype("float32") for shape in shapes]
    check(lambda *xs: ops.einsum(subscripts, *xs), np.einsum(subscripts, *arrays), *arrays, rtol=1e-5)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk", [(2, 3)]),
        ("ij->i", [(2, 3, 4)]),
        ("ij,jk->ik", [(2, 3), (4, 5)]),
        ("ij->k", [(2, 3)]),
        ("i.j->i", [(2, 3)]),
    ],
)
def test_subscripts_that_do_not_fit_are_refused(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="einsum: "):
        ops.einsum(subscripts, *(np.ones(shape, "float32") for shape in shapes))


def test_einsum_of_unknown_extents() -> None:
    assert ops.einsum("bij,jk->bik", KerasTensor((None, 3, 4)), KerasTensor((4, 5))).shape == (None, 3, 5)


def test_counts(backend: str) -> None:
    line = np.array([-1.0, 0.0, 0.0, 2.5], "float32")
    for side in ("left", "right"):
        check(lambda a, v, side=side: ops.searchsorted(a, v, side), np.searchsorted(line, SPECIAL, side), line, SPECIAL)
    check(lambda x: ops.digitize(x, line), np.digitize(X, line), X)
    check(lambda x, b: ops.digitize(x, b), np.digitize(X, line[::-1]), X, line[::-1].copy())
    x = np.array([1, 3, 1, 0])
    np.testing.assert_array_equal(ops.bincount(x, minlength=6), np.bincount(x, minlength=6))
    np.testing.assert_allclose(ops.bincount(x, weights=line), np.bincount(x, line))
    assert ops.bincount(x.reshape(2, 2)).tolist() == [[0, 1, 0, 1], [1, 1, 0, 0]]
    for wanted, made in zip(np.histogram(X.ravel(), 5, (-2, 2)), ops.histogram(X.ravel(), 5, (-2, 2)), strict=True):
        np.testing.assert_allclose(made, wanted, 1e-6)
    check(lambda x: ops.count_nonzero(x, 0), np.count_nonzero(X > 0, 0), X > 0)
    check(lambda x, w: ops.average(x, 0, w), np.average(X, 0, X[:, 0]), X, X[:, 0])
    assert ops.nanargmax(HOLES, 1).tolist() == [2, -1, 1]


def test_bounds_of_a_geometric_series_come_out_exactly() -> None:
    assert ops.geomspace(1, np.array([3.0, 7.0]), 2, dtype="int16").tolist() == [[1, 1], [3, 7]]
    assert ops.geomspace(-1, -1000, 4).tolist() == [-1, -10, -100, -1000]
    assert ops.geomspace(2, 5, 1).tolist() == [2]
    assert ops.geomspace(2, 5, 0).shape == (0,)
    check(
        lambda a: ops.geomspace(a, 7.0, 3, axis=-1), np.geomspace(X[:, 0] ** 2 + 1, 7.0, 3, axis=-1), X[:, 0] ** 2 + 1
    )


def test_a_correlation_of_one_row_is_a_number() -> None:
    assert ops.corrcoef(X[:1]).shape == np.corrcoef(X[:1]).shape == ()


def test_areas_are_computed_in_the_wider_type() -> None:
    y, x = X[0].astype("float16"), X[1]
    np.testing.assert_allclose(ops.trapezoid(y, x), np.trapezoid(y.astype("float64"), x), rtol=1e-6)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_correlate(mode: Any, backend: str) -> None:
    for count in (1, 2, 3, 4, 7, 9):
        a, b = X.ravel()[:7].copy(), Y.ravel()[:count].copy()
        check(lambda a, b: ops.correlate(a, b, mode), np.correlate(a, b, mode), a, b, rtol=1e-5)


def test_turning(backend: str) -> None:
    for axis in (None, 0, (0, 1)):
        check(lambda x, axis=axis: ops.flip(x, axis), np.flip(X, axis), X)
    for k in range(-1, 4):
        check(lambda x, k=k: ops.rot90(x, k, (1, 0)), np.rot90(X, k, (1, 0)), X)
    for shift, axis in ((2, None), (-5, 1), ((1, 2), (0, 1)), (3, (0, 1))):
        check(lambda x, s=shift, a=axis: ops.roll(x, s, a), np.roll(X, shift, axis), X)


def test_ranges(backend: str) -> None:
    check(lambda a, b: ops.linspace(a, b, 5, axis=-1), np.linspace(X[0], Y[0], 5, axis=-1), X[0], Y[0])
    np.testing.assert_allclose(ops.linspace(0, 10, 7, endpoint=False), np.linspace(0, 10, 7, endpoint=False), 1e-6)
    np.testing.assert_allclose(ops.logspace(0, 3, 4), [1, 10, 100, 1000], 1e-6)
    np.testing.assert_allclose(ops.geomspace(-1, -1000, 4), [-1, -10, -100, -1000], 1e-6)
    assert ops.linspace(1, 2, 1).tolist() == [1.0]
    assert ops.linspace(1, 2, 0).shape == (0,)
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        np.testing.assert_allclose(getattr(ops, name)(7), getattr(np, name)(7), atol=1e-7)
        assert getattr(ops, name)(1).tolist() == [1.0]
    for beta in (3.0, 3, np.array(3, "int8")):
        np.testing.assert_allclose(ops.kaiser(7, beta), np.kaiser(7, 3.0), 1e-6)


def test_arange() -> None:
    for arguments in ((5,), (2, 9, 3), (9, 2, -3), (0, 1, 0.1), (5, 5), (1, 0), (0.5, 3.5)):
        np.testing.assert_allclose(ops.arange(*arguments), np.arange(*arguments).astype("float32"), 1e-6)
    assert ops.arange(3).dtype == "int32"
    assert ops.arange(3.0).dtype == "float32"
    assert ops.arange(np.int64(3), dtype="uint8").dtype == "uint8"
    assert ops.ones(2).tolist() == [1.0, 1.0]
    assert ops.zeros(np.int64(2), "int32").tolist() == [0, 0]
    with pytest.raises(OverflowError):
        ops.arange(3_000_000_000, 3_000_000_003)
    with pytest.raises(ValueError, match="step that is not 0"):
        ops.arange(1, 2, 0)
    with pytest.raises(ValueError, match="finite"):
        ops.arange(math.inf)


@pytest.mark.parametrize(
    ("call", "times"),
    [
        (lambda: ops.arange(2e6), 1.5),
        (lambda: ops.linspace(0.0, 1.0, 1_000_000), 1.5),
        (lambda: ops.logspace(0.0, 1.0, 1_000_000, dtype="float64"), 1.5),
        (lambda: ops.cumsum(np.ones(300_000, "float32")), 8),  # and not twice as many as there are passes
        (lambda: ops.digitize(np.ones(300_000, "float32"), np.arange(10.0)), 12),
        (lambda: ops.histogram(np.ones(300_000, "float32"), range=(0, 300_000), bins=300_000)[0], 16),
    ],
    ids=["arange", "linspace", "logspace", "cumsum", "digitize", "histogram"],
)
def test_functions_take_little_more_memory_than_they_return(call: Callable[[], Any], times: float) -> None:
    import tracemalloc

    ops.arange(10.0)
    tracemalloc.start()
    made = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < times * made.nbytes + 500_000  # a first call loads modules and makes a plan


def test_softmax_over_several_axes(backend: str) -> None:
    e = np.exp(X - X.max())
    check(lambda x: ops.softmax(x, None), e / e.sum(), X)
    y = np.stack([X, Y])
    e = np.exp(y)
    check(lambda x: ops.softmax(x, (0, -1)), e / e.sum((0, 2), keepdims=True), y)
    check(lambda x: ops.log_softmax(x, (0, -1)), np.log(e / e.sum((0, 2), keepdims=True)), y)
    with pytest.warns(UserWarning, match="softmax over axis -1 of a tensor of shape"):
        ops.softmax(np.ones((3, 1), "float32"))


def test_large_python_integers_fill_what_holds_them() -> None:
    np.testing.assert_array_equal(ops.full((2,), 3_000_000_000), np.full(2, 3e9, "float32"))
    np.testing.assert_array_equal(ops.linspace(0, 3_000_000_000, 3), np.array([0.0, 1.5e9, 3e9], "float32"))
    for make in (
        lambda: ops.full((2,), 300, "int8"),
        lambda: ops.full_like(np.ones(2, "int8"), 300),
        lambda: dlnative.Variable([3_000_000_000], dtype="int32"),
        lambda: dlnative.Variable([1, 2], dtype="uint8").assign(-1),
    ):
        with pytest.raises(OverflowError, match="expected Python integers that fit in"):
            make()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_of_the_library_read_denormals_as_zeros(dtype: str) -> None:
    smallest = np.nextafter(np.zeros(2, dtype), np.array([1, -1], dtype))
    zeros = np.array([0.0, -0.0], dtype)
    for function in (ops.log2, ops.log10, ops.cbrt, ops.sinh, ops.arcsin, ops.arctanh, ops.tan, ops.cosh, ops.arccos):
        np.testing.assert_array_equal(function(smallest), function(zeros))
    for function in (ops.mod, ops.floor_divide, ops.hypot, ops.arctan2):
        np.testing.assert_array_equal(function(smallest, np.ones(2, dtype)), function(zeros, np.ones(2, dtype)))


def test_dense_tensors_stay_dense_where_sparse_ones_would_be_kept() -> None:
    x = np.ones((2, 3), "float32")
    for flag in (None, True, False):
        assert ops.convert_to_tensor(x, sparse=flag, ragged=flag) is x


def test_types_of_einsum_of_small_integers() -> None:
    """As in Keras: int32 of int8 alone, otherwise the type in which the operands meet."""
    for first, second, expected in (("int8", "int8", "int32"), ("int8", "bool", "int8"), ("uint8", "int8", "int16")):
        x1, x2 = np.ones((2, 3), first), np.ones((3, 2), second)
        y = ops.einsum("ij,jk->ik", x1, x2)
        assert (y.dtype, y.tolist()) == (expected, [[3, 3], [3, 3]])
        symbols = KerasTensor((2, 3), first), KerasTensor((3, 2), second)
        assert ops.einsum("ij,jk->ik", *symbols).dtype == expected
    with pytest.raises(ValueError, match="einsum: expected 1 operands"):
        ops.einsum("->")
