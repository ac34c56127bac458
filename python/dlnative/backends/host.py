"""Ops without kernels of their own: a plan of the native core calls their reference functions, which are NumPy.

That holds the interpreter's lock and copies each result once, next to what such an op computes. Its row of the op table
says so by the role `host`.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np

from dlnative.backends.program import Array, Instruction
from dlnative.backends.reference.functions import function_of

_lock = threading.Lock()
_calls: list[tuple[Any, dict[str, Any]]] = []  # functions and what they are called with beside arrays
_numbers: dict[Any, int] = {}  # their places in this list
_asking: set[str] = set()  # modules whose plans know whom to ask


def number_of(step: Instruction, native: ModuleType) -> int:
    """Returns the number by which a plan of a native module asks for what an instruction computes."""
    key = step.op, tuple(step.keywords.items())
    with _lock:
        if native.__name__ not in _asking:
            native.set_host_function(_compute)
            _asking.add(native.__name__)
        if key not in _numbers:
            _numbers[key] = len(_calls)
            _calls.append((function_of(step.family, step.op), step.keywords))
        return _numbers[key]


def _compute(number: int, inputs: tuple[Array, ...], outputs: tuple[Array, ...]) -> None:
    function, keywords = _calls[number]
    with np.errstate(all="ignore"):
        result = function(*inputs, **keywords)
    results = result if isinstance(result, tuple) else (result,)
    for output, value in zip(outputs, results, strict=True):
        output[...] = value
