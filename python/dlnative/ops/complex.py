"""Complex numbers at the border: plans know none, so arrays of them are taken apart, and put together, outside of plans."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.graph.tensor import Tensor
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import as_tensor, dtype_of
from dlnative.ops.pointwise import broadcast_shapes
from dlnative.symbolic import KerasTensor


def _arrays_only(name: str, *values: Any) -> None:
    for x in values:
        if isinstance(x, (Tensor, KerasTensor)):
            raise TypeError(
                f"{name}: expected arrays, got {x!r}: there are no complex tensors; see `ops.fft`, which takes pairs"
            )


def _complex(real: Any, imag: Any) -> np.ndarray[Any, Any]:
    wide = dtype_of(real) == "float64"
    y = np.empty(real.shape, "complex128" if wide else "complex64")
    y.real, y.imag = real, imag
    return y


def view_as_complex(x: Any) -> np.ndarray[Any, Any]:
    """Returns complex numbers of real and imaginary parts along the last axis.

    Args:
        x: an array of shape `(..., 2)`; plans have no complex tensors.

    Returns:
        An array of shape `(...)`: complex64, of float64 complex128.

    Raises:
        TypeError: for a symbolic tensor.
        ValueError: if the last axis has not two elements.

    Example:
        >>> view_as_complex([[1.0, 2.0]]).tolist()
        [(1+2j)]
    """
    _arrays_only("view_as_complex", x)
    x = to_float(as_tensor(x))
    if not x.shape or x.shape[-1] != 2:
        raise ValueError(
            "view_as_complex: Last dimension of input must be size 2 (real and imaginary). "
            f"Received shape: {tuple(x.shape)}"
        )
    return _complex(x[..., 0], x[..., 1])


def view_as_real(x: Any) -> np.ndarray[Any, Any]:
    """Returns the real and imaginary parts of complex numbers along a new last axis.

    Args:
        x: an array of complex numbers.

    Returns:
        An array of shape `(..., 2)`: float32, of complex128 float64.

    Raises:
        TypeError: for a symbolic tensor.

    Example:
        >>> import numpy as np
        >>> view_as_real(np.array([1 + 2j])).tolist()
        [[1.0, 2.0]]
    """
    _arrays_only("view_as_real", x)
    x = np.asarray(x)
    if x.dtype.kind != "c":
        x = np.asarray(to_float(x))
    return np.stack([x.real, x.imag], axis=-1)


def polar(abs_: Any, angle: Any) -> np.ndarray[Any, Any]:
    """Returns the complex numbers of given absolute values and angles: r (cos t + i sin t).

    Args:
        abs_: an array of absolute values r.
        angle: an array of angles t, in radians, which broadcasts with them.

    Raises:
        TypeError: for a symbolic tensor; `r * ops.cos(t)` and `r * ops.sin(t)` are the parts.

    Example:
        >>> polar([2.0], [0.0]).tolist()
        [(2+0j)]
    """
    _arrays_only("polar", abs_, angle)
    r, t = promote(to_float(abs_), to_float(angle))
    broadcast_shapes("polar", r.shape, t.shape)
    return _complex(r * np.cos(t), r * np.sin(t))


__all__ = ["polar", "view_as_complex", "view_as_real"]
