"""The CPU backend: hands programs to the native core."""

from __future__ import annotations

from typing import Any

from dlnative import _native
from dlnative.backends.backend import Executor, Limits
from dlnative.backends.native_plan import native_plan
from dlnative.backends.program import Array, Program
from dlnative.dtypes import ITEM_SIZES

if dict(_native.dtypes()) != ITEM_SIZES:
    raise ImportError(f"dlnative._native: expected the element types {ITEM_SIZES}, got {dict(_native.dtypes())}")
OP_CODES = {name: code for code, name in enumerate(_native.op_names())}


class CpuBackend:
    """The kernels of this machine's instruction set."""

    name = "cpu"
    limits = Limits()

    def build(self, program: Program) -> Executor:
        """Returns a native plan of a program.

        Raises:
            NotImplementedError: if an op has no CPU kernel.
            TypeError: if a kernel does not take the types of its operands.
            ValueError: if the program is malformed: it would read or write outside its memory.
        """
        return native_plan(program, self.name, _native, OP_CODES)

    # Weights that were packed from this memory are packed anew before they are next used.
    invalidate = staticmethod(_native.invalidate_prepacked)

    def place(self, arrays: list[Array]) -> list[Any]:
        """Arrays lie where they are computed with."""
        return arrays

    def leave(self) -> None:
        """Variables are always up to date."""
