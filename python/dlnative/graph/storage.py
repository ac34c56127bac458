"""Memory for variables: zeroed, on cache lines, and kept for the next model when nobody uses it any more.

The first touch of a page costs the operating system more than computing with it: 4 KiB of new memory are about as dear as
half a million additions. So blocks ask for their pages in one call, large ones for huge pages, and what a dropped model
leaves is used again.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import mmap

Array = np.ndarray[Any, Any]

ALIGNMENT = 64  # bytes; one cache line, one AVX-512 register
_PAGE = 4096  # bytes
_POOLED = 1 << 16  # bytes; smaller blocks are left to NumPy
_HUGE = 1 << 22  # bytes from which huge pages are asked for, as NumPy does
_POPULATE = 23  # MADV_POPULATE_WRITE, of Linux 5.14; mmap has no name for it
_MOST_KEPT = 1 << 26  # bytes that may wait for their next user

_kept: dict[int, list[mmap.mmap]] = {}  # unused memory by its size


def padded(nbytes: int) -> int:
    """Returns `nbytes` rounded up to whole cache lines."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def zeroed(nbytes: int) -> Array:
    """Returns zeroed bytes that begin on a cache line."""
    if nbytes >= _POOLED and sys.platform == "linux":
        return np.asarray(_Block(nbytes))[:nbytes]
    block = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -block.__array_interface__["data"][0] % ALIGNMENT
    return block[start : start + nbytes]


def kept_bytes() -> int:
    """Returns how many bytes wait for their next user."""
    return sum(size * len(blocks) for size, blocks in list(_kept.items()))


def _room(nbytes: int) -> int:
    """Returns the size of the block for `nbytes`: one of eight between a power of two and the next."""
    step = max(_PAGE, 1 << (nbytes.bit_length() - 4))
    return -(-nbytes // step) * step


class _Block:
    """What owns pooled memory: arrays over it keep it alive."""

    def __init__(self, nbytes: int) -> None:
        import mmap

        size = _room(nbytes)
        found = _kept.get(size)
        try:
            self.memory = found.pop()  # type: ignore[union-attr]
        except (AttributeError, IndexError):
            self.memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            with contextlib.suppress(OSError):  # of a kernel that does not know the advice
                self.memory.madvise(mmap.MADV_HUGEPAGE if size >= _HUGE else _POPULATE)
            array = np.frombuffer(self.memory, np.uint8)
        else:
            array = np.frombuffer(self.memory, np.uint8)
            array[:nbytes] = 0
        self.__array_interface__ = array.__array_interface__

    def __del__(self) -> None:
        memory = getattr(self, "memory", None)
        if memory is None or _kept is None:  # the interpreter ends
            return
        if kept_bytes() + len(memory) <= _MOST_KEPT:
            _kept.setdefault(len(memory), []).append(memory)
