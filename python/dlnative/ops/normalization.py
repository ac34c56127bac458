"""Normalisation, of rows by their own statistics and of channels by those of the batch or by given ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Op, Sample, Shape, Spec, register, size_of
from dlnative.graph.roles import PLAIN, Epilogue, Roles
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.trace import current_trace
from dlnative.ops.composite import gradient_of
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke, normalize_axes, operation, scalar
from dlnative.ops.elementwise import square, subtract
from dlnative.ops.reduction import reduce
from dlnative.utils.checks import number

_SHAPES = ((3, 1), (5, 4), (2, 3, 10), (37, 33), (300, 16), (16, 70))
_RELU = ("relu",)


def _row_parameters(name: str, x: Tensor, parameters: Sequence[Tensor]) -> None:
    for parameter in parameters:
        if parameter.shape != x.shape[-1:]:
            raise ValueError(
                f"{name}: expected parameters of shape {tuple(x.shape[-1:])} for an input of shape {tuple(x.shape)}, "
                f"got {tuple(parameter.shape)}"
            )


def _infer_rows(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    _row_parameters("layer_normalization", inputs[0], inputs[1:])
    return [(inputs[0].shape, inputs[0].dtype)]


def _infer_rows_gradient(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    _, x, gamma = inputs
    return [(x.shape, x.dtype), (gamma.shape, x.dtype), (gamma.shape, x.dtype)]


def _mean(x: Any) -> Any:
    return reduce("mean", x, -1, True)


def _unit_rows(x: Any, centered: bool, epsilon: float) -> tuple[Any, Any]:
    """Returns (x - mean) rstd for each row, and rstd."""
    apart = x - _mean(x) if centered else x
    rstd = call("rsqrt", _mean(square(apart)) + scalar(epsilon, x))
    return apart * rstd, rstd


def _rows_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    x, gamma, _ = node.inputs
    return tuple(invoke(OPS["layer_normalization_gradient"], (grads[0], x, gamma), node.attributes))


def _composite_rows_gradient(dy: Any, x: Any, gamma: Any, centered: bool, epsilon: float) -> tuple[Any, Any, Any]:
    unit, rstd = _unit_rows(x, centered, epsilon)
    g = dy * gamma
    dx = g - unit * _mean(g * unit)
    if centered:
        dx = dx - _mean(g)
    rows = tuple(range(len(x.shape) - 1))
    return dx * rstd, reduce("sum", dy * unit, rows), reduce("sum", dy, rows)


_ROW_ATTRIBUTES = (("centered", "bool"), ("epsilon", "float"))
register(
    Op(
        "layer_normalization",
        "normalization",
        _infer_rows,
        attributes=_ROW_ATTRIBUTES,
        gradient=_rows_gradient,
        inplace=lambda attributes, output: (0,),
        flops=lambda ins, outs: 8 * math.prod(outs[0]),
        samples=lambda: [
            Sample(Arg(shape, low=1.0, high=3.0), shape[-1:], shape[-1:], centered=centered, epsilon=epsilon)
            for shape in _SHAPES
            for centered, epsilon in ((True, 1e-3), (False, 0.5))
        ],
        tolerance=64.0,
        size="row",
    )
)
register(
    Op(
        "layer_normalization_gradient",
        "normalization",
        _infer_rows_gradient,
        attributes=_ROW_ATTRIBUTES,
        gradient=gradient_of(_composite_rows_gradient),
        inplace=lambda attributes, output: (0, 1) if output == 0 else (),
        flops=lambda ins, outs: 20 * math.prod(outs[0]),
        samples=lambda: [
            Sample(shape, Arg(shape, low=1.0, high=3.0), shape[-1:], centered=centered, epsilon=epsilon)
            for shape in _SHAPES
            for centered, epsilon in ((True, 0.1), (False, 0.5))
        ],
        tolerance=64.0,
        size="column",
    )
)


def _takes(shapes: Sequence[Shape], attributes: tuple[Any, ...]) -> bool:
    """What follows that the kernels do as they write: a residual, a relu."""
    epilogue: Epilogue = attributes[-1]
    return epilogue._replace(residual=False, activation=()) == PLAIN and epilogue.activation in ((), _RELU)


def _infer_columns(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    x, rest = inputs[0], inputs[1 : len(inputs) - attributes[-1].operands]
    _row_parameters("batch_normalization", x, rest)
    return [(x.shape, x.dtype)]


def _infer_batch(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    specs = _infer_columns(inputs, attributes)
    shape, dtype = specs[0]
    if 0 in shape[:-1]:
        raise ValueError(f"batch_normalization: expected at least one row to take statistics of, got shape {shape}")
    return [*specs, (shape[-1:], dtype), (shape[-1:], dtype)]


def _columns(x: Any, mean: Any, variance: Any, gamma: Any, beta: Any, epsilon: float, epilogue: Any = PLAIN) -> Any:
    return (x - mean) * (call("rsqrt", variance + scalar(epsilon, x)) * gamma) + beta


def _batch(x: Any, gamma: Any, beta: Any, epsilon: float, epilogue: Any) -> tuple[Any, Any, Any]:
    rows = tuple(range(len(x.shape) - 1))
    mean = reduce("mean", x, rows)
    variance = reduce("mean", square(x - mean), rows)
    return _columns(x, mean, variance, gamma, beta, epsilon), mean, variance


_composite_batch = gradient_of(_batch)


def _batch_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    if grads[0] is None or grads[1] is not None or grads[2] is not None:
        return _composite_batch(node, grads)
    x, gamma, _ = node.inputs
    _, mean, variance = node.outputs
    inputs = (grads[0], x, gamma, mean, variance)
    return tuple(invoke(OPS["batch_normalization_gradient"], inputs, node.attributes[:1]))


def _composite_batch_gradient(
    dy: Any, x: Any, gamma: Any, mean: Any, variance: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    rows = tuple(range(len(x.shape) - 1))
    rstd = call("rsqrt", variance + scalar(epsilon, x))
    unit = (x - mean) * rstd
    dgamma, dbeta = reduce("sum", dy * unit, rows), reduce("sum", dy, rows)
    return (dy - (dbeta + unit * dgamma) * scalar(1.0 / size_of(x.shape[:-1]), x)) * (gamma * rstd), dgamma, dbeta


def _column_samples(given: bool) -> list[Sample]:
    samples = []
    for shape in (*_SHAPES, (2, 3, 3, 3), (600, 70), (2, 9, 9, 64)):
        channels = shape[-1:]
        statistics = [Arg(channels), Arg(channels, low=0.1, high=2.0)] if given else []
        for residual, activation in ((False, ()), (True, ()), (False, _RELU), (True, _RELU)):
            operands = [Arg(shape)] if residual else []
            inputs: list[Any] = [Arg(shape, low=0.0, high=3.0), *statistics, channels, channels, *operands]
            epilogue = Epilogue(residual=residual, activation=activation)
            samples.append(Sample(*inputs, epsilon=0.01, epilogue=epilogue))
    return samples


register(
    Op(
        "batch_normalization_training",
        "normalization",
        _infer_batch,
        attributes=(("epsilon", "float"), ("epilogue", "epilogue")),
        gradient=_batch_gradient,
        inplace=lambda attributes, output: (0,) if output == 0 else (),
        flops=lambda ins, outs: 8 * math.prod(outs[0]),
        samples=lambda: _column_samples(given=False),
        roles=Roles(takes=_takes),
        tolerance=64.0,
        size="row",
    )
)
register(
    Op(
        "batch_normalization_gradient",
        "normalization",
        lambda inputs, attributes: [
            (inputs[1].shape, inputs[1].dtype),
            *[(inputs[2].shape, inputs[1].dtype) for _ in range(2)],
        ],
        attributes=(("epsilon", "float"),),
        gradient=gradient_of(_composite_batch_gradient),
        inplace=lambda attributes, output: (0, 1) if output == 0 else (),
        flops=lambda ins, outs: 12 * math.prod(outs[0]),
        samples=lambda: [
            Sample(shape, shape, shape[-1:], shape[-1:], Arg(shape[-1:], low=0.1, high=2.0), epsilon=0.01)
            for shape in (*_SHAPES, (2, 9, 9, 64))
        ],
        tolerance=64.0,
        size="column",
    )
)
register(
    Op(
        "batch_normalization",
        "normalization",
        _infer_columns,
        attributes=(("epsilon", "float"), ("epilogue", "epilogue")),
        gradient=gradient_of(_columns),
        inplace=lambda attributes, output: (0,),
        flops=lambda ins, outs: 4 * math.prod(outs[0]),
        samples=lambda: _column_samples(given=True),
        roles=Roles(takes=_takes),
        tolerance=32.0,
        size="row",
    )
)


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
