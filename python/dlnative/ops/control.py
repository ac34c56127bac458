"""Loops and branches: `scan` and what is made of it, `while_loop` and `cond`.

Their functions are traced once. What they read from outside is given to them; variables that they assign are carried.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

from dlnative.graph.function import Function
from dlnative.graph.region import Body, Scan, captured_tensors, parameter
from dlnative.graph.tensor import Tensor, serial_now
from dlnative.graph.trace import Trace, current_trace
from dlnative.graph.tree import flatten_structure, map_structure, refill
from dlnative.graph.variable import Variable
from dlnative.ops.core import as_tensor, integer, invoke, is_symbolic, operation, shown, to_symbol
from dlnative.ops.joining import concatenate, stack
from dlnative.ops.reduction import sum as total
from dlnative.ops.region import SCAN
from dlnative.ops.shape import reshape


class Traced:
    """A function of tensors, run once in a trace of its own.

    Args:
        name: who asks, for errors.
        function: the function.
        arguments: what it is given.
    """

    def __init__(self, name: str, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        outer = current_trace()
        assert outer is not None
        self.outer = outer
        self.start = serial_now()
        trace = Trace()
        self.result = trace.record(
            lambda: map_structure(
                lambda leaf: None if leaf is None else to_symbol(as_tensor(leaf)), function(*arguments)
            )
        )
        outer.nodes.extend(trace.nodes)
        outer.dependencies.update(trace.dependencies)
        if trace.finalizers:
            raise ValueError(f"{name}: expected a function without optimizer updates, got one that applies gradients")
        self.trace = trace

    def body(self, parameters: Sequence[Tensor], results: Sequence[Tensor]) -> tuple[Body, list[Tensor]]:
        """Returns the body with these parameters and results, and the captured tensors as they are known outside."""
        captured = captured_tensors(
            results, parameters, lambda tensor: tensor.node is None or tensor.node.serial < self.start
        )
        own = {id(tensor): variable for variable, tensor in self.trace.reads.items()}
        outside = [self.outer.read(own[id(tensor)]) if id(tensor) in own else tensor for tensor in captured]
        return Body(parameters, results, captured), outside

    def read(self, variable: Variable) -> Tensor:
        """Returns what a variable is when the function begins."""
        return self.trace.first(variable)

    def left(self, variable: Variable) -> Tensor:
        """Returns what a variable is when the function ends."""
        return self.trace.updates.get(variable, self.trace.first(variable))


def parameters_for(leaves: Sequence[Tensor]) -> list[Tensor]:
    return [parameter(leaf.shape, leaf.dtype) for leaf in leaves]


def symbols(structure: Any) -> list[Tensor]:
    return [to_symbol(as_tensor(leaf)) for leaf in flatten_structure(structure)]


def at_once(*structures: Any) -> bool:
    """Whether to run on arrays now: nobody traces."""
    return current_trace() is None and not is_symbolic(*structures)


def checked(name: str, what: str, given: Any, made: Any) -> list[Tensor]:
    """Returns the leaves of what a function returned for the next turn, which must be as those that it was given."""
    before, after = flatten_structure(given), flatten_structure(made)
    if form(given) != form(made):
        raise ValueError(f"{name}: expected {what} nested as {form(given)}, got {form(made)}")
    for old, new in builtins.zip(before, after, strict=True):
        if old.shape != new.shape or old.dtype != new.dtype:
            raise ValueError(
                f"{name}: expected {what} of shape {tuple(old.shape)} and dtype {old.dtype}, as it was given, got "
                f"{tuple(new.shape)} and {new.dtype}"
            )
    return after


def form(structure: Any) -> Any:
    return map_structure(lambda leaf: None if leaf is None else "*", structure)


def scan_rows(
    name: str, function: Callable[..., Any], init: Any, xs: Any, turns: int | None, reverse: bool
) -> tuple[Any, Any]:
    """Traces the function, and returns the last carry and the stacked results."""
    inits, rows = symbols(init), symbols(xs)
    carries = parameters_for(inits)
    xs_of_turn = [parameter(x.shape[1:], x.dtype) for x in rows]
    given = refill(init, carries)
    traced = Traced(name, function, (given, refill(xs, xs_of_turn)))
    if not isinstance(traced.result, (tuple, list)) or len(traced.result) != 2:
        raise ValueError(f"{name}: expected a function that returns a carry and a result, got {shown(traced.result)}")
    after, made = traced.result
    results = checked(name, "a carry", given, after)
    variables = list(traced.trace.updates)
    carries += [traced.read(variable) for variable in variables]
    results += [traced.left(variable) for variable in variables]
    ys = flatten_structure(made)
    body, captured = traced.body([*carries, *xs_of_turn], [*results, *ys, *(loss for _, loss in traced.trace.losses)])
    inits += [traced.outer.read(variable) for variable in variables]
    outputs = invoke(SCAN, [*inits, *rows, *captured], (Scan(body, len(carries), turns, reverse),))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    finals, stacks = outputs[: len(carries)], outputs[len(carries) :]
    first = len(carries) - len(variables)
    for variable, final in builtins.zip(variables, finals[first:], strict=True):
        traced.outer.assign(variable, final)
    for (owner, _), stacked in builtins.zip(traced.trace.losses, stacks[len(ys) :], strict=True):
        traced.outer.losses.append((owner, total(stacked, axis=0)))
    return refill(init, finals[:first]), refill(made, stacks[: len(ys)])


def turns_of(name: str, xs: Any, length: Any) -> int | None:
    """Returns the number of rows; `None` where that is not known while a functional model is recorded."""
    counts = {"length": integer(length, f"{name}: length")} if length is not None else {}
    unknown = False
    for index, leaf in enumerate(flatten_structure(xs)):
        shape = tuple(as_tensor(leaf).shape)
        if not shape:
            raise ValueError(f"{name}: expected tensors with a first axis, got shape {shape}")
        if shape[0] is None:
            unknown = True
        else:
            counts[f"xs {index}"] = shape[0]
    if not counts and unknown:
        return None
    if not counts:
        raise ValueError(f"{name}: expected something to scan over and no `length`, or a `length`, got neither")
    if len(set(counts.values())) > 1:
        raise ValueError(f"{name}: expected first axes of one extent, got {counts}")
    turns = next(iter(counts.values()))
    if turns < 0:
        raise ValueError(f"{name}: expected a length of 0 or more, got {turns}")
    return turns


@operation
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Runs a function on row after row, and hands a carry on from turn to turn.

    `f` is traced once. It runs as one instruction of the plan, whatever the number of rows; so does its gradient.

    Args:
        f: from a carry and a row of `xs` to the next carry, of the same shapes and types, and a result. Variables that it
            assigns keep their values from turn to turn.
        init: the first carry: nested tensors, arrays or numbers.
        xs: nested tensors whose first axes have one extent, or `None`.
        length: the number of turns; needed without `xs`.
        reverse: whether to go from the last row to the first.
        unroll: how many turns the function is traced for; all if true. It changes no value.

    Returns:
        The last carry, and the results, stacked along a new first axis in the order of the rows.

    Raises:
        TypeError: if `f` is not callable.
        ValueError: if the extents differ, or the carry changes its nesting, shapes or types.

    Example:
        >>> import numpy as np
        >>> carry, sums = scan(lambda total, x: (total + x, total + x), 0.0, np.array([1.0, 2.0, 4.0], "float32"))
        >>> float(carry), sums.tolist()
        (7.0, [1.0, 3.0, 7.0])
    """
    if not callable(f):
        raise TypeError(f"scan: f should be a callable, got {shown(f)}")
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"scan: unroll must be an positive integer or boolean, got {shown(unroll)}")
    if xs is None and length is None:
        raise ValueError("scan: expected `xs` to scan over and, where it is None, a `length`, got neither")
    turns = turns_of("scan", xs, length)
    if at_once(init, xs):
        return tuple(Function(lambda init, xs: scan(f, init, xs, turns, reverse, unroll))(_tensors(init), _tensors(xs)))
    if turns is None:
        return scan_rows("scan", f, init, xs, None, bool(reverse))
    at_a_time = turns if unroll is True else min(int(unroll), turns)
    if at_a_time <= 1 and unroll is not True:
        return scan_rows("scan", f, init, xs, turns, bool(reverse))
    return _unrolled(f, init, xs, turns, bool(reverse), at_a_time)


