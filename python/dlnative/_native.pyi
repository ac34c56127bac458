"""The native module: kernels, plans and threads. Built from csrc/bind/."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

def op_names() -> list[str]: ...
def isa() -> str: ...
def available_isas() -> list[str]: ...
def select_isa(name: str) -> None: ...
def num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...
def build_info() -> dict[str, Any]: ...
def measure_fma(seconds: float) -> float: ...
def call_op(
    op: int, inputs: list[Array], outputs: list[Array], ints: tuple[int, ...], floats: tuple[float, ...]
) -> None: ...

class Plan:
    arena_bytes: int
    scratch_bytes: int

    def __init__(
        self,
        arena_bytes: int,
        feeds: list[int],
        results: list[int],
        externals: list[Array],
        buffers: list[tuple[int, int, int, tuple[int, ...]]],
        instructions: list[tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[float, ...]]],
    ) -> None: ...
    def run(self, feeds: list[Array]) -> list[Array]: ...
    def run_steps(
        self,
        sources: list[Array],
        sinks: list[Array],
        order: Array | None,
        position: int,
        stop: int,
        batch_size: int,
        seconds: float,
    ) -> int: ...
    def profile(self, feeds: list[Array], repeats: int) -> list[float]: ...
