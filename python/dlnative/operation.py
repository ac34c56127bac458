"""Operations that a user writes as classes: what they were made with is their own, tensors are what they are called with."""

from __future__ import annotations

from typing import Any

from dlnative.layers.configuration import Arguments, automatic_config, recorded
from dlnative.layers.remat_scope import current_scope
from dlnative.ops.core import record
from dlnative.symbolic import Call, attach, has_keras_tensor, without_history
from dlnative.utils.naming import auto_name


class Operation:
    """A function of tensors with settings, as a class: `call` computes it, on arrays and in functional models.

    Args:
        name: its name, by default one made from the class.

    Raises:
        ValueError: for a name that is no text, or has a slash.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> class Scale(dlnative.Operation):
        ...     def __init__(self, factor, *, name=None):
        ...         super().__init__(name=name)
        ...         self.factor = factor
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale(2.0)(np.array([1.0, 2.0])).tolist()
        [2.0, 4.0]
        >>> x = dlnative.Input((3,))
        >>> tuple(Scale(2.0)(x).shape)
        (None, 3)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        operation = super().__new__(cls)
        operation._arguments = recorded(args, kwargs)
        return operation

    def __init__(self, name: str | None = None) -> None:
        cls = type(self).__name__
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(
                f"{cls}: argument `name` must be a string and cannot contain character `/`. Received: {name!r}"
            )
        self.name: str = name or auto_name(cls)
        self._arguments: Arguments | None
        self._calls: list[tuple[Call, Any]] = []
        self._remat = current_scope()

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the results; a class overrides it."""
        raise NotImplementedError(f'{type(self).__name__} "{self.name}": expected a method call(), found none')

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns `KerasTensor`s of the results' shapes and types; by default what `call` makes of the arguments."""
        return without_history(record(Call(self, args, kwargs), self.call))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "name" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: expected super().__init__() to be called, got a bare object")
        if has_keras_tensor((*args, *kwargs.values())):
            return self.symbolic_call(*args, **kwargs)
        function = self.call if self._remat is None else self._remat.applied(self, self.call)
        return function(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Records a call on `KerasTensor`s, for functional models, and returns those of its results."""
        call = Call(self, args, kwargs)
        if type(self).compute_output_spec is Operation.compute_output_spec:
            outputs = record(call, self.call)
        else:
            outputs = attach(call, self.compute_output_spec(*args, **kwargs))
        self._calls.append((call, outputs))
        return outputs

    @property
    def input(self) -> Any:
        """The `KerasTensor` of the first recorded call, or a list of them."""
        return _alone(self._first().inputs)

    @property
    def output(self) -> Any:
        """The result of the first recorded call, or a list of them."""
        return _alone(self._first().outputs)

    def _first(self) -> Call:
        if not self._calls:
            raise AttributeError(
                f'{type(self).__name__} "{self.name}": expected one that was called on an Input, got one that never was'
            )
        return self._calls[0][0]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such an operation again.

        A class that takes other arguments than text and numbers adds them to what this returns.

        Raises:
            NotImplementedError: if the class does not, although it was made with such arguments.
        """
        base = {"name": self.name}
        if type(self).get_config is not Operation.get_config:
            return base
        return automatic_config(self, self._arguments, base)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Returns an operation made with the arguments that `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _alone(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)
