"""The table of element types, and that nobody gets past it with a type that a kernel lacks."""

from __future__ import annotations

import numpy as np
import pytest

from dlnative import _native, dtypes, ops
from dlnative.backends import selection
from dlnative.backends.program import Buffer, Instruction, Program
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Node
from dlnative.graph.trace import Trace
from typed import TYPES


def test_python_and_the_native_module_have_one_table() -> None:
    assert dict(_native.dtypes()) == dtypes.ITEM_SIZES
    assert [name for name, _ in _native.dtypes()] == list(dtypes.DTYPES)
    for name in TYPES:
        assert dtypes.NUMPY[name].itemsize == dtypes.ITEM_SIZES[name]


def hand_made(op: str, inputs: list[str], outputs: list[str]) -> Program:
    """A program of one op on buffers of given types, which no check of the graph has seen."""
    buffers = [Buffer(1 + place, 0, (4,), dtype) for place, dtype in enumerate(inputs)]
    buffers += [Buffer(0, 64 * place, (4,), dtype) for place, dtype in enumerate(outputs)]
    places = tuple(range(len(inputs))), tuple(range(len(inputs), len(buffers)))
    step = Instruction(op, OPS[op].family, *places, (), (), {}, 0, ())
    return Program(buffers, [step], list(places[0]), list(places[1]), [], 64 * len(outputs), 0, 0)


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_a_plan_with_a_type_that_its_kernel_lacks_cannot_be_built(name: str) -> None:
    tried = 0
    for op in OPS.values():
        if op.family != "elementwise" or op.attributes:
            continue
        given = op.arity[0]
        result = op.types.results[0] if op.types.results is not None else None
        for dtype in TYPES:
            inputs = ["bool" if number in op.types.inputs else dtype for number in range(given)]
            program = hand_made(op.name, inputs, [result or dtype])
            if dtype in op.dtypes:
                selection.get(name).build(program)
                wrong = hand_made(op.name, inputs, ["int8" if (result or dtype) != "int8" else "uint8"])
            else:
                wrong = program
            with pytest.raises(TypeError, match=rf"op {op.name} has no kernel for \(.*\) -> \(.*\) on {name}$"):
                selection.get(name).build(wrong)
            tried += 1
    assert tried > 500


def test_a_kernel_called_by_itself_refuses_types_too() -> None:
    code = _native.op_names().index("square")
    x, y = np.ones(3, "uint8"), np.ones(3, "uint8")
    with pytest.raises(TypeError, match=r"op square has no kernel for \(uint8\) -> \(uint8\) on cpu"):
        _native.call_op(code, [x], [y], (), ())
    with pytest.raises(TypeError, match="op square"):
        _native.call_op(code, [np.ones(3, "float32")], [np.ones(3, "float64")], (), ())


def test_a_chain_is_checked_step_by_step() -> None:
    for steps in (
        (("square", (0,), 1, "int8", ()),),
        (("greater", (0, 0), 2, "float32", ()), ("square", (2,), 1, "float32", ())),
        (("square", (0,), 1, "float64", ()),),
    ):
        step = Instruction(
            "elementwise_chain", "chain", (0,), (1,),
            (1, 0, len(steps), *(n for s in steps for n in (s[0], len(s[1]), *s[1], s[2], dtypes.CODES[s[3]], 0))),
            (), {"results": 1, "row": 0, "steps": steps}, 0, (),
        )  # fmt: skip
        buffers = [Buffer(1, 0, (4,), "float32"), Buffer(0, 0, (4,), "float32")]
        for name in ("cpu", "reference"):
            with pytest.raises(TypeError, match="elementwise_chain has no kernel"):
                selection.get(name).build(Program(buffers, [step], [0], [1], [], 64, 0, 0))


def test_functions_say_what_they_take() -> None:
    for call, message in (
        (lambda: ops.negative(np.ones(2, "bool")), "negative: expected operands of floats or integers, got bool"),
        (
            lambda: ops.sign(np.ones(2, "uint64")),
            "sign: expected operands of floats or integers but uint64, got uint64",
        ),
        (
            lambda: ops.subtract(np.ones(2, "bool"), np.ones(2, "bool")),
            "subtract: expected operands of one type, floats or integers, got bool, bool",
        ),
    ):
        with pytest.raises(TypeError) as error:
            call()
        assert str(error.value) == message


def test_nodes_are_refused_in_one_line() -> None:
    trace = Trace()
    for op, types, message in (
        ("softmax", ["uint8"], "softmax: expected operands of float32, float64, got uint8"),
        ("add", ["int8", "int8"], "add: expected operands of one type, float32, float64, int32 or int64, got int8, int8"),
        ("add", ["int32", "int64"], "add: .* got int32, int64"),
        ("dropout", ["float32", "int32"], "dropout: expected operand 1 of int64 and other operands of float32, float64"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=message):
            Node(OPS[op], tuple(trace.feed((2,), dtype) for dtype in types), (0.5,) if op == "dropout" else ())


def test_a_kernel_without_operands_or_results() -> None:
    x = np.ones(3, "float32")
    for code, name in enumerate(_native.op_names()):
        for inputs, outputs in (([], [x]), ([x], []), ([], [])):
            with pytest.raises(TypeError, match=f"op {name} has no kernel for"):
                _native.call_op(code, inputs, outputs, (0,) * 8, (0.0,) * 8)  # type: ignore[arg-type]
