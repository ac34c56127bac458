"""Which layers compute what is inside of them a second time, for less memory in training."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from typing import Any

from dlnative.utils.checks import integer

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)

_scope: ContextVar[RematScope | None] = ContextVar("remat_scope", default=None)
current_scope = _scope.get  # what layers that are made now will do


class RematScope:
    """A context in which layers are made that compute what is inside of them a second time instead of keeping it.

    Args:
        mode: `"full"` for all layers; `"activations"` for the activation functions of layers; `"larger_than"` for layers
            whose output is larger than the threshold; `"list_of_layers"` for those that are named; `None` for none.
        output_size_threshold: a number of elements.
        layer_names: names of layers.

    Raises:
        ValueError: for another mode.

    Example:
        >>> import dlnative
        >>> with dlnative.RematScope(mode="larger_than", output_size_threshold=2048):
        ...     layer = dlnative.layers.Dense(512, activation="gelu")
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f"RematScope: Invalid mode '{mode}': expected one of {', '.join(map(repr, _MODES))}")
        self.mode = mode
        self.output_size_threshold = integer("RematScope", "output_size_threshold", output_size_threshold, 0)
        self.layer_names = list(layer_names or [])
        self._tokens: list[Token[RematScope | None]] = []

    def __enter__(self) -> RematScope:
        self._tokens.append(_scope.set(self))
        return self

    def __exit__(self, *_: Any) -> None:
        _scope.reset(self._tokens.pop())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tokens": []}

    def applied(self, layer: Any, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a layer's function as it is to be called."""
        if self.mode == "full" or (self.mode == "list_of_layers" and layer.name in self.layer_names):
            return _remat(function)
        if self.mode == "larger_than":
            return _remat(function, self.output_size_threshold)
        if self.mode == "activations" and callable(getattr(layer, "activation", None)):
            return functools.partial(_with_activation, layer, function)
        return function


def _with_activation(layer: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function while the layer's activation is one that is computed again."""
    own, activation = layer.__dict__, layer.activation
    own["activation"] = _remat(activation)
    try:
        return function(*args, **kwargs)
    finally:
        own["activation"] = activation


def _remat(function: Callable[..., Any], threshold: int | None = None) -> Callable[..., Any]:
    from dlnative.ops.remat import rematerialized  # loaded when somebody needs it

    return rematerialized(function, threshold)
