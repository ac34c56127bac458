"""From a trace to a list of steps: only what results and updates need, each value computed once, simplified.

Simplifications, all exact: a broadcast before an op that broadcasts is left to that op; what is one number repeated is
computed with as one number; a transposed operand of a matrix product becomes a flag of the product; `x * 1`, `x / 1`,
`x + 0` and `x - 0` are x; ops on small constants are computed now; a reshape and a slice that is one piece share memory with their
input and are no steps, and neither is a reduction along axes of extent 1.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative import dtypes
from dlnative.graph.op import SERVING, Op, Spec, size_of
from dlnative.graph.roles import NO_ROLES
from dlnative.graph.tensor import Node, Tensor

if TYPE_CHECKING:
    from dlnative.graph.trace import Trace

_keys = itertools.count()
_MOST_FOLDED = 16384  # elements of a constant that is computed while planning


class Value:
    """A value of the plan: computed by a step, or fed, or read from a variable, or constant.

    Args:
        shape, dtype: what it is.
        origin: the number of a feed, a `Variable`, an array (a constant), or `None` if a step computes it.
        alias: the value that it is a part of, or all of in another shape; its origin is the same.
        offset: where in the memory of `alias` it begins, in bytes.

    `key` is what all values in one memory have in common.
    """

    __slots__ = ("_producer", "alias", "dtype", "key", "nbytes", "offset", "origin", "shape")

    def __init__(
        self, shape: tuple[int, ...], dtype: str, origin: Any = None, alias: Value | None = None, offset: int = 0
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.nbytes = size_of(shape) * dtypes.ITEM_SIZES[dtype]
        self.origin: Any = origin if alias is None else alias.origin
        self.alias = alias
        self.offset = offset
        self.key: int = next(_keys) if alias is None else alias.key
        self._producer: weakref.ref[Step] | None = None

    @property
    def producer(self) -> Step | None:
        """The step that computes it, as long as that is part of the plan."""
        return None if self._producer is None else self._producer()

    @property
    def base(self) -> Value:
        """The value that has the memory."""
        value = self
        while value.alias is not None:
            value = value.alias
        return value

    @property
    def whole(self) -> bool:
        """Whether it is all of its memory."""
        return self.alias is None or self.nbytes == self.base.nbytes

    @property
    def place(self) -> Any:
        """What values have in common that are the same elements in memory."""
        return self.key if self.whole else (self.key, self.offset, self.nbytes)


class Step:
    """One op of the plan, before its values have memory."""

    __slots__ = ("__weakref__", "attributes", "fused", "inputs", "op", "outputs")

    def __init__(
        self, op: Op, inputs: Sequence[Value], outputs: Sequence[Value], attributes: tuple[Any, ...],
        fused: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.op = op
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.attributes = attributes
        self.fused = fused
        self.makes(self.outputs)

    def makes(self, values: Sequence[Value]) -> None:
        """Is the producer of values from now on."""
        reference = weakref.ref(self)
        for value in values:
            value._producer = reference


class LoweredIR:
    """A plan in the making, or the body of a region.

    Args:
        steps: in the order of execution.
        results: the values to return.
        updates: what is written: variables, or in a region the places of its results, and their new values.
        has_regions: whether a step has a region.
    """

    def __init__(
        self, steps: list[Step], results: list[Value], updates: list[tuple[Any, Value]], has_regions: bool
    ) -> None:
        self.steps = steps
        self.results = results
        self.updates = updates
        self.has_regions = has_regions

    def live_out(self) -> set[int]:
        """Returns the keys of the values that must exist when the plan ends."""
        return {value.key for value in self.results} | {value.key for _, value in self.updates}


def lower(trace: Trace, results: Sequence[Tensor]) -> LoweredIR:
    """Returns the steps that compute the results and the trace's updates."""
    lowering = Lowering()
    for node in needed_nodes(list(results) + list(trace.updates.values())):
        lowering.add(node)
    return lowering.lowered(
        [lowering.value(tensor) for tensor in results],
        [(variable, lowering.value(tensor)) for variable, tensor in trace.updates.items()],
    )


