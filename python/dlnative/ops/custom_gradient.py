"""Functions whose gradient somebody else says, or that are run again for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from dlnative import dtypes
from dlnative.graph.op import OPS
from dlnative.graph.tensor import Node, Tensor
from dlnative.graph.trace import current_trace
from dlnative.graph.tree import flatten, flatten_structure, map_structure, refill
from dlnative.ops.core import as_tensor, invoke, is_symbolic, operation, shown, to_symbol
from dlnative.ops.creation import zeros_like
from dlnative.ops.region import GIVEN
from dlnative.utils.checks import takes


class GivenGradient:
    """What a node with a gradient of its own knows: results that are its first inputs, and how to differentiate them.

    Args:
        function: the function, for a copy of the node with other inputs.
        arguments: what it was called with: nested tensors and other things.
        keywords: what it was called with by name.
        output: what it returned: nested tensors.
        gradient: the function from the gradients of these to those of the tensors in the arguments.
        inputs: the inputs of the node that these belong to.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any], output: Any,
        gradient: Callable[..., Any], inputs: Sequence[Tensor],
    ) -> None:  # fmt: skip
        self.function = function
        self.arguments = arguments
        self.keywords = keywords
        self.output = output
        self.gradient = gradient
        self.inputs = tuple(inputs)
        self.count = len(flatten_structure(output))

    def by_inputs(self, node: Node, grads: Sequence[Any]) -> Sequence[Any]:
        """Returns the gradients of a node's inputs: none of its results, and of the arguments what the function says."""
        given = node.inputs[self.count :]
        gradient, arguments = self.gradient, self.arguments
        if any(
            x is not y for x, y in zip(node.inputs, self.inputs, strict=True)
        ):  # the body of a loop, repeated on other tensors
            arguments = refill(arguments, given)
            _, gradient = self.function(*arguments, **self.keywords)
        upstream = [to_symbol(zeros_like(y)) if dy is None else dy for y, dy in zip(node.outputs, grads, strict=True)]
        found = _called(gradient, arguments, refill(self.output, upstream), upstream)
        if not isinstance(found, (tuple, list, dict)):
            found = (found,)
        leaves, places = flatten(found), flatten(arguments)
        if len(leaves) == len(places):
            leaves = [leaf for leaf, x in zip(leaves, places, strict=True) if x is not None]
        if len(leaves) != len(given):
            raise ValueError(
                f"custom_gradient: expected a gradient for each of {len(given)} tensors among the arguments, got {len(leaves)}"
            )
        made: list[Any] = [None] * self.count
        for x, leaf in zip(given, leaves, strict=True):
            if leaf is None or not dtypes.is_float(x.dtype):
                made.append(None)
                continue
            dx = to_symbol(as_tensor(leaf))
            if tuple(dx.shape) != tuple(x.shape):
                raise ValueError(
                    f"custom_gradient: expected a gradient of shape {tuple(x.shape)}, got {tuple(dx.shape)}"
                )
            made.append(dx if dx.dtype == x.dtype else invoke(OPS["cast"], (dx,), (x.dtype,)))
        return made


def _called(gradient: Callable[..., Any], arguments: Any, nested: Any, flat: Sequence[Any]) -> Any:
    """Calls a gradient function as JAX does (one argument), TensorFlow (one for each result) or PyTorch (by name)."""
    try:
        named = inspect.signature(gradient).parameters.get("upstream")
    except ValueError:  # built in, without a signature
        named = None
    if named is not None and named.kind is named.KEYWORD_ONLY and named.default is named.empty:
        return gradient(*arguments, upstream=nested)
    return gradient(nested) if len(flat) == 1 or takes(gradient, nested) else gradient(*flat)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function whose gradient another one says.

    Args:
        f: from tensors, nested ones too, to a pair: a result (a tensor or nested tensors), and a function from the gradient
            of the loss by the result to those by the tensors among the arguments, in order; `None` for one that has none.
            It is called with one argument, nested as the result; with one for each tensor in it, if it takes so many; or,
            if it has an argument `upstream` that can only be given by name, with the arguments of `f` and this. What `f`
            reads from outside counts as constant.

    Returns:
        A function that takes the same and returns the result.

    Raises:
        TypeError: if `f` is not callable.
        ValueError: when it is called, if `f` does not return a pair; when its gradient is taken, if there is not one gradient
            for each tensor, or one has another shape.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> from dlnative import ops
        >>> @custom_gradient
        ... def softplus(x):
        ...     e = ops.exp(x)
        ...     return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
        >>> value, gradient = dlnative.value_and_grad(lambda x: softplus(x))(np.float32(100.0))
        >>> float(gradient)
        1.0
    """
    if not callable(f):
        raise TypeError(f"custom_gradient: expected a function, got {shown(f)}")

    def pair(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        made = f(*args, **kwargs)
        if not isinstance(made, (tuple, list)) or len(made) != 2 or not callable(made[1]):
            raise ValueError(
                f"custom_gradient: expected a function that returns a result and a gradient function, got {shown(made)}"
            )
        return made[0], made[1]

    @operation
    @functools.wraps(f)
    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        if current_trace() is None and not is_symbolic(args):
            return pair(*args, **kwargs)[0]
        args = tuple(map_structure(lambda leaf: None if leaf is None else to_symbol(as_tensor(leaf)), args))
        output, gradient = pair(*args, **kwargs)
        output = map_structure(lambda leaf: None if leaf is None else to_symbol(as_tensor(leaf)), output)
        inputs = (*flatten_structure(output), *flatten_structure(args))
        given = GivenGradient(pair, args, kwargs, output, gradient, inputs)
        made = invoke(GIVEN, inputs, (given,))
        return refill(output, made if isinstance(made, tuple) else (made,))

    return with_gradient
