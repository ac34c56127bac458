"""Memory for variables: zeroed, on cache lines, and retained for the next model when nobody uses it any more.

The first touch of a page costs the operating system more than computing with it: 4 KiB of new memory are about as dear as
half a million additions. So variables are cut from large chunks, whose pages are asked for in one call when they are first
needed, and what a dropped model leaves is used again. Only large blocks get huge pages: one that a virtual machine has never
touched may take milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import sys
from _thread import allocate_lock  # as in threading, which takes 3 ms to import
from contextvars import ContextVar
from typing import Any

import numpy as np

from dlnative.backends.selection import read
from dlnative.graph.arena import ALIGNMENT, Arena, padded

Array = np.ndarray[Any, Any]

# How many bytes variables may still take, in a list, while a model is loaded from a file that nobody vouches for.
budget: ContextVar[list[int] | None] = ContextVar("budget", default=None)

_LEAST = 1 << 12  # bytes that a small variable counts for there: it takes as much with what describes it
_POOLED = 1 << 16  # bytes; smaller blocks are left to NumPy
_PAGE = 1 << 12  # bytes
_HUGE = 1 << 21  # bytes of a huge page
_LARGE = 1 << 22  # bytes from which huge pages are asked for, as NumPy does
_CHUNK = 1 << 23  # bytes of addresses that are reserved together; memory is there from the first use
_MOST_RETAINED = 1 << 26  # bytes that may wait for their next user, beyond what lies between blocks in use
_POPULATE = 23  # MADV_POPULATE_WRITE, of Linux 5.14; mmap has no name for it


class Memory(Array):
    """Bytes that begin on a cache line, and so do their copies, by `copy.deepcopy` or pickled: what variables lie in."""

    def __deepcopy__(self, memo: Any) -> Memory:
        return _copied(self)

    def __reduce__(self) -> Any:
        read(self)
        return _copied, (np.asarray(self),)


def _copied(values: Array) -> Memory:
    read(values)
    memory = zeroed(values.nbytes, unset=values.nbytes)
    memory[...] = values
    return memory


def check_budget(nbytes: int, spend: bool = False) -> None:
    """Refuses memory that a model which is being loaded may not have; see `budget`.

    Args:
        nbytes: how much.
        spend: whether it is taken now.

    Raises:
        ValueError: if there is a budget, and less is left of it.
    """
    left = budget.get()
    if left is None:
        return
    if nbytes > left[0]:
        raise ValueError(
            f"load_model: expected variables that go with the size of the file, got one of {nbytes} bytes: the "
            "configuration is damaged, or that of another model"
        )
    if spend:
        left[0] -= max(nbytes, _LEAST)


def zeroed(nbytes: int, unset: int = 0) -> Memory:
    """Returns bytes that begin on a cache line: zeros, but for the first `unset`, which may be anything."""
    check_budget(nbytes, spend=True)
    if nbytes >= _POOLED and sys.platform == "linux":
        return np.asarray(_pool.take(nbytes, unset))[:nbytes].view(Memory)
    block = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -block.__array_interface__["data"][0] % ALIGNMENT
    return block[start : start + nbytes].view(Memory)


class _Chunk:
    """Memory that begins on a huge page, and which parts of it are free; for a block of `nbytes` at first."""

    def __init__(self, nbytes: int) -> None:
        import mmap

        self.capacity = max(_CHUNK, -(-nbytes // _HUGE) * _HUGE)
        try:
            self.memory = mmap.mmap(-1, self.capacity + _HUGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, OverflowError):
            raise MemoryError(f"expected {nbytes:,} bytes of memory, got none") from None
        if nbytes >= _LARGE:
            with contextlib.suppress(OSError):  # of a kernel without huge pages
                self.memory.madvise(mmap.MADV_HUGEPAGE)
        whole = np.frombuffer(self.memory, np.uint8)
        self.start = -whole.__array_interface__["data"][0] % _HUGE
        self.bytes: Array = whole[self.start : self.start + self.capacity]
        self.arena = Arena()

    def take(self, nbytes: int, unset: int) -> int:
        """Returns the offset of a piece, zeroed but for its first `unset` bytes."""
        before = self.arena.size
        offset = self.arena.take(nbytes)
        used = min(before, offset + nbytes)
        self.bytes[offset + unset : used] = 0
        if offset + nbytes > used:
            first = used & -_PAGE
            with contextlib.suppress(OSError):  # of a kernel that does not know the advice
                self.memory.madvise(_POPULATE, self.start + first, offset + nbytes - first)
        return offset

    @property
    def empty(self) -> bool:
        return self.arena.free == self.arena.size


class _Block:
    """What owns a piece of a chunk: arrays over it keep it alive."""

    def __init__(self, chunk: _Chunk, nbytes: int, unset: int) -> None:
        self.chunk = chunk
        self.nbytes = nbytes
        self.offset = chunk.take(nbytes, unset)
        self.__array_interface__ = chunk.bytes[self.offset : self.offset + nbytes].__array_interface__

    def __del__(self) -> None:
        if hasattr(self, "offset") and _pool is not None:  # None when the interpreter ends
            _pool.give(self.chunk, self.offset, self.nbytes)


class _Pool:
    """The chunks of the process.

    Blocks come back whenever Python collects them, in any thread and also while the lock is held: then they wait in
    `returned` for whoever holds it.
    """

    def __init__(self) -> None:
        self.chunks: list[_Chunk] = []
        self.returned: list[tuple[_Chunk, int, int]] = []
        self.lock = allocate_lock()

    def take(self, nbytes: int, unset: int) -> _Block:
        nbytes = padded(nbytes)
        with self.lock:
            self._settle()
            fitting = [chunk for chunk in self.chunks if chunk.arena.fits(nbytes, chunk.capacity)]
            if not fitting:
                fitting = [_Chunk(nbytes)]
                self.chunks += fitting
            # A small block had better not be what keeps a large chunk from being given back.
            return _Block(min(fitting, key=lambda chunk: (chunk.empty, chunk.capacity)), nbytes, unset)

    def give(self, chunk: _Chunk, offset: int, nbytes: int) -> None:
        self.returned.append((chunk, offset, nbytes))
        # Whoever holds the lock settles, be it this thread in whose work Python's collector stepped in. Not `acquire`: an
        # exception of a signal handler could come between that and what gives the lock back.
        if not self.lock.locked():
            with self.lock:
                self._settle()

    def retained(self) -> int:
        """Returns how many bytes wait for their next user."""
        return sum(chunk.arena.free for chunk in self.chunks)

    def _settle(self) -> None:
        if not self.returned:
            return
        while self.returned:
            chunk, offset, nbytes = self.returned.pop()
            chunk.arena.give(offset, nbytes)
        while self.retained() > _MOST_RETAINED and (empty := [chunk for chunk in self.chunks if chunk.empty]):
            self.chunks.remove(max(empty, key=lambda chunk: chunk.capacity))


_pool = _Pool()
if hasattr(os, "register_at_fork"):  # the child of a fork finds the chunks as no thread was about to change them
    os.register_at_fork(
        before=_pool.lock.acquire, after_in_parent=_pool.lock.release, after_in_child=_pool.lock.release
    )