def _tensors(structure: Any) -> Any:
    return map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), structure)


def _unrolled(f: Any, init: Any, xs: Any, turns: int, reverse: bool, at_a_time: int) -> tuple[Any, Any]:
    """Applies the function several times in a turn, and to the rows that are left one by one."""

    def several(carry: Any, rows: Any, count: int) -> tuple[Any, Any]:
        made = []
        for index in range(count)[:: -1 if reverse else 1]:
            carry, y = f(carry, refill(rows, [x[index] for x in flatten_structure(rows)]))
            made.append(y)
        leaves = [flatten_structure(y) for y in (made[::-1] if reverse else made)]
        return carry, refill(made[0], [stack(group) for group in builtins.zip(*leaves, strict=True)])

    carry, xs = refill(init, symbols(init)), refill(xs, symbols(xs))
    groups, rest = divmod(turns, at_a_time) if at_a_time else (0, 0)
    if groups <= 1 and not rest and turns:
        return several(carry, xs, turns)
    if not turns:
        return scan_rows("scan", f, carry, xs, 0, reverse)
    grouped = groups * at_a_time
    # Those that are left are the last that are visited.
    first = rest if reverse else 0
    middle = map_structure(
        lambda x: None if x is None else reshape(x[first : first + grouped], (groups, at_a_time, *x.shape[1:])), xs
    )
    carry, ys = scan_rows("scan", lambda c, x: several(c, x, at_a_time), carry, middle, groups, reverse)
    ys = map_structure(lambda y: None if y is None else reshape(y, (grouped, *y.shape[2:])), ys)
    if rest:
        left = map_structure(lambda x: None if x is None else (x[:rest] if reverse else x[grouped:]), xs)
        carry, others = several(carry, left, rest)
        parts = (others, ys) if reverse else (ys, others)
        joined = builtins.zip(*map(flatten_structure, parts), strict=True)
        ys = refill(ys, [concatenate(pair, axis=0) for pair in joined])
    return carry, ys
