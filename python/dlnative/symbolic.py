"""Symbolic tensors of functional models, and the calls that made them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from dlnative.graph.op import Shape
from dlnative.graph.tensor import Tensor

_serials = itertools.count()


class KerasTensor(Tensor):
    """A symbolic tensor of a functional model: what `Input` gives and what layers and ops make of it.

    Its batch size may be `None`. It remembers the call that made it, so that `Model(inputs, outputs)` can find the
    layers between the two and call them again.

    Args:
        shape: the shape, the batch first, `None` where an extent is not known.
        dtype: the element type, by default float32.
        name: a name.
    """

    __slots__ = ("history", "name")

    def __init__(self, shape: Shape, dtype: str = "float32", name: str | None = None, history: Call | None = None):
        super().__init__(tuple(shape), dtype)
        self.name = name
        self.history = history

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


class Call:
    """A recorded call of a layer or of a function of `dlnative.ops` on `KerasTensor`s.

    Args:
        function: what was called.
        args, kwargs: with what.
        outputs: the tensors it gave, in order.
    """

    __slots__ = ("args", "function", "inputs", "kwargs", "outputs", "serial")

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.inputs: list[KerasTensor] = list(keras_tensors((args, kwargs)))
        self.outputs: list[KerasTensor] = []
        self.serial = next(_serials)


def keras_tensors(structure: Any) -> Iterator[KerasTensor]:
    """Yields the `KerasTensor`s in nested tuples, lists and dicts."""
    if isinstance(structure, KerasTensor):
        yield structure
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            yield from keras_tensors(item)
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from keras_tensors(item)


def has_keras_tensor(arguments: Sequence[Any]) -> bool:
    """Tells whether a `KerasTensor` is among the arguments, or in a list or tuple among them."""
    for argument in arguments:
        if argument.__class__ is Tensor:  # most often
            continue
        if isinstance(argument, KerasTensor):
            return True
        if isinstance(argument, (list, tuple, dict)) and next(keras_tensors(argument), None) is not None:
            return True
    return False
