"""Loops and branches whose turns or ways are known when they run, and what is made of `scan`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.function import Function
from dlnative.graph.region import Branch, Loop
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import flatten_structure, map_structure, refill
from dlnative.graph.variable import Variable
from dlnative.ops.control import Traced, at_once, checked, form, parameters_for, scan_rows, symbols, turns_of
from dlnative.ops.conversion import cast
from dlnative.ops.core import as_tensor, dtype_of, integer, invoke, operation, scalar, shown, to_symbol
from dlnative.ops.elementwise import less, maximum, minimum
from dlnative.ops.joining import concatenate
from dlnative.ops.reduction import sum as total
from dlnative.ops.region import BRANCH, LOOP
from dlnative.ops.shape import reshape


def _callable(name: str, **functions: Any) -> None:
    for argument, function in functions.items():
        if not callable(function):
            raise TypeError(f"{name}: {argument} should be a callable, got {shown(function)}")


def _as_condition(name: str, value: Any) -> Tensor:
    """Returns a boolean tensor of rank 0."""
    tensor = to_symbol(as_tensor(value))
    if any(extent != 1 for extent in tensor.shape):
        raise ValueError(f"{name}: expected a condition of one element, got shape {tuple(tensor.shape)}")
    return to_symbol(reshape(cast(tensor, "bool"), ()))


def _whole(name: str, value: Any) -> Any:
    """Returns a bound of a loop as int32."""
    tensor = as_tensor(value)
    if not dtypes.is_integer(dtype_of(tensor)):
        raise TypeError(f"{name}: expected integers as bounds, got dtype {dtype_of(tensor)}")
    return cast(tensor, "int32")


@operation
def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Runs a function again and again, as long as a condition of its results holds.

    Both functions are traced once. How many turns there are is found out when the plan runs.

    Args:
        cond: from the values to whether there is another turn.
        body: from the values to those of the next turn, of the same shapes and types.
        loop_vars: the first values: nested tensors, arrays or numbers. Those of a tuple or a list are given as arguments of
            their own.
        maximum_iterations: the most turns; needed where a gradient is taken.

    Returns:
        The last values, nested as the first.

    Raises:
        TypeError: if a function is not callable.
        ValueError: if the values change their nesting, shapes or types.

    Example:
        >>> int(while_loop(lambda n: n < 100, lambda n: 3 * n, 1))
        243
    """
    _callable("while_loop", cond=cond, body=body)
    turns = None if maximum_iterations is None else integer(maximum_iterations, "while_loop: maximum_iterations")
    if turns is not None and turns < 0:
        raise ValueError(f"while_loop: expected maximum_iterations of 0 or more, got {turns}")
    if at_once(loop_vars):
        run = Function(lambda values: while_loop(cond, body, values, turns))
        return run(map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), loop_vars))
    several = isinstance(loop_vars, (tuple, list))
    values = tuple(loop_vars) if several else (loop_vars,)
    inits = symbols(values)
    carries = parameters_for(inits)
    given = refill(values, carries)
    traced = Traced("while_loop", lambda *args: body(*args), given)
    made = tuple(traced.result) if several and isinstance(traced.result, (tuple, list)) else (traced.result,)
    results = checked("while_loop", "values", given, made)
    variables = list(traced.trace.updates)
    if traced.trace.losses:
        raise ValueError("while_loop: expected a body without losses, got one that adds some")
    looped, captured = traced.body(
        [*carries, *builtins.map(traced.read, variables)], [*results, *builtins.map(traced.left, variables)]
    )
    tested = parameters_for(inits)
    test = Traced("while_loop", lambda *args: _as_condition("while_loop", cond(*args)), refill(values, tested))
    if test.trace.updates:
        raise ValueError("while_loop: expected a condition that assigns nothing, got one that assigns variables")
    asked, captured_by_test = test.body([*tested, *builtins.map(test.read, variables)], [test.result])
    inits += [traced.outer.read(variable) for variable in variables]
    loop = Loop(asked, looped, turns)
    outputs = invoke(LOOP, [*inits, *captured_by_test, *captured], (loop,))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    first = len(outputs) - len(variables)
    for variable, final in builtins.zip(variables, outputs[first:], strict=True):
        traced.outer.assign(variable, final)
    return refill(loop_vars, outputs[:first])


