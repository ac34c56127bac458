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
        best = -1
        for index, (_, size) in enumerate(self.gaps):
            if size >= nbytes and (best < 0 or size < self.gaps[best][1]):
                best = index
        if best >= 0:
            offset, size = self.gaps.pop(best)
            if size > nbytes:
                self.gaps.insert(best, (offset + nbytes, size - nbytes))
            return offset
        offset = self._end()
        if offset < self.size:
            self.gaps.pop()
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
        index = 0
        while index < len(self.gaps) and self.gaps[index][0] < offset:
            index += 1
        if index < len(self.gaps) and offset + nbytes == self.gaps[index][0]:
            nbytes += self.gaps.pop(index)[1]
        if index and sum(self.gaps[index - 1]) == offset:
            index -= 1
            offset, size = self.gaps.pop(index)
            nbytes += size
        self.gaps.insert(index, (offset, nbytes))

    @property
    def free(self) -> int:
        """The bytes of all gaps."""
        return sum(size for _, size in self.gaps)
