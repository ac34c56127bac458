"""Symbolic tensors of functional models, and the calls that made them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import Shape
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import like, map_structure

_serials = itertools.count()


class KerasTensor(Tensor):
    """A symbolic tensor of a functional model: what `Input` gives and what layers and ops make of it.

    Its batch size may be `None`. It remembers the call that made it, so that `Model(inputs, outputs)` can find the
    layers between the two and call them again.

    Args:
        shape: the shape, the batch first, `None` where an extent is not known.
        dtype: the element type, by default float32.
        name: a name.
        sparse, ragged: Keras's; there are no such tensors.

    Raises:
        ValueError: for what is no shape, a type that there is not, or a sparse or ragged tensor.
    """

    __slots__ = ("history", "name")

    def __init__(
        self, shape: Shape, dtype: str = "float32", name: str | None = None, history: Call | None = None,
        *, sparse: bool = False, ragged: bool = False,
    ) -> None:  # fmt: skip
        if sparse or ragged:
            raise ValueError("KerasTensor: expected sparse=False and ragged=False: all tensors are dense")
        if not isinstance(shape, (tuple, list)):
            raise ValueError(f"KerasTensor: expected a shape, a tuple of extents, got {shape!r}")
        if dtype not in dtypes.ITEM_SIZES and dtype != "string":
            dtype = dtypes.standardize(dtype)
        super().__init__(tuple(shape), dtype)
        self.name = name
        self.history = history

    # What Keras's tensors may be, and these are not.
    sparse = False
    ragged = False

    @property
    def optional(self) -> bool:
        """Whether it is an input that may be `None`."""
        return self.history is not None and bool(getattr(self.history.function, "optional", False))

    def reshape(self, *newshape: Any) -> Any:
        """Returns `ops.reshape(self, newshape)`."""
        from dlnative import ops

        return ops.reshape(self, newshape[0] if len(newshape) == 1 else newshape)

    def squeeze(self, axis: int | Sequence[int] | None = None) -> Any:
        """Returns `ops.squeeze(self, axis)`."""
        from dlnative import ops

        return ops.squeeze(self, axis)

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


def attach(call: Call, outputs: Any) -> Any:
    """Returns `KerasTensor`s of the shapes and types of `outputs`, nested alike, as the outputs of a call."""

    def made(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        tensor = KerasTensor(leaf.shape, leaf.dtype, history=call)
        call.outputs.append(tensor)
        return tensor

    return map_structure(made, outputs)


def without_history(outputs: Any) -> Any:
    """Returns `KerasTensor`s of the same shapes and types that belong to no model."""
    return map_structure(
        lambda leaf: KerasTensor(leaf.shape, leaf.dtype) if isinstance(leaf, Tensor) else leaf, outputs
    )


def is_shape(structure: Any) -> bool:
    """Tells whether a list or tuple is a shape: integers, or `None` where an extent is not known."""
    return isinstance(structure, (list, tuple)) and all(
        item is None or (hasattr(item, "__index__") and not isinstance(item, Tensor)) for item in structure
    )


def with_tuples(shape: Any) -> Any:
    """Returns shapes that came from JSON, where they are lists of extents: as tuples, nested as they were."""
    if isinstance(shape, dict):
        return {name: with_tuples(part) for name, part in shape.items()}
    if not isinstance(shape, (list, tuple)):
        return shape
    if any(isinstance(part, (list, tuple, dict)) for part in shape):
        return [with_tuples(part) for part in shape]
    return tuple(shape)


def map_shapes(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies `function` to each shape in nested tuples, lists and dicts, or to each `KerasTensor`."""
    if isinstance(structure, dict):
        return {key: map_shapes(function, item) for key, item in structure.items()}
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, (list, tuple)):
        return like(structure, [map_shapes(function, item) for item in structure])
    return structure if structure is None else function(structure)
