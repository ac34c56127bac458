"""Factors, inverses, determinants and norms of matrices: what NumPy gives, in plans, with gradients."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dlnative import KerasTensor, Variable, backend, ops, value_and_grad
from dlnative.graph.function import Function


@pytest.fixture
def definite(random: np.random.RandomState) -> Any:
    x = random.standard_normal((2, 4, 4))
    return (x @ x.swapaxes(-1, -2) + np.eye(4)).astype("float32")


def test_against_numpy(definite: Any, random: np.random.RandomState) -> None:
    b = random.standard_normal((2, 4, 3)).astype("float32")
    tall = random.standard_normal((2, 5, 3)).astype("float32")
    for found, expected in (
        (ops.cholesky(definite), np.linalg.cholesky(definite)),
        (ops.cholesky(definite, upper=True), np.linalg.cholesky(definite).swapaxes(-1, -2)),
        (ops.cholesky_inverse(np.linalg.cholesky(definite)), np.linalg.inv(definite)),
        (ops.inv(definite), np.linalg.inv(definite)),
        (ops.det(definite), np.linalg.det(definite)),
        (ops.logdet(definite), np.linalg.slogdet(definite)[1]),
        (ops.solve(definite, b), np.linalg.solve(definite, b)),
        (ops.solve(definite, b[..., 0]), np.linalg.solve(definite, b)[..., 0]),
        (ops.solve_triangular(definite, b, lower=True), np.linalg.solve(np.tril(definite), b)),
        (ops.solve_triangular(definite, b), np.linalg.solve(np.triu(definite), b)),
        (ops.pinv(tall), np.linalg.pinv(tall)),
        (ops.lstsq(tall[0], tall[0, :, 0] + 1), np.linalg.lstsq(tall[0], tall[0, :, 0] + 1, rcond=None)[0]),
        (ops.eigh(definite)[0], np.linalg.eigh(definite)[0]),
        (ops.svd(tall, compute_uv=False), np.linalg.svd(tall, compute_uv=False)),
        (ops.qr(tall)[1], np.linalg.qr(tall)[1]),
        (ops.qr(tall, mode="complete")[0], np.linalg.qr(tall, mode="complete")[0]),
        (ops.matrix_rank(tall @ tall.swapaxes(-1, -2)), [3, 3]),
    ):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-4)


def test_factors_of_an_lu_factorization_give_the_matrix(random: np.random.RandomState) -> None:
    for shape in ((4, 4), (5, 3), (3, 5)):
        x = random.standard_normal(shape)
        factors, pivots = ops.lu_factor(x)
        inner = min(shape)
        rows = np.tril(factors[:, :inner], -1) + np.eye(*shape)[:, :inner]
        made = rows @ np.triu(factors[:inner])
        for i, pivot in list(enumerate(pivots))[::-1]:
            made[[i, pivot]] = made[[pivot, i]]
        np.testing.assert_allclose(made, x, atol=1e-12)
        assert np.abs(rows).max() <= 1


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_norms_of_matrices_in_any_plane(ord: Any, random: np.random.RandomState) -> None:
    x = random.standard_normal((3, 4, 5))
    for axis in ((0, 1), (2, 0), (-1, -2)):
        for keepdims in (False, True):
            expected = np.linalg.norm(x, ord, axis, keepdims)
            np.testing.assert_allclose(ops.norm(x, ord, axis, keepdims), expected, rtol=1e-12)


def test_the_norms_of_the_course() -> None:
    x = np.array([[9, 9, 1], [5, 9, 5], [8, 4, 3], [3, 8, 5], [5, 3, 4]])
    assert ops.norm(x, 1, axis=1).tolist() == [19, 19, 15, 16, 12]
    expected = [12.76714533, 11.44552314, 9.43398113, 9.89949494, 7.07106781]
    np.testing.assert_allclose(ops.norm(x, axis=1), expected, rtol=1e-6)


def test_what_has_no_inverse_or_factor() -> None:
    singular, indefinite = np.ones((2, 2)), np.diag([1.0, -1.0])
    good = np.eye(2)
    assert np.isnan(ops.inv(np.stack([singular, good]))[0]).all()
    assert ops.inv(np.stack([singular, good]))[1].tolist() == good.tolist()  # each matrix for itself
    for x in (np.stack([good, indefinite]), np.stack([good, indefinite])):  # the second call goes the short way
        with pytest.raises(ValueError, match="cholesky: expected positive definite matrices"):
            ops.cholesky(x)
    assert np.isnan(Function(lambda x: ops.cholesky(x))(indefinite)).all()
    with pytest.raises(ValueError, match="eig: expected matrices with real eigenvalues"):
        ops.eig(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    for function in (ops.inv, ops.det, ops.cholesky, ops.eigh):
        with pytest.raises(ValueError, match="expected square matrices, got shape \\(2, 3\\)"):
            function(np.ones((2, 3)))


def test_the_gradient_of_a_determinant_that_is_zero() -> None:
    x = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]])
    _, found = value_and_grad(lambda x: ops.det(x))(x)
    minors = [
        [np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) * (-1) ** (i + j) for j in range(3)] for i in range(3)
    ]
    np.testing.assert_allclose(found, minors, atol=1e-12)


def test_gradients_that_somebody_has_worked_out(definite: Any) -> None:
    a = definite[0].astype("float64")
    inverse = np.linalg.inv(a)
    for function, expected in (
        (lambda x: ops.logdet(x), inverse.T),
        (lambda x: ops.trace(ops.inv(x)), -(inverse @ inverse).T),
        (lambda x: 2.0 * ops.sum(ops.log(ops.diagonal(ops.cholesky(x)))), inverse),  # ln det of a symmetric matrix
        (lambda x: ops.norm(x, "nuc"), np.eye(4)),  # its singular values are its eigenvalues: the trace
        (lambda x: ops.sum(ops.eigh(x)[0] ** 2), 2 * a),
        (lambda x: ops.sum(ops.qr(x)[1] ** 2), 2 * a),
        (lambda x: ops.sum(ops.matmul(ops.pinv(x), x)), np.zeros((4, 4))),
    ):
        np.testing.assert_allclose(value_and_grad(function)(a)[1], expected, atol=1e-9)


def test_second_derivatives(definite: Any) -> None:
    a = definite[0].astype("float64")
    direction = np.arange(16.0).reshape(4, 4)

    def first(x: Any) -> Any:
        return value_and_grad(lambda y: ops.det(y) + ops.sum(ops.eigh(y)[0] ** 3))(x)[1]

    _, found = ops.jvp(first, (a,), (direction,))
    step = 1e-5
    expected = (first(a + step * direction) - first(a - step * direction)) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


def test_within_a_loop_and_a_training_step(definite: Any) -> None:
    weight = Variable(np.eye(4, dtype="float32") * 2)

    def total(xs: Any) -> Any:
        carry, _ = ops.scan(lambda carry, x: (carry + ops.sum(ops.solve(x + weight, x)), None), np.float32(0.0), xs)
        return carry

    found, (gradient,) = value_and_grad(total, variables=[weight])(definite)
    expected = sum(np.linalg.solve(x + 2 * np.eye(4), x).sum() for x in definite.astype("float64"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    inverses = [np.linalg.inv(x + 2 * np.eye(4)) for x in definite.astype("float64")]
    slope = -sum(i.T @ np.ones((4, 4)) @ (i @ x).T for i, x in zip(inverses, definite, strict=True))
    np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=1e-4)


def test_from_many_threads_at_once(definite: Any) -> None:
    big = np.tile(definite[0], (200, 1, 1))  # large enough that the interpreter's lock is given up
    results: list[Any] = []

    def work() -> None:
        for _ in range(20):
            results.append(ops.inv(big))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(np.array_equal(result, results[0]) for result in results)


def test_what_a_reference_function_raises_comes_out(monkeypatch: pytest.MonkeyPatch, definite: Any) -> None:
    from dlnative.backends import host

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    x = definite[:, :3, :3]
    expected = ops.inv(x)
    calls = list(host._calls)
    monkeypatch.setattr(host, "_calls", [(interrupted, keywords) for _, keywords in calls])
    with pytest.raises(KeyboardInterrupt):
        ops.inv(x)
    monkeypatch.setattr(host, "_calls", calls)
    assert np.array_equal(ops.inv(x), expected)  # the plan is as good as before


def test_denormals_are_there() -> None:
    tiny = np.float64(1e-310)
    with backend.use_backend("cpu"):
        assert ops.det(np.array([[tiny]])) == tiny


def test_unknown_batches_are_recorded() -> None:
    x = KerasTensor((None, 4, 3))
    assert [tuple(y.shape) for y in ops.svd(x, full_matrices=False)] == [(None, 4, 3), (None, 3), (None, 3, 3)]
    assert [tuple(y.shape) for y in ops.qr(x)] == [(None, 4, 3), (None, 3, 3)]
    assert tuple(ops.pinv(x).shape) == (None, 3, 4)
    assert tuple(ops.inv(KerasTensor((None, 3, 3))).shape) == (None, 3, 3)
    assert tuple(ops.norm(x, "nuc", axis=(1, 2)).shape) == (None,)


def test_a_loop_that_broke_off_begins_anew(monkeypatch: pytest.MonkeyPatch, definite: Any) -> None:
    from dlnative.backends import host

    total = Function(lambda xs: ops.scan(lambda carry, x: (carry + ops.det(x), carry), np.float32(0.0), xs))
    expected = total(definite)
    calls, turns = list(host._calls), iter(range(100))

    def breaks_off(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(turns) == 1:
                raise MemoryError("in the second turn")
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(host, "_calls", [(breaks_off(function), keywords) for function, keywords in calls])
    with pytest.raises(MemoryError, match="in the second turn"):
        total(definite)
    for found, wanted in zip(total(definite), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["float16", "int32"])
def test_types_that_numpy_does_not_factor(dtype: str) -> None:
    x = np.diag([2, 4]).astype(dtype)
    assert ops.inv(x).tolist() == [[0.5, 0.0], [0.0, 0.25]]
    assert ops.inv(x).dtype == ("float16" if dtype == "float16" else "float32")
    assert ops.svd(x, compute_uv=False).tolist() == [4.0, 2.0]


def test_a_matrix_with_an_infinity_has_nan_for_its_values(backend: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 16, 5))
    for place in range(80):  # LAPACK would never come back from some of them
        x[1].flat[place] = np.inf
        u, s, _ = ops.svd(x)
        assert np.isfinite(u[0]).all()
        assert np.isfinite(s[0]).all()
        assert np.isnan(s[1]).all()
        x[1].flat[place] = 0.0
    square = np.array([[1.0, np.inf], [np.inf, 2.0]])
    assert np.isnan(ops.eigh(square)[0]).all()
    assert np.isnan(ops.pinv(square)).all()
