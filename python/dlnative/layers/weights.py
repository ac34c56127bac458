"""The weights of a layer: its own, and those of the layers in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dlnative import constraints as constraints_module
from dlnative import dtypes, initializers, regularizers
from dlnative import version_counter as version
from dlnative.dtype_policies import DTypePolicy
from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.layers.call_context import Scope, context
from dlnative.layers.tracking import Tracking
from dlnative.random.seed_generator import SeedGenerator
from dlnative.utils.checks import flag, listed, numbers_for
from dlnative.utils.naming import auto_name


class Weights(Tracking):
    """The weights of a layer."""

    built: bool
    _dtype_policy: DTypePolicy
    _locked: bool
    _path: str | None
    _trainable: bool
    variable_dtype: Any

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a weight.

        Args:
            shape: its shape, a tuple or an int; `()` by default. Shape, initializer and dtype may also be given by
                position.
            initializer: how it begins; Glorot's uniform by default, zeros for integers.
            dtype: its type, by default the layer's.
            trainable: whether an optimizer may change it.
            autocast: whether `call` reads it in the type that the layer computes in, where that is another.
            regularizer: a function of the weight that is added to the loss.
            constraint: a function that an optimizer applies to it after each step.
            aggregation: how devices combine their values; there is one device.
            overwrite_with_gradient: whether an optimizer sets it to its gradient instead of making a step.
            name: a name.

        Raises:
            ValueError: for a shape with unknown extents, a name by position, or a layer that is already built.
        """
        if args:
            shape, initializer, dtype = self._by_position(args, shape, initializer, dtype)
        if aggregation not in (None, "none", "mean", "sum", "only_first_replica"):
            raise ValueError(
                f'{self._label}: expected an aggregation "none", "mean", "sum" or "only_first_replica", got {aggregation!r}'
            )
        overwrite_with_gradient = flag(self._label, "overwrite_with_gradient", overwrite_with_gradient)
        self._refuse_if_locked(name or "a weight")
        extents = [] if shape is None else [shape] if isinstance(shape, (int, np.integer)) else list(shape)
        if None in extents:
            raise ValueError(f"{self._label}: expected a weight shape without unknown extents, got {tuple(extents)}")
        dtype = self.variable_dtype if dtype is None else dtypes.standardize(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        variable = Variable(
            initializers.get(initializer),
            tuple([int(extent) for extent in extents]),
            dtype,
            trainable=trainable,
            name=name or auto_name("variable"),
            regularizer=regularizers.get(regularizer),
            constraint=constraints_module.get(constraint),
        )
        if not autocast:
            variable.autocast = False
        if overwrite_with_gradient:
            variable.overwrite_with_gradient = True
        if context.layer is self:
            variable.path = f"{context.path}/{variable.name}"
        else:
            with Scope(self):
                variable.path = f"{context.path}/{variable.name}"
        self._variables[variable] = trainable
        self._added.add(variable)
        if not self._trainable:
            variable.trainable = False
        return variable

    def add_variable(
        self, shape: Sequence[int] | None, initializer: Any, dtype: Any = None, trainable: bool = True,
        autocast: bool = True, regularizer: Any = None, constraint: Any = None, name: str | None = None,
    ) -> Variable:  # fmt: skip
        """The same as `add_weight`."""
        return self.add_weight(
            shape=shape, initializer=initializer, dtype=dtype, trainable=trainable, autocast=autocast,
            regularizer=regularizer, constraint=constraint, name=name,
        )  # fmt: skip

    def _by_position(self, args: tuple[Any, ...], *by_name: Any) -> list[Any]:
        """Returns shape, initializer and dtype of a weight, some of which came by position."""
        if len(args) > 3:
            raise TypeError(
                f"{self._label}: add_weight() takes at most 3 positional arguments (shape, initializer, dtype), got {args!r}"
            )
        if isinstance(args[0], str):
            raise ValueError(
                f"{self._label}: add_weight() takes its name as a keyword argument, got {args[0]!r} as shape"
            )
        for argument, named in zip(("shape", "initializer", "dtype")[: len(args)], by_name, strict=False):
            if named is not None:
                raise ValueError(
                    f"{self._label}: add_weight(): `{argument}` was passed both positionally and as a keyword argument"
                )
        return [*args, *by_name[len(args) :]]

    def _own(self, attributes: list[Any]) -> dict[Variable, bool]:
        """Returns the layer's own variables, of what `_attributes` found, and whether each was made to be trained."""
        held = dict.fromkeys([item for item in attributes if isinstance(item, Variable)])
        known = self._variables
        for variable in held:
            known.setdefault(variable, variable.trainable)
        added = self._added
        return {variable: trained for variable, trained in known.items() if variable in added or variable in held}

    @property
    def _trainable_variables(self) -> list[Variable]:
        return [variable for variable, trained in self._own(self._attributes()).items() if trained]

    @property
    def _non_trainable_variables(self) -> list[Variable]:
        return [variable for variable, trained in self._own(self._attributes()).items() if not trained]

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer and of the layers in it: weights, and states of random generators."""
        return list(dict.fromkeys(self._walk_variables()))

    def _walk_variables(self) -> Iterator[Variable]:
        attributes = self._attributes()
        yield from _trained_first(self._own(attributes))
        for item in attributes:
            if isinstance(item, SeedGenerator):
                yield item.state
        for layer in self._inner(attributes):
            yield from layer._walk_variables()

    @property
    def weights(self) -> list[Variable]:
        """The weights, those made to be trained first, of the layer and then of the layers in it."""
        attributes = self._attributes()
        found = _trained_first(self._own(attributes))
        for layer in self._inner(attributes):
            found.extend(layer.weights)
        return list(dict.fromkeys(found))

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer may change; none if the layer is frozen."""
        # A trace asks several times; as long as no variable is made and nothing frozen, the answer is the same.
        trace = current_trace()
        if trace is not None:
            trace.depends_on(self)
            before, weights = trace.found.get(self, (-1, ()))
            if before == version.current[0]:
                return list(weights)
        found: list[Variable] = []
        if self._trainable:
            attributes = self._attributes()
            found = [variable for variable in _trained_first(self._own(attributes)) if variable.trainable]
            for layer in self._inner(attributes):
                found.extend(layer.trainable_weights)
            found = list(dict.fromkeys(found))
        if trace is not None:
            trace.found[self] = version.current[0], tuple(found)
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
        """Whether an optimizer may change the weights; setting it sets it for all of them and for the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        self._trainable = value
        attributes = self._attributes()
        for variable, trained in self._own(attributes).items():
            if trained:
                variable.trainable = value
        version.bump()
        for layer in self._inner(attributes):
            layer.trainable = value

    @property
    def metrics(self) -> list[Any]:
        """The metrics that the layer and the layers in it hold."""
        from dlnative.metrics import Metric

        attributes = self._attributes()
        found = [item for item in attributes if isinstance(item, Metric)]
        for layer in self._inner(attributes):
            found.extend(layer.metrics)
        return list(dict.fromkeys(found))

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    @property
    def path(self) -> str | None:
        """The names of the layers around it when it was built and its own, with slashes between; `None` before."""
        return self._path

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
        weights = listed(self._label, weights)
        if len(own) != len(weights):
            raise ValueError(f"{self._label}: expected {len(own)} weight arrays, got {len(weights)}")
        arrays = []
        for variable, given in zip(own, weights, strict=True):
            array = np.asarray(given)
            if array.shape != variable.shape:
                raise ValueError(
                    f'{self._label}: expected shape {variable.shape} for the weight "{variable.path}", got {array.shape}'
                )
            arrays.append(numbers_for(self._label, variable, array))
        for variable, array in zip(own, arrays, strict=True):
            variable.assign(array)


def _trained_first(own: dict[Variable, bool]) -> list[Variable]:
    return sorted(own, key=lambda variable: not own[variable])
