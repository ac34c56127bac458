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
