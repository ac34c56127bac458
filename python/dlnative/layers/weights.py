"""The weights of a layer: its own, and those of the layers in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlnative import constraints as constraints_module
from dlnative import dtypes, initializers, regularizers
from dlnative.backends.selection import changes, note_change
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.layers.random_state import RandomState
from dlnative.utils.naming import auto_name


class Weights:
    """What holds weights, and things that hold weights, as attributes."""

    name: str
    built: bool
    _dtype: str
    _trainable: bool
    _own_weights: list[Variable]

    @property
    def _label(self) -> str:
        return f'{type(self).__name__} "{self.name}"'

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> Variable:
        """Makes a weight.

        Args:
            shape: its shape, a tuple or an int; `()` by default.
            initializer: how it begins; Glorot's uniform by default, zeros for integers.
            dtype: its type, by default the layer's.
            trainable: whether an optimizer may change it.
            autocast: accepted for Keras's sake; weights are used in their own type.
            regularizer: a function of the weight that is added to the loss.
            constraint: a function that an optimizer applies to it after each step.
            aggregation: accepted for Keras's sake.
            name: a name.
        """
        del autocast, aggregation
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(f"{self._label}: expected a weight shape without unknown extents, got {shape}")
        dtype = self._dtype if dtype is None else dtypes.standardize(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        variable = Variable(
            initializers.get(initializer),
            shape,
            dtype,
            trainable=trainable,
            name=name or auto_name("variable"),
            regularizer=regularizers.get(regularizer),
            constraint=constraints_module.get(constraint),
        )
        variable.path = f"{self.name}/{variable.name}"
        self._own_weights.append(variable)
        return variable

    def _attributes(self) -> list[Any]:
        """Returns what the layer holds: values of its attributes, and of lists and dicts among them."""
        found: list[Any] = []
        for name, value in self.__dict__.items():
            if value.__class__ not in _PLAIN and name not in _INTERNAL:
                if isinstance(value, (list, tuple, dict)):
                    _collect(value, found)
                else:
                    found.append(value)
        return found

    def _inner(self, attributes: list[Any]) -> list[Any]:
        """Returns the layers inside, of what `_attributes` found."""
        return list(dict.fromkeys([item for item in attributes if isinstance(item, Weights)]))

    def _sublayers(self) -> list[Any]:
        return self._inner(self._attributes())

    def _own(self, attributes: list[Any]) -> list[Variable]:
        """Returns the layer's own variables, of what `_attributes` found."""
        return list(dict.fromkeys([*self._own_weights, *(item for item in attributes if isinstance(item, Variable))]))

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer and of the layers in it: weights, and states of random generators."""
        return list(dict.fromkeys(self._walk_variables()))

    def _walk_variables(self) -> Iterator[Variable]:
        attributes = self._attributes()
        yield from _trainable_first(self._own(attributes))
        for item in attributes:
            if isinstance(item, RandomState):
                yield item.state
        for layer in self._inner(attributes):
            yield from layer._walk_variables()

    @property
    def weights(self) -> list[Variable]:
        """The weights, trainable ones first, of the layer and then of the layers in it."""
        attributes = self._attributes()
        found = _trainable_first(self._own(attributes))
        for layer in self._inner(attributes):
            found.extend(layer.weights)
        return list(dict.fromkeys(found))

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer may change; none if the layer is frozen."""
        # A trace asks several times; as long as no variable is made and nothing frozen, the answer is the same.
        trace = current_trace()
        if trace is not None:
            before, weights = trace.found.get(self, (-1, ()))
            if before == changes[0]:
                return list(weights)
        found: list[Variable] = []
        if self._trainable:
            attributes = self._attributes()
            found = [variable for variable in self._own(attributes) if variable.trainable]
            for layer in self._inner(attributes):
                found.extend(layer.trainable_weights)
            found = list(dict.fromkeys(found))
        if trace is not None:
            trace.found[self] = changes[0], tuple(found)
        return found

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        trainable = set(self.trainable_weights)
        return [weight for weight in self.weights if weight not in trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables."""
        trainable = set(self.trainable_weights)
        return [variable for variable in self.variables if variable not in trainable]

    @property
    def trainable(self) -> bool:
        """Whether an optimizer may change the weights; setting it sets it for the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        note_change()
        for layer in self._sublayers():
            layer.trainable = value

    @property
    def dtype(self) -> str:
        """The type of weights and results."""
        return self._dtype

    @property
    def path(self) -> str:
        """The name."""
        return self.name

    def count_params(self) -> int:
        """Returns the number of numbers in the weights.

        Raises:
            ValueError: if the layer is not built yet.
        """
        if not self.built:
            raise ValueError(f"{self._label}: expected a built layer to count its parameters, got one not yet built")
        return sum(weight.size for weight in self.weights)

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Returns copies of the weights, in the order of `weights`."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all weights.

        Args:
            weights: arrays with the shapes of `weights`, in order.

        Raises:
            ValueError: if the number or a shape differs; nothing is then changed.
        """
        own = self.weights
        if not self.built and not own:
            raise ValueError(f"{self._label}: expected a built layer to set weights, got one not yet built")
        if len(own) != len(weights):
            raise ValueError(f"{self._label}: expected {len(own)} weight arrays, got {len(weights)}")
        arrays = [np.asarray(array) for array in weights]
        for variable, array in zip(own, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f'{self._label}: expected shape {variable.shape} for the weight "{variable.path}", got {array.shape}'
                )
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)


# What layers and models keep for themselves, where no weights or layers of a user's are looked for.
_INTERNAL = frozenset(
    {
        "_first_input_shape", "_function", "_last_call", "_losses",
        "_inner_metrics", "_metrics_of_run", "_output_shape", "_own_weights",
    }
)  # fmt: skip
_PLAIN = frozenset({str, int, float, bool, type(None), type(lambda: None)})


def _trainable_first(variables: list[Variable]) -> list[Variable]:
    return sorted(variables, key=lambda variable: not variable.trainable)


def _collect(container: Any, found: list[Any]) -> None:
    """Appends the leaves of nested lists, tuples and dicts."""
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, (list, tuple, dict)):
            _collect(item, found)
        else:
            found.append(item)
