"""What a native plan is refused for: whatever would read or write outside its memory, in any turn of a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlnative import _native
from dlnative.backends.cpu import OP_CODES
from dlnative.dtypes import CODES

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
