"""A layer as a function of its variables' values, which changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlnative import ops
from dlnative.graph.function import Function, WeakMethod
from dlnative.graph.trace import current_trace
from dlnative.layers.calling import Calling
from dlnative.layers.signature import tensor_arguments
from dlnative.ops.core import as_tensor, to_symbol


class Stateless(Calling):
    """What makes a layer one that can be called with other values of its variables."""

    if TYPE_CHECKING:

        @property
        def losses(self) -> list[Any]: ...

    def stateless_call(
        self,
        trainable_variables: list[Any],
        non_trainable_variables: list[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Calls the layer with other values of its variables, and changes none.

        Args:
            trainable_variables: a value for each of `trainable_variables`.
            non_trainable_variables: a value for each of `non_trainable_variables`.
            *args, **kwargs: as for a call.
            return_losses: whether the losses are returned, too.

        Returns:
            The outputs, the list of values that `non_trainable_variables` would have after the call, and (with
            `return_losses`) the list of losses.

        Raises:
            ValueError: if the layer is not built, or the values do not fit the variables.

        Example:
            >>> import numpy as np
            >>> from dlnative import layers
            >>> layer = layers.Dense(1, kernel_initializer="zeros")
            >>> layer.build((None, 2))
            >>> ones = [np.ones((2, 1), "float32"), np.ones(1, "float32")]
            >>> outputs, state = layer.stateless_call(ones, [], np.array([[1.0, 2.0]], "float32"))
            >>> outputs.tolist(), state
            ([[4.0]], [])
        """
        if not self.built:
            raise ValueError(f"{self._label}: expected a built layer for stateless_call, got one not yet built")
        for kind, given, own in (
            ("trainable", trainable_variables, self.trainable_variables),
            ("non-trainable", non_trainable_variables, self.non_trainable_variables),
        ):
            if len(given) != len(own):
                raise ValueError(f"{self._label}: expected values of {len(own)} {kind} variables, got {len(given)}")
            for variable, value in zip(own, given, strict=True):
                if tuple(getattr(value, "shape", ())) != variable.shape:
                    raise ValueError(
                        f'{self._label}: expected a value of shape {variable.shape} for "{variable.path}", got {value!r}'
                    )
        values = [*trainable_variables, *non_trainable_variables]
        if current_trace() is not None:
            return self._traced_stateless(values, args, kwargs, return_losses)
        function: Function | None = self.__dict__.get("_stateless")
        if function is None:
            function = self.__dict__["_stateless"] = Function(WeakMethod(self._traced_stateless))
        named = tensor_arguments(self._label, kwargs)
        static = {name: value for name, value in kwargs.items() if name not in named}
        return function(values, args, named, _losses=return_losses, **static)

    def _traced_stateless(
        self, values: list[Any], args: tuple[Any, ...], named: dict[str, Any], _losses: bool, **static: Any
    ) -> Any:
        trace = current_trace()
        assert trace is not None
        variables = [*self.trainable_variables, *self.non_trainable_variables]
        updates, outer_losses = dict(trace.updates), trace.losses
        trace.losses = []
        try:
            for variable, value in zip(variables, values, strict=True):
                trace.first(variable)
                trace.assign(variable, ops.cast(to_symbol(as_tensor(value)), variable.own_dtype))
            outputs = self._call_symbols(*args, **named, **static)
            state = [trace.read(variable) for variable in self.non_trainable_variables]
            return (outputs, state, self.losses) if _losses else (outputs, state)
        finally:
            trace.updates, trace.losses = updates, outer_losses
