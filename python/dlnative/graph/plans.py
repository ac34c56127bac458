"""The cache of compiled plans: one for the process, which each owner of plans sees through a view of its own.

A plan is good for a signature (shapes, types, nesting, static arguments), for a backend and a default float type, and as
long as everything that was looked at while it was traced is as it was: the memory of variables, what is trainable, the
attributes of layers. When the cache holds more bytes than it may, the plans that were not used for the longest time go.
"""

from __future__ import annotations

import gc
import itertools
import operator
import os
import weakref
from _thread import RLock  # as in threading, which takes 3 ms to import
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative import version_counter as version
from dlnative.backends import selection
from dlnative.backends.backend import Executor
from dlnative.backends.program import Array, Program
from dlnative.graph.planning.planner import plan
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import ReadAfterUpdate, Trace, constant, current_trace
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.graph.variable import Variable, keepers

_MOST_BYTES = 1 << 28  # of all plans together; the memory they compute in is shared, and counts for none
_MOST_STATES = 8  # plans for one signature, as layers are frozen and thawed
# What the objects of a program take in Python and in C++, about.
_BYTES_A_PLAN, _BYTES_AN_INSTRUCTION, _BYTES_A_BUFFER = 4096, 1536, 512

uses = itertools.count()
# How often a plan that depends on what lists, sets and dicts hold was found good by an owner that does not look inside.
_found_elsewhere = [0]
_lock = RLock()
_resting = [False]  # whether Python's search for cycles is switched off and will be switched on again


class Compiled:
    """A traced function, ready to run.

    Args:
        trace: what tracing left behind.
        outputs: nested symbolic tensors (other leaves are returned as they are).
    """

    __slots__ = (
        "__weakref__", "_dependencies", "_places", "_version", "contents", "executor", "leaves", "nbytes", "outputs",
        "program", "used", "written",
    )  # fmt: skip

    def __init__(self, trace: Trace, outputs: Any) -> None:
        backend = selection.current()
        self.outputs = outputs
        self.leaves = [leaf for leaf in flatten_structure(outputs) if isinstance(leaf, Tensor)]
        self.program: Program = plan(trace, self.leaves, backend.limits)
        self.executor: Executor = backend.build(self.program)
        self.nbytes = (
            _BYTES_A_PLAN
            + _BYTES_AN_INSTRUCTION * len(self.program.instructions)
            + _BYTES_A_BUFFER * len(self.program.buffers)
            + self.program.constant_bytes
        )
        self.used = next(uses)
        variables: dict[Variable, None] = dict.fromkeys(trace.reads)
        variables.update(dict.fromkeys(trace.updates))
        for finalizer in trace.finalizers:
            variables.update(dict.fromkeys(finalizer.inputs))
        self.written = trace.written()
        self._version = version.current[0]
        self._places = [(variable, variable.root, variable.offset) for variable in variables]
        # Weakly: an owner of plans is most often among these, and what it holds had better not hold it.
        self._dependencies = [(weakref.ref(item), item.plan_state()) for item in trace.dependencies]
        # Lists, sets and dicts among what the dependencies are in that state with, and what stands in them.
        self.contents = [(found, _parts(found)) for item in trace.dependencies for found in item.containers()]

    @property
    def current(self) -> bool:
        """Whether everything that was looked at while tracing is as it was."""
        if self._version == version.current[0]:
            return True
        now = version.current[0]
        for variable, root, offset in self._places:
            if variable.root is not root or variable.offset != offset:
                return False
        for reference, state in self._dependencies:
            item = reference()
            if item is not None:
                found = item.plan_state()
                if len(found) != len(state) or not all(map(operator.is_, found, state)):
                    return False
        self._version = now
        return True

    @property
    def same_contents(self) -> bool:
        """Whether lists, sets and dicts of the dependencies hold what they held when the plan was last good."""
        for container, parts in self.contents:
            held = container if container.__class__ is list else _parts(container)
            if len(held) != len(parts) or not all(map(operator.is_, held, parts)):
                return False
        return True

    def run(self, feeds: list[Array]) -> Any:
        """Runs on arrays of exactly the feeds' shapes and dtypes and returns the outputs, nested as they were traced."""
        results = self.executor.run(feeds)
        if isinstance(self.outputs, Tensor):
            return results[0] if results[0].ndim else results[0][()]
        pending = iter(results)
        return map_structure(lambda leaf: _unwrapped(next(pending)) if isinstance(leaf, Tensor) else leaf, self.outputs)


