"""Compares random calls of ops, their gradients, and layers with Keras, for as long as one likes.

    KERAS_BACKEND=jax python -m tests.keras.random_calls [--seconds 600] [--seed 0] [name ...]

Keras, and the framework that it runs on, must be installed. Each kind of deviation is told once, with the number of its case,
and counted. What dlnative does otherwise on purpose (docs/conventions.md) is told, too, unless it is in `_KNOWN`.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.fuzz import layers
from tests.fuzz.calls import told, told_call
from tests.fuzz.draw import Draw
from tests.fuzz.tables import ARGUMENTS

import dlnative
import keras
from dlnative import tree

# By name: what Keras refuses or computes otherwise on JAX, with reasons in docs/conventions.md or in Keras's own errors.
_KNOWN = {
    "argpartition", "bincount", "erf", "floor_divide", "fmod", "glu", "histogram", "log_sigmoid", "logsumexp", "max_pool",
    "average_pool", "nonzero", "rsqrt", "sigmoid", "silu", "sort", "argsort", "sparsemax", "swish", "top_k", "amax", "amin",
    "hard_tanh", "EinsumDense", "RMSNormalization", "array_split", "hypot", "psnr", "separable_conv", "depthwise_conv",
}  # fmt: skip
_TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 3e-5, "float64": 3e-5}  # Keras computes many in float32
_WIDTHS = ({"float32", "float64"}, {"int32", "int64"}, {"uint32", "uint64"})  # JAX narrows, or widens Python numbers


def _array(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(value))


def _native(value: Any) -> Any:
    """Returns an array in this machine's byte order, which is the only one that JAX takes."""
    return value.astype(value.dtype.newbyteorder("=")) if isinstance(value, np.ndarray) else value


def deviation(found: Any, expected: Any) -> str | None:
    """Returns how results differ from Keras's, or `None`."""
    found, expected = tree.flatten(found), [_array(y) for y in tree.flatten(expected)]
    if len(found) != len(expected):
        return f"results: {len(found)}, Keras {len(expected)}"
    for a, b in zip(map(np.asarray, found), expected, strict=True):
        if a.shape != b.shape:
            return f"shape: {a.shape}, Keras {b.shape}"
        types = {str(a.dtype), str(b.dtype)}
        if len(types) > 1 and not any(types <= widths for widths in _WIDTHS):
            return f"type: {a.dtype}, Keras {b.dtype}"
        tolerance = max(_TOLERANCE.get(name, 0.0) for name in types)
        x, y = (z.astype("complex128" if z.dtype.kind == "c" else "float64") for z in (a, b))
        with np.errstate(all="ignore"):
            size = np.max(np.where(np.isfinite(y), np.abs(y), 0), initial=0)
            near = (
                (np.abs(x - y) <= tolerance * (np.abs(y) + 0.1 * size + 0.01)) | (x == y) | (np.isnan(x) & np.isnan(y))
            )
        if not near.all():
            place = tuple(map(int, np.argwhere(~near)[0]))
            return f"value: {a[place]!r}, Keras {b[place]!r} at {place}, {int((~near).sum())} of {near.size}"
    return None


def _attempt(function: Callable[[], Any]) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function()
        except Exception as error:
            return error


def _call(library: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return getattr(library.ops, name)(*args, **kwargs)


def _slopes(name: str, args: list[Any], kwargs: dict[str, Any], seed: int) -> tuple[Any, Any] | None:
    """Returns the gradients for the first argument of a weighted sum of the results, here and with JAX."""
    import jax

    x = args[0] if args else None
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not x.size or not np.isfinite(x).all():
        return None
    x = x.astype("float32") + np.float32(1e-3) * np.random.default_rng(seed).standard_normal(x.shape).astype("float32")

    def total(library: Any, x: Any) -> Any:
        random, found = np.random.default_rng(seed), 0.0
        for y in tree.flatten(_call(library, name, [x, *args[1:]], kwargs)):
            if "float" in str(y.dtype):
                weights = random.standard_normal(tuple(y.shape)).astype("float32")
                found = found + library.ops.sum(library.ops.cast(y, "float32") * weights)
        return found

    ours = _attempt(lambda: dlnative.value_and_grad(lambda x: total(dlnative, x))(x)[1])
    return ours, _attempt(lambda: jax.grad(lambda x: total(keras, x))(jax.numpy.asarray(x)))


def _layer(library: Any, name: str, config: dict[str, Any], inputs: list[Any], seed: int) -> Any:
    """Returns what a layer of given weights makes of inputs."""
    layer = layers.make(library.layers, name, config)
    layer(*inputs)
    random = np.random.default_rng(seed)
    layer.set_weights([random.uniform(0.1, 1, w.shape).astype(w.dtype) for w in layer.get_weights()])
    return [layer(*inputs), *layer.get_weights(), np.array(layer.count_params())]


def cases(draw: Draw, names: list[str], seed: int) -> tuple[str, str, list[tuple[str, Any, Any]]]:
    """Makes a call of an op or a layer in both libraries; returns its name, how it reads, and pairs of results."""
    name = draw.pick(*names)
    if name in layers.SETTINGS:
        config, inputs = tree.map_structure(_native, layers.SETTINGS[name](draw))
        pair = [
            _attempt(lambda library=library: _layer(library, name, config, inputs, seed))
            for library in (dlnative, keras)
        ]
        return name, f"{name}({config}) of {told(inputs)}", [("", pair[0], pair[1])]
    args, kwargs = tree.map_structure(_native, ARGUMENTS[name](draw))
    pair = [_attempt(lambda library=library: _call(library, name, args, kwargs)) for library in (dlnative, keras)]
    found = [("", pair[0], pair[1])]
    if keras.backend.backend() == "jax" and any("float" in str(getattr(y, "dtype", "")) for y in tree.flatten(pair[0])):
        slopes = _slopes(name, args, kwargs, seed)
        found += [("gradient ", *slopes)] if slopes and not isinstance(slopes[1], Exception) else []
    return name, told_call(name, args, kwargs), found


def _difference(found: Any, expected: Any) -> str | None:
    """Returns how two results or refusals differ, or `None`."""
    if isinstance(found, Exception):
        return None if isinstance(expected, Exception) else told(found)
    return f"Keras: {told(expected)}" if isinstance(expected, Exception) else deviation(found, expected)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "names", nargs="*", help="ops and layers; by default all that Keras has, and that are not known to differ"
    )
    chosen = parser.parse_args()
    there = [name for name in ARGUMENTS if hasattr(keras.ops, name)]
    there += [name for name in layers.SETTINGS if hasattr(keras.layers, name) and name not in layers.DRAWN]
    names = chosen.names or [name for name in there if name not in _KNOWN]
    end, number, alike, counts = time.monotonic() + chosen.seconds, chosen.seed, 0, {}
    while time.monotonic() < end:
        draw = Draw(np.random.Generator(np.random.Philox(number)))
        name, call, pairs = cases(draw, names, number)
        for what, found, expected in pairs:
            line = _difference(found, expected)
            if line is None:
                alike += 1
                continue
            kind = (name, what, line[:24])
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] == 1:
                print(f"{number} {what}{call[:300]}: {line[:300]}", flush=True)
        number += 1
    print(
        f"{number - chosen.seed} cases from {chosen.seed} on: {alike} alike, {sum(counts.values())} not, of {len(counts)} kinds"
    )


if __name__ == "__main__":
    main()
