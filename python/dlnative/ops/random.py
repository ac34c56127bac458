"""Random numbers from a counter: a state (seed, counter) and the place in the output determine every value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import OPS, Arg, Infer, Op, Sample, Spec, register, zero_gradient
from dlnative.graph.tensor import Node, Tensor
from dlnative.ops.conversion import cast, to_float
from dlnative.ops.core import as_tensor, call, dtype_of, invoke

_STATE = Arg((2,), "state", dtype="int64")


def _check_state(name: str, state: Tensor) -> None:
    if state.shape != (2,):
        raise ValueError(f"{name}: expected a state of shape (2,), got shape {tuple(state.shape)}")


def _infer_draws(name: str, types: Sequence[str]) -> Infer:
    def infer(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
        shape, dtype = attributes
        _check_state(name, inputs[0])
        if dtype not in types:
            raise TypeError(f"{name}: expected a result of {' or '.join(types)}, got {dtype}")
        if min(shape, default=0) < 0:
            raise ValueError(f"{name}: expected a shape of non-negative extents, got {shape}")
        return [(shape, dtype)]

    return infer


for _name in ("random_uniform", "random_normal"):
    register(
        Op(
            _name,
            "random",
            _infer_draws(_name, ("float32", "float64")),
            attributes=(("shape", "shape"), ("dtype", "output_dtype")),
            gradient=zero_gradient,
            operands={0: ("int64",)},
            flops=lambda ins, outs: 20 * math.prod(outs[0]),
            samples=lambda: [
                Sample(_STATE, shape=shape, dtype=dtype)
                for shape in ((), (5,), (33, 7))
                for dtype in ("float32", "float64")
            ],
            tolerance=64.0,
            size="unit",
        )
    )


register(
    Op(
        "random_permutation",
        "random",
        _infer_draws("random_permutation", ("int64",)),
        attributes=(("shape", "shape"), ("dtype", "output_dtype")),
        gradient=zero_gradient,
        dtypes=("int64",),
        samples=lambda: [Sample(_STATE, shape=(size,), dtype="int64") for size in (0, 1, 2, 31, 32, 33, 500)],
        tolerance=0.0,
    )
)


def _infer_dropout(inputs: Sequence[Tensor], attributes: tuple[Any, ...]) -> list[Spec]:
    _check_state("dropout", inputs[1])
    return [(inputs[0].shape, inputs[0].dtype)]


def _dropout_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """The mask is a function of the state, so backward draws it again instead of keeping it."""
    return call("dropout", grads[0], node.inputs[1], attributes=node.attributes), None


register(
    Op(
        "dropout",
        "random",
        _infer_dropout,
        attributes=(("rate", "float"),),
        operands={1: ("int64",)},
        gradient=_dropout_gradient,
        flops=lambda ins, outs: 15 * math.prod(outs[0]),
        samples=lambda: [
            Sample(Arg(shape), _STATE, rate=rate) for shape in ((), (7,), (33, 65)) for rate in (0.0, 0.3, 0.9)
        ],
    )
)


def _state(state: Any) -> Any:
    """Returns a state as int64; what is not of integers is left to the op to refuse."""
    state = as_tensor(state)
    return cast(state, "int64") if dtypes.is_integer(dtype_of(state)) else state


def _drawn(name: str, state: Any, shape: Sequence[int], dtype: Any) -> tuple[Any, str]:
    """Returns draws, and the dtype that they are to have in the end: floats of 16 bits are drawn in float32."""
    wanted = dtypes.standardize(dtype)
    drawn = dtypes.WIDER[wanted] if dtypes.is_float(wanted) and wanted in dtypes.WIDER else wanted
    return invoke(OPS[name], (_state(state),), (tuple(shape), drawn)), wanted


def random_uniform(
    state: Any, shape: Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None
) -> Any:
    """Returns numbers uniform in `[minval, maxval)`, determined by a state `[seed, counter]` (int64)."""
    u, dtype = _drawn("random_uniform", state, shape, dtype)
    return cast(u * (maxval - minval) + minval if (minval, maxval) != (0.0, 1.0) else u, dtype)


def random_normal(state: Any, shape: Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None) -> Any:
    """Returns normally distributed numbers, determined by a state `[seed, counter]` (int64)."""
    z, dtype = _drawn("random_normal", state, shape, dtype)
    return cast(z * stddev + mean if (mean, stddev) != (0.0, 1.0) else z, dtype)


def random_permutation(state: Any, size: int) -> Any:
    """Returns the numbers below `size` (int64) in an order that is determined by a state `[seed, counter]` (int64)."""
    return invoke(OPS["random_permutation"], (_state(state),), ((int(size),), "int64"))


def dropout(inputs: Any, rate: float, state: Any) -> Any:
    """Sets elements to zero with probability `rate` and divides the others by `1 - rate`.

    Args:
        inputs: a tensor or array; integers are converted to the default float type.
        rate: the probability, in `[0, 1)`.
        state: the state `[seed, counter]` (int64) that determines which.
    """
    return invoke(OPS["dropout"], (to_float(inputs), _state(state)), (float(rate),))