@operation
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Runs a function for each integer of a range, and hands a value on from turn to turn.

    Args:
        lower: the first integer.
        upper: the integer after the last.
        body_fun: from an integer and the value to the next value.
        init_val: the first value: nested tensors, arrays or numbers.

    Returns:
        The last value.

    Raises:
        TypeError: if the function is not callable, or a bound is no integer.

    Example:
        >>> int(fori_loop(0, 5, lambda i, total: total + i, 0))
        10
    """
    _callable("fori_loop", body_fun=body_fun)
    if isinstance(lower, (Tensor, Variable)) or isinstance(upper, (Tensor, Variable)):
        start, end = (_whole("fori_loop", bound) for bound in (lower, upper))
        return while_loop(lambda i, _: less(i, end), lambda i, value: (i + 1, body_fun(i, value)), (start, init_val))[1]
    numbers = np.arange(integer(lower, "fori_loop: lower"), integer(upper, "fori_loop: upper"), dtype=np.int32)
    if at_once(init_val):
        run = Function(lambda value: fori_loop(lower, upper, body_fun, value))
        return run(map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), init_val))
    return scan_rows("fori_loop", lambda value, i: (body_fun(i, value), None), init_val, numbers, numbers.size, False)[
        0
    ]


@operation
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Applies a function to each row of tensors, one after the other, and stacks what it returns.

    Args:
        f: from a row to nested tensors.
        xs: nested tensors or arrays whose first axes have one extent.

    Example:
        >>> import numpy as np
        >>> map(lambda row: row * row, np.array([1.0, 2.0, 3.0], "float32")).tolist()
        [1.0, 4.0, 9.0]
    """
    _callable("map", f=f)
    turns = turns_of("map", xs, None)
    if at_once(xs):
        return Function(lambda xs: map(f, xs))(map_structure(as_tensor, xs))
    return scan_rows("map", lambda _, x: (None, f(x)), None, xs, turns, False)[1]


@operation
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Applies a function to each row of tensors and stacks what it returns; see `map`."""
    _callable("vectorized_map", function=function)
    return map(function, elements)


@operation
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Runs one of two functions.

    Where the condition is a tensor of a traced function, both are traced, and the plan runs one of them.

    Args:
        pred: a boolean, or a tensor of one element.
        true_fn: the function that runs if it is true.
        false_fn: the function that runs if it is not; it returns the same nesting, shapes and types.

    Raises:
        TypeError: if a function is not callable.
        ValueError: if what the functions return differs in kind.

    Example:
        >>> cond(True, lambda: "yes", lambda: "no")
        'yes'
    """
    _callable("cond", true_fn=true_fn, false_fn=false_fn)
    pred = as_tensor(pred)
    if not isinstance(pred, Tensor):
        return true_fn() if bool(pred) else false_fn()
    condition = _as_condition("cond", pred)
    ways = [Traced("cond", function, ()) for function in (true_fn, false_fn)]
    leaves = [flatten_structure(way.result) for way in ways]
    specs = [[(leaf.shape, leaf.dtype) for leaf in made] for made in leaves]
    if form(ways[0].result) != form(ways[1].result) or specs[0] != specs[1]:
        raise ValueError(
            "cond: expected results of the same nesting, shapes and types from true_fn and false_fn, got "
            f"{_described(ways[0].result)} and {_described(ways[1].result)}"
        )
    outer = ways[0].outer
    variables = list(dict.fromkeys([*ways[0].trace.updates, *ways[1].trace.updates]))
    losses = any(way.trace.losses for way in ways)
    bodies, captured = [], []
    for way, made in builtins.zip(ways, leaves, strict=True):
        results = [*made, *builtins.map(way.left, variables)]
        if losses:
            results.append(_sum_of_losses(way))
        body, outside = way.body([], results)
        bodies.append(body)
        captured += outside
    outputs = invoke(BRANCH, [condition, *captured], (Branch(*bodies),)) if bodies[0].results else ()
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    count = len(leaves[0])
    for variable, value in builtins.zip(variables, outputs[count:], strict=False):
        outer.assign(variable, value)
    if losses:
        owners = [owner for way in ways for owner, _ in way.trace.losses]
        outer.losses.append((owners[0], outputs[-1]))
    return refill(ways[0].result, outputs[:count])


