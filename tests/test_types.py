"""Element types: every function of every type gives NumPy's values in Keras's type, or one TypeError."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlnative import dtypes, ops
from dlnative.graph.function import Function
from typed import (
    BINARY,
    CALLS,
    COMPARED,
    FLOATING,
    FLOATS,
    TYPES,
    UNARY,
    UNSIGNED,
    agree,
    exact,
    floating,
    numeric,
    values,
)

Array = np.ndarray[Any, Any]


def meets(name: str, arrays: list[Array], rule: tuple[Callable[..., Any], Any, list[str]]) -> None:
    function = CALLS.get(name) or getattr(ops, name)
    dtype = dtypes.of_array(arrays[0])
    oracle, result, refused = rule
    if dtype in refused:
        for way in (function, Function(function)):
            with pytest.raises(TypeError) as error:
                way(*arrays)
            assert "\n" not in str(error.value)
        return
    with np.errstate(all="ignore"):
        wide = [array.astype("float64") for array in arrays] if result is FLOATING else [exact(a) for a in arrays]
        wanted = oracle(*wide)
    for way in (function, Function(function)):
        agree(way(*arrays), wanted, result(dtype) if callable(result) else result)


@pytest.mark.parametrize("dtype", TYPES)
def test_functions_of_one_tensor(dtype: str, backend: str) -> None:
    for name, rule in UNARY.items():
        meets(name, [values(dtype)], rule)


@pytest.mark.parametrize("dtype", TYPES)
def test_functions_of_two_tensors(dtype: str, backend: str) -> None:
    for name, rule in BINARY.items():
        meets(name, [values(dtype), values(dtype)[::-1].copy()], rule)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_the_largest_values_of_types_without_a_sign(dtype: str, backend: str) -> None:
    """They wrap as NumPy's do, and keep their order."""
    most = np.iinfo(dtype).max
    a, b = np.array([[most, 1, most - 1]], dtype), np.array([[1, most, 2]], dtype)
    with np.errstate(all="ignore"):
        for name in ("add", "subtract", "multiply", "maximum", "minimum", *COMPARED):
            np.testing.assert_array_equal(getattr(ops, name)(a, b), getattr(np, name)(a, b))
        np.testing.assert_array_equal(ops.negative(a), -a)
        np.testing.assert_array_equal(ops.square(a), a * a)
    for name in ("max", "min", "argmax", "argmin", "sort"):
        np.testing.assert_array_equal(getattr(ops, name)(a), getattr(np, name)(a))


def test_what_two_types_meet_in() -> None:
    """Keras's rule on JAX, recorded from keras.backend.result_type, as far as no type of 64 bits takes part."""
    order = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "bfloat16", "float32"]
    short = {"b": "bool", "u1": "uint8", "u2": "uint16", "u4": "uint32", "i1": "int8", "i2": "int16", "i4": "int32"}
    short |= {"h": "float16", "bh": "bfloat16", "f": "float32"}
    table = """
        b u1 u2 u4 i1 i2 i4 h bh f
        u1 u1 u2 u4 i2 i2 i4 h bh f
        u2 u2 u2 u4 i4 i4 i4 h bh f
        u4 u4 u4 u4 i4 i4 i4 h bh f
        i1 i2 i4 i4 i1 i2 i4 h bh f
        i2 i2 i4 i4 i2 i2 i4 h bh f
        i4 i4 i4 i4 i4 i4 i4 h bh f
        h h h h h h h h f f
        bh bh bh bh bh bh bh f bh f
        f f f f f f f f f f
    """
    rows = [[short[word] for word in line.split()] for line in table.strip().splitlines()]
    for (i, first), (j, second) in itertools.product(enumerate(order), enumerate(order)):
        assert dtypes.result_type(first, second) == rows[i][j], (first, second)
    for dtype in TYPES:  # types of 64 bits are kept
        assert dtypes.result_type(dtype, "float64") == dtypes.result_type("float64", dtype) == "float64"
    assert dtypes.result_type("uint32", "int64") == dtypes.result_type("int64", "int8") == "int64"
    assert dtypes.result_type("uint64", "int8") == dtypes.result_type("int64", "uint64") == "float32"
    assert dtypes.result_type("float16", "int64") == "float16"


def test_python_numbers_take_the_type_of_the_tensor() -> None:
    for dtype in TYPES:
        x = values(dtype)
        assert dtypes.of_array(ops.add(x, 1)) == numeric(dtype)
        assert dtypes.of_array(ops.multiply(2.5, x)) == floating(dtype)
        assert dtypes.of_array(ops.add(x, True)) == dtype


def test_a_number_of_numpy_keeps_its_precision_beside_python_numbers() -> None:
    x = np.float64(1.4)
    assert ops.multiply(x, 3.3) == ops.multiply(3.3, x) == x * 3.3
    assert ops.sinc(np.array(1.44683445)) == pytest.approx(np.sinc(1.44683445), rel=1e-14)
    assert ops.stack([x, 0.3]).tolist() == [1.4, 0.3]
    assert ops.multiply(x, np.ones(2, "float32")).dtype == np.float32
    wide = Function(lambda stop: ops.linspace(1, stop, 50, dtype="float64"))(np.array([3.0, 7.0], "float32"))
    np.testing.assert_allclose(wide, np.linspace(1, [3.0, 7.0], 50), rtol=1e-14)


