"""How much memory a model that is being loaded may take: as much as goes with the arrays of its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from dlnative import _native
from dlnative.graph import storage

# A file may lack what an optimizer keeps, at most some times as much as the weights, and what metrics keep.
_TIMES = 8
_BEYOND = 1 << 24
_CONSTANTS = 1 << 27  # what layers compute when they are made, and the way there: windows, places, tables of tokens


@contextmanager
def memory_for(nbytes: int, label: str, safe_mode: bool) -> Iterator[None]:
    """Lets what is made within the block have memory in proportion to the arrays of a file.

    Args:
        nbytes: how many bytes the arrays have.
        label: what messages call the file.
        safe_mode: whether constants are counted as well as variables.

    Raises:
        ValueError: when a variable, or constants, would need more.
    """
    before = storage.budget.get()
    if before is not None:
        yield
        return
    token = storage.budget.set([_TIMES * nbytes + _BEYOND])
    with ExitStack() as stack:
        stack.callback(storage.budget.reset, token)
        if safe_mode:
            stack.enter_context(constants_for(nbytes, label, " and to be loaded with safe_mode=False"))
        yield


@contextmanager
def constants_for(nbytes: int, label: str, unusual: str = "") -> Iterator[None]:
    """Lets arrays of NumPy that are made within the block have memory in proportion to those of a file.

    Args:
        nbytes: how many bytes the arrays have.
        label: what messages call the file.
        unusual: what to do with a file that is unusual, and not damaged.

    Raises:
        ValueError: when they would need more.
    """
    limited = _native.limit_arrays(_TIMES * nbytes + _CONSTANTS)
    try:
        yield
    except MemoryError as error:
        raise ValueError(
            f"{label}: expected a model whose constants go with the size of the file, got one that is damaged, or unusual"
            f"{unusual}: {error}"
        ) from None
    finally:
        _native.restore_arrays(limited)
