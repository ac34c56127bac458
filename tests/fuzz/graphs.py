"""Random functions of arrays: as a plan and op by op, on both backends, on one thread and on two, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import dlnative
from dlnative import ops
from dlnative.backends import selection
from dlnative.graph.function import Function

from .calls import differ
from .values import Generator, laid_out, pick


def _has_classes(x: Any) -> bool:
    return len(x.shape) > 0 and x.shape[-1] > 0


# Values stay in [-1, 1] or so: what differs by its rounding at one place must not be made large at the next.
_UNARY: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "leaky_relu": lambda x: ops.leaky_relu(x, 0.3),
    "elu": ops.elu,
    "softplus": lambda x: 0.5 * ops.softplus(x),
    "sin": ops.sin,
    "square": lambda x: ops.square(ops.tanh(x)),
    "negative": ops.negative,
    "half": lambda x: x * 0.5,
    "shift": lambda x: 0.5 * (x + 0.25),
    "copy": lambda x: x + 0.0,
    "softmax": lambda x: ops.softmax(x, axis=-1) if _has_classes(x) else x,
    "log_softmax": lambda x: 0.1 * ops.log_softmax(x, axis=-1) if _has_classes(x) else x,
    "abs": ops.abs,
    "clip": lambda x: ops.clip(x, -0.5, 0.5),
    "stop_gradient": ops.stop_gradient,
    "where": lambda x: ops.where(x > 0.1, x, 0.25 * x),
    "cast": lambda x: ops.cast(ops.cast(x, "float64"), x.dtype),
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "mean": lambda a, b: 0.5 * (a + b),
    "difference": lambda a, b: 0.5 * (a - b),
    "product": ops.multiply,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "residual": lambda a, b: ops.tanh(a + b),
}


def _reshapes(random: Generator, x: Any) -> Any:
    shape = tuple(x.shape)
    rank = len(shape)
    how = int(random.integers(8))
    if how == 0:
        return ops.reshape(x, (-1,)) if 0 not in shape else x
    if how == 1 and rank:
        return ops.transpose(x, tuple(int(axis) for axis in random.permutation(rank)))
    if how == 2 and rank:
        axis = int(random.integers(rank))
        return 0.5 * ops.concatenate([x, x], axis=axis)
    if how == 3 and rank and shape[0] > 1:
        return x[int(random.integers(shape[0])) :]
    if how == 4 and rank and shape[-1] > 1:
        return x[..., : int(random.integers(1, shape[-1]))]
    if how == 5 and rank:
        axis = int(random.integers(rank))
        return (
            pick(random, [ops.mean, ops.max, ops.min])(x, axis=axis, keepdims=bool(random.integers(2)))
            if shape[axis]
            else x
        )
    if how == 6:
        return ops.expand_dims(x, 0) if rank < 5 else x
    if how == 7 and rank:
        return ops.sum(x, axis=-1) / max(shape[-1], 1)
    return x


def _product(random: Generator, x: Any) -> Any:
    k = x.shape[-1]
    n = int(pick(random, (1, 2, 5, 16, 33, 70)))
    weights = random.uniform(-1, 1, (k, n)).astype(x.dtype) / max(float(k), 1.0) ** 0.5
    y = ops.matmul(x, weights)
    if random.random() < 0.6:
        y = y + random.uniform(-0.5, 0.5, (n,)).astype(x.dtype)
    return pick(random, [*_UNARY.values()])(y) if random.random() < 0.7 else y


def build(seed: int, steps: int) -> Callable[..., Any]:
    """Returns a function of arrays that makes the same steps each time it is called."""

    def function(*arrays: Any) -> Any:
        random = np.random.Generator(np.random.Philox(seed))
        values = list(arrays)
        for _ in range(steps):
            x = values[int(random.integers(max(0, len(values) - 4), len(values)))]
            kind = random.random()
            if kind < 0.4:
                y = pick(random, [*_UNARY.values()])(x)
            elif kind < 0.6:
                other = values[int(random.integers(len(values)))]
                try:
                    extents = np.broadcast_shapes(tuple(x.shape), tuple(other.shape))
                except ValueError:
                    other, extents = x, ()
                y = pick(random, [*_BINARY.values()])(x, other) if np.prod(extents, dtype=float) < 2e5 else x
            elif kind < 0.75 and len(x.shape) >= 2:
                y = _product(random, x)
            else:
                y = _reshapes(random, x)
            if np.prod(y.shape, dtype=float) < 4e5:
                values.append(y)
        results = values[len(arrays) :][-3:]
        return results or [ops.negative(values[-1])]

    return function


def check(random: Generator) -> str | None:
    """Builds a function, runs it in all ways, and returns what is wrong, or `None`."""
    dtype = pick(random, ("float32", "float32", "float64"))
    extents = (0, 1, 2, 3, 5, 8, 17, 33) if random.random() < 0.8 else (64, 130, 257)
    shape = tuple(int(pick(random, extents)) for _ in range(int(random.integers(1, 4))))
    shape = shape if np.prod(shape) < 2e5 else shape[:2]
    plain = [random.uniform(-1, 1, shape).astype(dtype) for _ in range(int(random.integers(1, 4)))]
    arrays = [laid_out(random, values) for values in plain]
    function = build(int(random.integers(2**60)), int(random.integers(1, 14)))
    found: dict[str, Any] = {}
    for backend in ("cpu", "reference"):
        with selection.use_backend(backend):
            found[backend] = Function(function)(*arrays)
    found["op by op"] = function(*plain)
    for other in ("reference", "op by op"):
        line = differ(found["cpu"], found[other], 1.0)
        if line:
            return f"{dtype}{list(shape)}, {other}: {line}"
    threads = dlnative.num_threads()
    try:
        for count in (1, 2):
            dlnative.set_num_threads(count)
            again = Function(function)(*arrays)
            if any(a.tobytes() != b.tobytes() for a, b in zip(again, found["cpu"], strict=True)):
                return f"{dtype}{list(shape)}: other bits on {count} threads"
    finally:
        dlnative.set_num_threads(threads)

    def scalar(*args: Any) -> Any:
        return sum(ops.sum(ops.cast(y, dtype) * 0.1) for y in function(*args))

    gradients = {}
    for backend in ("cpu", "reference"):
        with selection.use_backend(backend):
            gradients[backend] = dlnative.value_and_grad(scalar, tuple(range(len(arrays))))(*arrays)
    line = differ(gradients["cpu"], gradients["reference"], 10.0)
    return f"{dtype}{list(shape)}, gradients: {line}" if line else None