def _sum_of_losses(way: Traced) -> Tensor:
    def added() -> Any:
        result = scalar(0.0, np.zeros((), "float32"))
        for _, loss in way.trace.losses:
            result = result + cast(total(loss), "float32")
        return to_symbol(as_tensor(result))

    return way.trace.record(added)


def _described(structure: Any) -> Any:
    return map_structure(lambda leaf: None if leaf is None else f"{leaf.dtype}{list(leaf.shape)}", structure)


@operation
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Runs one of several functions.

    Args:
        index: the number of the function; one that is too small or too large counts as the first or the last.
        branches: functions of the operands that return the same nesting, shapes and types.
        *operands: what they are given.

    Example:
        >>> switch(1, [lambda x: x + 1, lambda x: x * 10], 7)
        70
    """
    if not branches:
        raise ValueError("switch: expected at least one branch, got none")
    _callable("switch", **{f"branch {number}": branch for number, branch in enumerate(branches)})
    index = as_tensor(index)
    last = len(branches) - 1
    if not isinstance(index, Tensor):
        return branches[builtins.min(builtins.max(int(index), 0), last)](*operands)
    chosen = minimum(maximum(index, 0), last)

    def among(first: int, behind: int) -> Any:
        if behind - first == 1:
            return branches[first](*operands)
        middle = (first + behind) // 2
        return cond(less(chosen, middle), lambda: among(first, middle), lambda: among(middle, behind))

    return among(0, len(branches))


@operation
def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Returns all partial results of an associative operation along an axis: of sums, for instance, the running ones.

    Unlike `scan`, it needs as many steps as the extent has binary digits, each on all elements (Hillis and Steele, CACM
    1986).

    Args:
        f: from two nested tensors, the earlier elements and the later ones, to their combination, element by element.
        elems: nested tensors or arrays with one extent along the axis.
        reverse: whether to combine from the end.
        axis: the axis.

    Example:
        >>> import numpy as np
        >>> associative_scan(lambda a, b: a + b, np.arange(5)).tolist()
        [0, 1, 3, 6, 10]
    """
    _callable("associative_scan", f=f)
    axis = integer(axis, "associative_scan: axis")
    leaves = [as_tensor(leaf) for leaf in flatten_structure(elems)]
    extents = {leaf.shape[axis] if len(leaf.shape) > builtins.max(axis, -axis - 1) else None for leaf in leaves}
    if len(extents) != 1 or any(len(leaf.shape) <= builtins.max(axis, -axis - 1) for leaf in leaves):
        raise ValueError(
            f"associative_scan: expected tensors with the same first dimension along axis {axis}, got shapes "
            f"{[tuple(leaf.shape) for leaf in leaves]}"
        )
    count = extents.pop()
    if count is None:  # while a functional model is recorded, only shapes are asked for
        return f(elems, elems)

    def cut(leaf: Any, start: int | None, stop: int | None) -> Any:
        return leaf[(slice(None),) * (axis % len(leaf.shape)) + (slice(start, stop),)]

    distance = 1
    while distance < count:
        ends = ([cut(leaf, None, -distance) for leaf in leaves], [cut(leaf, distance, None) for leaf in leaves])
        earlier, later = (refill(elems, end) for end in (ends[::-1] if reverse else ends))
        made = flatten_structure(f(earlier, later))
        rest = [cut(leaf, -distance, None) if reverse else cut(leaf, None, distance) for leaf in leaves]
        pairs = builtins.zip(made, rest, strict=True) if reverse else builtins.zip(rest, made, strict=True)
        leaves = [concatenate(pair, axis=axis) for pair in pairs]
        distance *= 2
    return refill(elems, leaves)
