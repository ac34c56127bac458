"""64-bit hashes of byte strings, the same on every machine: FarmHash's fingerprint, and SipHash-2-4 with a key.

Strings of one length are hashed together, a vector operation for each step of the algorithm; words are little-endian, and
sums and products are modulo 2^64, as NumPy computes them for unsigned arrays.

Source:
    G. Pike, "FarmHash", https://github.com/google/farmhash (function `farmhashna::Hash64`).
    J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Words = np.ndarray[Any, np.dtype[np.uint64]]

_K0, _K1, _K2 = np.uint64(0xC3A5C85C97CB3127), np.uint64(0xB492B66FBE98F273), np.uint64(0x9AE16A3B2F90404F)
_CAT = np.uint64(0xC6A4A7935BD1E995)


def checked_salt(label: str, salt: Any) -> list[int] | None:
    """Returns the two numbers of a key, of which one may stand for both.

    Raises:
        ValueError: for anything else.
    """
    if salt is None:
        return None
    parts = [salt, salt] if isinstance(salt, (int, np.integer)) else salt
    if (
        isinstance(parts, (tuple, list))
        and len(parts) == 2
        and all(isinstance(part, (int, np.integer)) for part in parts)
    ):
        return [int(part) for part in parts]
    raise ValueError(
        f"{label}: The `salt` argument can only be a tuple of size 2 integers, or a single integer, got salt={salt!r}"
    )


def fingerprints(strings: Sequence[bytes]) -> Words:
    """Returns FarmHash's 64-bit fingerprint of each string.

    Example:
        >>> fingerprints([b"A", b"B"]) % np.uint64(3)
        array([1, 0], dtype=uint64)
    """
    return _by_length(strings, _farmhash)


def keyed_hashes(strings: Sequence[bytes], key: Sequence[int]) -> Words:
    """Returns SipHash-2-4 of each string under a key of two 64-bit numbers."""
    words = np.array([int(part) % 2**64 for part in key], np.uint64)
    return _by_length(strings, lambda rows: _siphash(rows, words))


def joined(first: Words, second: Words) -> Words:
    """Returns one fingerprint of two; their order matters."""
    result = first ^ _CAT
    result ^= _mixed(second * _CAT) * _CAT
    result *= _CAT
    return _mixed(_mixed(result) * _CAT)


def _by_length(strings: Sequence[bytes], hashed: Callable[[np.ndarray[Any, Any]], Words]) -> Words:
    """Applies a hash of a matrix of bytes to the strings of each length."""
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    result = np.empty(len(strings), np.uint64)
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        text = b"".join([strings[place] for place in places.tolist()])
        result[places] = hashed(np.frombuffer(text, np.uint8).reshape(len(places), length))
    return result


def _word(rows: np.ndarray[Any, Any], at: int, size: int = 8) -> Words:
    """Returns the little-endian words of some bytes of each row."""
    part = np.ascontiguousarray(rows[:, at : at + size])
    return part.view(f"<u{size}")[:, 0].astype(np.uint64)


def _turned(x: Words, bits: int) -> Words:
    """Rotates to the right."""
    return (x >> np.uint64(bits)) | (x << np.uint64(64 - bits))


def _mixed(x: Words) -> Words:
    return x ^ (x >> np.uint64(47))


def _pair(u: Words, v: Words, factor: Any) -> Words:
    a = _mixed((u ^ v) * factor)
    return _mixed((v ^ a) * factor) * factor


def _farmhash(rows: np.ndarray[Any, Any]) -> Words:
    length = rows.shape[1]
    if length == 0:
        return np.full(len(rows), _K2)
    if length <= 16:
        return _up_to_16(rows, length)
    if length <= 32:
        return _up_to_32(rows, length)
    return _up_to_64(rows, length) if length <= 64 else _longer(rows, length)


def _factor(length: int) -> Any:
    return np.uint64((int(_K2) + 2 * length) % 2**64)


def _up_to_16(rows: np.ndarray[Any, Any], length: int) -> Words:
    factor = _factor(length)
    if length >= 8:
        a, b = _word(rows, 0) + _K2, _word(rows, length - 8)
        return _pair(_turned(b, 37) * factor + a, (_turned(a, 25) + b) * factor, factor)
    if length >= 4:
        first = np.uint64(length) + (_word(rows, 0, 4) << np.uint64(3))
        return _pair(first, _word(rows, length - 4, 4), factor)
    a, b, c = (rows[:, place].astype(np.uint64) for place in (0, length >> 1, length - 1))
    return _mixed((a + (b << np.uint64(8))) * _K2 ^ (np.uint64(length) + (c << np.uint64(2))) * _K0) * _K2


def _up_to_32(rows: np.ndarray[Any, Any], length: int) -> Words:
    factor = _factor(length)
    a, b = _word(rows, 0) * _K1, _word(rows, 8)
    c, d = _word(rows, length - 8) * factor, _word(rows, length - 16) * _K2
    return _pair(_turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + _K2, 18) + c, factor)


def _up_to_64(rows: np.ndarray[Any, Any], length: int) -> Words:
    factor = _factor(length)
    a, b = _word(rows, 0) * _K2, _word(rows, 8)
    c, d = _word(rows, length - 8) * factor, _word(rows, length - 16) * _K2
    y = _turned(a + b, 43) + _turned(c, 30) + d
    z = _pair(y, a + _turned(b + _K2, 18) + c, factor)
    e, f = _word(rows, 16) * factor, _word(rows, 24)
    g, h = (y + _word(rows, length - 32)) * factor, (z + _word(rows, length - 24)) * factor
    return _pair(_turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, factor)


def _weak(rows: np.ndarray[Any, Any], at: int, a: Words, b: Words) -> tuple[Words, Words]:
    w, x, y, z = (_word(rows, at + 8 * place) for place in range(4))
    a = a + w
    b = _turned(b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + _turned(a, 44) + c


def _longer(rows: np.ndarray[Any, Any], length: int) -> Words:
    count = len(rows)
    zeros = np.zeros(count, np.uint64)
    x, y = zeros + np.uint64(81), zeros + np.uint64((81 * int(_K1) + 113) % 2**64)
    z = _mixed(y * _K2 + np.uint64(113)) * _K2
    v, w = (zeros, zeros), (zeros, zeros)
    x = x * _K2 + _word(rows, 0)

    def block(at: int, factor: Any, nine: Any, x: Words, y: Words, z: Words, v: Any, w: Any) -> Any:
        x = _turned(x + y + v[0] + _word(rows, at + 8), 37) * factor
        y = _turned(y + v[1] + _word(rows, at + 48), 42) * factor
        x = x ^ (w[1] * nine)
        y = y + v[0] * nine + _word(rows, at + 40)
        z = _turned(z + w[0], 33) * factor
        v = _weak(rows, at, v[1] * factor, x + w[0])
        w = _weak(rows, at + 32, z + w[1], y + _word(rows, at + 16))
        return z, y, x, v, w

    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = block(at, _K1, np.uint64(1), x, y, z, v, w)
    factor = _K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    w = (w[0] + np.uint64((length - 1) & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = block(length - 64, factor, np.uint64(9), x, y, z, v, w)
    return _pair(_pair(v[0], w[0], factor) + _mixed(y) * _K0 + z, _pair(v[1], w[1], factor) + x, factor)


def _siphash(rows: np.ndarray[Any, Any], key: Words) -> Words:
    count, length = rows.shape
    padded = np.zeros((count, length // 8 * 8 + 8), np.uint8)
    padded[:, :length] = rows
    padded[:, -1] = length & 0xFF
    constants = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v0, v1, v2, v3 = (np.full(count, np.uint64(constant) ^ key[place % 2]) for place, constant in enumerate(constants))

    def rounds(times: int, v0: Words, v1: Words, v2: Words, v3: Words) -> tuple[Words, Words, Words, Words]:
        for _ in range(times):
            v0, v2 = v0 + v1, v2 + v3
            v1, v3 = _turned(v1, 51) ^ v0, _turned(v3, 48) ^ v2
            v0 = _turned(v0, 32)
            v2, v0 = v2 + v1, v0 + v3
            v1, v3 = _turned(v1, 47) ^ v2, _turned(v3, 43) ^ v0
            v2 = _turned(v2, 32)
        return v0, v1, v2, v3

    for at in range(0, padded.shape[1], 8):
        word = _word(padded, at)
        v0, v1, v2, v3 = rounds(2, v0, v1, v2, v3 ^ word)
        v0 = v0 ^ word
    v0, v1, v2, v3 = rounds(4, v0, v1, v2 ^ np.uint64(0xFF), v3)
    return v0 ^ v1 ^ v2 ^ v3
