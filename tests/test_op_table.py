"""Walks the op table: every kernel against the reference, every gradient against finite differences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dlnative import _native, ops, value_and_grad
from dlnative.backends import cpu, selection
from dlnative.backends.reference import functions
from dlnative.graph.autodiff import gradients
from dlnative.graph.op import OPS, Op, Sample, zero_gradient
from dlnative.graph.roles import PLAIN
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace
from dlnative.ops.core import invoke
from dlnative.verification import checking, judging
from dlnative.verification import samples as table

PLAN_ONLY = {"custom_gradient", "reshape", "stop_gradient"}  # no instruction: memory is shared
SAMPLED = [op for op in OPS.values() if op.samples]
DIFFERENTIABLE = [op for op in SAMPLED if op.gradient not in (None, zero_gradient)]
# The gradient of a kink is not what a difference quotient measures; these have kinks where samples may fall.
DISCRETE = {"cast", "copy"}


def test_every_op_has_samples() -> None:
    assert {op.name for op in OPS.values() if not op.samples and not op.roles.region} == PLAN_ONLY


def test_rows_of_files_that_are_loaded_later_are_known_before() -> None:
    """A row whose file is not loaded yet is found by name, by the file that adds it, and is one of all."""
    program = """
import sys
import dlnative
from dlnative.graph.op import OPS
assert "conv" in OPS and "dlnative.ops.convolution" not in sys.modules, sorted(sys.modules)
at_import = set(dict.keys(OPS))
assert OPS["conv"].name == "conv" and "dlnative.ops.attention" not in sys.modules
everything = set(OPS)
for name in dlnative.ops.__all__:
    getattr(dlnative.ops, name)
assert set(dict.keys(OPS)) == everything > at_import
try:
    OPS["nobody"]
except KeyError:
    print("done")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "done\n", result.stderr


@pytest.mark.parametrize("op", SAMPLED, ids=lambda op: op.name)
def test_kernel_agrees_with_the_reference(op: Op, backend: str) -> None:
    if backend == "cuda" and not selection.get(backend).has_kernel(op.name):
        pytest.skip("no CUDA kernel")
    failures = [checking.check(op, sample, dtype, backend) for sample in op.samples for dtype in table.dtypes_of(op)]
    assert [line for line in failures if line] == []


@pytest.mark.parametrize("op", [op for op in SAMPLED if op.inplace], ids=lambda op: op.name)
def test_a_result_in_the_place_of_an_input_is_the_same(op: Op) -> None:
    """Wherever the planner may put a result over an input, the kernel reads what it needs before it writes."""
    tried = 0
    for sample in op.samples:
        for dtype in table.dtypes_of(op):
            inputs = table.arguments(op, sample, dtype)
            values = table.attributes_of(op, sample)
            wanted = selection.get("cpu").build(table.one_op_program(op, sample, inputs)).run(list(inputs))
            codes, floats = op.encode(values)
            ints = tuple(cpu.OP_CODES[code] if isinstance(code, str) else code for code in codes)
            for output, result in enumerate(wanted):
                for place in op.reusable(values, output, len(inputs)):
                    if inputs[place].shape != result.shape or inputs[place].dtype != result.dtype:
                        continue
                    given = [array.copy() for array in inputs]
                    results = [np.full_like(array, 7) for array in wanted]
                    results[output] = given[place]
                    _native.call_op(cpu.OP_CODES[op.name], given, results, ints, floats)
                    exact = judging.exact(op, values, inputs)
                    bounds = judging.bounds(op, values, inputs, exact, wanted)
                    for found, expected, bound in zip(results, wanted, bounds, strict=True):
                        # There a product has no workspace for partial sums, and adds up in another order.
                        allowed = bound if op.size == "terms" else 0.0
                        line = judging.compare(found, expected, allowed)
                        assert line is None, f"{op.name}, {output} over {place}: {line}"
                    tried += 1
    assert tried


def difference_quotients(op: Op, sample: Sample, inputs: list[Any], weights: list[Any], place: int) -> Any:
    """The derivative of the weighted sum of the outputs by one input, element by element, in float64."""
    function = functions.function_of(op.family, op.name)
    keywords = op.keywords(table.attributes_of(op, sample))

    def value(x: Any) -> float:
        results = function(*inputs[:place], x, *inputs[place + 1 :], **keywords)
        results = results if isinstance(results, tuple) else (results,)
        return float(sum((w * r).sum() for w, r in zip(weights, results, strict=True)))

    x = inputs[place]
    step = 1e-6
    quotients = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[index] += step
        below[index] -= step
        quotients[index] = (value(above) - value(below)) / (2 * step)
    return quotients


def off_the_kinks(name: str, inputs: list[Any]) -> list[Any]:
    """Moves inputs away from points where a function has no derivative."""
    if name in ("relu", "absolute", "sign"):
        return [np.where(np.abs(inputs[0]) < 1e-3, 0.5, inputs[0])]
    return inputs


@pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.name)
def test_gradient_agrees_with_finite_differences(op: Op) -> None:
    checked = 0
    for sample in op.samples:
        inputs = off_the_kinks(op.name, table.arguments(op, sample, "float64"))
        if sum(array.size for array in inputs) > 400 or op.name in DISCRETE:
            continue
        attributes = table.attributes_of(op, sample)
        if op.roles.takes is not None and attributes[-1] != PLAIN:
            continue  # the planner puts epilogues in, after differentiation
        places = [place for place, array in enumerate(inputs) if array.dtype == np.float64]
        generator = np.random.Generator(np.random.Philox(7))
        weights: list[Any] = []

        def weighted(
            *args: Any, attributes: Any = attributes, weights: Any = weights, generator: Any = generator
        ) -> Any:
            results = invoke(op, args, attributes)
            results = results if isinstance(results, tuple) else (results,)
            weights[:] = [generator.standard_normal(result.shape) for result in results]
            return sum(ops.sum(result * weight) for result, weight in zip(results, weights, strict=True))

        with selection.use_backend("reference"):
            _, gradients = value_and_grad(weighted, tuple(places))(*inputs)
        for place, gradient in zip(places, gradients, strict=True):
            expected = difference_quotients(op, sample, inputs, weights, place)
            scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
            np.testing.assert_allclose(
                gradient, expected, rtol=1e-6, atol=2e-8 * scale * 10, err_msg=f"{op.name}, input {place}"
            )
            checked += 1
    assert checked or op.name in DISCRETE


def _off(values: Any, where: Any, relative: float) -> Any:
    return np.where(where, values * (1.0 + relative), values).astype("float32")


FAULTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a flipped sign": ("tanh", lambda y: -y),
    "a zeroed result": ("tanh", np.zeros_like),
    "a skipped tail": ("tanh", lambda y: np.where(np.arange(y.size) < y.size - 1, y, 0).astype("float32")),
    "a NaN": ("tanh", lambda y: np.where(np.arange(y.size) == 3, np.nan, y).astype("float32")),
    "small values that are 3e-4 off": ("exp", lambda y: _off(y, y < 0.1, 3e-4)),
    "probabilities that are 2e-5 off": ("softmax", lambda y: _off(y, y < 0.01, 2e-5)),
    "a product that is 1e-4 off": ("matmul", lambda y: _off(y, np.abs(y) > np.abs(y).mean(), 1e-4)),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_the_walk_finds_a_wrong_kernel(
    fault: tuple[str, Callable[[Any], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, wrong = fault
    op = OPS[name]
    plain = [sample for sample in op.samples if sample.attributes.get("epilogue", PLAIN) == PLAIN]
    sample = max(plain, key=lambda sample: sum(np.prod(arg.shape) for arg in sample.inputs))
    assert checking.check(op, sample, "float32", "reference") is None
    right = functions.function_of(op.family, name)
    monkeypatch.setattr(
        functions._FAMILIES[op.family],
        name,
        lambda *args, **keywords: (
            wrong(right(*args, **keywords)) if args[0].dtype == np.float32 else right(*args, **keywords)
        ),
    )
    assert checking.check(op, sample, "float32", "reference") is not None


def test_guards_show_what_a_kernel_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that writes behind its result, leaves a part of it, or writes into an operand, is found."""
    op, sample = OPS["tanh"], OPS["tanh"].samples[-1]
    assert checking.check(op, sample, "float32", "cpu") is None
    native = _native.call_op

    def beyond(code: int, inputs: Any, outputs: Any, *rest: Any) -> None:
        native(code, inputs, outputs, *rest)
        outputs[0].base[-1] = 0

    def unfinished(code: int, inputs: Any, outputs: Any, *rest: Any) -> None:
        native(code, [inputs[0][:-1]], [outputs[0][:-1]], *rest)

    def into_operand(code: int, inputs: Any, outputs: Any, *rest: Any) -> None:
        native(code, inputs, outputs, *rest)
        inputs[0][5] += 1

    for fault, line in ((beyond, "outside of a result"), (unfinished, "NaN"), (into_operand, "into an operand")):
        monkeypatch.setattr(_native, "call_op", fault)
        assert line in str(checking.check(op, sample, "float32", "cpu"))


def test_a_missing_kernel_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(functions._FAMILIES["elementwise"], "tanh")
    with pytest.raises(NotImplementedError, match='reference backend has no function for the op "tanh"'):
        checking.check(OPS["tanh"], OPS["tanh"].samples[0], "float32", "reference")


def test_a_gradient_that_nobody_knows_is_an_error() -> None:
    op = Op("without_rule", "elementwise", lambda inputs, attributes: [(inputs[0].shape, inputs[0].dtype)])
    trace = Trace()

    def traced() -> None:
        x = trace.feed((2, 3), "float32")
        y = Node(op, (x,), ()).outputs[0]
        with pytest.raises(NotImplementedError, match="'without_rule'"):
            gradients(y, [x], y, ops.add)
        assert gradients(ops.sign(x), [x], x, ops.add) == [None]
        state = trace.feed((2,), "int64")
        of_sum = gradients(x + ops.random.random_normal(state, (2, 3)), [x, state], y, ops.add)
        assert of_sum[0] is y
        assert of_sum[1] is None
        assert gradients(y, [trace.feed((2,), "float32")], y, ops.add) == [None]

    trace.record(traced)


def test_which_ops_have_no_rule() -> None:
    made_by_planner = {"elementwise_chain"}
    updates = {"adam", "rmsprop", "sgd"}
    discrete = {"argmax", "argmin", "isfinite", "logical_and", "logical_not", "logical_or"}
    comparisons = {"equal", "greater", "greater_equal", "less", "less_equal", "not_equal"}
    without = {op.name for op in OPS.values() if op.gradient is None}
    assert without == made_by_planner | updates | discrete | comparisons
