"""Calls of public functions with arguments that may be right, odd or wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.backends import selection

from .values import TYPES, Generator, array, pick, shape

# What a function may raise for arguments that it does not take, all of it before anything runs.
REFUSALS = (ValueError, TypeError, OverflowError, IndexError, NotImplementedError, MemoryError)
_LEFT_OUT = {
    "scan", "map", "vectorized_map", "while_loop", "fori_loop", "cond", "switch", "custom_gradient", "associative_scan",
    "convert_to_numpy", "shape", "dtype", "is_tensor", "saturate_cast", "unstack", "vectorize", "apply_along_axis",
    "empty", "empty_like", "rearrange",
}  # fmt: skip


def functions() -> dict[str, Callable[..., Any]]:
    """Returns the public functions of `dlnative.ops` by name."""
    found = {name: getattr(ops, name) for name in sorted(set(ops.__all__))}
    return {
        name: function
        for name, function in found.items()
        if callable(function) and not inspect.isclass(function) and name not in _LEFT_OUT
    }


FUNCTIONS = functions()


def argument(random: Generator, name: str, tensors: list[Any]) -> Any:
    """Returns something for a parameter: most often what its name asks for."""
    rank = np.ndim(tensors[0]) if tensors else 2
    axes = list(range(-rank, rank)) or [0]
    by_name: dict[str, Callable[[], Any]] = {
        "axis": lambda: pick(random, [*axes, *axes, None, (0,), tuple(axes[:2]), rank, 0.5, "x"]),
        "axes": lambda: pick(random, [None, list(random.permutation(rank)), axes[:1], 1]),
        "keepdims": lambda: bool(random.integers(2)),
        "shape": lambda: pick(random, [shape(random), -1, (-1,), (2, -1), (0, -1), 5]),
        "newshape": lambda: pick(random, [(-1,), -1, shape(random, 2), (0, -1), (1, -1, 1)]),
        "dtype": lambda: pick(random, [*TYPES, None, "complex64", int, float]),
        "num_classes": lambda: int(random.integers(0, 9)),
        "k": lambda: int(random.integers(-1, 6)),
        "n": lambda: int(random.integers(0, 6)),
        "indices": lambda: array(random, shape(random, 1), "int32"),
    }
    if name in by_name and random.random() < 0.85:
        return by_name[name]()
    return pick(
        random, [0, 1, -1, 2, 0.5, -2.5, True, None, np.float32(1.5), np.int64(2), 2**40, float("nan"), "x", (), [1, 2]]
    )


def tensor_names(function: Callable[..., Any]) -> tuple[list[str], list[inspect.Parameter]]:
    """Returns the names of the first parameters without a default, and the other parameters."""
    parameters = list(inspect.signature(function).parameters.values())
    required = [
        p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [p.name for p in required], [p for p in parameters if p not in required and p.kind is not p.VAR_KEYWORD]


_NOT_TENSORS = {
    "shape",
    "newshape",
    "axis",
    "axes",
    "num_classes",
    "dtype",
    "k",
    "n",
    "repeats",
    "pad_width",
    "shift",
    "N",
}


def make(random: Generator) -> tuple[str, list[Any], dict[str, Any]]:
    """Returns the name of a function and arguments for it."""
    name = pick(random, list(FUNCTIONS))
    names, optional = tensor_names(FUNCTIONS[name])
    of, dtype, extremes = shape(random), pick(random, TYPES), random.random() < 0.2
    tensors: list[Any] = []
    args = []
    for parameter in names:
        if parameter in _NOT_TENSORS:
            args.append(argument(random, parameter, tensors))
            continue
        if random.random() < 0.12:
            of = shape(random)
        elif random.random() < 0.2 and of:  # broadcasts
            of = tuple(1 if random.random() < 0.5 else extent for extent in of)
        if random.random() < 0.15:
            dtype = pick(random, TYPES)
        value: Any = argument(random, "", []) if random.random() < 0.06 else array(random, of, dtype, extremes)
        if parameter in ("xs", "inputs", "arrays") or (parameter in ("x", "operands") and random.random() < 0.02):
            value = [value, array(random, of, dtype, extremes)]
        tensors.append(value if isinstance(value, np.ndarray) else np.zeros(of))
        args.append(value)
    kwargs = {
        p.name: argument(random, p.name, tensors)
        for p in optional
        if random.random() < 0.35 and p.kind is not p.VAR_POSITIONAL
    }
    return name, args, kwargs


def run(name: str, args: list[Any], kwargs: dict[str, Any], backend: str) -> Any:
    """Returns what a call gives on a backend, or the error with which it is refused."""
    with selection.use_backend(backend), np.errstate(all="ignore"):
        try:
            return FUNCTIONS[name](*args, **kwargs)
        except REFUSALS as error:
            if "\n" in str(error) and type(error).__module__ == "builtins" and "subscripts" not in str(error):
                return AssertionError(f"an error of several lines: {error}")
            return error


_PRODUCTS = {"dot", "einsum", "inner", "matmul", "tensordot", "vdot"}
# Where a rounding of the operands makes a leap of the result, halves are not compared.
_LEAPS = {"floor_divide", "mod", "remainder", "fmod", "divmod", "digitize", "searchsorted", "argsort", "round"}


def check(random: Generator) -> str | None:
    """Makes a call and compares the backends; returns what is wrong, or `None`."""
    return compare(*make(random))


def told_call(name: str, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Returns a call as one may write it."""
    return f"ops.{name}({', '.join(map(told, args))}, {', '.join(f'{k}={told(v)}' for k, v in kwargs.items())})"


