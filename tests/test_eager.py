"""Functions of `dlnative.ops` on arrays: the short way of later calls gives what the first call gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlnative import backend, ops
from dlnative.graph import eager, plans

FUNCTIONS: list[tuple[Callable[..., Any], Callable[..., Any], int]] = [
    (ops.matmul, np.matmul, 2),
    (ops.add, np.add, 2),
    (ops.exp, np.exp, 1),
    (ops.sum, np.sum, 1),
    (ops.transpose, np.transpose, 1),
]


@pytest.mark.parametrize(("function", "expected", "count"), FUNCTIONS, ids=lambda x: getattr(x, "__name__", ""))
def test_later_calls_give_what_the_first_gives(
    function: Callable[..., Any], expected: Callable[..., Any], count: int, random: np.random.RandomState
) -> None:
    for dtype in ("float32", "float64", "int32", ">f4"):
        for shape in ((3, 3), (5, 5), (3, 3)):
            for order in ("C", "F"):
                arrays = [np.asarray(random.uniform(-3, 3, shape), dtype, order) for _ in range(count)]
                for _ in range(3):
                    native = [x.astype(x.dtype.newbyteorder("=")) for x in arrays]
                    np.testing.assert_allclose(function(*arrays), expected(*native), 1e-5, 1e-6)
                    arrays = [(x * 0.5).astype(dtype) for x in arrays]


def test_a_later_call_takes_the_short_way(random: np.random.RandomState, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = random.rand(2, 7, 7).astype("float32")
    first = ops.matmul(x, y)
    monkeypatch.setattr("dlnative.ops.product.promote", None)
    for _ in range(3):
        np.testing.assert_array_equal(ops.matmul(x, y), first)
    with pytest.raises(TypeError):
        ops.matmul(x[:6], y)


def test_what_only_looks_the_same_goes_the_long_way(random: np.random.RandomState) -> None:
    x = random.rand(5, 5).astype("float32")
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view("float32").reshape(5, 5)
    for other in (x.astype(">f4"), np.asfortranarray(x), x[::-1], x.astype("float64"), unaligned, x.view(np.matrix)):
        for _ in range(3):
            ops.exp(x)
        np.testing.assert_allclose(ops.exp(other), np.exp(other), 1e-6)


def test_what_is_more_than_one_op_goes_the_long_way(random: np.random.RandomState) -> None:
    x, counts = random.rand(6, 4).astype("float32"), random.randint(0, 9, (6, 4)).astype("int32")
    for _ in range(3):
        np.testing.assert_allclose(ops.add(x, counts), x + counts, 1e-6)  # the integers are converted first
        np.testing.assert_allclose(ops.matmul(x, x[0]), x @ x[0], 1e-5)  # the vector becomes a column
        with pytest.raises(ValueError, match="inner axes that agree"):
            ops.matmul(x, x)


def test_each_backend_has_a_short_way_of_its_own(random: np.random.RandomState) -> None:
    x = random.rand(40, 9).astype("float32")
    for name in ("cpu", "reference", "cpu"):
        with backend.use_backend(name):
            for _ in range(2):
                np.testing.assert_allclose(ops.exp(x), np.exp(x), 1e-6)


def test_plans_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By bytes, over all owners; what was not used for the longest time goes."""
    monkeypatch.setattr(plans, "_MOST_BYTES", 200_000)
    often = np.ones((3, 5), "float32")
    signature = ("negative", (), (((3, 5), often.dtype.num),))
    ops.negative(often)
    kept = eager._plans.find(signature)
    assert kept is not None
    for size in range(1, 200):
        ops.negative(np.ones(size, "float32"))
        ops.negative(np.asfortranarray(often))  # not by the shortest way
    assert 3 < len(eager._plans) < 40
    assert sum(view.nbytes for reference in plans._views.values() if (view := reference())) <= 200_000
    assert eager._plans.find(signature) is kept


@pytest.mark.parametrize("shapes", [((5, 7), (7, 4)), ((3, 5, 7), (3, 7, 4)), ((3, 5, 7), (7, 4)), ((1, 7), (7, 1))])
def test_products_of_transposed_arrays(shapes: Any, random: np.random.RandomState) -> None:
    for transposed in ((True, False), (False, True), (True, True), (False, False)):
        arrays = [random.uniform(-1, 1, shape).astype("float32") for shape in shapes]
        for index, flag in enumerate(transposed):
            if flag:
                arrays[index] = np.ascontiguousarray(arrays[index].swapaxes(-1, -2)).swapaxes(-1, -2)
        for _ in range(3):
            np.testing.assert_allclose(ops.matmul(*arrays), np.matmul(*arrays), rtol=1e-5, atol=1e-6)


def test_results_are_arrays_of_their_own(random: np.random.RandomState) -> None:
    x = random.uniform(-1, 1, (300, 300)).astype("float32")
    first = ops.exp(x)
    kept = first.copy()
    second = ops.exp(-x)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(second, np.exp(-x), rtol=1e-6)