def _parts(container: Any) -> tuple[Any, ...]:
    return (*container, *container.values()) if container.__class__ is dict else tuple(container)


def _unwrapped(result: Array) -> Any:
    """A NumPy scalar for an array of rank 0."""
    return result if result.ndim else result[()]


def compiling() -> RLock:
    """Returns the lock that whoever traces holds, and whoever builds a layer: one at a time."""
    return _lock


Specs = Sequence[tuple[tuple[int, ...], str]]


def compile_trace(function: Callable[[Trace, list[Tensor]], Any], specs: Specs) -> Compiled:
    """Traces a function of symbolic tensors and compiles it.

    Args:
        function: takes the trace and a list with a tensor for each spec; returns nested tensors.
        specs: shapes and dtypes.
    """
    # Python's search for cycles would find nothing in a graph that is being made, several times. It is switched off within
    # the try: an exception of a signal handler cannot come between that and what switches it on again.
    enabled = gc.isenabled()
    with _lock:
        try:
            _resting[0] = enabled
            gc.disable()
            try:
                trace, outputs = _traced(function, specs, in_order=False)
            except ReadAfterUpdate:
                trace, outputs = _traced(function, specs, in_order=True)
            compiled = Compiled(trace, outputs)
            trace.release()
            return compiled
        finally:
            if enabled:
                gc.enable()
                _resting[0] = False


def _traced(function: Callable[[Trace, list[Tensor]], Any], specs: Specs, in_order: bool) -> tuple[Trace, Any]:
    trace = Trace(in_order)
    feeds = [trace.feed(shape, dtype) for shape, dtype in specs]
    return trace, trace.record(lambda: map_structure(_symbolic, function(trace, feeds)))


def _symbolic(leaf: Any) -> Any:
    """A leaf of what a traced function returns: arrays and variables become tensors of the plan."""
    if isinstance(leaf, Variable):
        trace = current_trace()
        assert trace is not None
        return trace.read(leaf)
    if isinstance(leaf, (np.ndarray, np.generic)):
        return constant(np.array(leaf, order="C"))
    return leaf


