"""What a backend is: something that makes programs run."""

from __future__ import annotations

from typing import Any, Protocol

from dlnative.backends.program import Array, Program


class Limits:
    """What the planner may ask of a backend's kernels.

    Args:
        chain_elements: values of fewer elements are left out of chains.
        chain_steps: the most ops in a chain.
        chain_values: the most inputs and results of a chain.
        chain_row: the most elements in a row that a chain reduces.
    """

    __slots__ = ("chain_elements", "chain_row", "chain_steps", "chain_values")

    def __init__(
        self, *, chain_elements: int = 1 << 15, chain_steps: int = 16, chain_values: int = 16, chain_row: int = 4096
    ) -> None:
        self.chain_elements = chain_elements
        self.chain_steps = chain_steps
        self.chain_values = chain_values
        self.chain_row = chain_row


class Executor(Protocol):
    """A program made ready to run by a backend. Any thread may run it at any time."""

    def run(self, feeds: list[Array]) -> list[Array]:
        """Runs once on C-contiguous arrays of exactly the feeds' shapes and dtypes, and returns new arrays."""

    def call(self, *feeds: Any) -> Array | None:
        """Runs once and returns the only result; `None` if these are not arrays that `run` would take."""

    def run_steps(
        self,
        sources: list[Array],
        sinks: list[Array],
        order: Array | None,
        position: int,
        stop: int,
        batch_size: int,
        seconds: float,
    ) -> int:
        """Runs whole batches, until no whole batch is left before `stop` or the time is over.

        Args:
            sources: for each feed an array whose rows are gathered into it (and converted to its dtype).
            sinks: for each result an array whose rows it is copied to; or none at all.
            order: row numbers (int64) in the order of visiting; `None` for 0, 1, 2, ...
            position: where in that order the first batch begins.
            stop: where in that order the last batch must end.
            batch_size: rows in a batch.
            seconds: return after the first batch that ends later than this; 0 runs one batch.

        Returns:
            The position behind the last batch that ran.
        """

    def profile(self, feeds: list[Array], repeats: int) -> list[float]:
        """Returns the nanoseconds that each instruction took, summed over the repeats."""

    @property
    def prepacked_bytes(self) -> int:
        """The bytes of weights that are kept in the form that kernels compute with; executors share them."""


class Backend(Protocol):
    """What makes programs run.

    The memory of variables is NumPy's. A backend may keep what it makes of it, in a form or in a place of its own, until
    it hears that somebody else has written to it.
    """

    name: str
    limits: Limits

    def build(self, program: Program) -> Executor:
        """Returns an executor.

        Raises:
            NotImplementedError: if there is no kernel for an op.
            TypeError: if there is none for the types that it is given.
        """

    def invalidate(self, array: Array) -> None:
        """Hears that an array that programs may read has been written by somebody else."""

    def place(self, arrays: list[Array]) -> list[Any]:
        """Returns sources for many calls of `run_steps`: the arrays, or copies of them where the backend computes."""

    def leave(self) -> None:
        """Hears that another backend runs programs from now on, on the same variables."""
