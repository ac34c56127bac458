"""Cutting one block of memory into pieces that are taken and given back."""

from __future__ import annotations

ALIGNMENT = 64  # bytes; one cache line, one AVX-512 register


def padded(nbytes: int) -> int:
    """Returns `nbytes` rounded up to whole cache lines."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


class Arena:
    """Which parts of a block are free: gaps sorted by offset, neighbours merged, and all that lies behind `size`.

    Offsets are multiples of the sizes' greatest common divisor: pieces of `padded` sizes begin on cache lines.
    """

    def __init__(self) -> None:
        self.size = 0
        self.gaps: list[tuple[int, int]] = []

    def take(self, nbytes: int) -> int:
        """Returns the offset of a piece: in the smallest gap that is large enough, or at the end, which then grows."""
        gaps = self.gaps
        best = -1
        for index, (_, size) in enumerate(gaps):
            if size >= nbytes and (best < 0 or size < gaps[best][1]):
                best = index
        # What changes is changed at once: an exception of a signal handler finds it as it was before or as it will be.
        if best >= 0:
            offset, size = gaps[best]
            gaps[best : best + 1] = [(offset + nbytes, size - nbytes)] if size > nbytes else []
            return offset
        offset = self._end()
        if offset < self.size:
            self.size, gaps[-1:] = offset + nbytes, []
        else:
            self.size = offset + nbytes
        return offset

    def _end(self) -> int:
        """Returns where the last piece ends."""
        offset, size = self.gaps[-1] if self.gaps else (0, 0)
        return offset if offset + size == self.size else self.size

    def fits(self, nbytes: int, capacity: int) -> bool:
        """Tells whether a piece can be taken without growing beyond a capacity."""
        return self._end() + nbytes <= capacity or any(size >= nbytes for _, size in self.gaps)

    def give(self, offset: int, nbytes: int) -> None:
        """Makes a piece free again."""
        if not nbytes:
            return
        gaps = self.gaps
        first = 0
        while first < len(gaps) and gaps[first][0] < offset:
            first += 1
        last = first
        if last < len(gaps) and offset + nbytes == gaps[last][0]:
            nbytes += gaps[last][1]
            last += 1
        if first and sum(gaps[first - 1]) == offset:
            first -= 1
            offset, size = gaps[first]
            nbytes += size
        gaps[first:last] = [(offset, nbytes)]

    @property
    def free(self) -> int:
        """The bytes of all gaps."""
        return sum(size for _, size in self.gaps)
