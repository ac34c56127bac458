"""Functions of arrays, compiled once for each signature: traced, planned, and handed to the backend."""

from __future__ import annotations

import gc
import weakref
from _thread import RLock  # as in threading, which takes 3 ms to import
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative.backends import selection
from dlnative.backends.program import Array, Executor, Program
from dlnative.graph.planning.planner import plan
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import Trace, constant, current_trace
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.graph.variable import Variable

_compiling = RLock()


class Compiled:
    """A traced function, ready to run.

    Args:
        trace: what tracing left behind.
        outputs: nested symbolic tensors (other leaves are returned as they are).
        backend: the backend to run on.
    """

    __slots__ = ("_changes", "_places", "executor", "leaves", "outputs", "program")

    def __init__(self, trace: Trace, outputs: Any, backend: str) -> None:
        self.outputs = outputs
        self.leaves = [leaf for leaf in flatten_structure(outputs) if isinstance(leaf, Tensor)]
        self.program: Program = plan(trace, self.leaves)
        self.executor: Executor = selection.build(self.program, backend)
        variables: dict[Variable, None] = dict.fromkeys(trace.reads)
        variables.update(dict.fromkeys(trace.updates))
        for finalizer in trace.finalizers:
            variables.update(dict.fromkeys(finalizer.inputs))
        self._places = [(variable, variable.root, variable.offset) for variable in variables]
        self._changes = selection.changes[0]

    @property
    def current(self) -> bool:
        """Whether all variables still have the memory that they had when the plan was made."""
        if self._changes != selection.changes[0]:
            if any(variable.root is not root or variable.offset != offset for variable, root, offset in self._places):
                return False
            self._changes = selection.changes[0]
        return True

    def run(self, feeds: list[Array]) -> Any:
        """Runs on arrays of exactly the feeds' shapes and dtypes and returns the outputs, nested as they were traced."""
        results = self.executor.run(feeds)
        if isinstance(self.outputs, Tensor):
            return results[0] if results[0].ndim else results[0][()]
        pending = iter(results)
        return map_structure(lambda leaf: next(pending) if isinstance(leaf, Tensor) else leaf, self.outputs)


def compile_trace(
    function: Callable[..., Any], specs: Sequence[tuple[tuple[int, ...], str]], backend: str | None = None
) -> Compiled:
    """Traces a function of symbolic tensors and compiles it.

    Args:
        function: takes the trace and a list with a tensor for each spec; returns nested tensors.
        specs: shapes and dtypes.
        backend: the backend, by default the one in use.
    """
    with _compiling, _collector_resting():
        with Trace() as trace:
            outputs = function(trace, [trace.feed(shape, dtype) for shape, dtype in specs])
            outputs = map_structure(_symbolic, outputs)
        compiled = Compiled(trace, outputs, backend or selection.backend())
        trace.release()
        return compiled


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Keeps Python's search for cycles away from a graph that is being made: it would find nothing, several times."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _symbolic(leaf: Any) -> Any:
    """A leaf of what a traced function returns: arrays and variables become tensors of the plan."""
    if isinstance(leaf, Variable):
        trace = current_trace()
        assert trace is not None
        return trace.read(leaf)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return constant(np.array(leaf, order="C"))
    return leaf


class WeakMethod:
    """A method of an object that this does not keep alive: what an object holds had better not hold the object."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = weakref.WeakMethod(method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        method = self._method()
        assert method is not None
        return method(*args, **kwargs)


class Function:
    """A Python function of nested arrays that runs as a plan.

    Args:
        function: a function written in `dlnative.ops`. Keyword arguments are taken as they are: a new plan is made for
            each value of them.
        capacity: how many signatures are kept; the oldest is dropped first.
    """

    def __init__(self, function: Callable[..., Any], capacity: int = 64) -> None:
        self.function = function
        self.capacity = capacity
        self._plans: dict[Any, Compiled] = {}
        self._direct: dict[Any, Compiled] = {}
        # What `changes` was when one array was given last, and what takes another such array to its result, or to None.
        self.shortest: tuple[int, Callable[[Any], Any]] | None = None

    def __call__(self, *args: Any, **static: Any) -> Any:
        compiled, feeds = self.compiled(args, static)
        if len(args) == 1 and feeds[0] is args[0]:
            while len(self._direct) >= self.capacity:
                self._direct.pop(next(iter(self._direct)), None)
            self._direct[_direct_key(feeds[0], static)] = compiled
        return compiled.run(feeds)

    def direct(self, x: Array, **static: Any) -> Compiled | None:
        """Returns the plan of an earlier call with one array of this shape, type and layout, which can be fed as it is.

        Args:
            x: the array.
            **static: the keyword arguments, in the order of that call.
        """
        found = self._direct.get(_direct_key(x, static))
        return found if found is not None and found.current else None

    def keep_shortest(self, compiled: Compiled) -> None:
        """Keeps the shortest way to a plan, for calls with one array; good until something changes."""
        call = getattr(compiled.executor, "call", None)
        if call is not None and isinstance(compiled.outputs, Tensor):
            self.shortest = selection.changes[0], call

    def compiled(self, args: tuple[Any, ...], static: dict[str, Any]) -> tuple[Compiled, list[Array]]:
        """Returns the plan for these arguments, and its feeds."""
        feeds = [_to_feed(leaf) for leaf in flatten_structure(args)]
        key = (
            selection.backend(),
            tuple((feed.shape, feed.dtype.num) for feed in feeds),
            _form(args),
            tuple(static.items()) if static else None,
        )
        found = self._plans.get(key)
        if found is None or not found.current:
            found = compile_trace(
                lambda trace, feed_tensors: self.function(*_refill(args, iter(feed_tensors)), **static),
                [(feed.shape, dtypes.of_array(feed)) for feed in feeds],
            )
            while len(self._plans) >= self.capacity:
                self._plans.pop(next(iter(self._plans)), None)
            self._plans[key] = found
        return found, feeds


def _direct_key(x: Array, static: dict[str, Any]) -> Any:
    return selection.backend(), x.shape, x.dtype, x.flags.c_contiguous, *static.items()


def _form(structure: Any) -> Any:
    """Returns the nesting of a structure as something hashable."""
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, *(_form(item) for item in structure))
    if isinstance(structure, dict):
        return tuple((key, _form(structure[key])) for key in sorted(structure))
    return structure is None


def _refill(structure: Any, leaves: Any) -> Any:
    """Returns the structure with its leaves, taken in the order of `flatten_structure`, replaced."""
    if isinstance(structure, (list, tuple)):
        return type(structure)(_refill(item, leaves) for item in structure)
    if isinstance(structure, dict):
        return {key: _refill(structure[key], leaves) for key in sorted(structure)}
    return None if structure is None else next(leaves)


def _to_feed(x: Any) -> Array:
    """Returns a C-contiguous array of a supported dtype; Python floats become the default float type."""
    return x.value if isinstance(x, Variable) else np.asarray(dtypes.as_array(x), order="C")
