"""What somebody adds from outside: an op with an epilogue in one file, and a backend."""

from __future__ import annotations

import ast
import collections
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import ops
from dlnative.backends import selection
from dlnative.backends.backend import Executor, Limits
from dlnative.backends.program import Program
from dlnative.backends.reference import functions
from dlnative.backends.reference.epilogue import finish
from dlnative.graph.function import Function
from dlnative.graph.op import OPS, Op, Spec, register
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.ops.core import invoke


def infer_distance(inputs: Sequence[Any], attributes: tuple[Any, ...]) -> list[Spec]:
    x, centres = inputs[:2]
    return [((x.shape[0], centres.shape[0]), x.dtype)]


def squared_distance(x: Any, centres: Any, *operands: Any, epilogue: Epilogue) -> Any:
    """Of each row of x from each centre."""
    return finish(((x[:, None] - centres) ** 2).sum(axis=-1), operands, epilogue)


@pytest.fixture
def made_up() -> Iterator[Op]:
    op = Op(
        "squared_distance",
        "made_up",
        infer_distance,
        attributes=(("epilogue", "epilogue"),),
        roles=Roles(takes=lambda shapes, attributes: not attributes[-1].sums),
    )
    register(op)
    functions.provide(op.name, squared_distance)
    try:
        yield op
    finally:
        del OPS[op.name], functions._others[op.name]


def test_an_op_with_an_epilogue_in_one_file(made_up: Op, random: np.random.RandomState) -> None:
    x, centres, bias, residual = (
        random.uniform(-1, 1, shape).astype("float32") for shape in ((5, 3), (4, 3), (4,), (5, 4))
    )

    def layer(x: Any, centres: Any, bias: Any, residual: Any) -> Any:
        return ops.elu(residual + (invoke(made_up, (x, centres), (PLAIN,)) - 0.0) + bias, 0.5)

    with selection.use_backend("reference"):
        function = Function(layer)
        (step,) = function.compiled((x, centres, bias, residual), {})[0].program.instructions
        assert step.fused == ("squared_distance", "add", "add", "elu")
        total = ((x[:, None].astype("float64") - centres) ** 2).sum(axis=-1) + bias + residual
        expected = np.where(total > 0, total, 0.5 * np.expm1(total))
        np.testing.assert_allclose(function(x, centres, bias, residual), expected, rtol=1e-5, atol=1e-6)


def test_its_gradient_rule_may_be_written_in_other_ops(made_up: Op) -> None:
    def rule(node: Any, grads: Sequence[Any]) -> Sequence[Any]:
        (x, centres), dy = node.inputs, ops.expand_dims(grads[0], -1)
        each = 2.0 * dy * (ops.expand_dims(x, 1) - centres)
        return ops.sum(each, axis=1), -ops.sum(each, axis=0)

    made_up.gradient = rule
    x, centres = np.array([[1.0, 2.0]], "float32"), np.array([[0.5, 1.0], [1.0, 1.5]], "float32")
    with selection.use_backend("reference"):
        _, (dx, dc) = dlnative.value_and_grad(
            lambda x, c: ops.sum(ops.tanh(invoke(made_up, (x, c), (PLAIN,)))), (0, 1)
        )(x, centres)
    slope = 1 - np.tanh([1.25, 0.25]) ** 2
    np.testing.assert_allclose(dx, [2 * slope[0] * (x[0] - centres[0]) + 2 * slope[1] * (x[0] - centres[1])], rtol=1e-5)
    np.testing.assert_allclose(dc, -2 * slope[:, None] * (x - centres), rtol=1e-5)


def test_without_a_kernel_the_error_names_op_and_backend(made_up: Op) -> None:
    x = np.ones((2, 3), "float32")
    with selection.use_backend("cpu"), pytest.raises(NotImplementedError, match=r'cpu.*"squared_distance"'):
        invoke(made_up, (x, x), (PLAIN,))


def test_the_graph_knows_no_op_by_name() -> None:
    folder = Path(dlnative.__file__).parent / "graph"
    found = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in OPS
    ]
    assert found == []


class CountingBackend:
    """A backend of somebody else: it counts the instructions that it is given and lets the reference run them."""

    name = "counting"
    limits = Limits(chain_elements=1)

    def __init__(self) -> None:
        self.instructions: collections.Counter[str] = collections.Counter()
        self.heard = 0
        self.left = False
        self._other = selection.get("reference")

    def build(self, program: Program) -> Executor:
        self.instructions.update(step.op for step in program.instructions)
        return self._other.build(program)

    def invalidate(self, array: Any) -> None:
        self.heard += 1

    def place(self, arrays: list[Any]) -> list[Any]:
        return arrays

    def leave(self) -> None:
        self.left = True


def test_a_backend_that_counts_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_makers", dict(selection._makers))
    monkeypatch.setattr(selection, "_made", dict(selection._made))
    made = CountingBackend()
    selection.register("counting", lambda: made)
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    with selection.use_backend("counting"):
        model = dlnative.Sequential([dlnative.Input((3,)), dlnative.layers.Dense(1)])
        model.compile("sgd", "mse")
        made.instructions.clear()
        model.fit(x, y, batch_size=4, verbose=0)
        assert made.instructions["sgd"] == 1
        assert made.instructions["matmul"] == 2  # forward, and the gradient of the weights
        before = made.heard
        model.set_weights(model.get_weights())
        assert made.heard > before
        assert selection.backend() == "counting"
    with pytest.raises(ValueError, match=r"expected one of .*counting"):
        selection.set_backend("unknown")
