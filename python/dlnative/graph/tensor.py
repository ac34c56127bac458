"""Symbolic tensors and the nodes that make them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.graph.op import Op, Shape

if TYPE_CHECKING:
    from dlnative.graph.variable import Variable

_serial = itertools.count()


class Node:
    """One application of an op. Nodes made later have larger serial numbers, so these order a graph."""

    __slots__ = ("attributes", "inputs", "op", "outputs", "serial")

    def __init__(self, op: Op, inputs: tuple[Tensor, ...], attributes: tuple[Any, ...]) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.serial = next(_serial)
        self.outputs: tuple[Tensor, ...] = tuple(
            [Tensor(shape, dtype, self, index) for index, (shape, dtype) in enumerate(op.infer(inputs, attributes))]
        )


class Tensor:
    """A value that exists only when the plan runs: a shape and a dtype, and the node that makes it.

    A leaf has no node but a `source`: the number of a feed, a `Variable`, or a NumPy array (a constant).
    """

    __slots__ = ("dtype", "index", "node", "shape", "source")
    __array_priority__ = 1000  # NumPy arrays leave arithmetic with a tensor to the tensor
    __array_ufunc__ = None

    def __init__(
        self,
        shape: Shape,
        dtype: str,
        node: Node | None = None,
        index: int = 0,
        source: int | Variable | np.ndarray[Any, Any] | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.index = index
        self.source = source

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def constant(self) -> np.ndarray[Any, Any] | None:
        """The value, if it is known while tracing."""
        return self.source if isinstance(self.source, np.ndarray) else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} shape={self.shape}, dtype={self.dtype}>"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a symbolic tensor of rank 0 has no length")
        if self.shape[0] is None:
            raise TypeError(f"the length of a symbolic tensor of shape {self.shape} is not known")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __bool__(self) -> bool:
        raise TypeError("a symbolic tensor has no truth value: it has no value until the plan runs; use ops.where")

    def __float__(self) -> float:
        raise TypeError("a symbolic tensor has no value until the plan runs, so it cannot become a Python number")

    __int__ = __index__ = __float__

    def __array__(self, *_: Any, **__: Any) -> np.ndarray[Any, Any]:
        raise TypeError("a symbolic tensor has no value until the plan runs: use dlnative.ops instead of NumPy here")

    if TYPE_CHECKING:  # dlnative.ops.operators gives tensors and variables their arithmetic

        def __getitem__(self, key: Any) -> Tensor: ...
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...


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
        self.serial = next(_serial)


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


def map_structure(function: Any, structure: Any) -> Any:
    """Applies `function` to each leaf of nested tuples, lists and dicts, and returns the same nesting."""
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_structure(function, item) for item in structure)
    if isinstance(structure, dict):
        return {key: map_structure(function, item) for key, item in structure.items()}
    return function(structure)


def flatten_structure(structure: Any) -> list[Any]:
    """Returns the leaves of nested tuples, lists and dicts, in order; `None` is no leaf."""
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten_structure(item)]
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten_structure(structure[key])]
    return [] if structure is None else [structure]
