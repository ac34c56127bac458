"""The op table: one row for each operation, which everything that treats all operations alike walks.

Kinds of attributes: `int`, `bool`, `float`, `ints` (with their number before them), `dtype`, `epilogue` (`graph/roles.py`),
`steps` (the ops of a chain); `shape` and `output_dtype` repeat what the output's buffer says.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dlnative import dtypes
from dlnative.graph.roles import NO_ROLES, Roles
from dlnative.graph.type_rule import TypeRule

if TYPE_CHECKING:
    from dlnative.graph.tensor import Node, Tensor

Shape = tuple[Any, ...]
Spec = tuple[Shape, str]  # shape (None where the batch is unknown) and dtype
Infer = Callable[[Sequence["Tensor"], tuple[Any, ...]], list[Spec]]
Gradient = Callable[["Node", Sequence[Any]], Sequence[Any]]
Flops = Callable[[Sequence[Shape], Sequence[Shape]], int]

# Kinds of attributes and their place in an instruction; the kinds "shape" and "output_dtype" repeat what the
# output's buffer says, so they are not encoded.
_ENCODED_INTS = ("int", "bool")


def zero_gradient(node: Node, grads: Sequence[Any]) -> Sequence[Any]:
    """The gradient rule of an op whose result does not change with its inputs, but by leaps."""
    return [None] * len(node.inputs)


class Arg:
    """What an input of an op looks like in the tests: a shape and the values it may take.

    Args:
        shape: the shape.
        kind: `"real"` (uniform in `[low, high]`), `"integer"` (in `[low, high)`), `"boolean"`, `"mask"` (the same, and true at
            the first place of each row), `"probability"` (rows that sum to 1), `"definite"` (symmetric positive definite
            matrices, whose eigenvalues differ), `"state"` (of a random generator), or `"slot"` (as real; written in place).
        low, high: the range.
        dtype: a fixed type, where it is not the one under test.
    """

    __slots__ = ("dtype", "high", "kind", "low", "shape")

    def __init__(
        self, shape: Shape, kind: str = "real", low: float = -2.0, high: float = 2.0, dtype: str | None = None
    ) -> None:
        self.shape = shape
        self.kind = kind
        self.low = low
        self.high = high
        self.dtype = dtype


class Sample:
    """One call of an op for the tests: its inputs and its attributes."""

    __slots__ = ("attributes", "inputs")

    def __init__(self, *inputs: Arg | Shape, **attributes: Any) -> None:
        self.inputs = [argument if isinstance(argument, Arg) else Arg(argument) for argument in inputs]
        self.attributes = attributes


class Op:
    """One row of the op table.

    Args:
        name: the name, the same in every backend.
        family: the file that holds it in every backend.
        infer: from input tensors and attribute values to the shapes and types of the outputs; refuses bad input.
        attributes: pairs of a name and a kind, in the order of the instruction format.
        gradient: from a node and the gradients of its outputs to those of its inputs (`None`: no gradient); `zero_gradient` for an
            op that has none. Without a rule, a gradient that arrives at a result is an error.
        inplace: whether an output may take the memory of an input of its shape and type; or a function of the attributes
            and the number of the output that returns the numbers of the inputs whose memory this may take.
        broadcasting: whether the inputs broadcast against each other.
        flops: operations done for given input and output shapes; by default one for each element of the outputs.
        dtypes: the types that it computes in. All operands are of one of them, but those named next.
        operands: the types of inputs that have their own, by number.
        results: the types of the results, where they are not that of the inputs.
        uint64: how it computes with uint64, which no kernel knows, in int64: `"modulo"` 2^64, or `"order"`, when only the
            order of values counts; `None` where it does not.
        arity: the smallest and the largest number of inputs; by default as many as the samples have.
        samples: a function that returns calls for the tests.
        roles: what the op is to the planner.
        tolerance: the multiple of the type's rounding error that an element may differ from the reference by, relative to
            its size.
        size: what counts as the size of an element: `"element"`, its exact value; `"argument"`, the larger of that and the
            largest operand at its place, where the result is a difference; `"terms"`, the sum of the sizes of what is
            summed; `"chain"`, the larger of these two; `"row"`, the largest of its row; `"column"`, that of the first result,
            and of later ones the sum of the first operand over the rows; `"update"`, what was added to the operand that it
            replaces; `"largest"`, the largest element of the result; `"unit"`, 1.
    """

    __slots__ = (
        "_arity",
        "_samples",
        "accepted",
        "attributes",
        "broadcasting",
        "dtypes",
        "family",
        "flops",
        "gradient",
        "infer",
        "inplace",
        "name",
        "roles",
        "size",
        "steps",
        "tolerance",
        "types",
        "uint64",
    )

    def __init__(
        self,
        name: str,
        family: str,
        infer: Infer,
        *,
        attributes: tuple[tuple[str, str], ...] = (),
        gradient: Gradient | None = None,
        inplace: bool | Callable[[tuple[Any, ...], int], Sequence[int]] = False,
        broadcasting: bool = False,
        flops: Flops | None = None,
        dtypes: tuple[str, ...] = ("float32", "float64"),
        operands: Mapping[int, Sequence[str]] = MappingProxyType({}),
        results: Sequence[str] | None = None,
        uint64: str | None = None,
        arity: tuple[int, int] | None = None,
        samples: Callable[[], Sequence[Sample]] = tuple,
        roles: Roles = NO_ROLES,
        tolerance: float = 8.0,
        size: str = "element",
    ) -> None:
        self.name = name
        self.family = family
        self.infer = infer
        self.attributes = attributes
        self.gradient = gradient
        self.inplace = inplace
        self.broadcasting = broadcasting
        self.flops = flops
        self.dtypes = dtypes
        self.types = TypeRule(dtypes, operands, results)
        self.accepted = self.types.accepted
        self.uint64 = uint64
        self._arity = arity
        self._samples = samples
        self.roles = roles
        self.steps = next((place for place, (_, kind) in enumerate(attributes) if kind == "steps"), -1)
        self.tolerance = tolerance
        self.size = size

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    @property
    def samples(self) -> Sequence[Sample]:
        """The calls for the tests."""
        return self._samples()

    @property
    def arity(self) -> tuple[int, int]:
        """The smallest and the largest number of inputs."""
        if self._arity is None:
            counts = [len(sample.inputs) for sample in self.samples]
            self._arity = min(counts, default=0), max(counts, default=2**31 - 1)
        return self._arity

    def reusable(self, values: tuple[Any, ...], output: int, count: int) -> Sequence[int]:
        """Returns which of `count` inputs an output, given by its number, may be written over, for attribute values."""
        if callable(self.inplace):
            return self.inplace(values, output)
        return range(count) if self.inplace else ()

    def keywords(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Returns attribute values by name, as the reference functions take them."""
        return {name: value for (name, _), value in zip(self.attributes, values, strict=True)}

    def encode(self, values: tuple[Any, ...]) -> tuple[tuple[int | str, ...], tuple[float, ...]]:
        """Returns the integers and floats that an instruction carries. The name of an op stands for its code."""
        if not values:
            return (), ()
        ints: list[int | str] = []
        floats: list[float] = []
        for (_, kind), value in zip(self.attributes, values, strict=True):
            if kind == "float":
                floats.append(float(value))
            elif kind == "ints":
                ints.append(len(value))
                ints.extend(value)
            elif kind == "steps":
                ints.append(len(value))
                for name, operands, destination, dtype, parameters in value:
                    ints += [name, len(operands), *operands, destination, dtypes.CODES[dtype], len(parameters)]
                    floats += parameters
            elif kind == "dtype":
                ints.append(dtypes.CODES[value])
            elif kind == "epilogue":
                codes = [OPS[act[0]].roles.activation if act else 0 for act in (value.activation, value.gradient_of)]
                ints += [int(value.bias), int(value.residual), *codes, int(value.sums)]
                floats += (value.activation[1:] or value.gradient_of[1:])[:1] or [0.0]
            elif kind in _ENCODED_INTS:
                ints.append(int(value))
        return tuple(ints), tuple(floats)