def compare(name: str, args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """Makes a call on both backends; returns what is wrong, or `None`."""
    call = told_call(name, args, kwargs)
    before = [value.copy() if isinstance(value, np.ndarray) else None for value in args]
    found, wanted = (run(name, args, kwargs, backend) for backend in ("cpu", "reference"))
    for value, copy in zip(args, before, strict=True):
        if copy is not None and value.tobytes() != copy.tobytes():
            return f"{call}: an argument was changed"
    for result in (found, wanted):
        if isinstance(result, AssertionError):
            return f"{call}: {result}"
    if isinstance(found, Exception) or isinstance(wanted, Exception):
        if isinstance(wanted, MemoryError):
            return None  # the reference may need more than the cpu
        if type(found) is not type(wanted):
            return f"{call}: {told(found)} on the cpu, {told(wanted)} on the reference"
        return None
    if name in _LEAPS and any("float16" in str(getattr(value, "dtype", "")) for value in args):
        return None
    results = found if isinstance(found, (tuple, list)) else [found]
    if name in _PRODUCTS and scale(args) > 1e6 and getattr(found, "dtype", np.dtype(float)).kind in "iu":
        return None  # products of integers are exact as far as sums stay below 2**53
    unsigned = any(str(getattr(result, "dtype", "")).startswith("uint") for result in results)
    if unsigned and any(map(_holds_floats, [*args, *kwargs.values()])):
        return None  # below zero a float has no value there: NumPy gives what the processor gives
    line = differ(found, wanted, scale(args))
    return f"{call}: {line}" if line else None


def _holds_floats(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or getattr(getattr(value, "dtype", None), "kind", "") in "fV"


def scale(args: list[Any]) -> float:
    """Returns the largest finite number among arguments."""
    largest = 1.0
    for value in args:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, np.ndarray) and item.dtype.kind in "fiub" and item.size:
                numbers = np.abs(item.astype(np.float64))
                largest = max(largest, float(numbers[np.isfinite(numbers)].max(initial=0.0)))
    return largest


def differ(found: Any, wanted: Any, scale: float) -> str | None:
    """Returns how nested results differ, or `None`."""
    if isinstance(wanted, (tuple, list)):
        if len(found) != len(wanted):
            return f"{len(found)} results on the cpu, {len(wanted)} on the reference"
        lines = (differ(a, b, scale) for a, b in zip(found, wanted, strict=True))
        return next((line for line in lines if line), None)
    a, b = np.asarray(found), np.asarray(wanted)
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype} {a.shape} on the cpu, {b.dtype} {b.shape} on the reference"
    if a.dtype.kind in "OSU":
        return None if str(found) == str(wanted) else f"{found!r} and {wanted!r}"
    if a.dtype.kind in "iub":
        return f"{int((a != b).sum())} of {a.size} elements differ" if (a != b).any() else None
    if a.dtype.kind == "c":
        return differ(a.real, b.real, scale) or differ(a.imag, b.imag, scale)
    if a.ndim > 1 and a.size > 1 << 22:  # a row at a time: the memory of the process is limited
        lines = (differ(*rows, scale) for rows in zip(a, b, strict=True))
        return next((f"row {row}: {line}" for row, line in enumerate(lines) if line), None)
    a, b = a.astype(np.float64), b.astype(np.float64)
    eps = {2: 2.0**-7, 4: 2.0**-23, 8: 2.0**-52}[np.asarray(found).dtype.itemsize]
    with np.errstate(all="ignore"):
        bound = 2e4 * eps * (np.abs(b) + scale * max(1.0, scale if scale < 1e3 else 1.0)) + 1e-36
        wrong = ~((np.abs(a - b) <= bound) | (a == b) | (np.isnan(a) & np.isnan(b)))
        near_overflow = np.abs(b) > 1e37  # one step before infinity on one side, infinity on the other
        wrong &= ~(near_overflow & (np.isinf(a) | (np.abs(a) > 1e37)))
    if not wrong.any():
        return None
    place = tuple(map(int, np.argwhere(wrong)[0]))
    return f"{a[place]!r} on the cpu and {b[place]!r} on the reference at {place}, {int(wrong.sum())} of {a.size}"


def told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=12, separator=",").replace("\n", "")
        return f"{value.dtype}{list(value.shape)}{'' if value.flags.c_contiguous else ' strided'} {text[:120]}"
    if isinstance(value, list):
        return "[" + ", ".join(map(told, value)) + "]"
    return f"{type(value).__name__}({value})" if isinstance(value, Exception) else repr(value)[:120]
