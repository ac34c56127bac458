"""Normalisation, of rows by their own statistics and of channels by those of the batch or by given ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, size_of
from dlnative.graph.roles import PLAIN
from dlnative.graph.trace import current_trace
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axes, operation, scalar
from dlnative.ops.elementwise import square, subtract
from dlnative.ops.reduction import reduce
from dlnative.utils.checks import number


def _rows_of(name: str, x: Any, axes: tuple[int, ...]) -> tuple[Any, Callable[[Any], Any]]:
    """Returns a tensor with axes as one, and the last, and the function that brings a result back."""
    rank = len(x.shape)
    extents = [x.shape[index] for index in axes]
    if None in extents:
        raise ValueError(f"{name}: expected axes of known extents, got axes {axes} of shape {tuple(x.shape)}")
    if axes == (rank - 1,):
        return x, lambda y: y
    kept = [index for index in range(rank) if index not in axes]
    order = (*kept, *axes)
    moved = call("transpose", x, attributes=(order,)) if order != tuple(range(rank)) else x
    rows = call("reshape", moved, attributes=((*[x.shape[index] for index in kept], size_of(tuple(extents))),))

    def back(y: Any) -> Any:
        y = call("reshape", y, attributes=(tuple(moved.shape),))
        return (
            y if moved is x else call("transpose", y, attributes=(tuple(sorted(range(rank), key=order.__getitem__)),))
        )

    return rows, back


def _parameter(name: str, what: str, given: Any, x: Any, rows: Any, default: float) -> Any:
    """Returns a parameter as a vector of the type of x, with a number for each element of a row."""
    count = rows.shape[-1]
    if given is None:
        return np.full(count, default, dtypes.NUMPY[dtype_of(x)])
    given = cast(as_tensor(given), dtype_of(x))
    if not given.shape or None in given.shape or size_of(tuple(given.shape)) != count:
        raise ValueError(f"{name}: `{what}` must be a vector of length {count}, got shape {tuple(given.shape)}")
    return given if len(given.shape) == 1 else call("reshape", given, attributes=((count,),))


def _wide(x: Any) -> Any:
    """Returns a tensor of float32 or float64: statistics in 16 bits are none."""
    x = to_float(x)
    return x if dtype_of(x) in ("float32", "float64") else cast(x, "float32")


def _epsilon(name: str, epsilon: Any) -> float:
    return dtypes.epsilon() if epsilon is None else number(name, "epsilon", epsilon, 0)


def warn_of_rms_scaling(owner: str, instead: str) -> None:
    """Says that what is asked for is not what its name promises."""
    import warnings

    warnings.warn(
        f"{owner}: `rms_scaling=True` divides by the root of the variance, not of the mean square; `{instead}` does the latter",
        stacklevel=4,
    )


@operation
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, **kwargs: Any
) -> Any:
    """Returns `(x - mean) / sqrt(var + epsilon) * gamma + beta`, with mean and variance of x over axes.

    Args:
        x: a tensor or array.
        gamma, beta: what the result is multiplied by, and what is added: of the extents of the axes. None by default.
        axis: an axis or several.
        epsilon: what is added to the variance, by default 1e-7.
        **kwargs: `rms_scaling=True` divides x, from which nothing is subtracted, by the root of the variance; Keras has
            deprecated it for `rms_normalization`.

    Raises:
        ValueError: for gamma or beta of another size, or an unknown extent.

    Source:
        Ba et al., "Layer normalization", 2016.

    Example:
        >>> import numpy as np
        >>> layer_normalization(np.array([[1.0, 3.0]]), epsilon=0.0).tolist()
        [[-1.0, 1.0]]
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: got an unexpected argument {next(iter(kwargs))!r}")
    epsilon = _epsilon("layer_normalization", epsilon)
    given = to_float(x)
    wide = _wide(given)
    axes = tuple(sorted(normalize_axes(axis, len(wide.shape), "layer_normalization")))
    rows, back = _rows_of("layer_normalization", wide, axes)
    scale = _parameter("layer_normalization", "gamma", gamma, wide, rows, 1.0)
    offset = _parameter("layer_normalization", "beta", beta, wide, rows, 0.0)
    if rms_scaling:
        if current_trace() is None:  # the layer says it when it is made
            warn_of_rms_scaling("layer_normalization", "ops.rms_normalization")
        variance = reduce("mean", square(subtract(rows, reduce("mean", rows, -1, True))), -1, True)
        y = call("multiply", rows, call("rsqrt", call("add", variance, scalar(epsilon, wide))))
        y = call("multiply", y, scale)
    else:
        y = invoke(OPS["layer_normalization"], (rows, scale, offset), (True, epsilon))
    return cast(back(y), dtype_of(given))


