"""The base of all metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative.graph.function import Function, WeakMethod
from dlnative.graph.stateless import run_with
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.losses.loss import computed_in
from dlnative.utils.naming import auto_name


class Metric:
    """A number gathered over batches: `update_state` sees a batch, `result` gives the number, `reset_state` begins anew.

    A subclass makes variables with `add_weight` and writes `update_state` and `result` in `dlnative.ops`. Variables and
    metrics that it holds as attributes, also in lists and dicts, are part of it.

    Args:
        name: a name.
        dtype: the type of its variables and its result, by default `floatx()`.
    """

    _direction: str | None = (
        None  # "up" if larger is better, "down" if smaller; what callbacks with mode "auto" ask for
    )

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype = computed_in(dtype)
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        """The type of the variables and the result."""
        return self._dtype

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Makes a variable, zeros by default, that `reset_state` sets to zero.

        Args:
            shape: the shape.
            initializer: what gives the first value.
            dtype: the type, by default that of the metric.
            aggregation: only `"sum"`: there is one copy of a variable.
            name: a name.
        """
        from dlnative import initializers

        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"{type(self).__name__}: expected super().__init__() before variables are made, got none"
            )
        if aggregation not in ("sum", "mean", "none", "only_first_replica", None):
            raise ValueError(f'{self.name}: expected an aggregation such as "sum", got {aggregation!r}')
        make = initializers.get("zeros" if initializer is None else initializer)
        variable = Variable(make, tuple(shape), dtype or self.dtype, trainable=False, name=name or "variable")
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Sequence[int] = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The variables: its own in the order of their making, then those of the metrics that it holds."""
        held = _held(list(self.__dict__.values()))
        found = dict.fromkeys(item for item in held if isinstance(item, Variable))
        for item in held:
            if isinstance(item, Metric) and item is not self:
                found.update(dict.fromkeys(item.variables))
        return list(found)

    def reset_state(self) -> None:
        """Sets the variables to zero."""
        set_to_zero(self.variables)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Sees a batch."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method update_state, found none")

    def result(self) -> Any:
        """Returns the number."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method result, found none")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Sees a batch and returns the number."""
        self.update_state(*args, **kwargs)
        return self.result()

    # The same without changing the metric.

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Returns what the variables would become with a batch.

        Args:
            metric_variables: values of the variables before it.
            *args, **kwargs: the batch.

        Raises:
            ValueError: if there is not one value for each variable.
        """
        made: list[Any] = self._stateless("update", metric_variables, (args, kwargs))
        return made

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Returns the result for values of the variables.

        Args:
            metric_variables: the values.

        Raises:
            ValueError: if there is not one value for each variable.
        """
        return self._stateless("result", metric_variables, ())

    def stateless_reset_state(self) -> list[Any]:
        """Returns the values with which the variables begin."""
        made: list[Any] = self._stateless("reset", self.variables, ())
        return made

    def _stateless(self, what: str, values: Sequence[Any], arguments: Any) -> Any:
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(f"{self.name}: expected a value for each of {len(variables)} variables, got {len(values)}")
        if current_trace() is not None:
            return self._run_with(values, arguments, what=what)
        function = self.__dict__.setdefault("_function", Function(WeakMethod(self._run_with)))
        return function(list(values), arguments, what=what)

    def _run_with(self, values: Sequence[Any], arguments: Any, what: str) -> Any:
        args, kwargs = arguments if what == "update" else ((), {})
        method: Callable[..., Any] = {
            "update": self.update_state, "result": self.result, "reset": self.reset_state
        }[what]  # fmt: skip
        result, after = run_with(self.variables, values, lambda: method(*args, **kwargs))
        return result if what == "result" else after

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a metric again."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Makes a metric from what `get_config` returned."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a metric share no compiled functions with it."""
        return {name: value for name, value in self.__dict__.items() if name != "_function"}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _held(items: list[Any]) -> list[Any]:
    """Returns variables and metrics in nested lists, tuples and dicts, in order, each container once."""
    found: list[Any] = []
    seen: set[int] = set()
    pending = [item for item in reversed(items) if item.__class__ not in _PLAIN]
    while pending:
        item = pending.pop()
        if isinstance(item, (Variable, Metric)):
            found.append(item)
        elif isinstance(item, (list, tuple, dict)) and id(item) not in seen:
            seen.add(id(item))
            inside = list(item.values() if isinstance(item, dict) else item)
            pending += [item for item in reversed(inside) if item.__class__ not in _PLAIN]
    return found


def set_to_zero(variables: Sequence[Variable]) -> None:
    """Sets variables to zero, in a traced function as part of the plan."""
    tracing = current_trace() is not None
    for variable in variables:
        if tracing:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        else:
            variable.fill(0)
