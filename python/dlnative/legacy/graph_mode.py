"""`K.function`, `K.gradients` and `K.placeholder`: programs that wrote graphs of symbolic tensors by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dlnative import ops
from dlnative.gradient import grad
from dlnative.layers import Input
from dlnative.models import Model
from dlnative.models.function import Function
from dlnative.operation import Operation
from dlnative.symbolic import KerasTensor
from dlnative.utils import get_source_inputs


class Gradient(Operation):
    """The gradient of the sum of a loss in a functional model.

    It is called on the tensor that is differentiated by, and on the inputs of the loss.

    Args:
        graph: computes the loss of these.
        name: a name.
    """

    def __init__(self, graph: Function, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.graph = graph

    def compute_output_spec(self, tensor: Any, *_: Any) -> Any:
        return KerasTensor(tensor.shape, tensor.dtype)

    def call(self, tensor: Any, *inputs: Any) -> Any:
        return grad(lambda given: ops.sum(self.graph([given, *inputs])))(tensor)


def gradients(loss: Any, variables: Any) -> list[Any]:
    """Returns the gradients of a loss in a functional model.

    Args:
        loss: a symbolic tensor, whose elements are added up.
        variables: a symbolic tensor that the loss is computed from, or several in a list.

    Returns:
        A list of symbolic tensors, one for each.

    Raises:
        TypeError: for others than symbolic tensors: of arrays and weights, `dlnative.value_and_grad` gives gradients.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> x = dlnative.Input((2,))
        >>> slope = gradients(dlnative.ops.square(x), x)
        >>> function([x], slope)([np.array([[1.0, 3.0]], "float32")])
        [array([[2., 6.]], dtype=float32)]
    """
    chosen = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    if not all(isinstance(tensor, KerasTensor) for tensor in (loss, *chosen)):
        raise TypeError(
            "gradients: expected symbolic tensors of a functional model; of arrays and weights dlnative.value_and_grad gives them"
        )
    inputs = get_source_inputs(loss)
    found = []
    for tensor in chosen:
        others = [source for source in inputs if source is not tensor]
        found.append(Gradient(Function([tensor, *others], loss))(tensor, *others))
    return found


def function(
    inputs: Sequence[Any], outputs: Any, updates: Sequence[Any] | None = None, name: str | None = None
) -> Callable[[Sequence[Any]], Any]:
    """Returns a function of arrays that computes symbolic tensors.

    Args:
        inputs: symbolic tensors; `learning_phase()` among them stands for an argument that tells whether layers train.
        outputs: a symbolic tensor computed from them, or several in a list.
        updates: none: there are no assignments in a graph.
        name: a name.

    Returns:
        A function of a list of arrays; it returns an array, or a list for a list.

    Raises:
        ValueError: if updates are given.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> x = dlnative.Input((2,))
        >>> function([x], [x + 1.0])([np.zeros((1, 2), "float32")])
        [array([[1., 1.]], dtype=float32)]
    """
    if updates:
        raise ValueError("function: expected no updates: layers and optimizers assign by themselves")
    listed = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    symbolic = [isinstance(tensor, KerasTensor) for tensor in inputs]
    model = Model([tensor for tensor, chosen in zip(inputs, symbolic, strict=True) if chosen], listed, name=name)

    def call(values: Sequence[Any]) -> Any:
        values = list(values) if isinstance(values, (list, tuple)) else [values]
        if len(values) < sum(symbolic):
            raise ValueError(f"function: expected {sum(symbolic)} arrays, got {len(values)}")
        kinds = symbolic if len(values) == len(symbolic) else [True] * len(values)
        arrays = [np.asarray(value) for value, chosen in zip(values, kinds, strict=True) if chosen]
        phases = [value for value, chosen in zip(values, kinds, strict=True) if not chosen]
        found = model(arrays, training=bool(phases[0]) if phases else False)
        results = [np.asarray(value) for value in (found if len(listed) > 1 else [found])]
        return results if isinstance(outputs, (list, tuple)) else results[0]

    return call


def placeholder(
    shape: Sequence[int | None] | None = None, ndim: int | None = None, dtype: Any = None, name: str | None = None
) -> Any:
    """Returns a symbolic tensor that is fed.

    Args:
        shape: its shape, with the batch.
        ndim: how many axes it has, if no shape is given.
        dtype: its type.
        name: a name.
    """
    whole = [None] * (ndim or 0) if shape is None else list(shape)
    return Input(batch_shape=tuple(whole), dtype=dtype, name=name)
