"""Questions about symbolic tensors."""

from __future__ import annotations

from typing import Any

from dlnative.symbolic import KerasTensor


def is_keras_tensor(x: Any) -> bool:
    """Tells whether something is a symbolic tensor of a functional model: what `Input` gives, and layers make of it.

    Example:
        >>> from dlnative import Input
        >>> is_keras_tensor(Input((2,))), is_keras_tensor(2.0)
        (True, False)
    """
    return isinstance(x, KerasTensor)


def get_source_inputs(tensor: Any) -> Any:
    """Returns the inputs that a symbolic tensor is computed from, each once; what is no symbolic tensor as it is.

    Args:
        tensor: the tensor.
    """
    if not isinstance(tensor, KerasTensor):
        return tensor
    call = tensor.history
    if call is None or not call.inputs:
        return [tensor]
    found: dict[int, Any] = {}
    seen: set[int] = set()
    pending = [tensor]
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if item.history is None or not item.history.inputs:
            found[id(item)] = item
        else:
            pending += reversed(item.history.inputs)
    return list(found.values())
