"""What the data sets of texts share: words are ranks, and some are left out."""

from __future__ import annotations

from typing import Any


def shifted(rows: Any, start_char: int | None, index_from: int | None) -> list[list[int]]:
    """Returns lists of ranks, moved up, with a sign for the beginning in front."""
    first = [] if start_char is None else [start_char]
    by = index_from or 0
    return [first + [int(word) + by for word in row] for row in rows]


def limited(rows: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> list[list[int]]:
    """Returns lists of ranks in `[skip_top, num_words)`; others become `oov_char`, or are left out if that is `None`."""
    limit = num_words or max(map(max, filter(None, rows)), default=0)
    if oov_char is None:
        return [[word for word in row if skip_top <= word < limit] for row in rows]
    return [[word if skip_top <= word < limit else oov_char for word in row] for row in rows]


def short(call: str, maxlen: int | None, rows: list[list[int]], labels: Any) -> tuple[list[list[int]], Any]:
    """Returns the lists that are shorter than `maxlen`, and their labels."""
    if not maxlen:
        return rows, labels
    kept = [place for place, row in enumerate(rows) if len(row) < maxlen]
    if not kept:
        raise ValueError(
            f"{call}: expected a larger maxlen: After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept"
        )
    return [rows[place] for place in kept], labels[kept]
