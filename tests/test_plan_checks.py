"""What a native plan is refused for: whatever would read or write outside its memory, in any turn of a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dlnative
from dlnative import _native, ops
from dlnative.backends import selection
from dlnative.backends.cpu import OP_CODES, CpuBackend
from dlnative.backends.program import Buffer, Instruction, Program
from dlnative.dtypes import CODES, ITEM_SIZES
from dlnative.graph.op import OPS, Op, Sample, size_of
from dlnative.graph.tensor import Tensor

F32, BOOL = CODES["float32"], CODES["bool"]
ADD = OP_CODES["add"]

# A scan of three turns that adds rows of the feed onto a row of the arena.
ROWS, ROW, TOTAL, TEST = (
    (1, 0, F32, (3, 4), ()),
    (1, 0, F32, (4,), ((16, 3),)),
    (0, 0, F32, (4,), ()),
    (0, 64, BOOL, (), ()),
)
BODY = (ADD, (2, 1), (2,), (), ())


def plan(
    row: Any = ROW, region: Any = ("for", (), (), (3, 1), ()), instructions: Any = None, test: Any = TEST
) -> _native.Plan:
    steps = [region, BODY] if instructions is None else instructions
    return _native.Plan(128, [0], [2], [], [ROWS, row, TOTAL, test], steps)


def test_a_plan_by_hand() -> None:
    add_first = (ADD, (2, 2), (2,), (), ())
    subtract = (OP_CODES["subtract"], (2, 2), (2,), (), ())
    x = np.arange(12, dtype="float32").reshape(3, 4)
    built = plan(instructions=[subtract, ("for", (), (), (3, 1), ()), BODY, add_first])
    for _ in range(2):
        np.testing.assert_array_equal(built.run([x])[0], 2 * x.sum(axis=0))
    backwards = plan(
        row=(1, 32, F32, (4,), ((-16, 3),)),
        instructions=[subtract, ("for", (), (), (3, 2), ()), add_first, BODY],
    )
    np.testing.assert_array_equal(backwards.run([x])[0], 4 * x[2] + 2 * x[1] + x[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row": (1, 0, F32, (4,), ((16, 4),))}, "does not fit in its space"),
        ({"row": (1, 0, F32, (4,), ((-16, 3),))}, "does not fit in its space"),
        ({"row": (1, 16, F32, (4,), ((16, 3),))}, "does not fit in its space"),
        ({"row": (1, 0, F32, (4,), ((16, 2),))}, "moves where no region has such turns"),
        ({"row": (1, 0, F32, (4,), ((0, 1), (16, 3)))}, "moves where no region has such turns"),
        ({"row": (1, 0, F32, (4,), ((2**62, 2**62),))}, "moves too far"),
        ({"instructions": [BODY]}, "moves where no region has such turns"),
        ({"region": ("while", (3,), (), (3, 0, 1), ())}, "moves where no region has such turns"),
        ({"region": ("for", (), (), (3, 2), ())}, "whose bodies do not fit"),
        ({"region": ("for", (3,), (), (3, 1), ())}, "whose bodies do not fit"),
        ({"region": ("if", (3,), (), (1, 1), ())}, "whose bodies do not fit"),
        ({"region": ("if", (), (), (1, 1, 0), ())}, "whose bodies do not fit"),
        ({"region": ("if", (2,), (), (1, 1, 0), ())}, "whose condition is not a boolean"),
        ({"region": ("goto", (), (), (3, 1), ())}, 'no region "goto"'),
        ({"region": ("for", (), (), (3, -1), ())}, "a region without end"),
        ({"region": ("for", (), (), (3,), ())}, "the turns and lengths of a region"),
        ({"instructions": [("for", (), (), (3, 2), ()), ("for", (), (), (1, 2), ()), BODY, BODY]}, "do not fit"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(**changes)


HUGE = 2**62


@pytest.mark.parametrize(
    ("buffer", "message"),
    [
        ((2, 2**63 - 16, F32, (8,), ()), "does not fit in its space"),
        ((2, -4, F32, (1,), ()), "does not fit in its space"),
        ((2, 0, F32, (9,), ()), "does not fit in its space"),
        ((2, 4, F32, (2,), ((8, HUGE),)), "moves too far"),
        ((2, 0, F32, (HUGE,), ()), "too large"),
        ((2, 0, F32, (HUGE, HUGE), ()), "too large"),
        ((2, 0, F32, (-1, -1), ()), "negative extent"),
        ((1, 2**63 - 16, F32, (8,), ()), "does not fit in its space"),
        ((0, 2**63 - 16, F32, (8,), ()), "does not fit in its space"),
        ((3, 0, F32, (1,), ()), "no space 3"),
    ],
)
def test_a_buffer_outside_of_its_space(buffer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _native.Plan(128, [0], [], [np.zeros(8, "float32")], [(1, 0, F32, (8,), ()), buffer], [])


def test_memory_beyond_all_addresses() -> None:
    with pytest.raises(ValueError, match="more memory than there are addresses"):
        _native.Plan(2**63 - 1, [], [], [], [], [])
    feeds = [(1, 0, F32, (2**60,), ()), (2, 0, F32, (2**60,), ())]
    with pytest.raises(ValueError, match="more memory than there are addresses"):
        _native.Plan(0, [0, 1], [], [], feeds, [])


def test_regions_that_lie_deep_in_one_another() -> None:
    regions = [("for", (), (), (1, length), ()) for length in range(100_000, -1, -1)]
    with pytest.raises(ValueError, match="regions in one another"):
        _native.Plan(0, [], [], [], [], regions)


def test_a_region_with_results() -> None:
    with pytest.raises(ValueError, match="a region has no outputs"):
        plan(region=("for", (), (2,), (3, 1), ()))


def test_lists_that_change_while_they_are_read() -> None:
    shape: list[Any] = []

    class Emptying:
        def __index__(self) -> int:
            shape.clear()
            return 2

    shape += [Emptying(), *(10**20 + i for i in range(100))]
    with pytest.raises(ValueError, match="integer of 64 bits"):
        _native.Plan(0, [], [], [], [(0, 0, F32, shape, ())], [])  # type: ignore[list-item]


def test_a_condition_is_any_byte_but_zero() -> None:
    buffers = [(1, 0, BOOL, (), ()), (2, 0, F32, (4,), ()), (0, 0, F32, (4,), ())]
    body = [(OP_CODES["negative"], (1,), (2,), (), ()), (OP_CODES["copy"], (1,), (2,), (), ())]
    built = _native.Plan(16, [0, 1], [2], [], buffers, [("if", (0,), (), (1, 1, 1), ()), *body])
    x = np.arange(4, dtype="float32")
    for byte in (0, 1, 2, 255):
        condition = np.array(byte, "uint8").view("bool")
        np.testing.assert_array_equal(built.run([condition, x])[0], -x if byte else x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": float("nan")}, "seconds >= 0"),
        ({"seconds": -1.0}, "seconds >= 0"),
        ({"position": -1}, "position >= 0"),
        ({"batch_size": 2**62}, "rows do not make"),
        ({"position": 6, "stop": 12}, "too few rows"),
        ({"stop": 9, "seconds": 1.0}, "too few rows"),
        ({"position": 2**63 - 4, "stop": 2**63 - 1}, "too few rows"),
        ({"order": np.array([0, 1, 2, 8])}, "does not|do not have"),
        ({"order": np.array([0, 1, 2, -1])}, "does not|do not have"),
        ({"order": np.zeros(3, "int64")}, "at least 4 rows"),
        ({"order": np.zeros(4, "int32")}, "int64"),
        ({"sources": []}, "1 sources"),
        ({"sinks": [np.zeros(3, "float32")]}, "sink"),
    ],
)
def test_rows_that_no_step_may_reach(changes: dict[str, Any], message: str) -> None:
    buffers = [(1, 0, F32, (4,), ()), (0, 0, F32, (4,), ())]
    built = _native.Plan(16, [0], [1], [], buffers, [(OP_CODES["negative"], (0,), (1,), (), ())])
    sink = np.zeros(8, "float32")
    given: dict[str, Any] = {
        "sources": [np.arange(8, dtype="float32")], "sinks": [sink], "order": None,
        "position": 0, "stop": 8, "batch_size": 4, "seconds": 0.0,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        built.run_steps(**{**given, **changes})
    assert not sink.any()
    assert built.run_steps(**{**given, "stop": -(2**63)}) == 0
    assert built.run_steps(**{**given, "stop": 2**63 - 1}) == 4


def test_what_is_no_number_of_repeats() -> None:
    with pytest.raises(ValueError, match="repeats >= 1"):
        plan().profile([np.zeros((3, 4), "float32")], 0)


def test_packed_weights_follow_any_view_of_them() -> None:
    rows = np.ones((1024, 512), "float32")
    w = rows[:512]
    buffers = [(1, 0, F32, (64, 512), ()), (2, 0, F32, (512, 512), ()), (0, 0, F32, (64, 512), ())]
    matmul = (OP_CODES["matmul"], (0, 1), (2,), (0, 0, 0, 0, 0, 0, 0), (0.0,))
    built = _native.Plan(4 * 64 * 512, [0], [2], [w], buffers, [matmul])
    x = np.ones((64, 512), "float32")
    np.testing.assert_array_equal(built.run([x])[0], 512)
    assert built.prepacked_bytes > 0
    rows[1000::-200, ::-2] = 2
    _native.invalidate_prepacked(rows[1000::-200, ::-2])  # begins behind the weights
    np.testing.assert_array_equal(built.run([x])[0], x @ w)
    _native.invalidate_prepacked(np.zeros(3, object))


def test_scratch_suffices_wherever_an_operand_moves() -> None:
    """A product packs a matrix that does not begin on a cache line, and one that does it may read in place."""
    M, K, N = 100, 64, 512
    memory = np.arange(2 * K * N + 64, dtype="float32") % 7
    first = -memory.ctypes.data % 64
    buffers = [(1, 0, F32, (M, K), ()), (0, 0, F32, (M, N), ())]

    def built(weights: Any, instructions: list[Any]) -> _native.Plan:
        return _native.Plan(4 * M * N, [0], [1], [memory], [*buffers, weights], instructions)

    matmul = (OP_CODES["matmul"], (0, 2), (1,), (0, 0, 0, 0, 0, 0, 0), (0.0,))
    still = built((2, first + 4, F32, (K, N), ()), [matmul])
    moving = built((2, first, F32, (K, N), ((4 * K * N + 4, 2),)), [("for", (), (), (2, 1), ()), matmul])
    assert moving.scratch_bytes >= still.scratch_bytes
    x = np.ones((M, K), "float32")
    start = first // 4 + K * N + 1
    np.testing.assert_array_equal(moving.run([x])[0], x @ memory[start : start + K * N].reshape(K, N))


def program_of(op: Op, sample: Sample) -> Program:
    """A program of one instruction: an op on feeds."""
    inputs = [Tensor(given.shape, given.dtype or op.dtypes[0]) for given in sample.inputs]
    values = tuple(sample.attributes.get(name) for name, _ in op.attributes)
    outputs = [Tensor(tuple(shape), dtype) for shape, dtype in op.infer(inputs, values)]
    buffers = [Buffer(1 + place, 0, x.shape, x.dtype) for place, x in enumerate(inputs)]
    end = 0
    for y in outputs:
        buffers.append(Buffer(0, end, y.shape, y.dtype))
        end += size_of(y.shape) * ITEM_SIZES[y.dtype] // 64 * 64 + 64
    feeds, results = list(range(len(inputs))), list(range(len(inputs), len(buffers)))
    ints, floats = op.encode(values)
    step = Instruction(op.name, op.family, tuple(feeds), tuple(results), ints, floats, op.keywords(values), 0, ())
    return Program(buffers, [step], feeds, results, [], end, end, 0)


def broken(op: Op, sample: Sample) -> Iterator[tuple[str, Program]]:
    """Programs of the op that are wrong in one thing each."""
    made = program_of(op, sample)
    step = made.instructions[0]
    step.inputs = step.inputs[: op.arity[0] - 1]
    yield "too few inputs", made
    if op.arity[1] < 100:
        made = program_of(op, sample)
        step = made.instructions[0]
        step.inputs += step.inputs[:1] * (op.arity[1] + 1 - len(step.inputs))
        yield "too many inputs", made
    made = program_of(op, sample)
    made.instructions[0].inputs = (99, *made.instructions[0].inputs[1:])
    yield "no such buffer", made
    made = program_of(op, sample)
    made.instructions[0].outputs += made.instructions[0].outputs[:1]
    yield "too many outputs", made
    made = program_of(op, sample)
    last = made.buffers[-1]
    last.shape = (*last.shape, 3)
    made.arena_bytes *= 4
    yield "another output shape", made
    for name, kind in op.attributes:
        made = program_of(op, sample)
        del made.instructions[0].keywords[name]
        yield f"no {name}", made
        if kind in ("int", "ints"):
            made = program_of(op, sample)
            made.instructions[0].ints = tuple(n + 1000 if isinstance(n, int) else n for n in made.instructions[0].ints)
            yield f"another {name}", made
    made = program_of(op, sample)
    made.instructions[0].ints += (7,)
    yield "an integer more", made
    made = program_of(op, sample)
    made.instructions[0].floats += (7.0,)
    yield "a float more", made


KERNELS = [name for name in OPS if name in OP_CODES]


@pytest.mark.parametrize("name", KERNELS)
def test_a_program_that_the_op_table_would_not_have_made_is_refused(name: str) -> None:
    op = OPS[name]
    for sample in op.samples[:2]:
        selection.get("cpu").build(program_of(op, sample))
        for what, made in broken(op, sample):
            with pytest.raises((ValueError, TypeError)) as error:
                selection.get("cpu").build(made)
            assert "\n" not in str(error.value), what


def test_programs_of_the_planner_are_such(monkeypatch: pytest.MonkeyPatch) -> None:
    build, seen = CpuBackend.build, []

    def checked(self: CpuBackend, program: Program) -> Any:
        seen.append(len(program.instructions))
        program.checked = False
        return build(self, program)

    monkeypatch.setattr(CpuBackend, "build", checked)
    layers = dlnative.layers
    hidden = [layers.Dense(301, "gelu"), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(7, "softmax")]
    model = dlnative.Sequential([dlnative.Input((203,)), *hidden])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", "mae"])
    x = np.ones((64, 203), "float32")
    model.fit(x, np.eye(7)[np.arange(64) % 7], batch_size=32, verbose=0)
    step = dlnative.value_and_grad(lambda x: ops.sum(ops.scan(lambda c, row: (c * row, ops.sin(c)), x[0], x)[1]))
    step(x)
    assert sum(seen) > 20


def test_a_malformed_chain_is_refused() -> None:
    op = OPS["elementwise_chain"]
    square = ("square", (0,), 1, "float32", ())
    for changes in (
        {"steps": (("square", (5,), 1, "float32", ()),)},
        {"steps": (("square", (0, 0), 1, "float32", ()),)},
        {"steps": (("square", (0,), 0, "float32", ()),)},
        {"steps": (("square", (0,), 99, "float32", ()), square)},
        {"steps": (("square", (0,), 1, "float32", (1.0,)),)},
        {"steps": (("matmul", (0, 0), 1, "float32", ()),)},
        {"steps": (("sum", (0,), 2, "float32", ()), ("square", (2,), 1, "float32", ()))},
        {"steps": (square,) * 17},
        {"steps": ()},
        {"steps": (square,), "row": 3},
        {"steps": (square,), "row": -4},
        {"steps": (square,), "results": 0},
        {"steps": (square,), "results": 2},
    ):
        values = ({"results": 1, "row": 0} | changes)["results"], changes.get("row", 0), changes["steps"]
        ints, floats = op.encode(values)
        step = Instruction(op.name, op.family, (0,), (1,), ints, floats, op.keywords(values), 0, ())
        buffers = [Buffer(1, 0, (4,), "float32"), Buffer(0, 0, (4,), "float32")]
        with pytest.raises((ValueError, TypeError)):
            selection.get("cpu").build(Program(buffers, [step], [0], [1], [], 64, 64, 0))
