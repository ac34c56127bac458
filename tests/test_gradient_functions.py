"""`value_and_grad` and `grad`: what they take and refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlnative import grad, ops, value_and_grad

X = np.array([1.0, 2.0], "float32")


def test_places_are_integers_of_any_kind() -> None:
    compute = value_and_grad(lambda x, y: ops.sum(x * y), argnums=np.int64(1))
    assert compute(X, 2 * X)[1].tolist() == X.tolist()
    both = value_and_grad(lambda x, y: ops.sum(x * y), argnums=[np.int32(0), -1])(X, 2 * X)[1]
    assert [gradient.tolist() for gradient in both] == [[2, 4], [1, 2]]


def test_arguments_by_keyword_are_constants() -> None:
    def scaled(x: Any, scale: Any = 1.0) -> Any:
        return ops.sum(x * scale)

    assert value_and_grad(scaled)(X, scale=3.0)[1].tolist() == [3, 3]
    assert grad(scaled)(X, scale=2 * X).tolist() == [2, 4]


def test_refusals_come_first() -> None:
    called = []
    with pytest.raises(TypeError, match="expected a function, got 3"):
        value_and_grad(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"expected argnums to be an integer or several, got 0\.5"):
        value_and_grad(called.append, argnums=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected an argument 3 by position, got 1"):
        value_and_grad(called.append, argnums=3)(X)
    assert called == []


def test_gradients_are_nested_as_the_argument() -> None:
    seen = []

    def f(weights: Any) -> Any:
        seen.append(list(weights))
        return ops.sum(weights["w"] * 3 + weights["b"])

    gradient = value_and_grad(f)({"w": X, "none": None, "b": X})[1]
    assert seen == [["w", "none", "b"]] == [list(gradient)]
    assert gradient["none"] is None
    assert gradient["w"].tolist() == [3, 3]
    assert gradient["b"].tolist() == [1, 1]


def test_a_copy_passes_its_gradient_on(backend: str) -> None:
    assert grad(lambda x: ops.sum(ops.copy(x) * x))(X).tolist() == (2 * X).tolist()
