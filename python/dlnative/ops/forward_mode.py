"""Derivatives in a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.autodiff import pull_back
from dlnative.graph.function import Function
from dlnative.graph.tensor import next_serial
from dlnative.graph.tree import map_structure, refill
from dlnative.ops.control import at_once, symbols
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, call, shown, to_symbol
from dlnative.ops.creation import zeros_like


def _add(a: Any, b: Any) -> Any:
    return call("add", a, b)


def _directional(ys: list[Any], xs: list[Any], directions: list[Any], since: int) -> list[Any]:
    """Returns the products of the derivatives of `ys` by `xs` with directions; zeros where there is none.

    The gradient of u y by x is linear in u, and its own gradient by u, with the direction arriving, is the derivative of y.
    """
    made: list[Any] = [zeros_like(y) for y in ys]
    places = [place for place, y in enumerate(ys) if dtypes.is_float(y.dtype)]
    if not places:
        return made
    seeds = [to_symbol(zeros_like(ys[place])) for place in places]
    found = pull_back([ys[place] for place in places], seeds, xs, _add, since=since)
    arriving = [(dx, direction) for dx, direction in zip(found, directions, strict=True) if dx is not None]
    if arriving:
        targets, arrive = zip(*arriving, strict=True)
        for place, dy in zip(places, pull_back(targets, arrive, seeds, _add, since=since), strict=True):
            if dy is not None:
                made[place] = dy
    return made


def jvp(fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """Returns the value of a function and its derivative in a direction (a Jacobian-vector product).

    Args:
        fun: a function of tensors that returns nested tensors; with `has_aux`, a pair of these and anything else.
        primals: its arguments, nested tensors, arrays or numbers of float types.
        tangents: the direction, nested as the arguments.
        has_aux: whether the function returns more than what is differentiated.

    Returns:
        `(values, derivatives)`, nested alike; with `has_aux` also what else the function returned.

    Raises:
        TypeError: if `fun` is not callable.
        ValueError: if direction and arguments differ in nesting or shapes, or an argument is of no float type.

    Example:
        >>> from dlnative import ops
        >>> value, derivative = jvp(lambda x: x**3, (2.0,), (1.0,))
        >>> float(value), float(derivative)
        (8.0, 12.0)
    """
    if not callable(fun):
        raise TypeError(f"jvp: expected a function, got {shown(fun)}")
    for name, values in (("primals", primals), ("tangents", tangents)):
        if not isinstance(values, (tuple, list)):
            raise TypeError(f"jvp: expected a tuple of arguments for {name}, got {shown(values)}")
    primals, tangents = tuple(primals), tuple(tangents)
    if at_once(primals, tangents):
        inputs, directions = (map_structure(as_tensor, values) for values in (primals, tangents))
        return tuple(Function(lambda xs, vs: jvp(fun, xs, vs, has_aux))(inputs, directions))
    since = next_serial()
    xs, directions = symbols(primals), symbols(tangents)
    if len(xs) != len(directions) or any(tuple(x.shape) != tuple(v.shape) for x, v in zip(xs, directions, strict=True)):
        raise ValueError(
            f"jvp: expected a direction of shapes {[tuple(x.shape) for x in xs]}, as the arguments, got "
            f"{[tuple(v.shape) for v in directions]}"
        )
    for x in xs:
        if not dtypes.is_float(x.dtype):
            raise ValueError(f"jvp: expected arguments of float types, got {x.dtype}")
    # An argument that comes twice has a direction in each place.
    xs = [call("reshape", x, attributes=(tuple(x.shape),)) for x in xs]
    directions = [to_symbol(cast(v, x.dtype)) for x, v in zip(xs, directions, strict=True)]
    result = fun(*refill(primals, xs))
    if has_aux and (not isinstance(result, (tuple, list)) or len(result) != 2):
        raise ValueError(f"jvp: expected a function that returns a pair, got {shown(result)}")
    value = result[0] if has_aux else result
    ys = symbols(value)
    derivatives = refill(value, _directional(ys, xs, directions, since))
    value = refill(value, ys)
    return (value, derivatives, result[1]) if has_aux else (value, derivatives)


__all__ = ["jvp"]
