"""How often terms occur, from which a vocabulary and the weights of its terms are made."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes

Array = np.ndarray[Any, Any]


class TermCounts:
    """How often terms occur in samples, and in how many of them.

    Args:
        by_sample: whether samples are counted, too.
    """

    def __init__(self, by_sample: bool) -> None:
        self._by_sample = by_sample
        self.terms: Counter[Any] = Counter()
        self._samples: Counter[Any] = Counter()  # of how many samples each term occurs in
        self._num_samples = 0

    def add(self, rows: Iterable[Any]) -> None:
        """Counts the terms of samples: rows of an array, or lists."""
        if isinstance(rows, np.ndarray) and not self._by_sample:
            if rows.dtype.kind == "i":
                terms, counts = np.unique(rows, return_counts=True)
                self.terms.update(dict(zip(terms.tolist(), counts.tolist(), strict=True)))
            else:
                self.terms.update(rows.ravel().tolist())
            return
        listed = rows.tolist() if isinstance(rows, np.ndarray) else list(rows)
        self.terms.update(itertools.chain.from_iterable(listed))
        if self._by_sample:
            self._samples.update(itertools.chain.from_iterable(map(set, listed)))
            self._num_samples += len(listed)

    def most_frequent(self, without: Sequence[Any]) -> list[Any]:
        """Returns the terms, the most frequent first, equally frequent ones from high to low; some are left out."""
        counts = {term: count for term, count in self.terms.items() if term not in without}
        ordered = sorted(counts, reverse=True)
        ordered.sort(key=counts.__getitem__, reverse=True)  # keeps the order of equally frequent ones
        return ordered

    def inverse_document_frequencies(self, terms: Sequence[Any]) -> Array:
        """Returns `log(1 + samples / (1 + samples with the term))` for each term."""
        found = np.array([self._samples[term] for term in terms], np.float64)
        return np.log(1 + self._num_samples / (1 + found)).astype(dtypes.floatx())
