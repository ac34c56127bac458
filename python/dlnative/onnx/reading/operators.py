"""What operators are given: a function for each of ONNX's operators, and the node that it is called for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dlnative import ops

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

READERS: dict[str, Function] = {}
TAKES_IMAGES: set[str] = set()  # operators that are given images as they are


def reads(*names: str, images: bool = False) -> Callable[[Function], Function]:
    """Makes a function that of operators: it is given the node, and its inputs.

    Args:
        names: the operators.
        images: whether it is given an `Image` as such, not with its channels first.
    """

    def keep(function: Function) -> Function:
        READERS.update(dict.fromkeys(names, function))
        if images:
            TAKES_IMAGES.update(names)
        return function

    return keep


class Unsupported(ValueError):  # noqa: N818 a message for the user
    """A graph does something that dlnative does not."""


class Image:
    """A tensor whose channels are last, where ONNX has them first.

    Args:
        last: the tensor.
    """

    def __init__(self, last: Any) -> None:
        self.last = last
        self._first: Any = None

    @property
    def first(self) -> Any:
        """The tensor with its channels first."""
        if self._first is None:
            self._first = ops.moveaxis(self.last, -1, 1)
        return self._first

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, channels first."""
        shape = tuple(self.last.shape)
        return (shape[0], shape[-1], *shape[1:-1])

    @property
    def dtype(self) -> str:
        return str(self.last.dtype)


def last_of(x: Any) -> Any:
    """Returns a tensor with its channels last."""
    return x.last if isinstance(x, Image) else ops.moveaxis(x, 1, -1)


def as_ints(value: Any) -> list[int]:
    """Returns the integers of an array."""
    return [int(item) for item in np.asarray(value).reshape(-1)]


class Node:
    """One call of an operator.

    Args:
        proto: ONNX's message.
        attributes: the attributes by name.
        opset: the version of the operators.
        graph: the graph that it stands in, for operators whose attributes are graphs.
    """

    def __init__(self, proto: Any, attributes: dict[str, Any], opset: int, graph: Any) -> None:
        self.op_type: str = proto.op_type
        self.name: str = proto.name
        self.domain: str = proto.domain
        self.inputs: list[str] = list(proto.input)
        self.outputs: list[str] = list(proto.output)
        self.attributes = attributes
        self.opset = opset
        self.graph = graph
        self.graphs: list[str] = []  # attributes that are graphs
        self.prepared: dict[str, Any] = {}  # weights in the form that dlnative computes with

    @property
    def label(self) -> str:
        """What messages call it."""
        return f'{self.op_type} "{self.name or self.outputs[0]}"'

    def get(self, name: str, default: Any = None) -> Any:
        """Returns an attribute."""
        return self.attributes.get(name, default)

    def known(self, value: Any, what: str) -> Array:
        """Returns an input that must be known when the model is traced.

        Raises:
            Unsupported: if it is computed from what the model is given.
        """
        if not isinstance(value, np.ndarray):
            raise Unsupported(f"{self.label}: expected {what} that does not depend on what the model is given")
        return value

    def refuse(self, what: str) -> Unsupported:
        """Returns an error."""
        return Unsupported(f"{self.label}: expected {what}")
