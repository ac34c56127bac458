"""Initializers that draw nothing, and the base of all."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes

Array = np.ndarray[Any, Any]


class Initializer:
    """A function of a shape and a dtype that returns the first value of a weight."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        """Returns an array.

        Args:
            shape: its shape.
            dtype: its dtype, by default float32.
        """
        raise NotImplementedError(f"{type(self).__name__}: expected a method __call__(shape, dtype), found none")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such an initializer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Makes an initializer from what `get_config` returned."""
        return cls(**config)


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.zeros(tuple(shape), dtypes.standardize(dtype))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.ones(tuple(shape), dtypes.standardize(dtype))


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.

    Example:
        >>> Constant(0.5)((2,)).tolist()
        [0.5, 0.5]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value.tolist() if isinstance(value, np.ndarray) else value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        return np.full(tuple(shape), self.value, dtypes.standardize(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """The identity matrix, times a number.

    Args:
        gain: the number.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of rank 2, got {tuple(shape)}")
        return (self.gain * np.eye(shape[0], shape[1])).astype(dtypes.standardize(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


# Coefficients of the cosines of a window: a0 - a1 cos(2 pi t) + a2 cos(4 pi t).
_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08)}


class STFT(Initializer):
    """The kernel of a convolution that is a short-time Fourier transform: `cos` or `sin` of `-2 pi t f / F`, times a window.

    Args:
        side: `"real"` or `"imag"`: the cosines or the sines.
        window: the name of a window (`"hann"`, `"hamming"`, `"blackman"`, with SciPy any of its own), its values, or `None`.
        scaling: what the window is divided by: `"density"` by its norm, `"spectrum"` by the sum of its absolute values.
        periodic: whether the window is periodic instead of symmetric, as `fftbins` of SciPy says.

    Raises:
        ValueError: for other arguments; when called, for a shape that is not `(T, 1, F / 2 + 1)`.

    Example:
        >>> STFT("real", None)((4, 1, 3))[:, 0, 1].round(6).tolist()
        [1.0, 0.0, -1.0, -0.0]
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f'STFT: expected side "real" or "imag", got {side!r}')
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(f'STFT: expected scaling None, "density" or "spectrum", got {scaling!r}')
        if isinstance(window, str):
            _window(window, 1, periodic)
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Array:
        if len(shape) != 3:
            raise ValueError(f"STFT: expected a shape (T, 1, F / 2 + 1), got {tuple(shape)}")
        steps, _, bands = shape
        angle = -2.0 * np.pi * np.outer(np.arange(steps), np.arange(bands)) / max(2 * (bands - 1), 1)
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        if self.window is not None:
            named = isinstance(self.window, str)
            window = _window(self.window, steps, self.periodic) if named else np.asarray(self.window, np.float64)
            if window.shape != (steps,):
                raise ValueError(f"STFT: expected a window of shape ({steps},), got {window.shape}")
            divisor = {None: 1.0, "density": np.sqrt((window**2).sum()), "spectrum": np.abs(window).sum()}[self.scaling]
            kernel = kernel * window[:, None] / divisor
        return np.broadcast_to(kernel[:, None, :], tuple(shape)).astype(dtypes.NUMPY[dtypes.standardize(dtype)])

    def get_config(self) -> dict[str, Any]:
        return {"side": self.side, "window": self.window, "periodic": self.periodic, "scaling": self.scaling}


def _window(name: str, size: int, periodic: bool) -> Array:
    """Returns the values of a window."""
    coefficients = _WINDOWS.get(name)
    if coefficients is None:
        try:
            get_window = importlib.import_module("scipy.signal").get_window
        except ImportError:
            raise ValueError(f"STFT: expected a window {', '.join(_WINDOWS)}, or SciPy for {name!r}") from None
        values: Array = get_window(name, size, periodic)
        return values
    if size == 1:
        return np.ones(1)
    turn = 2 * np.pi * np.arange(size) / (size if periodic else size - 1)
    return np.asarray(sum(a * (-1) ** k * np.cos(k * turn) for k, a in enumerate(coefficients)))
