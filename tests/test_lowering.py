"""What the planner leaves out because it changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.backends import selection
from dlnative.graph.function import Function


def names(function: Any, *args: Any) -> list[str]:
    return [step.op for step in Function(function).compiled(args, {})[0].program.instructions]


def test_reductions_along_axes_of_extent_one(random: np.random.RandomState, backend: str) -> None:
    x = random.uniform(-1, 1, (5, 1, 3)).astype("float32")
    with selection.use_backend(backend):
        for reduce in (ops.sum, ops.mean, ops.max, ops.min):
            for keepdims in (False, True):
                run = Function(lambda a, r=reduce, k=keepdims: r(ops.exp(a), axis=1, keepdims=k))
                assert names(run.function, x) == ["exp"]
                expected = np.exp(x) if keepdims else np.exp(x)[:, 0]
                np.testing.assert_allclose(run(x), expected, rtol=1e-6)


def test_the_place_of_a_maximum_is_not_its_value(backend: str) -> None:
    x = np.array([[7], [9]], "int32")
    with selection.use_backend(backend):
        assert Function(lambda a: ops.argmax(a + 1, axis=1))(x).tolist() == [0, 0]


def test_one_number_repeated_is_computed_with_as_one_number(backend: str) -> None:
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)

    def formula(a: Any) -> Any:
        weights = ops.broadcast_to(ops.max(a) * 2.0, (3,))
        scaled = ops.negative(weights) * 0.5
        return a * ops.broadcast_to(ops.reshape(scaled, (3, 1)), (3, 4)), scaled

    assert "broadcast_to" in names(formula, x)  # only for what is returned
    assert names(lambda a: formula(a)[0], x) == ["max", "multiply", "negative", "multiply", "multiply"]
    with selection.use_backend(backend):
        product, scaled = Function(formula)(x)
        np.testing.assert_array_equal(scaled, np.full(3, -1.0, "float32"))
        np.testing.assert_array_equal(product, -x)


def test_a_transposed_operand_is_a_flag_of_the_product(random: np.random.RandomState, backend: str) -> None:
    swapped = {2: (1, 0), 3: (0, 2, 1), 4: (0, 1, 3, 2)}
    for ranks, by_flag in (((2, 2), True), ((3, 3), True), ((4, 4), True), ((3, 2), False)):
        a, b = (random.uniform(-1, 1, (2, 2, 5, 5)[4 - rank :]).astype("float32") for rank in ranks)
        for transposed in ((True, False), (False, True), (True, True)):

            def product(a: Any, b: Any, flags: Any = transposed, ranks: Any = ranks) -> Any:
                operands = [
                    ops.transpose(x, swapped[rank]) if flag else x
                    for x, flag, rank in zip((a, b), flags, ranks, strict=True)
                ]
                return ops.matmul(*operands)

            taken_in = by_flag or not transposed[0]
            assert names(product, a, b) == (["matmul"] if taken_in else ["transpose", "matmul"])
            with selection.use_backend(backend):
                expected = np.matmul(*(x.swapaxes(-1, -2) if f else x for x, f in zip((a, b), transposed, strict=True)))
                np.testing.assert_allclose(Function(product)(a, b), expected, rtol=1e-5, atol=1e-5)


def test_a_layer_with_transposed_constant_weights_is_one_instruction(random: np.random.RandomState) -> None:
    weights, bias = random.uniform(-1, 1, (4, 5)).astype("float32").T, np.ones(4, "float32")
    x = random.uniform(-1, 1, (3, 5)).astype("float32")
    assert names(lambda x: ops.relu(ops.matmul(x, weights) + bias), x) == ["matmul"]
    np.testing.assert_allclose(ops.matmul(x, weights), x @ weights, rtol=1e-5, atol=1e-6)


def test_transposes_that_move_nothing_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Axes of extent 1 may go anywhere; a product along axes is one of matrices, with its bias."""
    inputs = dlnative.Input((8, 16))
    heads = dlnative.layers.EinsumDense("abx,xyz->abyz", output_shape=(None, 4, 4), bias_axes="yz")(inputs)
    model = dlnative.Model(inputs, dlnative.ops.transpose(heads[:, :, None], (0, 2, 1, 3, 4)))
    model.compile("sgd", "mse")
    model.fit(np.zeros((2, 8, 16)), np.zeros((2, 1, 8, 4, 4)), verbose=0)
    model.plan()
    text = capsys.readouterr().out
    assert "transpose" not in text
    assert "matmul + add" in text
    assert "matmul + sum" in text
