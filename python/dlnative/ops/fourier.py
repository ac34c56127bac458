"""Discrete Fourier transforms. Complex tensors are pairs of real and imaginary parts.

They have no kernels of their own: NumPy computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Op, Sample, Spec, register, size_of
from dlnative.graph.roles import HOST
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.composite import or_zeros
from dlnative.ops.conversion import promote, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, integer, invoke, operation, scalar, shown, unknown
from dlnative.ops.indexing import cut
from dlnative.ops.padding import pad

_SHAPES = ((1, 1), (2, 2), (3, 5), (2, 4, 6), (3, 1, 17))


def _infer_fft(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [(x.shape, x.dtype) for x in inputs]


def _fft_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """The matrix F of the transform is symmetric, and its conjugate is n times its inverse: dx = conj(F) dy = n F⁻¹ dy."""
    axes, inverse = node.attributes
    made = invoke(OPS["fft"], or_zeros(node, grads), (axes, not inverse))
    count = size_of(node.outputs[0].shape[-axes:])
    return [call("multiply", part, scalar(1.0 / count if inverse else count, part)) for part in made]


register(
    Op(
        "fft",
        "fourier",
        _infer_fft,
        attributes=(("axes", "int"), ("inverse", "bool")),
        gradient=_fft_gradient,
        samples=lambda: [
            Sample(shape, shape, axes=axes, inverse=inverse)
            for shape in _SHAPES
            for axes in (1, 2)
            for inverse in (False, True)
        ],
        roles=HOST,
        tolerance=32.0,
        size="largest",
    )
)


def _weights(length: int, inside: float, dtype: str) -> Any:
    """Returns 1 for the frequencies that a real transform has once, and another weight for those that it has twice."""
    weights = np.full(length // 2 + 1, inside, dtype)
    weights[0] = 1.0
    if length % 2 == 0:
        weights[-1] = 1.0
    return weights


def _infer_rfft(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    (x,) = inputs
    spec = ((*x.shape[:-1], x.shape[-1] // 2 + 1), x.dtype)
    return [spec, spec]


def _rfft_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """dx_j = sum over k of dRe_k cos(2 pi j k / n) - dIm_k sin(2 pi j k / n): n times the inverse transform, to which the
    frequencies that it takes twice bring half."""
    length = node.inputs[0].shape[-1]
    halved = [call("multiply", dy, _weights(length, 0.5, dy.dtype)) for dy in or_zeros(node, grads)]
    dx = invoke(OPS["irfft"], halved, (length,))
    return (call("multiply", dx, scalar(float(length), dx)),)


register(
    Op(
        "rfft",
        "fourier",
        _infer_rfft,
        gradient=_rfft_gradient,
        samples=lambda: [Sample(shape) for shape in _SHAPES],
        roles=HOST,
        tolerance=32.0,
        size="largest",
    )
)


def _infer_irfft(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    return [((*inputs[0].shape[:-1], attributes[0]), inputs[0].dtype)]


def _irfft_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """The transform of dy over n, twice for the frequencies that count twice; see `_rfft_gradient`."""
    (length,) = node.attributes
    doubled = []
    for part in invoke(OPS["rfft"], (grads[0],)):
        weights = _weights(length, 2.0, part.dtype) / length
        doubled.append(call("multiply", part, weights.astype(part.dtype)))
    return doubled


register(
    Op(
        "irfft",
        "fourier",
        _infer_irfft,
        attributes=(("length", "int"),),
        gradient=_irfft_gradient,
        samples=lambda: [
            Sample((*batch, length // 2 + 1), (*batch, length // 2 + 1), length=length)
            for batch, length in (((1,), 1), ((2,), 2), ((3,), 5), ((2, 3), 6), ((), 17))
        ],
        roles=HOST,
        tolerance=32.0,
        size="largest",
    )
)


def pair(x: Any, name: str, rank: int = 1) -> tuple[Any, Any]:
    """Returns the real and imaginary part of a complex tensor, of one shape and float type.

    Raises:
        ValueError: if it is no such pair, or has fewer axes than `rank`.
    """
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(
            f"{name}: Input `x` should be a tuple of two tensors - real and imaginary. Received: x={shown(x)}"
        )
    real, imag = as_tensor(x[0]), as_tensor(x[1])
    if tuple(real.shape) != tuple(imag.shape):
        raise ValueError(
            f"{name}: Both the real and imaginary parts should have the same shape. "
            f"Received: x[0].shape = {tuple(real.shape)}, x[1].shape = {tuple(imag.shape)}"
        )
    if len(real.shape) < rank:
        raise ValueError(f"{name}: Input should have rank >= {rank}. Received: input.shape = {tuple(real.shape)}")
    for part in (real, imag):
        if not dtypes.is_float(dtype_of(part)):
            raise ValueError(f"{name}: At least one tensor in input `x` is not of type float, got {dtype_of(part)}")
    return promote(real, imag)


def _transform(name: str, x: Any, axes: int, inverse: bool) -> tuple[Any, Any]:
    real, imag = pair(x, name, axes)
    if None in real.shape[-axes:]:
        last = "last dimension" if axes == 1 else f"last {axes} axes"
        raise ValueError(
            f"{name}: Input should have its {last} fully-defined. Received: input.shape = {tuple(real.shape)}"
        )
    return invoke(OPS["fft"], (real, imag), (axes, inverse))


@operation
def fft(x: Any) -> tuple[Any, Any]:
    """Returns the discrete Fourier transform along the last axis: y_k = sum over j of x_j exp(-2 pi i j k / n).

    Args:
        x: a pair of tensors or arrays of one shape `(..., n)`: real and imaginary parts.

    Returns:
        A pair of tensors or arrays of that shape.

    Raises:
        ValueError: if `x` is no pair of floats of one shape.

    Example:
        >>> import numpy as np
        >>> real, imag = fft((np.array([0.0, 1.0]), np.array([1.0, 0.0])))
        >>> real.tolist(), imag.tolist()
        ([1.0, -1.0], [1.0, 1.0])
    """
    return _transform("fft", x, 1, False)


@operation
def fft2(x: Any) -> tuple[Any, Any]:
    """Returns the discrete Fourier transform along the last two axes; see `fft`."""
    return _transform("fft2", x, 2, False)


@operation
def ifft2(x: Any) -> tuple[Any, Any]:
    """Returns the inverse of `fft2`."""
    return _transform("ifft2", x, 2, True)


def of_length(x: Any, length: int) -> Any:
    """Returns a tensor whose last axis is cut, or filled up with zeros, to a length."""
    rank, extent = len(x.shape), x.shape[-1]
    if extent == length:
        return x
    if extent is None:
        return unknown((*x.shape[:-1], length), x)
    if extent > length:
        return cut(x, rank - 1, 0, length)
    return pad(x, ((0, 0),) * (rank - 1) + ((0, length - extent),))


def _length(name: str, fft_length: Any) -> int:
    length = integer(fft_length, f"{name}: fft_length")
    if length < 1:
        raise ValueError(f"{name}: `fft_length` should be a positive integer. Received: fft_length={length}")
    return length


@operation
def rfft(x: Any, fft_length: int | None = None) -> tuple[Any, Any]:
    """Returns the first n // 2 + 1 values of the Fourier transform of real numbers along the last axis; see `fft`.

    Args:
        x: a tensor or array of shape `(..., m)`.
        fft_length: n, to which the axis is cut or filled up with zeros; by default m.

    Returns:
        A pair of tensors or arrays of shape `(..., n // 2 + 1)`: real and imaginary parts. The others are their conjugates.

    Raises:
        ValueError: if `x` has no axis, or n is not positive.

    Example:
        >>> import numpy as np
        >>> real, imag = rfft(np.array([1.0, 0.0, 0.0, 0.0], "float32"))
        >>> real.tolist(), np.abs(imag).tolist()
        ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    x = to_float(as_tensor(x))
    if not x.shape:
        raise ValueError("rfft: Input should have rank >= 1. Received: input.shape = ()")
    if fft_length is None and x.shape[-1] is None:
        made = unknown(x.shape, x)
        return made, made
    length = _length("rfft", x.shape[-1] if fft_length is None else fft_length)
    return invoke(OPS["rfft"], (of_length(x, length),))


@operation
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """Returns the inverse of `rfft`: real numbers.

    Args:
        x: a pair of tensors or arrays of shape `(..., m)`: real and imaginary parts.
        fft_length: how many numbers; by default 2 (m - 1).

    Returns:
        A tensor or array of shape `(..., fft_length)`.

    Raises:
        ValueError: if `x` is no pair of floats of one shape, or the length is not positive.

    Example:
        >>> import numpy as np
        >>> irfft(rfft(np.array([1.0, 2.0, 3.0, 4.0], "float32"))).round(5).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    real, imag = pair(x, "irfft")
    last = real.shape[-1]
    if fft_length is None and last is None:
        return unknown(real.shape, real)
    length = _length("irfft", 2 * (last - 1) if fft_length is None else fft_length)
    count = length // 2 + 1
    return invoke(OPS["irfft"], (of_length(real, count), of_length(imag, count)), (length,))


__all__ = ["fft", "fft2", "ifft2", "irfft", "rfft"]
