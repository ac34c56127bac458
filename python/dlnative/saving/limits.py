"""How much memory a model that is being loaded may take: as much as goes with the arrays of its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dlnative.graph import storage

# A file may lack what an optimizer keeps, at most some times as much as the weights, and what metrics keep.
_TIMES = 8
_BEYOND = 1 << 24


@contextmanager
def memory_for(nbytes: int) -> Iterator[None]:
    """Lets variables that are made within the block have memory in proportion to the arrays of a file.

    Args:
        nbytes: how many bytes the arrays have.

    Raises:
        ValueError: when a variable would need more.
    """
    before = storage.budget.get()
    token = storage.budget.set([_TIMES * nbytes + _BEYOND] if before is None else before)
    try:
        yield
    finally:
        storage.budget.reset(token)
