"""A layer as a function of its variables' values, which changes nothing."""

from __future__ import annotations

from typing import Any

from dlnative import ops
from dlnative.graph.function import Function
from dlnative.graph.trace import current_trace
from dlnative.layers.signature import tensor_arguments
from dlnative.ops.core import as_tensor, to_symbol


def stateless_call(
    layer: Any, trainable: list[Any], others: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any], losses: bool
) -> Any:
    """Calls a layer with other values of its variables, and returns what it would make of the variables.

    Args:
        layer: the layer.
        trainable, others: values for its trainable variables and for the others.
        args, kwargs: the arguments of the call.
        losses: whether the losses are returned, too.

    Returns:
        The outputs, the new values of the other variables, and (with `losses`) a list of losses.

    Raises:
        ValueError: if the layer is not built, or the values do not fit the variables.
    """
    label = layer._label
    if not layer.built:
        raise ValueError(f"{label}: expected a built layer for stateless_call, got one not yet built")
    variables = [*layer.trainable_variables, *layer.non_trainable_variables]
    for kind, given, own in (
        ("trainable", trainable, layer.trainable_variables),
        ("non-trainable", others, layer.non_trainable_variables),
    ):
        if len(given) != len(own):
            raise ValueError(f"{label}: expected values of {len(own)} {kind} variables, got {len(given)}")
        for variable, value in zip(own, given, strict=True):
            if tuple(getattr(value, "shape", ())) != variable.shape:
                raise ValueError(
                    f'{label}: expected a value of shape {variable.shape} for "{variable.path}", got {value!r}'
                )

    def run(values: list[Any], args: tuple[Any, ...], named: dict[str, Any], **static: Any) -> Any:
        trace = current_trace()
        assert trace is not None
        updates, outer_losses = dict(trace.updates), trace.losses
        trace.losses = []
        try:
            for variable, value in zip(variables, values, strict=True):
                trace.first(variable)
                trace.assign(variable, ops.cast(to_symbol(as_tensor(value)), variable.dtype))
            outputs = layer._call_symbols(*args, **named, **static)
            state = [trace.read(variable) for variable in layer.non_trainable_variables]
            return (outputs, state, layer.losses) if losses else (outputs, state)
        finally:
            trace.updates, trace.losses = updates, outer_losses

    values = [*trainable, *others]
    if current_trace() is not None:
        return run(values, args, {}, **kwargs)
    named = tensor_arguments(label, kwargs)
    static = {name: value for name, value in kwargs.items() if name not in named}
    return Function(run)(values, args, named, **static)
