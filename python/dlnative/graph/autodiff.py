"""Reverse-mode differentiation from graph to graph: the gradient of a scalar is built of the same ops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dlnative.graph.tensor import Node, Tensor

Add = Callable[[Tensor, Tensor], Tensor]


def gradients(target: Tensor, sources: Sequence[Tensor], seed: Tensor, add: Add, since: int = 0) -> list[Tensor | None]:
    """Returns the gradients of `target` with respect to `sources`.

    dL/dx of a tensor x is the sum, over the nodes that use x, of what each node's gradient rule makes of dL/dy of its
    outputs y; nodes are visited from the last made to the first, so that dL/dy is complete when it is needed.

    Args:
        target: the tensor to differentiate.
        sources: the tensors to differentiate it by.
        seed: dL/dtarget, of the target's shape.
        add: how two contributions are added.
        since: the serial number from which on nodes count; what earlier ones made is constant.

    Returns:
        A gradient for each source, of its shape; `None` where the target does not depend on it.

    Raises:
        NotImplementedError: if a gradient arrives at an op that has no rule for it.
    """
    dependent = _dependent_nodes(target, sources, since)
    found: dict[int, Tensor] = {id(target): seed}
    for node in sorted(dependent, key=_serial_of, reverse=True):
        arriving = [found.get(id(output)) for output in node.outputs]
        if all(gradient is None for gradient in arriving):
            continue
        if node.op.gradient is None:
            raise NotImplementedError(f"gradients: there is no rule for the gradient of {node.op.name!r}")
        for tensor, gradient in zip(node.inputs, node.op.gradient(node, arriving), strict=True):
            if gradient is None:
                continue
            previous = found.get(id(tensor))
            found[id(tensor)] = gradient if previous is None else add(previous, gradient)
    return [found.get(id(source)) for source in sources]


def _serial_of(node: Node) -> int:
    return node.serial


def _dependent_nodes(target: Tensor, sources: Sequence[Tensor], since: int) -> list[Node]:
    """Returns the nodes on the paths from a source to the target."""
    depends: dict[int, bool] = {id(source): True for source in sources}
    ancestors: dict[int, Node] = {}
    stack = [target.node] if target.node is not None else []
    while stack:
        node = stack.pop()
        if node.serial in ancestors or node.serial < since:
            continue
        ancestors[node.serial] = node
        stack.extend(tensor.node for tensor in node.inputs if tensor.node is not None)
    result = []
    for serial in sorted(ancestors):
        node = ancestors[serial]
        if any(depends.get(id(tensor), False) for tensor in node.inputs):
            result.append(node)
            for output in node.outputs:
                depends[id(output)] = True
    return result