class Plans:
    """The plans of one owner, by signature: its view of the cache.

    Args:
        looks_inside: whether the owner calls `look_inside` before it runs plans.
    """

    __slots__ = (
        "__weakref__", "_by_signature", "_elsewhere", "_found", "_looks_inside", "_setting", "_version", "nbytes",
        "shortest",
    )  # fmt: skip

    def __init__(self, looks_inside: bool = False) -> None:
        self._looks_inside = looks_inside
        self._elsewhere = -1
        self._by_signature: dict[Hashable, list[Compiled]] = {}  # the latest first
        self._found: dict[Hashable, Compiled] = {}  # what is good as long as the version stands still
        self._setting: Hashable = None
        self._version = -1
        self.nbytes = 0
        # The shortest way to a result: the version for which it is good, and what takes arrays of the kind that came last
        # to their result, or to None.
        self.shortest: tuple[int, Callable[..., Any]] = (-1, _nothing)
        reference = weakref.ref(self, _forget)
        _views[id(reference)] = reference

    def __iter__(self) -> Iterator[Compiled]:
        for compiled in list(self._by_signature.values()):
            yield from compiled

    def __len__(self) -> int:
        return sum(map(len, self._by_signature.values()))

    def clear(self) -> None:
        """Drops all plans."""
        self._by_signature, self._found, self.nbytes, self.shortest = {}, {}, 0, (-1, _nothing)

    def find(self, signature: Hashable) -> Compiled | None:
        """Returns the plan for a signature, if there is a good one."""
        if self._version != version.current[0]:
            self._look_again()
        found = self._found.get(signature)
        if found is None:
            for compiled in self._by_signature.get((signature, self._setting), ()):
                if compiled.current:
                    found = self._found[signature] = compiled
                    self._note_contents(compiled)
                    _keep_written(compiled)
                    break
            else:
                return None
        found.used = next(uses)
        return found

    def get(self, signature: Hashable, function: Callable[[Trace, list[Tensor]], Any], specs: Specs) -> Compiled:
        """Returns the plan for a signature, compiling it if there is no good one.

        Args:
            signature: what the plan is for.
            function: what is traced; see `compile_trace`.
            specs: shapes and dtypes of the feeds.
        """
        found = self.find(signature)
        if found is not None:
            return found
        with _lock:
            found = self.find(signature)  # another thread may have been faster
            if found is None:
                found = compile_trace(function, specs)
                self.keep(signature, found)
        return found

    def keep(self, signature: Hashable, compiled: Compiled) -> None:
        """Adds a plan."""
        if self._version != version.current[0]:
            self._look_again()  # tracing may have built layers
        plans = self._by_signature.setdefault((signature, self._setting), [])
        plans.insert(0, compiled)
        self.nbytes += compiled.nbytes
        self._found[signature] = compiled
        self._note_contents(compiled)
        _keep_written(compiled)
        for outdated in plans[_MOST_STATES:]:
            self.drop((signature, self._setting), outdated)
        _drop_oldest(compiled)

    def look_inside(self) -> None:
        """Looks whether lists, sets and dicts of layers hold what they held when plans were found good.

        If not, or if other owners have found plans good since this was last called, all plans look at what they depend on.
        """
        if self._elsewhere == _found_elsewhere[0]:
            if self._version != version.current[0]:
                return  # these look anyway
            for compiled in list(self._found.values()):
                if not compiled.same_contents:
                    break
            else:
                return
        version.bump()
        self._elsewhere = _found_elsewhere[0]

    def _note_contents(self, compiled: Compiled) -> None:
        if compiled.contents and not self._looks_inside:
            _found_elsewhere[0] += 1

    def also(self, signature: Hashable, compiled: Compiled) -> None:
        """Makes a plan known by another signature, as long as nothing changes."""
        if self._version == version.current[0]:
            self._found[signature] = compiled

    def remember(self, compiled: Compiled) -> None:
        """Makes the way to a plan with a single result the shortest."""
        if isinstance(compiled.outputs, Tensor):
            self.shortest = version.current[0], compiled.executor.call

    def drop(self, key: Hashable, compiled: Compiled) -> None:
        """Removes a plan."""
        plans = self._by_signature.get(key, [])
        if compiled not in plans:
            return
        plans.remove(compiled)
        if not plans:
            self._by_signature.pop(key, None)
        self._found = {known: found for known, found in self._found.items() if found is not compiled}
        self.shortest = (-1, _nothing)
        self.nbytes -= compiled.nbytes

    def items(self) -> list[tuple[Any, Compiled]]:
        """Returns the plans with their keys: signature and setting."""
        return [(key, compiled) for key, plans in list(self._by_signature.items()) for compiled in list(plans)]

    def _look_again(self) -> None:
        self._found = {}
        self._setting = selection.current().name, dtypes.floatx(), dtypes.epsilon()
        self._version = version.current[0]


def _keep_written(compiled: Compiled) -> None:
    """Tells those who want to know which variables a plan is about to write to."""
    for keep in keepers:
        for variable in compiled.written:
            keep(variable)


def _nothing(*arguments: Any) -> None:
    return None


_views: dict[int, weakref.ref[Plans]] = {}


def _forget(reference: weakref.ref[Plans]) -> None:
    _views.pop(id(reference), None)


def _drop_oldest(newest: Compiled) -> None:
    """Drops the plans that were not used for the longest time, but for the newest, until the others fit with some space."""
    views = [view for reference in list(_views.values()) if (view := reference()) is not None]
    excess = sum(view.nbytes for view in views) - _MOST_BYTES
    if excess <= 0:
        return
    excess += _MOST_BYTES // 16  # to look at all plans costs time: not for each new one
    known = [(compiled.used, view, key, compiled) for view in views for key, compiled in view.items()]
    for _, view, key, compiled in sorted(known, key=operator.itemgetter(0)):
        if excess <= 0:
            return
        if compiled is not newest:
            view.drop(key, compiled)
            excess -= compiled.nbytes


def _begin_in_child() -> None:
    """Another thread, which a child of a fork does not have, may have been compiling."""
    global _lock
    _lock = RLock()
    if _resting[0]:
        gc.enable()
        _resting[0] = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)
