"""Roles: what the planner knows of an op. Rows of the op table carry them, so that nothing here knows an op by its name."""

# Without `from __future__ import annotations`: of strings, a named tuple would compile each one when it is made.
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from dlnative.graph.planning.lower import Value
    from dlnative.graph.tensor import Node, Tensor

Shape = tuple[Any, ...]
Activation = tuple[Any, ...]  # the name of an op and its parameters; () is none


class Epilogue(NamedTuple):
    """What a kernel does with its result in registers: `y = act(y + bias + residual)`, then `y = y * act'(saved)`.

    It is the last attribute of every op that takes one in. Its operands follow the op's own: those that there are of a
    bias (one row of the result), a residual and a saved result or argument of an activation (both of the result's shape).

    Args:
        bias, residual: whether they are added.
        activation: an activation, or `()`.
        gradient_of: an activation whose derivative the result is multiplied by, or `()`.
        sums: whether there is a second result: the sums over all rows of the second operand.
    """

    bias: bool = False
    residual: bool = False
    activation: Activation = ()
    gradient_of: Activation = ()
    sums: bool = False

    @property
    def operands(self) -> int:
        """The number of its operands."""
        return self.bias + self.residual + bool(self.gradient_of)


PLAIN = Epilogue()


class Roles(NamedTuple):
    """What an op is to the planner.

    Args:
        pointwise: each element of the only result comes from the elements of the inputs at its place.
        chainable: it is pointwise, and its kernel may be run on one block of elements after the other.
        reduces: for a reduction with the attributes axis, count and keepdims, what it may reduce as the end of a chain:
            `"rows"`, or `"elements"` for rows and all elements.
        commutes: the inputs may be exchanged.
        neutral: the number that, as the second input (or either, if it commutes), leaves the other as it is.
        view: from the input's shape and the attributes to the element of the input that the result begins with, where it
            is a part of the input's memory; `None` where it is not.
        joins: from the inputs' shapes and the attributes to the elements of the result that the inputs begin at, where
            they are parts of its memory one behind the other; `None` where they are not.
        merge: from a tensor, and the nodes of this op that read it with what arrives at their results, to its gradient: for
            an op that takes a part.
        over_turns: from a node of a body to a function of its inputs, stacked along a new first axis and perhaps in other
            shapes, that gives the sum of its results over the turns at once; `None` where there is none.
        repeats: the result is the input, broadcast to the shape that is the first attribute.
        permutes: the result is the input with its axes in the order that is the first attribute.
        post_op: what it is in an epilogue: `"addition"`, `"scaling"`, `"activation"`, `"gradient"` (of an activation) or
            `"sums"`.
        activation: the number of an activation in the instruction format.
        of: the activation that it is the gradient of.
        takes: from the shapes of an op's own inputs and attribute values, whose last is an epilogue, to whether its kernel
            can do that.
        rewrite: from inputs and attribute values to others that give the same: an op's own simplification.
        scales: the number of an output, and of a float attribute that this output is multiplied by.
        passes: its results are its first inputs: it is only there for its gradient.
        region: its attribute is a part of the graph (`graph/region.py`), which it runs.
        host: it has no kernel: the CPU's plans call its reference function (`backends/host.py`).
        serves: what the graph itself uses the op for: `"copying"`, `"repeating"`, `"chaining"`, `"casting"` or `"adding"`.
    """

    pointwise: bool = False
    chainable: bool = False
    reduces: str = ""
    commutes: bool = False
    neutral: float | None = None
    view: Callable[[Shape, tuple[Any, ...]], int | None] | None = None
    joins: Callable[[Sequence[Shape], tuple[Any, ...]], list[int] | None] | None = None
    merge: Callable[["Tensor", list[tuple["Node", "Tensor"]]], "Tensor"] | None = None
    over_turns: Callable[["Node"], Callable[..., Any] | None] | None = None
    repeats: bool = False
    permutes: bool = False
    post_op: str = ""
    activation: int = 0
    of: str = ""
    takes: Callable[[Sequence[Shape], tuple[Any, ...]], bool] | None = None
    rewrite: Callable[[list["Value"], tuple[Any, ...]], tuple[list["Value"], tuple[Any, ...]]] | None = None
    scales: tuple[int, int] | None = None
    passes: bool = False
    region: bool = False
    host: bool = False
    serves: str = ""


NO_ROLES = Roles()
HOST = Roles(host=True)
