"""The gradient of a scan: a scan the other way round.

With z' = f(z, x, w) in each turn, dz = dz' df/dz and dx = dz' df/dx of that turn are what arrives at the turn before, and a
row of a result; dw is the sum of dz' df/dw over the turns. What this needs of a turn of the scan, the scan stacks as one
more result. Where dw is a product of rows of the turns, the rows are stacked instead, and multiplied all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.autodiff import pull_back
from dlnative.graph.op import size_of
from dlnative.graph.region import Body, Scan, captured_tensors, parameter
from dlnative.graph.tensor import Node, Tensor, serial_now
from dlnative.ops.core import call, invoke, to_symbol
from dlnative.ops.creation import zeros_like
from dlnative.ops.region import SCAN

Later = Callable[[], Any]  # to be called when the scan has been made


def _is_float(tensor: Tensor) -> bool:
    return dtypes.is_float(tensor.dtype)


def _zeros(like: Tensor) -> Tensor:
    return to_symbol(zeros_like(like))


def _add(a: Any, b: Any) -> Any:
    return call("add", a, b)


class ScanGradient:
    """Makes the scan that computes the gradients by the inputs of one.

    Args:
        node: the node of the scan.
        grads: what arrives at its outputs.
    """

    def __init__(self, node: Node, grads: Sequence[Any]) -> None:
        (self.scan,) = node.attributes
        self.node = node
        self.body: Body = self.scan.body
        self.count = self.scan.carries
        self.rows = len(self.body.parameters) - self.count
        self.carried = [index for index in range(self.count) if _is_float(self.body.parameters[index])]
        self.last = [
            _zeros(node.outputs[index]) if grads[index] is None else to_symbol(grads[index]) for index in self.carried
        ]
        arriving = [
            (row, to_symbol(dy))
            for row, dy in zip(self.body.results[self.count :], grads[self.count :], strict=False)
            if dy is not None and _is_float(row)
        ]
        self.results = [row for row, _ in arriving]
        self.dys = [dy for _, dy in arriving]
        self._find_nodes()
        self.start = serial_now()
        self.given = [self._parameter(self.body.parameters[index]) for index in self.carried]
        self.dy_rows = [self._parameter(row) for row in self.results]
        self.stacks: list[Tensor] = []  # the rows of the results
        self.outputs: Sequence[Any] = ()  # of the scan that is made

    @staticmethod
    def _parameter(like: Tensor) -> Tensor:
        return parameter(like.shape, like.dtype)

    def _find_nodes(self) -> None:
        """Finds the serial numbers of the body's nodes, and of those that depend on its parameters."""
        given = {id(tensor) for tensor in self.body.parameters}
        self.own: set[int] = set()
        self.dependent: set[int] = set()
        for node in self.body.nodes():
            self.own.add(node.serial)
            if any(id(x) in given or (x.node is not None and x.node.serial in self.dependent) for x in node.inputs):
                self.dependent.add(node.serial)
        self.in_turn = {id(tensor): number for number, tensor in enumerate(self.body.parameters)}

    def by_inputs(self) -> Sequence[Any]:
        """Returns the gradients by the node's inputs."""
        body, count = self.body, self.count
        sources = [tensor for tensor in (*body.parameters, *body.captured) if _is_float(tensor)]
        found = pull_back(
            [*(body.results[index] for index in self.carried), *self.results],
            [*self.given, *self.dy_rows],
            sources,
            _add,
            {id(tensor) for tensor in (*body.parameters, *body.captured)},
        )
        by_source = {id(source): gradient for source, gradient in zip(sources, found, strict=True)}
        after = [by_source[id(body.parameters[index])] for index in self.carried]
        results = [_zeros(old) if new is None else new for old, new in zip(self.given, after, strict=True)]
        by_xs = [self._stacked_later(by_source.get(id(tensor))) for tensor in body.parameters[count:]]
        inits, given = list(self.last), list(self.given)
        by_captured: list[Later | None] = []
        for number, tensor in enumerate(body.captured):
            gradient = by_source.get(id(tensor))
            later = None if gradient is None else self._summed_later(gradient)
            if gradient is not None and later is None:  # added up from turn to turn
                place = len(given)
                given.append(self._parameter(tensor))
                results.append(_add(given[-1], gradient))
                inits.append(_zeros(self.node.inputs[count + self.rows + number]))
                later = lambda place=place: self.outputs[place]  # noqa: E731
            by_captured.append(later)
        if given or self.stacks:
            self._make(inits, given, results)
        by_init: list[Any] = [None] * count
        for index, output in zip(self.carried, self.outputs, strict=False):
            by_init[index] = output
        return [*by_init, *(None if later is None else later() for later in (*by_xs, *by_captured))]

    def _make(self, inits: list[Tensor], given: list[Tensor], results: list[Tensor]) -> None:
        self.first_stack = len(given)
        captured, outside, xs, rows = [], [], [], []
        positions = {id(tensor): number for number, tensor in enumerate(self.body.captured)}
        read = captured_tensors([*results, *self.stacks], [*given, *self.dy_rows], self._is_outside)
        for tensor in read:
            whole = self._whole(tensor)
            if whole is not None:
                rows.append(tensor)
                xs.append(whole)
                continue
            captured.append(tensor)
            number = positions.get(id(tensor))
            outside.append(tensor if number is None else self.node.inputs[self.count + self.rows + number])
        body = Body([*given, *self.dy_rows, *rows], [*results, *self.stacks], captured)
        scan = Scan(body, len(given), self.scan.turns, not self.scan.reverse)
        made = invoke(SCAN, [*inits, *self.dys, *xs, *outside], (scan,))
        self.outputs = made if isinstance(made, tuple) else (made,)

    def _is_outside(self, tensor: Tensor) -> bool:
        """Whether the gradient's body does not compute a tensor itself. What costs no memory it makes again."""
        made = tensor.node
        if made is None or made.serial >= self.start:
            return made is None
        if made.serial in self.dependent:
            return made.op.roles.view is None and not made.op.roles.repeats
        return made.serial not in self.own

    def _whole(self, tensor: Tensor) -> Tensor | None:
        """Returns the tensor outside that has a tensor of the scan's body in each turn; `None` if it does not change."""
        number = self.in_turn.get(id(tensor), -1)
        if number >= self.count:
            return self.node.inputs[number]
        if number < 0 and (tensor.node is None or tensor.node.serial not in self.dependent):
            return None
        results, outputs = self.body.results, self.node.outputs
        for row, output in zip(results[self.count :], outputs[self.count :], strict=True):
            if row is tensor:
                return output
        results.append(tensor)
        shape, dtype = self.scan.stacked(tensor)
        self.node.outputs += (Tensor(shape, dtype, self.node, len(outputs)),)
        return self.node.outputs[-1]

    def _stacked_later(self, tensor: Tensor | None) -> Later | None:
        """Stacks a tensor of the gradient's body over the turns."""
        if tensor is None:
            return None
        place = next((place for place, other in enumerate(self.stacks) if other is tensor), len(self.stacks))
        if place == len(self.stacks):
            self.stacks.append(tensor)
        return lambda: self.outputs[self.first_stack + place]

    def _rows_later(self, tensor: Tensor) -> Later | None:
        """Returns a tensor in all turns, perhaps in other shapes; `None` if it is the same in all."""
        while tensor.node is not None and tensor.node.op.roles.view is not None:
            (whole,) = tensor.node.inputs
            if size_of(whole.shape) != size_of(tensor.shape):
                break
            tensor = whole
        for row, dy in zip(self.dy_rows, self.dys, strict=True):
            if row is tensor:
                return lambda: dy
        if any(tensor is given for given in self.given) or (
            tensor.node is not None and tensor.node.serial >= self.start
        ):
            return self._stacked_later(tensor)
        whole_now = self._whole(tensor)
        return None if whole_now is None else lambda: whole_now

    def _summed_later(self, tensor: Tensor) -> Later | None:
        """Returns the sum of a tensor over the turns, where it is computed at once from rows of all turns."""
        made = tensor.node
        if made is None or made.serial < self.start:
            return None
        if made.op.roles.post_op == "addition" and all(x.shape == tensor.shape for x in made.inputs):
            terms = [self._summed_later(x) for x in made.inputs]
            if None in terms:
                return None
            return lambda: _add(*(term() for term in terms if term is not None))
        rule = made.op.roles.over_turns
        at_once = None if rule is None else rule(made)
        if at_once is None:
            return None
        rows = [self._rows_later(x) for x in made.inputs]
        if None in rows:
            return None
        return lambda: at_once(*(row() for row in rows if row is not None))