@pytest.mark.parametrize("dtype", [dtype for dtype in TYPES if dtypes.is_integer(dtype)])
def test_integers_compare_with_numbers_beyond_their_type(dtype: str, backend: str) -> None:
    x = values(dtype)
    limits = np.iinfo(dtype)
    for number in (limits.min - 1, limits.max + 1, limits.min, limits.max):
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
            function, expected = getattr(ops, name), getattr(np, name)
            np.testing.assert_array_equal(function(x, number), expected(x, number))
            np.testing.assert_array_equal(Function(lambda x, f=function, n=number: f(n, x))(x), expected(number, x))
    np.testing.assert_array_equal(ops.clip(x, limits.min - 1, limits.max + 1), x)
    assert ops.clip(x, limits.min - 1, 2).dtype == x.dtype
    assert not ops.isclose(x, 2**70).any()
    with pytest.raises(OverflowError):
        ops.less(np.array([np.inf]), 2**2000)
    with pytest.raises(OverflowError, match="expected a Python integer that fits in"):
        ops.clip(x, limits.max + 1, None)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_what_is_made_of_halves_are_halves(dtype: str) -> None:
    if not dtypes.is_available(dtype):
        pytest.skip("ml_dtypes is not installed")
    x = np.array([0.0, -0.5, 0.5, 2.0]).astype(dtypes.NUMPY[dtype])
    made = [
        *(function(x, -1) for function in (ops.soft_shrink, ops.elu, ops.celu, ops.leaky_relu, ops.squareplus)),
        ops.unique(x, size=3), ops.average(np.array([1, 2]), weights=x[2:]), ops.select([x > 0], [x], 1.5), ops.normalize(x),
        ops.linspace(x[2:], 5.0, 3), ops.soft_shrink(x, x), ops.elu(x, [1, 2, 3, 4]),
    ]  # fmt: skip
    assert {dtypes.of_array(y) for y in made} == {dtype}
    assert ops.normalize(0 * x).astype("float32").tolist() == [0, 0, 0, 0]
    assert ops.elu(x.astype("float32"), [1, 2, 3, 4]).dtype == np.float32
    assert ops.elu(x, np.ones(4)).dtype == np.float64


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 65504.0, 65519.99, 65520.0, -1e30, 6e-8, 2.0**-25, 2.0**-25 * 1.0000001]
SPECIAL += [np.inf, -np.inf, np.nan, 2049.0, 2051.0, 3.39e38, 1.00390625, 1.01171875, 2**-14 * (1 - 2**-12)]


def _convertible(dtype: str, to: str) -> Array:
    """Values of a type that NumPy's conversion to another defines."""
    random = np.random.RandomState(0)
    if dtype == "bool":
        return random.rand(300) < 0.5
    if dtypes.is_integer(dtype):
        info = np.iinfo(dtype)
        ends = np.array([0, 1, info.min, info.max], dtype)
        return np.concatenate([ends, random.randint(0, 256, (300, info.bits // 8), "uint8").view(dtype).ravel()])
    with np.errstate(all="ignore"):
        spread = random.standard_normal(900) * 10.0 ** random.randint(-9, 9, 900)
        x = np.concatenate([SPECIAL, spread]).astype(dtypes.NUMPY[dtype])
        if dtypes.is_float(to) or to == "bool":
            return x
        info, wide = np.iinfo(to), x.astype("float64")
        return x[(wide > max(info.min, -(2.0**63)) - 1.0) & (wide < float(info.max)) & (wide >= info.min)]


@pytest.mark.parametrize("dtype", TYPES)
def test_conversions_have_numpys_values(dtype: str, backend: str) -> None:
    for to in TYPES:
        x = _convertible(dtype, to)
        with np.errstate(all="ignore"):
            wanted = x.astype(dtypes.NUMPY[to])
        found = ops.cast(x, to)
        assert found.dtype == wanted.dtype
        if dtypes.is_float(to):
            found, wanted = found.astype("float64"), wanted.astype("float64")
            np.testing.assert_array_equal(np.signbit(found[wanted == 0]), np.signbit(wanted[wanted == 0]))
        np.testing.assert_array_equal(found, wanted, err_msg=f"{dtype} to {to}")


def test_every_float_of_16_bits_survives_float32() -> None:
    for dtype in [name for name in FLOATS if dtypes.ITEM_SIZES[name] == 2]:
        x = np.arange(2**16, dtype="uint16").view(dtypes.NUMPY[dtype])
        wide = ops.cast(x, "float32")
        plain = ~np.isnan(wide)
        if dtype == "bfloat16":  # its denormals are float32's, which are flushed
            plain &= np.abs(x.astype("float32")) >= 2.0**-126
        np.testing.assert_array_equal(wide[plain], x.astype("float32")[plain])
        np.testing.assert_array_equal(ops.cast(wide, dtype)[plain].view("uint16"), x[plain].view("uint16"))


def test_elements_of_two_bytes_move_whole(backend: str) -> None:
    """They are moved byte by byte: one axis more than a tensor has."""
    random = np.random.RandomState(0)
    deep = random.randint(0, 1000, (2, 3, 2, 2, 2, 3, 2, 5)).astype("int16")
    order = (7, 0, 6, 1, 5, 2, 4, 3)
    np.testing.assert_array_equal(ops.transpose(deep, order), deep.transpose(order))
    x = random.randint(0, 1000, (70, 33)).astype("float16")
    np.testing.assert_array_equal(ops.transpose(x), x.T)
    np.testing.assert_array_equal(ops.concatenate([x, x], axis=1), np.concatenate([x, x], axis=1))
    np.testing.assert_array_equal(ops.broadcast_to(x[:1], (5, 33)), np.broadcast_to(x[:1], (5, 33)))
    np.testing.assert_array_equal(ops.broadcast_to(x[0, 0], (3, 4)), np.broadcast_to(x[0, 0], (3, 4)))
    np.testing.assert_array_equal(Function(lambda x: x[1:60:3, 2:30:5])(x), x[1:60:3, 2:30:5])