class OpTable(dict[str, Op]):
    """The rows by name, those of modules that are not imported yet too: who asks for one of these imports its module."""

    def __init__(self) -> None:
        self._modules: dict[str, str] = {}

    def promise(self, module: str, names: Sequence[str]) -> None:
        """Says which rows a module adds when it is imported."""
        self._modules.update(dict.fromkeys(names, module))

    def __missing__(self, name: str) -> Op:
        import importlib

        if name not in self._modules:
            raise KeyError(name)
        importlib.import_module(self._modules[name])
        found = self.get(name)
        assert found is not None
        return found

    def _complete(self) -> None:
        for name in self._modules:
            self[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._modules

    def __iter__(self) -> Iterator[str]:
        self._complete()
        return super().__iter__()

    def __len__(self) -> int:
        self._complete()
        return super().__len__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        self._complete()
        return super().keys()

    def values(self) -> ValuesView[Op]:  # type: ignore[override]
        self._complete()
        return super().values()

    def items(self) -> ItemsView[str, Op]:  # type: ignore[override]
        self._complete()
        return super().items()


OPS = OpTable()
SERVING: dict[str, Op] = {}  # what the planner itself uses, by what it is for


def register(op: Op) -> Op:
    """Adds a row to the table."""
    OPS[op.name] = op
    if op.roles.serves:
        SERVING[op.roles.serves] = op
    return op


def size_of(shape: Shape) -> int:
    """Returns the number of elements of a concrete shape."""
    size = 1
    for extent in shape:
        size *= extent
    return size
