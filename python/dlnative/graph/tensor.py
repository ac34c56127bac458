"""Symbolic tensors and the nodes that make them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.graph.op import Op, Shape

if TYPE_CHECKING:
    pass

_serial = itertools.count()


def next_serial() -> int:
    """Returns a serial number above those of all nodes made so far, and below those of all later ones."""
    return next(_serial)


class Node:
    """One application of an op. Nodes made later have larger serial numbers, so these order a graph."""

    __slots__ = ("attributes", "inputs", "op", "outputs", "serial")

    def __init__(self, op: Op, inputs: tuple[Tensor, ...], attributes: tuple[Any, ...]) -> None:
        types: tuple[str, ...]
        if len(inputs) == 1:  # as most have one or two: going through a sequence takes as long as all the rest
            types = (inputs[0].dtype,)
        elif len(inputs) == 2:
            types = (inputs[0].dtype, inputs[1].dtype)
        else:
            types = tuple([x.dtype for x in inputs])
        if types not in op.accepted:
            op.types.check(op.name, types)
        self.op = op
        self.inputs: tuple[Tensor, ...] = inputs
        self.attributes: tuple[Any, ...] = attributes
        self.serial = next(_serial)
        specs = op.infer(inputs, attributes)
        self.outputs: tuple[Tensor, ...]
        if len(specs) == 1:
            self.outputs = (Tensor(*specs[0], self),)
        else:
            self.outputs = tuple([Tensor(shape, dtype, self, index) for index, (shape, dtype) in enumerate(specs)])


class Tensor:
    """A value that exists only when the plan runs: a shape and a dtype, and the node that makes it.

    A leaf has no node but a `source`: the number of a feed, a `Variable`, or a NumPy array (a constant). `_keras_mask`,
    which most have not, says which timesteps count; layers hand it on.
    """

    __slots__ = ("_keras_mask", "dtype", "index", "node", "shape", "source")
    _keras_mask: Any
    __array_priority__ = 1000  # NumPy arrays leave arithmetic with a tensor to the tensor
    __array_ufunc__ = None

    def __init__(
        self,
        shape: Shape,
        dtype: str,
        node: Node | None = None,
        index: int = 0,
        source: Any = None,
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
        raise TypeError(
            "a symbolic tensor cannot be used as a boolean. It has no value until the plan runs; use ops.where"
        )

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


def serial_now() -> int:
    """Returns a number that is larger than those of all nodes so far, and smaller than those of all later ones."""
    return next(_serial)
