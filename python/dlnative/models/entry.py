"""The entry of a model: the layers that compute outside of the graph, on what the model is given.

Text is no element type of plans. A model whose inputs are text, or whose first layers hash, calls those layers itself, and
its compiled part begins behind them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.data.conversion import to_rows
from dlnative.graph.tree import flatten, is_nested, map_structure, pack
from dlnative.models.function import Function
from dlnative.symbolic import Call, KerasTensor

# The key under which the compiled part is given what the entry made: no user's input has it.
ENTERED = "(behind the entry)"


class Entry:
    """The calls of a model that are made outside of the graph, and the compiled part behind them.

    Args:
        label: what messages call the model.
        graph: all calls of the model.
        outside: the calls that are made outside.

    Attributes:
        compiled: the other calls, as a function of `{ENTERED: [...]}`.

    Raises:
        ValueError: if a layer before the entry has weights that are trained, or text comes out of it.
    """

    def __init__(self, label: str, graph: Function, outside: list[Call]) -> None:
        self._label = label
        self._graph = graph
        self._calls = outside
        for call in outside:
            if getattr(call.function, "trainable_weights", None):
                last = next(other.function for other in reversed(outside) if computes_outside(other))
                raise ValueError(
                    f"{label}: expected {last._label} at the entry, as it computes outside of the graph, got it behind "
                    f"{call.function._label}, which is trained"
                )
        made = [*graph.inputs, *[tensor for call in outside for tensor in call.outputs]]
        serials = {call.serial for call in outside}
        used = {id(tensor) for call in graph.calls if call.serial not in serials for tensor in call.inputs}
        used |= {id(tensor) for tensor in graph.outputs}
        self._ends = [tensor for tensor in made if id(tensor) in used]
        text = [tensor for tensor in self._ends if tensor.dtype == "string"]
        if text:
            raise ValueError(f'{label}: expected layers that turn text into numbers, got text in "{text[0].name}"')
        self.compiled = Function({ENTERED: self._ends}, graph.output_structure, graph.name, label=label)

    def __getstate__(self) -> dict[str, Any]:
        return {"label": self._label, "graph": self._graph}

    def __setstate__(self, state: dict[str, Any]) -> None:
        again = entry_of(state["label"], state["graph"])
        self.__dict__.update(again.__dict__)

    def __call__(self, call: str, x: Any) -> dict[str, Any]:
        """Returns what the compiled part is given: arrays of numbers.

        Args:
            call: who was given the inputs, for messages.
            x: the inputs, nested as the model's.
        """
        graph = self._graph
        try:
            leaves = [_array(leaf) for leaf in graph.leaves(as_arrays(x))]
            fitted = graph.fitted(leaves, lambda array: array[..., 0], lambda array: array[..., None])
        except ValueError as error:
            raise ValueError(f"{call}: {error}") from None
        values: dict[int, Any] = {}
        for leaf, tensor in zip(fitted, graph.inputs, strict=True):
            values[id(tensor)] = leaf if leaf is None or tensor.dtype == "string" else _numbers(call, leaf, tensor)
        for made in self._calls:
            args, kwargs = map_structure(lambda leaf: values.get(id(leaf), leaf), (made.args, made.kwargs))
            outputs = flatten(made.function(*args, **kwargs))
            values.update(zip(map(id, made.outputs), outputs, strict=True))
        return {ENTERED: [values[id(tensor)] for tensor in self._ends]}


def entry_of(label: str, graph: Function) -> Entry | None:
    """Returns the entry of a model, or `None` if all of it is compiled."""
    ends = [call for call in graph.calls if computes_outside(call)]
    if not ends:
        if any(tensor.dtype == "string" for tensor in graph.inputs):
            raise ValueError(f"{label}: expected layers that turn text into numbers behind an input of text, got none")
        return None
    makers = {id(tensor): call for call in graph.calls for tensor in call.outputs}
    needed: dict[int, Call] = {}
    while ends:
        call = ends.pop()
        if call.serial not in needed:
            needed[call.serial] = call
            ends += [makers[id(tensor)] for tensor in call.inputs if id(tensor) in makers]
    return Entry(label, graph, [needed[serial] for serial in sorted(needed)])


def computes_outside(call: Call) -> bool:
    """Tells whether a call is made outside of the graph."""
    return bool(getattr(call.function, "computes_outside", False))


def entered(value: Any) -> bool:
    """Tells whether a value is what an entry has made."""
    return isinstance(value, dict) and ENTERED in value


def as_arrays(x: Any) -> Any:
    """Returns nested inputs in which lists of text or numbers are arrays; text is an array of objects."""
    if isinstance(x, dict):
        return {key: as_arrays(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        if any((hasattr(item, "shape") and np.ndim(item)) or isinstance(item, dict) for item in x):
            return pack(x, [as_arrays(item) for item in x]) if not any(map(is_nested, x)) else [*map(as_arrays, x)]
        return _array(x)
    return x


def _array(value: Any) -> Any:
    if value is None or isinstance(value, (np.ndarray, KerasTensor)):
        return value
    return value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)


def _numbers(call: str, leaf: Any, tensor: KerasTensor) -> Any:
    return to_rows(f'{call}: "{tensor.name}"', leaf).astype(tensor.dtype, copy=False)
