"""How variables lie in memory: one behind the other in a block, which an optimizer updates as one, and views of a block."""

from __future__ import annotations

from collections.abc import Sequence

from dlnative import dtypes
from dlnative.backends.selection import invalidate
from dlnative.graph.arena import padded
from dlnative.graph.op import size_of
from dlnative.graph.storage import Memory, zeroed
from dlnative.graph.variable import Variable


def flatten_variables(variables: Sequence[Variable]) -> None:
    """Moves variables that have memory of their own into one block for each dtype, in order, each on a cache line.

    Variables that share a block already stay where they are: another model may use it. So do those whose memory somebody
    looks at.
    """
    alone = [
        variable for variable in variables if variable.root.nbytes == padded(variable.nbytes) and not variable.is_viewed
    ]
    for dtype in dict.fromkeys(variable.own_dtype for variable in alone):
        group = [variable for variable in alone if variable.own_dtype == dtype]
        if len(group) < 2:
            continue
        nbytes = sum(padded(variable.nbytes) for variable in group)
        root = zeroed(nbytes, unset=nbytes)
        offset = 0
        for variable in group:
            value = variable.value
            variable.place(root, offset)
            variable._value[...] = value
            offset += padded(variable.nbytes)
        clear_padding(group)


def clear_padding(variables: Sequence[Variable]) -> None:
    """Zeroes what lies behind each variable up to the next cache line: an update of a whole block computes with it, too."""
    for variable in variables:
        end = variable.offset + variable.nbytes
        padding = variable.root[end : variable.offset + padded(variable.nbytes)]
        padding[...] = 0
        invalidate(padding)


def contiguous_runs(variables: Sequence[Variable]) -> list[list[Variable]]:
    """Cuts a list of variables into runs that lie one behind the other in memory."""
    runs: list[list[Variable]] = []
    for variable in variables:
        previous = runs[-1][-1] if runs else None
        if (
            previous is not None
            and previous.root is variable.root
            and previous.offset + padded(previous.nbytes) == variable.offset
        ):
            runs[-1].append(variable)
        else:
            runs.append([variable])
    return runs


def block_of(run: Sequence[Variable], name: str) -> Variable:
    """Returns a flat variable over the memory of a contiguous run."""
    first, last = run[0], run[-1]
    nbytes = last.offset + padded(last.nbytes) - first.offset
    return view_of(first.root, first.offset, (nbytes // dtypes.ITEM_SIZES[first.own_dtype],), first.own_dtype, name)


def views_like(run: Sequence[Variable], block: Variable, name: str, home: str = "") -> list[Variable]:
    """Returns variables over a block's memory that have the shapes and the layout of a run; `home` begins their paths."""
    base = run[0].offset - block.offset
    views = []
    for variable in run:
        own_name = f"{variable.path.replace('/', '_')}_{name}"
        views.append(view_of(block.root, variable.offset - base, variable.shape, variable.own_dtype, own_name))
        views[-1].path = home + own_name
    return views


def view_of(root: Memory, offset: int, shape: tuple[int, ...], dtype: str, name: str) -> Variable:
    """Returns a variable over existing memory."""
    variable = Variable.__new__(Variable)
    variable.name = variable.path = name
    variable._treatment = (False, None, None)
    variable.own_dtype = dtype
    variable.shape = shape
    variable.nbytes = size_of(shape) * dtypes.ITEM_SIZES[dtype]
    variable.place(root, offset)
    return variable
