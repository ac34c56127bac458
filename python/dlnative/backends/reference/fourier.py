"""Discrete Fourier transforms, of real and imaginary parts."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def fft(real: Array, imag: Array, axes: int, inverse: bool) -> tuple[Array, Array]:
    transform = np.fft.ifftn if inverse else np.fft.fftn
    y = transform(real + 1j * imag, axes=tuple(range(-axes, 0)))
    return y.real, y.imag


def rfft(x: Array) -> tuple[Array, Array]:
    y = np.fft.rfft(x)
    return y.real, y.imag


def irfft(real: Array, imag: Array, length: int) -> Array:
    return np.fft.irfft(real + 1j * imag, length)
