"""Philox 4x32-10, a counter-based generator (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), and what is drawn with it.

Element i of a tensor is word i % 4 of block i // 4. The block of number n, under a state (seed, counter), has the key
(seed low, seed high) and the counter words (n low, n high, counter low, counter high), each of 32 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox(counter: Array, key: tuple[int, int]) -> Array:
    """Returns the blocks for counters of shape (blocks, 4): ten rounds, as uint64 words below 2**32."""
    c0, c1, c2, c3 = (counter[:, word].astype(np.uint64) for word in range(4))
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ np.uint64(k0),
            product1 & _LOW,
            (product0 >> _HALF) ^ c3 ^ np.uint64(k1),
            product0 & _LOW,
        )
        k0, k1 = (k0 + _KEY_STEPS[0]) & 0xFFFFFFFF, (k1 + _KEY_STEPS[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1)


def _words(state: Array, size: int) -> Array:
    """Returns the words of the first `size` elements, in whole blocks of four."""
    seed, counter = (int(word) & 0xFFFFFFFFFFFFFFFF for word in state)
    number = np.arange(-(-size // 4), dtype=np.uint64)
    counters = np.stack(
        [
            number & _LOW,
            number >> _HALF,
            np.full_like(number, counter & 0xFFFFFFFF),
            np.full_like(number, counter >> 32),
        ],
        axis=1,
    )
    return philox(counters, (seed & 0xFFFFFFFF, seed >> 32))


def _uniform(state: Array, size: int, dtype: Any) -> Array:
    """24 random bits of each word, as a number in [0, 1)."""
    return (_words(state, size) >> np.uint64(8)).astype(dtype) * np.asarray(2.0**-24, dtype)


def random_uniform(state: Array, shape: tuple[int, ...], dtype: str) -> Array:
    size = int(np.prod(shape))
    return _uniform(state, size, dtype).reshape(-1)[:size].reshape(shape)


def random_normal(state: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """Box and Muller: sqrt(-2 ln(1 - u)) times the cosine and the sine of 2 pi v, for neighbouring u and v."""
    size = int(np.prod(shape))
    u = _uniform(state, size, np.float64).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    z = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return z.reshape(-1)[:size].reshape(shape).astype(dtype)


def dropout(x: Array, state: Array, rate: float) -> Array:
    """x / (1 - rate) where a uniform number is at least the rate, else 0."""
    u = _uniform(state, x.size, np.float32).reshape(-1)[: x.size].reshape(x.shape)
    return np.where(u >= np.float32(rate), x * x.dtype.type(1 / (1 - rate)), x.dtype.type(0))


def random_permutation(state: Array, shape: tuple[int, ...], dtype: str) -> Array:
    """0, 1, ... shuffled as Fisher and Yates do: i takes the place of a random one of those before it, or its own."""
    words = _words(state, 2 * shape[0]).reshape(-1)
    y = np.arange(shape[0], dtype=dtype)
    for i in range(shape[0]):
        r = int(words[2 * i]) | int(words[2 * i + 1]) << 32
        j = r * (i + 1) >> 64
        y[i] = y[j]
        y[j] = i
    return y
