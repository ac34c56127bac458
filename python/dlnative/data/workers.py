"""Threads that make elements of a data set ahead, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

_END = object()


def ahead(items: Iterator[Any], size: int) -> Iterator[Any]:
    """Yields items that a thread takes from an iterator, up to `size` of them before they are asked for."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1, thread_name_prefix="dlnative-data")
    pending: deque[Any] = deque()
    try:
        for _ in range(size):
            pending.append(pool.submit(next, items, _END))
        while (item := pending.popleft().result()) is not _END:
            pending.append(pool.submit(next, items, _END))
            yield item
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def mapped(function: Callable[[Any], Any], items: Iterator[Any], threads: int) -> Iterator[Any]:
    """Yields what a function makes of items, in order.

    Args:
        function: the function.
        items: the items.
        threads: how many threads call it, twice as many items ahead; -1: one for each core, 4 at most.
    """
    count = min(os.cpu_count() or 1, 4) if threads == -1 else threads
    if count <= 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(count, thread_name_prefix="dlnative-data")
    pending: deque[Any] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= 2 * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