@operation
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """Returns `x / sqrt(mean(x**2) + epsilon) * scale`, with the mean over axes.

    Args:
        x: a tensor or array.
        scale: what the result is multiplied by, of the extents of the axes. None by default.
        axis: an axis or several.
        epsilon: what is added to the mean, by default 1e-7.

    Raises:
        ValueError: for a scale of another size, or an unknown extent.

    Source:
        Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Example:
        >>> import numpy as np
        >>> rms_normalization(np.array([[3.0, 4.0]]), epsilon=0.0).round(4).tolist()
        [[0.8485, 1.1314]]
    """
    epsilon = _epsilon("rms_normalization", epsilon)
    given = to_float(x)
    if not given.shape:
        given = call("reshape", given, attributes=((1,),))
    wide = _wide(given)
    axes = tuple(sorted(normalize_axes(axis, len(wide.shape), "rms_normalization")))
    rows, back = _rows_of("rms_normalization", wide, axes)
    factor = _parameter("rms_normalization", "scale", scale, wide, rows, 1.0)
    zero = _parameter("rms_normalization", "", None, wide, rows, 0.0)
    return cast(back(invoke(OPS["layer_normalization"], (rows, factor, zero), (False, epsilon))), dtype_of(given))


@operation
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """Returns `(x - mean) / sqrt(variance + epsilon) * scale + offset`, with numbers for each place along an axis.

    Args:
        x: a tensor or array.
        mean, variance: of the extent of the axis.
        axis: the axis of the channels.
        offset, scale: of the extent of the axis. None by default.
        epsilon: what is added to the variance.

    Raises:
        ValueError: for numbers of another size, or an unknown extent.

    Source:
        Ioffe and Szegedy, "Batch normalization", ICML 2015.

    Example:
        >>> import numpy as np
        >>> batch_normalization(np.array([[1.0, 7.0]]), np.array([1.0, 1.0]), np.array([1.0, 9.0]), -1, epsilon=0.0).tolist()
        [[0.0, 2.0]]
    """
    epsilon = _epsilon("batch_normalization", epsilon)
    given = to_float(x)
    wide = _wide(given)
    rows, back = _rows_of("batch_normalization", wide, normalize_axes(axis, len(wide.shape), "batch_normalization"))
    parameters = [
        _parameter("batch_normalization", what, value, wide, rows, default)
        for what, value, default in (
            ("mean", mean, 0.0),
            ("variance", variance, 1.0),
            ("scale", scale, 1.0),
            ("offset", offset, 0.0),
        )
    ]
    return cast(back(invoke(OPS["batch_normalization"], (rows, *parameters), (epsilon, PLAIN))), dtype_of(given))


def normalize_batch(x: Any, gamma: Any, beta: Any, axis: int, epsilon: float) -> tuple[Any, Any, Any]:
    """Returns `batch_normalization` of x with its own mean and variance along all axes but one, and these.

    Args:
        x: a tensor of float32 or float64.
        gamma, beta: scale and offset, of the extent of the axis, or `None`.
        axis: the axis of the channels.
        epsilon: what is added to the variance.

    Raises:
        ValueError: if there is nothing to take statistics of.
    """
    rows, back = _rows_of("batch_normalization", x, normalize_axes(axis, len(x.shape), "batch_normalization"))
    scale = _parameter("batch_normalization", "scale", gamma, x, rows, 1.0)
    offset = _parameter("batch_normalization", "offset", beta, x, rows, 0.0)
    y, mean, variance = invoke(OPS["batch_normalization_training"], (rows, scale, offset), (epsilon, PLAIN))
    return back(y), mean, variance