def needed_nodes(tensors: Sequence[Tensor], known: Container[int] = ()) -> list[Node]:
    """Returns the nodes that compute tensors, in order, from others whose identities are known."""
    found: dict[int, Node] = {}
    stack = [tensor.node for tensor in tensors if tensor.node is not None and id(tensor) not in known]
    while stack:
        node = stack.pop()
        if node.serial not in found:
            found[node.serial] = node
            for tensor in node.inputs:
                if tensor.node is not None and (not known or id(tensor) not in known):
                    stack.append(tensor.node)
    return [found[serial] for serial in sorted(found)]


class Lowering:
    """Makes steps of nodes.

    Args:
        outer: what lowers the graph around, for the body of a region.
        hoists: whether what the body does not change is computed there, once.
    """

    def __init__(self, outer: Lowering | None = None, hoists: bool = True) -> None:
        self.outer = outer
        self.hoists = hoists
        self.own: set[int] = set()  # the keys of the values of this body
        self.has_regions = False
        self.steps: list[Step] = []
        self.values: dict[int, Value] = {}
        self.seen: dict[Any, list[Value]] = {}
        self.leaves: dict[Any, Value] = {}
        self.alive: list[Any] = []  # keeps arrays alive whose identity is a key

    def value(self, tensor: Tensor) -> Value:
        found = self.values.get(id(tensor))
        if found is None:
            found = self.values[id(tensor)] = self.leaf(tensor.shape, tensor.dtype, tensor.source)
        return found

    def lowered(self, results: list[Value], updates: list[tuple[Any, Value]]) -> LoweredIR:
        """Returns the steps that there are, with what they are for."""
        return LoweredIR(self.steps, results, updates, self.has_regions)

    def leaf(self, shape: tuple[int, ...], dtype: str, source: Any) -> Value:
        if self.outer is not None:
            return self.outer.leaf(shape, dtype, source)
        if isinstance(source, np.ndarray):
            key: Any = ("constant", source.tobytes() if source.size <= 16 else id(source), shape, dtype)
            self.alive.append(source)
        else:
            key = source if isinstance(source, int) else id(source)
        found = self.leaves.get(key)
        if found is None:
            found = self.leaves[key] = Value(shape, dtype, origin=source)
        return found

    def add(self, node: Node) -> None:
        values = self.values
        inputs = [values.get(id(tensor)) or self.value(tensor) for tensor in node.inputs]
        specs = [(tensor.shape, tensor.dtype) for tensor in node.outputs]
        if node.op.roles.region:
            from dlnative.graph.planning.regions import lower_region

            self.has_regions = True
            outputs = lower_region(self, node, inputs, specs)
        elif node.op.roles.passes:
            outputs = inputs[: len(specs)]
        else:
            outputs = self.evaluated(node.op, inputs, specs, node.attributes)
        for tensor, value in zip(node.outputs, outputs, strict=True):
            values[id(tensor)] = value

    def evaluated(self, op: Op, inputs: list[Value], specs: list[Spec], attributes: tuple[Any, ...]) -> list[Value]:
        """Returns what an op makes of values."""
        if self.outer is not None and self.hoists and not any(value.key in self.own for value in inputs):
            return self.outer.evaluated(op, inputs, specs, attributes)
        roles = op.roles
        if roles is not NO_ROLES:
            shape = specs[0][0]
            if op.broadcasting:
                inputs = self.without_broadcasts(inputs, shape)
            elif roles.rewrite is not None:
                inputs, attributes = roles.rewrite(inputs, attributes)
            same = self.same(op, inputs, shape, attributes)
            if same is not None:
                return [same]
        return self.of_one_number(op, inputs, specs[0], attributes) or self.made(op, inputs, specs, attributes)

    def same(self, op: Op, inputs: list[Value], shape: tuple[int, ...], attributes: tuple[Any, ...]) -> Value | None:
        """Returns the input that an op gives back unchanged, perhaps in another shape, if there is one."""
        roles = op.roles
        if roles.neutral is not None:
            for value, other in (inputs, inputs[::-1]) if roles.commutes else (inputs,):
                if isinstance(other.origin, np.ndarray) and other.origin.size == 1 and value.shape == shape:
                    if other.origin.item() == roles.neutral:
                        return value
        elif roles.view is not None:
            first = roles.view(inputs[0].shape, attributes)
            return None if first is None else self.part(inputs[0], first, shape)
        elif roles.permutes:
            moving = [axis for axis in attributes[0] if inputs[0].shape[axis] != 1]
            return self.part(inputs[0], 0, shape) if moving == sorted(moving) else None
        elif roles.reduces and size_of(shape) == size_of(inputs[0].shape):  # along axes of extent 1
            return self.part(inputs[0], 0, shape)
        return None

    def made(self, op: Op, inputs: list[Value], specs: list[Spec], attributes: tuple[Any, ...]) -> list[Value]:
        """Returns what an op makes: by a step, or as it was made before, or computed now."""
        key = (op.name, attributes, *map(id, inputs))
        outputs = self.seen.get(key)
        if outputs is None:
            outputs = self.folded(op, inputs, specs, attributes)
            if outputs is None:
                outputs = [Value(shape, dtype) for shape, dtype in specs]
                self.steps.append(Step(op, inputs, outputs, attributes))
                if self.outer is not None:
                    self.own.update([value.key for value in outputs])
            self.seen[key] = outputs
        return outputs

    def of_one_number(self, op: Op, inputs: list[Value], spec: Spec, attributes: tuple[Any, ...]) -> list[Value] | None:
        """An elementwise op on values whose elements are all the same is one on numbers, whose result is repeated."""
        shape, dtype = spec
        repeats = op.roles.repeats
        if not (repeats or op.roles.pointwise) or size_of(shape) <= 1:
            return None
        numbers = [number for value in inputs if (number := self.number(value)) is not None]
        if len(numbers) < len(inputs) or (repeats and numbers[0] is inputs[0]):
            return None
        made = numbers if repeats else self.made(op, numbers, [((), dtype)], attributes)
        return self.made(SERVING["repeating"], made, [spec], (shape,))

    def number(self, value: Value) -> Value | None:
        """Returns the number that all elements of a value are, if the plan says so."""
        step = value.base.producer
        if step is not None and step.op.roles.repeats:
            value = step.inputs[0]
        return self.part(value, 0, ()) if size_of(value.shape) == 1 else None

    def part(self, value: Value, first: int, shape: tuple[int, ...]) -> Value:
        """Returns the elements of a value from the one numbered `first` on, in a shape."""
        if isinstance(value.origin, np.ndarray):
            return self.leaf(
                shape, value.dtype, value.origin.reshape(-1)[first : first + size_of(shape)].reshape(shape)
            )
        if self.outer is not None and value.key not in self.own:
            return self.outer.part(value, first, shape)
        base = value.base
        offset = value.offset + first * dtypes.ITEM_SIZES[value.dtype]
        if base.shape == shape:
            return base
        key = (Value, id(base), offset, shape)
        found = self.seen.get(key)
        if found is None:
            found = self.seen[key] = [Value(shape, value.dtype, alias=base, offset=offset)]
        return found[0]

    def without_broadcasts(self, inputs: list[Value], shape: tuple[int, ...]) -> list[Value]:
        for index, value in enumerate(inputs):
            step = value.base.producer
            if step is not None and step.op.roles.repeats:
                source = step.inputs[0]
                if size_of(source.shape) == 1:
                    source = self.part(source, 0, ())
                elif value.alias is not None:
                    continue
                candidate = [*inputs[:index], source, *inputs[index + 1 :]]
                if np.broadcast_shapes(*(item.shape for item in candidate)) == shape:
                    inputs = candidate
        return inputs

    def folded(self, op: Op, inputs: list[Value], specs: list[Spec], attributes: tuple[Any, ...]) -> list[Value] | None:
        arrays = []
        for value in inputs:
            if not isinstance(value.origin, np.ndarray):
                return None
            arrays.append(value.origin)
        if not arrays or sum(size_of(shape) for shape, _ in specs) > _MOST_FOLDED:
            return None
        if op.roles.repeats and size_of(specs[0][0]) > 1:
            return None  # most often left to an op that broadcasts
        from dlnative.backends.reference.functions import function_of

        outputs = function_of(op.family, op.name)(*arrays, **op.keywords(attributes))
        found = outputs if isinstance(outputs, tuple) else (outputs,)
        return [
            self.leaf(shape, dtype, np.ascontiguousarray(array, dtypes.NUMPY[dtype]).reshape(shape))
            for (shape, dtype), array in zip(specs, found, strict=True)
        ]
