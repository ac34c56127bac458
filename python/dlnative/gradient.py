"""Gradients of functions: of arrays, and of the variables that a function uses."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes, ops
from dlnative.graph.autodiff import gradients
from dlnative.graph.function import Function
from dlnative.graph.tensor import Tensor, next_serial
from dlnative.graph.trace import Trace, current_trace
from dlnative.graph.tree import flatten_structure, refill
from dlnative.graph.variable import Variable


def differentiate(target: Any, sources: Sequence[Tensor], since: int = 0) -> list[Any]:
    """Returns the gradients of a scalar tensor with respect to tensors of the same trace; zeros where there is none.

    Args:
        target: the scalar.
        sources: the tensors.
        since: the serial number from which on nodes count; what earlier ones made is constant.
    """
    trace = current_trace()
    assert trace is not None
    seed = trace.scalar(1.0, target.dtype)
    found = gradients(target, sources, seed, ops.add, since)
    return [
        ops.zeros_like(source) if gradient is None else gradient
        for gradient, source in zip(found, sources, strict=True)
    ]


def value_and_grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    variables: Sequence[Variable] | Callable[[], Sequence[Variable]] | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Returns a function that computes a function's value and its gradients.

    The function is traced once for each signature of its arguments and then runs as a plan: forward and backward are one
    list of native kernels.

    Args:
        function: a function of arrays, written in `dlnative.ops`, that returns a scalar (with `has_aux`, a pair of the
            scalar and anything else).
        argnums: the place, or places, of the arguments to differentiate by, which may be nested lists of arrays; 0 if
            neither `argnums` nor `variables` is given.
        variables: variables to differentiate by; or a function that returns them, which is called after `function`, whose
            layers may be built by then.
        has_aux: whether the function returns more than the scalar.

    Returns:
        A function that returns `(value, gradients)`: for an `int`, one gradient nested as that argument; for a
        sequence, a tuple of them; for `variables`, a list; for both, a pair of the two.

    Raises:
        TypeError: if `function` is none, or `argnums` are no integers.
        ValueError: when it is called: if the value is not a scalar of a float type, or an argument is missing.

    Example:
        >>> import numpy as np
        >>> from dlnative import ops, value_and_grad
        >>> value, gradient = value_and_grad(lambda x: ops.sum(x**2))(np.array([1.0, 2.0], "float32"))
        >>> float(value), gradient.tolist()
        (5.0, [2.0, 4.0])
    """
    if not callable(function):
        raise TypeError(f"value_and_grad: expected a function, got {function!r}")
    if argnums is None and variables is None:
        argnums = 0
    places = _places(argnums)
    single = hasattr(argnums, "__index__")

    def traced(*args: Any, **kwargs: Any) -> Any:
        trace = current_trace()
        assert isinstance(trace, Trace)
        for place in places:
            if not -len(args) <= place < len(args):
                raise ValueError(f"value_and_grad: expected an argument {place} by position, got {len(args)} of them")
        chosen = [args[place] for place in places]
        values = dict(trace.updates)
        since = next_serial()  # what is older is constant: an update, for instance, that made a variable's value
        result = function(*args, **kwargs)
        own = list(variables() if callable(variables) else variables or ())
        sources = flatten_structure(chosen)
        sources += [values[variable] if variable in values else trace.first(variable) for variable in own]
        target = result[0] if has_aux else result
        if not isinstance(target, Tensor) or target.shape != () or not dtypes.is_float(target.dtype):
            found = (
                f"shape {tuple(target.shape)} and dtype {target.dtype}" if isinstance(target, Tensor) else repr(target)
            )
            raise ValueError(f"value_and_grad: expected the function to return a scalar of a float type, got {found}")
        pending = iter(differentiate(target, sources, since))
        by_argument = [refill(item, pending) for item in chosen]
        by_variable = list(pending)
        if variables is None:
            found_gradients: Any = by_argument[0] if single else tuple(by_argument)
        elif argnums is None:
            found_gradients = by_variable
        else:
            found_gradients = (by_argument[0] if single else tuple(by_argument), by_variable)
        return result, found_gradients

    compiled = Function(traced)

    def call(*args: Any, **kwargs: Any) -> Any:
        if current_trace() is not None:
            return traced(*args, **kwargs)
        return compiled(*args, **kwargs)

    return call


def grad(function: Callable[..., Any], argnums: int | Sequence[int] | None = None) -> Callable[..., Any]:
    """Returns a function that computes the gradients alone; see `value_and_grad`."""
    both = value_and_grad(function, argnums)
    return lambda *args, **kwargs: both(*args, **kwargs)[1]


def _places(argnums: Any) -> tuple[int, ...]:
    if argnums is None:
        return ()
    try:
        return tuple([operator.index(place) for place in ([argnums] if hasattr(argnums, "__index__") else argnums)])
    except TypeError:
        raise TypeError(f"value_and_grad: expected argnums to be an integer or several, got {argnums!r}") from None
