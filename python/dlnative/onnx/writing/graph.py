"""The ONNX graph that is being written: nodes, initializers, and the names of tensors.

ONNX has the channels of an image first, dlnative has them last. A tensor may be known in either form; what computes
element by element stays in the form that its operands have, and a transpose is written where another one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dlnative.dtypes import NUMPY
from dlnative.export.inference import Extent, Inference
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.variable import Variable

Array = np.ndarray[Any, Any]
Converter = Callable[["GraphWriter", Node], None]
CONVERTERS: dict[str, Converter] = {}

_MOST_FOLDED = 1 << 24  # elements of a constant that is computed when the model is written


def converts(*names: str) -> Callable[[Converter], Converter]:
    """Makes a function the converter of ops."""

    def keep(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(names, converter))
        return converter

    return keep


class NotInOnnx(ValueError):  # noqa: N818 a message for the user
    """A graph cannot be written in ONNX."""


class GraphWriter:
    """Writes the nodes of one graph.

    Args:
        onnx: the package.
        inference: the program.
        opset: the version of ONNX's operators.
    """

    def __init__(self, onnx: Any, inference: Inference, opset: int) -> None:
        self.onnx = onnx
        self.inference = inference
        self.opset = opset
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.nbytes = 0
        self._names: dict[int, str] = {}  # of tensors, channels last
        self._first: dict[int, str] = {}  # of tensors, channels first
        self._arrays: dict[int, Array | None] = {}
        self._constants: dict[Any, str] = {}
        self._extents: dict[Extent, str] = {}
        self._shapes: dict[tuple[Extent, ...], str] = {}
        self._sources: dict[Extent, tuple[str, int]] = {}  # where an extent may be read
        self._taken: set[str] = set()
        self._keep: list[Any] = []
        self._used = {id(x) for x in inference.results} | {id(x) for node in inference.nodes for x in node.inputs}
        self.symbols: dict[Extent, str] = {}

    # Names and nodes.

    def unique(self, name: str) -> str:
        """Returns a name that no other value has."""
        candidate, number = name, 0
        while candidate in self._taken:
            number += 1
            candidate = f"{name}_{number}"
        self._taken.add(candidate)
        return candidate

    def add(self, op_type: str, *inputs: str, results: int = 1, **attributes: Any) -> Any:
        """Adds a node and returns the name of its result, or of its results where there are several."""
        names = [self.unique(op_type.lower()) for _ in range(results)]
        self.nodes.append(self.onnx.helper.make_node(op_type, list(inputs), names, **attributes))
        return names[0] if results == 1 else names

    def constant(self, value: Any, dtype: str | None = None) -> str:
        """Returns the name of a constant."""
        array = np.asarray(value) if dtype is None else np.asarray(value, NUMPY[dtype])
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= 16 else id(value)
        found = self._constants.get(key)
        if found is None:
            found = self._constants[key] = self.unique("constant")
            self._keep.append(value)
            self._initialize(array, found)
        return found

    def ints(self, values: Sequence[int]) -> str:
        """Returns the name of a constant of int64."""
        return self.constant(np.asarray(list(values), np.int64))

    def like(self, tensor: Tensor, value: float) -> str:
        """Returns the name of a number of a tensor's type."""
        return self.constant(np.asarray(value, NUMPY[tensor.dtype]))

    def type_of(self, dtype: str) -> int:
        """Returns ONNX's number of an element type."""
        return int(getattr(self.onnx.TensorProto, {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper())))

    def cast(self, name: str, dtype: str) -> str:
        """Adds a cast."""
        return str(self.add("Cast", name, to=self.type_of(dtype)))

    def _initialize(self, array: Array, name: str) -> None:
        proto = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        self.initializers.append(proto)
        self.nbytes += array.nbytes

    # Tensors.

    def set(self, tensor: Tensor, name: str) -> None:
        """Says under which name a tensor is written."""
        self._names[id(tensor)] = name
        for axis, extent in enumerate(self.inference.extents(tensor)):
            if not is_static(extent):
                self._sources.setdefault(extent, (name, axis))

    def set_first(self, tensor: Tensor, name: str) -> None:
        """Says under which name a tensor is written with its channels first."""
        self._first[id(tensor)] = name
        for axis, extent in enumerate(self.inference.extents(tensor)):
            if not is_static(extent):
                self._sources.setdefault(extent, (name, first_axis(axis, tensor.ndim)))

    def value(self, tensor: Tensor) -> str:
        """Returns the name of a tensor, channels last."""
        found = self._names.get(id(tensor))
        if found is not None:
            return found
        first = self._first.get(id(tensor))
        if first is not None:
            name = self.add("Transpose", first, perm=[0, *range(2, tensor.ndim), 1])
        else:
            name = self._leaf(tensor)
        self._names[id(tensor)] = name
        return str(name)

    def first(self, tensor: Tensor) -> str:
        """Returns the name of a tensor with its channels first."""
        found = self._first.get(id(tensor))
        if found is None:
            array = self.array(tensor)
            if array is not None:
                found = self.constant(np.moveaxis(array, -1, 1))
            else:
                found = self.add("Transpose", self.value(tensor), perm=[0, tensor.ndim - 1, *range(1, tensor.ndim - 1)])
            self._first[id(tensor)] = found
        return found

    def is_first(self, tensor: Tensor) -> bool:
        """Tells whether a tensor is known with its channels first."""
        return id(tensor) in self._first

    def is_used(self, tensor: Tensor) -> bool:
        """Tells whether anything reads a tensor."""
        return id(tensor) in self._used

    def array(self, tensor: Tensor) -> Array | None:
        """Returns the value of a tensor, if it is the same for all sizes of the open axes and known now."""
        if id(tensor) not in self._arrays:
            found = self._find_array(tensor)
            self._arrays[id(tensor)] = found
            self._keep.append(tensor)
        return self._arrays[id(tensor)]

    def _find_array(self, tensor: Tensor) -> Array | None:
        if isinstance(tensor.source, Variable):
            return tensor.source.value
        if isinstance(tensor.source, np.ndarray):
            several = self.inference.constants.get(id(tensor), [tensor.source])
            return tensor.source if all(_equal(other, tensor.source) for other in several[1:]) else None
        node = tensor.node
        if node is None or node.op.roles.region or node.op.roles.host or node.op.family == "random" or not node.inputs:
            return None
        if any(not is_static(extent) for y in node.outputs for extent in self.inference.extents(y)):
            return None
        if sum(int(np.prod(y.shape)) for y in node.outputs) > _MOST_FOLDED or self._varies(node):
            return None
        arrays = [self.array(x) for x in node.inputs]
        if any(array is None for array in arrays):
            return None
        from dlnative.backends.reference.functions import function_of

        made = function_of(node.op.family, node.op.name)(*arrays, **node.op.keywords(node.attributes))
        results = made if isinstance(made, tuple) else (made,)
        for y, result in zip(node.outputs, results, strict=True):
            self._arrays[id(y)] = np.asarray(result, NUMPY[y.dtype]).reshape(y.shape)
        return self._arrays[id(tensor)]

    def _varies(self, node: Node) -> bool:
        several = self.inference.attributes.get(node.serial, [])
        return any(other != several[0] for other in several[1:])

    def _leaf(self, tensor: Tensor) -> str:
        array = self.array(tensor)
        if array is not None:
            if isinstance(tensor.source, Variable):
                name = self.unique(tensor.source.path or tensor.source.name)
                self._initialize(array, name)
                return name
            return self.constant(array)
        several = self.inference.constants.get(id(tensor))
        if several is None:
            raise NotInOnnx(f"{self.inference.call}: expected a value that is known, got {tensor!r}")
        return self._varying(tensor, several)

    def _varying(self, tensor: Tensor, several: list[Array]) -> str:
        """A constant whose shape follows the open axes."""
        if all(array.size and array.ndim and (array == several[0].flat[0]).all() for array in several):
            number = self.constant(several[0].reshape(-1)[0])
            return str(self.add("Expand", number, self.shape(self.inference.extents(tensor))))
        found = [_steps(array) for array in several]
        if all(steps is not None for steps in found):
            return self._counting(tensor, [steps for steps in found if steps is not None])
        raise NotInOnnx(
            f"{self.inference.call}: expected constants that do not depend on the open axes of {self.inference.label}, got one "
            f"of shape {tuple(tensor.shape)}: give their sizes in input_signature"
        )

    def _counting(self, tensor: Tensor, several: list[tuple[int, ...]]) -> str:
        """A constant of integers, a first one and so many more with each step along an axis."""
        extents = self.inference.extents(tensor)
        first, *steps = zip(*several, strict=True)
        made = self.extent(first)
        for axis, (extent, step) in enumerate(zip(extents, steps, strict=True)):
            if any(step):
                column = [-1 if n == axis else 1 for n in range(tensor.ndim)]
                counted = self.add("Mul", self.count_to(extent), self.extent(step))
                made = self.add("Add", made, self.add("Reshape", counted, self.ints(column)))
        return self.cast(self.add("Expand", made, self.shape(extents)), tensor.dtype)

    # Extents.

    def extent(self, extent: Extent) -> str:
        """Returns the name of an int64 of shape (1,): an extent, or what follows from some, when the model runs."""
        if is_static(extent):
            return self.ints(extent[:1])
        found = self._extents.get(extent)
        if found is None:
            found = self._extents[extent] = self._found(extent)
        return found

    def _found(self, extent: Extent) -> str:
        source = self._sources.get(extent)
        if source is not None:
            name, axis = source
            return str(self.add("Shape", name, start=axis, end=axis + 1))
        for known in list(self._sources):
            scale, rest = divmod(extent[1] - extent[0], known[1] - known[0]) if known[1] != known[0] else (0, 1)
            shift = extent[0] - scale * known[0]
            if (
                rest == 0
                and scale
                and all(value == scale * other + shift for value, other in zip(extent, known, strict=True))
            ):
                name = self.extent(known)
                if scale != 1:
                    name = self.add("Mul", name, self.ints([scale]))
                return str(self.add("Add", name, self.ints([shift]))) if shift else name
        for known in list(self._sources):
            if all(value % other == 0 for value, other in zip(extent, known, strict=True)):
                quotient = tuple([value // other for value, other in zip(extent, known, strict=True)])
                if quotient in self._sources:
                    return str(self.add("Mul", self.extent(known), self.extent(quotient)))
        for known in list(self._sources):
            divisor = round(known[0] / extent[0]) if extent[0] else 0
            if divisor > 1 and all(other // divisor == value for value, other in zip(extent, known, strict=True)):
                return str(self.add("Div", self.extent(known), self.ints([divisor])))
        raise NotInOnnx(
            f"{self.inference.call}: expected sizes that follow from the open axes of {self.inference.label}, got {extent}: give "
            "their sizes in input_signature"
        )

    def count_to(self, extent: Extent) -> str:
        """Returns the name of the integers from 0 to an extent, as int64."""
        stop = self.add("Squeeze", self.extent(extent))
        return str(self.add("Range", self.constant(np.int64(0)), stop, self.constant(np.int64(1))))

    def shape(self, extents: Sequence[Extent]) -> str:
        """Returns the name of a shape: a constant, or computed when the model runs."""
        if all(is_static(extent) for extent in extents):
            return self.ints([extent[0] for extent in extents])
        key = tuple(extents)
        found = self._shapes.get(key)
        if found is None:
            found = self._shapes[key] = self._joined(extents)
        return found

    def _joined(self, extents: Sequence[Extent]) -> str:
        parts: list[str] = []
        row: list[int] = []
        for extent in extents:
            if is_static(extent):
                row.append(extent[0])
                continue
            if row:
                parts.append(self.ints(row))
                row = []
            parts.append(self.extent(extent))
        if row:
            parts.append(self.ints(row))
        return parts[0] if len(parts) == 1 else str(self.add("Concat", *parts, axis=0))

    def attribute(self, node: Node, number: int) -> list[Any]:
        """Returns an attribute of a node in each of the traced graphs."""
        several = self.inference.attributes.get(node.serial)
        return [node.attributes[number]] if several is None else [values[number] for values in several]

    # Graphs.

    def write(self, nodes: Sequence[Node]) -> None:
        """Writes nodes."""
        for node in nodes:
            for x in node.inputs:
                self._used.add(id(x))
        for node in nodes:
            if node.outputs and all(self.array(y) is not None for y in node.outputs):
                continue  # it is written where it is read
            converter = CONVERTERS.get(node.op.name)
            if converter is None:
                raise NotInOnnx(
                    f'{self.inference.call}: expected ops that ONNX has, got "{node.op.name}" in {self.inference.label}'
                )
            converter(self, node)

    @contextmanager
    def subgraph(self) -> Iterator[list[Any]]:
        """Collects the nodes that are added within the block: what they name stays inside of it."""
        outer = (self.nodes, self._names, self._first, self._extents, self._shapes, self._sources)
        self.nodes = []
        self._names, self._first = dict(self._names), dict(self._first)
        self._extents, self._shapes, self._sources = dict(self._extents), dict(self._shapes), dict(self._sources)
        try:
            yield self.nodes
        finally:
            self.nodes, self._names, self._first, self._extents, self._shapes, self._sources = outer

    def info(self, name: str, tensor: Tensor, names: bool = True) -> Any:
        """Returns the description of an input or a result of the graph."""
        shape: list[Any] = []
        for extent in self.inference.extents(tensor):
            shape.append(extent[0] if is_static(extent) else self.symbols.get(extent) if names else None)
        return self.onnx.helper.make_tensor_value_info(name, self.type_of(tensor.dtype), shape)


def is_static(extent: Extent) -> bool:
    """Tells whether an extent is the same for all sizes of the open axes."""
    return all(value == extent[0] for value in extent)


def first_axis(axis: int, rank: int) -> int:
    """Returns where an axis is when the channels, which are last, come first."""
    return axis if axis == 0 or rank < 3 else 1 if axis == rank - 1 else axis + 1


def _steps(array: Array) -> tuple[int, ...] | None:
    """Returns the first element and the difference of neighbours along each axis, if these are all there is."""
    if not array.size or (array.dtype.kind == "f" and not np.array_equal(array, np.trunc(array))):
        return None
    first, counted, steps = array.flat[0], np.zeros(array.shape, np.int64), []
    for axis, extent in enumerate(array.shape):
        place = tuple([int(n == axis) for n in range(array.ndim)])
        steps.append(int(array[place] - first) if extent > 1 else 0)
        counted += steps[-1] * np.arange(extent).reshape([-1 if n == axis else 1 for n in range(array.ndim)])
    return (int(first), *steps) if np.array_equal(array, counted + int(first)) else None


def _equal(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
