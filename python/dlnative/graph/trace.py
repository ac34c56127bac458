"""Tracing: while a function runs on symbolic tensors, its trace remembers what it reads, assigns and adds to the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from dlnative import dtypes
from dlnative.graph.tensor import Node, Tensor

if TYPE_CHECKING:
    from dlnative.graph.variable import Variable

Result = TypeVar("Result")

# A variable of the context, not a stack: when a trace ends, be it by an exception of a signal handler at any moment, the
# interpreter itself puts back what was there before.
_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


class Dependency(Protocol):
    """Something beside its arguments that a function looked at while it was traced: a layer, an optimizer."""

    def plan_state(self) -> tuple[Any, ...]:
        """Returns what plans depend on. As long as all parts are the same objects, a plan that was good is good."""

    def containers(self) -> list[Any]:
        """Returns the lists, sets and dicts whose parts are in that: they change without a sound."""


class ReadAfterUpdate(Exception):  # noqa: N818 it asks for another trace, and reaches nobody
    """A trace reads or assigns a variable whose new value no tensor has: an update in place at the end makes it."""


class Finalizer:
    """An op that runs on variables' memory after everything else, in place: the update of an optimizer.

    Args:
        op: the op's name.
        inputs: the variables it reads.
        outputs: the variables it writes, which may be among the inputs.
        attributes: attribute values in the order of the op table.
    """

    __slots__ = ("attributes", "inputs", "op", "outputs")

    def __init__(
        self, op: str, inputs: list[Variable], outputs: list[Variable], attributes: tuple[Any, ...] = ()
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes


class Trace:
    """What one run of a function on symbolic tensors left behind.

    Args:
        in_order: whether updates are made where they stand, so that what follows sees the new values: for functions that
            raised `ReadAfterUpdate` without it.
    """

    def __init__(self, in_order: bool = False) -> None:
        self.in_order = in_order
        self._final: set[Variable] = set()
        self.feeds: list[Tensor] = []
        self.reads: dict[Variable, Tensor] = {}
        self.updates: dict[Variable, Tensor] = {}
        self.finalizers: list[Finalizer] = []
        self.losses: list[tuple[Any, Tensor]] = []  # who added them, and what
        self.found: dict[Any, tuple[int, Any]] = {}  # what was looked for more than once; see layers/weights.py
        self.nodes: list[Node] = []
        self.autocast: str | None = None  # the type in which float variables are read, where it is not their own
        self.dependencies: dict[Dependency, None] = {}
        self._scalars: dict[tuple[Any, str], Tensor] = {}

    def record(self, function: Callable[[], Result]) -> Result:
        """Calls a function and remembers what it does with tensors and variables."""
        return copy_context().run(self._call, function)

    def _call(self, function: Callable[[], Result]) -> Result:
        _current.set(self)
        return function()

    def depends_on(self, dependency: Dependency) -> None:
        """Remembers that the function looked at something whose change makes another plan necessary."""
        self.dependencies[dependency] = None

    def release(self) -> None:
        """Takes the graph apart when nobody needs it any more.

        Nodes and tensors refer to each other: left to Python's collector, they would keep the memory of all variables for
        a while after the last use of a model.
        """
        for node in self.nodes:
            node.inputs = node.outputs = ()
        self.nodes.clear()

    def feed(self, shape: tuple[Any, ...], dtype: str) -> Tensor:
        """Returns a new input of the plan."""
        tensor = Tensor(shape, dtype, source=len(self.feeds))
        self.feeds.append(tensor)
        return tensor

    def read(self, variable: Variable) -> Tensor:
        """Returns the variable's value at this point of the trace: after the assignments made so far."""
        if variable in self._final:
            raise ReadAfterUpdate
        if variable not in self.reads:
            self.reads[variable] = Tensor(variable.shape, variable.own_dtype, source=variable)
        return self.updates.get(variable, self.reads[variable])

    def first(self, variable: Variable) -> Tensor:
        """Returns the variable's value before all assignments."""
        self.read(variable)
        return self.reads[variable]

    def assign(self, variable: Variable, value: Tensor) -> None:
        """Makes `value` the variable's value for the rest of the trace and after it."""
        if variable in self._final:
            raise ReadAfterUpdate
        self.updates[variable] = value

    def finalize(
        self,
        op: str,
        inputs: list[Variable],
        outputs: list[Variable],
        attributes: tuple[Any, ...] = (),
        parts: Sequence[Variable] = (),
    ) -> None:
        """Appends an op that runs in place on variables, after all assignments, in the order of these calls.

        Args:
            op, inputs, outputs, attributes: see `Finalizer`.
            parts: variables that lie in the memory of the outputs.

        Raises:
            ReadAfterUpdate: if parts are updated already: the assignments between would be lost.
        """
        if parts and not self._final.isdisjoint(parts):
            raise ReadAfterUpdate
        self._final.update(outputs, parts)
        self.finalizers.append(Finalizer(op, inputs, outputs, attributes))

    def written(self) -> list[Variable]:
        """Returns the variables that assignments and finalizers write to."""
        return list(dict.fromkeys([*self.updates, *self._final]))

    def scalar(self, value: bool | int | float, dtype: str) -> Tensor:
        """Returns a constant of rank 0."""
        key = (value or str(value), dtype)  # 0.0 and -0.0 are equal
        tensor = self._scalars.get(key)
        if tensor is None:
            tensor = self._scalars[key] = constant(np.asarray(value, dtype))
        return tensor


def without_trace(function: Callable[[], Result]) -> Result:
    """Calls a function that computes at once, although a trace is being recorded."""

    def call() -> Result:
        _current.set(None)
        return function()

    return copy_context().run(call)


def constant(array: np.ndarray[Any, Any]) -> Tensor:
    """Returns a tensor with a known value. The array must not change afterwards."""
    return Tensor(array.shape, dtypes.of_array(array), source=array)


# Returns the trace that is being recorded in this context, or None.
current_trace = _current.get
