"""Reverse-mode differentiation from graph to graph: gradients are built of the same ops."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from dlnative.graph.tensor import Node, Tensor

Add = Callable[[Tensor, Tensor], Tensor]


def gradients(target: Tensor, sources: Sequence[Tensor], seed: Tensor, add: Add, since: int = 0) -> list[Tensor | None]:
    """Returns the gradients of a scalar by `sources`; see `pull_back`."""
    return pull_back([target], [seed], sources, add, since=since)


def pull_back(
    targets: Sequence[Tensor],
    seeds: Sequence[Tensor],
    sources: Sequence[Tensor],
    add: Add,
    boundary: Collection[int] = (),
    since: int = 0,
) -> list[Tensor | None]:
    """Returns the products of seeds with the derivatives of targets by sources, added up over the targets.

    dL/dx of a tensor x is the sum, over the nodes that use x, of what each node's gradient rule makes of dL/dy of its
    outputs y; nodes are visited from the last made to the first, so that dL/dy is complete when it is needed.

    Args:
        targets: the tensors to differentiate.
        seeds: dL/dtarget, of the targets' shapes.
        sources: the tensors to differentiate by.
        add: how two contributions are added.
        boundary: the identities of tensors that count as given: what they are made of is not looked at.
        since: the serial number from which on nodes count; what earlier ones made is constant.

    Returns:
        A gradient for each source, of its shape; `None` where no target depends on it.

    Raises:
        NotImplementedError: if a gradient arrives at an op that has no rule for it.
    """
    found: dict[int, Tensor] = {}

    def arrives(tensor: Tensor, gradient: Tensor) -> None:
        previous = found.get(id(tensor))
        found[id(tensor)] = gradient if previous is None else add(previous, gradient)

    for target, seed in zip(targets, seeds, strict=True):
        arrives(target, seed)
    # What arrives at parts of a tensor is put together when all of it is there.
    parts: dict[int, tuple[Tensor, list[tuple[Node, Tensor]]]] = {}

    def settle(tensor: Tensor) -> None:
        if id(tensor) in parts:
            _, pieces = parts.pop(id(tensor))
            merge = pieces[0][0].op.roles.merge
            assert merge is not None
            arrives(tensor, merge(tensor, pieces))

    for node in sorted(_dependent_nodes(targets, sources, boundary, since), key=_serial_of, reverse=True):
        if parts:
            for output in node.outputs:
                settle(output)
        arriving = [found.get(id(output)) for output in node.outputs]
        if all(gradient is None for gradient in arriving):
            continue
        if node.op.roles.merge is not None:
            assert arriving[0] is not None
            parts.setdefault(id(node.inputs[0]), (node.inputs[0], []))[1].append((node, arriving[0]))
            continue
        if node.op.gradient is None:
            raise NotImplementedError(f"gradients: there is no rule for the gradient of {node.op.name!r}")
        for tensor, gradient in zip(node.inputs, node.op.gradient(node, arriving), strict=True):
            if gradient is not None:
                arrives(tensor, gradient)
    for source, _ in list(parts.values()):
        settle(source)
    return [found.get(id(source)) for source in sources]


def _serial_of(node: Node) -> int:
    return node.serial


def _dependent_nodes(
    targets: Sequence[Tensor], sources: Sequence[Tensor], boundary: Collection[int], since: int
) -> list[Node]:
    """Returns the nodes on the paths from a source to a target."""
    depends: dict[int, bool] = {id(source): True for source in sources}
    ancestors: dict[int, Node] = {}
    stack = [target.node for target in targets if target.node is not None and id(target) not in boundary]
    while stack:
        node = stack.pop()
        if node.serial in ancestors or node.serial < since:
            continue
        ancestors[node.serial] = node
        for tensor in node.inputs:
            if tensor.node is not None and (not boundary or id(tensor) not in boundary):
                stack.append(tensor.node)
    result = []
    for serial in sorted(ancestors):
        node = ancestors[serial]
        if any(depends.get(id(tensor), False) for tensor in node.inputs):
            result.append(node)
            for output in node.outputs:
                depends[id(output)] = True
    return result
