"""Running a traced function with other values of variables than their own, which it leaves as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from dlnative import dtypes
from dlnative import version_counter as version
from dlnative.graph.tensor import Tensor
from dlnative.graph.trace import ReadAfterUpdate, Trace, current_trace
from dlnative.graph.tree import map_structure
from dlnative.graph.variable import Variable, keepers

# The scopes that were entered outside of a trace, the innermost last.
scopes: list[StatelessScope] = []


def run_with(
    variables: Sequence[Variable], values: Sequence[Any], function: Callable[[], Any]
) -> tuple[Any, list[Any]]:
    """Runs a function in the current trace and takes back what it assigns.

    Args:
        variables: variables.
        values: what they are while the function runs.
        function: the function.

    Returns:
        What the function returns, and the values that it leaves in the variables.
    """
    trace = current_trace()
    assert trace is not None
    before = dict(trace.updates)
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        result = map_structure(lambda leaf: trace.read(leaf) if isinstance(leaf, Variable) else leaf, function())
        return result, [trace.read(variable) for variable in variables]
    finally:
        _take_back(trace, variables, before)


def _take_back(trace: Trace, variables: Iterable[Variable], before: dict[Variable, Tensor]) -> None:
    for variable in variables:
        if variable in before:
            trace.updates[variable] = before[variable]
        else:
            trace.updates.pop(variable, None)


class StatelessScope:
    """A scope in which variables have values of their own, and what is assigned to them is kept here instead of in them.

    In a traced function values may be symbolic, and gradients flow through them. Outside, the values stand in the
    variables while the scope is open, so other threads see them, and what they assign meanwhile is taken back too.

    Args:
        state_mapping: pairs of a variable and its value in the scope, a tensor or array of its shape.
        collect_losses: whether `losses` gets what layers add to the loss in the scope.
        initialize_variables: Keras's name; variables have their first value from the start, so it must be true.

    Raises:
        ValueError: for what is no variable, or a value of another shape.

    Example:
        >>> import numpy as np
        >>> v = Variable([1.0, 2.0])
        >>> with StatelessScope([(v, np.array([5.0, 6.0]))]) as scope:
        ...     total = v.assign_add([1.0, 1.0])
        >>> v.numpy().tolist(), scope.get_current_value(v).tolist()
        ([1.0, 2.0], [6.0, 7.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        if not initialize_variables:
            raise ValueError(
                "StatelessScope: expected initialize_variables=True, there are no variables without a value"
            )
        self.collect_losses = collect_losses
        self.initialize_variables = True
        self.losses: list[Any] = []
        self._values: dict[Variable, Any] = {}
        self._before: dict[Variable, Any] = {}
        self._trace: Trace | None = None
        self._open = False
        for variable, value in state_mapping or ():
            self._values[variable] = _value_of(variable, value)

    def __enter__(self) -> StatelessScope:
        trace = current_trace()
        if self._open:
            raise ValueError("StatelessScope: expected a scope that is not open already")
        if trace is None and any(isinstance(value, Tensor) for value in self._values.values()):
            raise ValueError(
                "StatelessScope: expected arrays as values outside of a traced function, got a symbolic tensor"
            )
        self._trace, self._open = trace, True
        if trace is None:
            self._before = {}
            scopes.append(self)
            keepers.append(self._keep)
            version.bump()  # plans that are found from here on say what they write to
        else:
            self._before = dict(trace.updates)
            self._finalized, self._added = len(trace.finalizers), len(trace.losses)
        for variable, value in list(self._values.items()):
            variable.assign(value)
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        trace, before = self._trace, self._before
        self._trace, self._before, self._open = None, {}, False
        if trace is None:
            scopes.remove(self)
            keepers.remove(self._keep)
            version.bump()
            self._values.update({variable: variable.numpy() for variable in before})
            for variable, value in reversed(before.items()):  # a block of parameters is the memory of others
                variable.restore(value)
            return
        if kind is None and len(trace.finalizers) != self._finalized:
            raise ReadAfterUpdate  # traced once more, optimizers assign where they stand
        changed = {variable: value for variable, value in trace.updates.items() if before.get(variable) is not value}
        self._values.update(changed)
        if self.collect_losses:
            self.losses += [loss for _, loss in trace.losses[self._added :]]
        _take_back(trace, changed, before)

    def _keep(self, variable: Variable) -> None:
        if keepers[-1] == self._keep and variable not in self._before:
            self._before[variable] = variable.numpy()

    def collect(self, loss: Any) -> None:
        """Adds a loss, if losses are collected and this is the innermost scope."""
        if self.collect_losses and scopes[-1] is self:
            self.losses.append(loss)

    def add_loss(self, loss: Any) -> None:
        """Adds a loss."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Gives a variable another value in the scope.

        Args:
            update: the variable and the value.
        """
        variable, value = update
        value = _value_of(variable, value)
        if self._open:
            variable.assign(value)
        else:
            self._values[variable] = value

    def get_current_value(self, variable: Variable) -> Any:
        """Returns the value that a variable has, or had at the end, in the scope; `None` if it got none there."""
        if self._open and self._trace is not None:
            now = self._trace.updates.get(variable)
            return now if now is not self._before.get(variable) else self._values.get(variable)
        if self._open and variable in self._before:
            return variable.numpy()
        return self._values.get(variable)


def _value_of(variable: Any, value: Any) -> Any:
    """Returns a value for a variable in a scope, an array or a tensor."""
    if not isinstance(variable, Variable):
        raise ValueError(f"StatelessScope: expected a Variable in each pair of state_mapping, got {variable!r}")
    if isinstance(value, Variable):
        trace = current_trace()
        value = value.numpy() if trace is None else trace.read(value)
    if not isinstance(value, Tensor):
        value = np.array(value, dtypes.NUMPY[variable.own_dtype])
    if tuple(value.shape) != variable.shape:
        raise ValueError(
            f'StatelessScope: expected a value of shape {variable.shape} for the variable "{variable.path}", '
            f"got shape {tuple(value.shape)}"
        )
    return value
