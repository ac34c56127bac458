"""Several optimizers in one: each variable has its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any

from dlnative.graph.trace import current_trace
from dlnative.graph.variable import Variable
from dlnative.optimizers.loss_scale import LossScaleOptimizer
from dlnative.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the paths of variables, or by regular expressions that match whole paths.

    Args:
        default_optimizer: the optimizer of all other variables.
        optimizer_map: a dict from paths or expressions to optimizers.

    Example:
        >>> from dlnative import optimizers
        >>> found = OptimizerMap(optimizers.SGD(), {"encoder/.*": optimizers.Adam()})
        >>> [type(found[f"{part}/dense/kernel"]).__name__ for part in ("encoder", "decoder")]
        ['Adam', 'SGD']
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: expected an optimizer as default_optimizer, got {default_optimizer!r}")
        _single(default_optimizer, "OptimizerMap")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: expected a dict as optimizer_map, got {optimizer_map!r}")
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        """Returns the optimizer of a path, the default one where nothing matches.

        Raises:
            ValueError: if several expressions match.
        """
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matching = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f'OptimizerMap: expected one optimizer for the variable "{key}", got {", ".join(matching)}'
            )
        return self._optimizer_map[matching[0]] if matching else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap: expected a path or an expression as key, got {key!r}")
        if key in self._optimizer_map:
            raise ValueError(f'OptimizerMap: expected a new key, got "{key}", which already exists')
        self._optimizer_map[key] = _single(optimizer, "OptimizerMap")

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """Returns the optimizer of a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make such a map again."""
        from dlnative import optimizers

        return {
            "default_optimizer": optimizers.serialize(self._default_optimizer),
            "optimizer_map": {key: optimizers.serialize(value) for key, value in self._optimizer_map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> OptimizerMap:
        """Makes a map from what `get_config` returned."""
        from dlnative import optimizers

        found = {key: optimizers.deserialize(value, custom_objects) for key, value in config["optimizer_map"].items()}
        return cls(optimizers.deserialize(config["default_optimizer"], custom_objects), found)


class MultiOptimizer(Optimizer):
    """Hands each variable and its gradient to one of several optimizers.

    Args:
        optimizer_map: an `OptimizerMap`, a function from a variable to its optimizer, or one optimizer for all of them.
        loss_scale_factor: what the loss is multiplied by, in place of what the optimizers say.
        name: a name.

    Example:
        >>> import numpy as np
        >>> import dlnative
        >>> from dlnative import optimizers
        >>> a, b = dlnative.Variable([1.0], name="a"), dlnative.Variable([1.0], name="b")
        >>> optimizer = MultiOptimizer(OptimizerMap(optimizers.SGD(0.5), {"a": optimizers.SGD(0.25)}))
        >>> optimizer.apply([np.ones(1), np.ones(1)], [a, b])
        >>> float(a.value[0]), float(b.value[0])
        (0.75, 0.5)
    """

    def __init__(
        self, optimizer_map: Callable[[Variable], Optimizer] | Optimizer, loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        self._optimizers: list[Optimizer] = []
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        if isinstance(optimizer_map, Optimizer):
            optimizer_map = OptimizerMap(_single(optimizer_map, "MultiOptimizer"))
        if not callable(optimizer_map):
            raise TypeError(f"MultiOptimizer: expected an OptimizerMap or a function, got {optimizer_map!r}")
        self._optimizer_map = optimizer_map
        self._place: dict[Variable, int] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in [*optimizer_map.values(), optimizer_map.default_optimizer]:
                self._known(optimizer)

    def _known(self, optimizer: Any) -> int:
        """Returns the place of an optimizer among those that are known; a new one is added to them."""
        _single(optimizer, type(self).__name__)
        for place, other in enumerate(self._optimizers):
            if other is optimizer:
                return place
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._optimizers = [*self._optimizers, optimizer]
        return len(self._optimizers) - 1

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers."""
        return self._optimizers

    @property
    def loss_scale_factor(self) -> Any:
        """What the loss is multiplied by, and the gradients of each optimizer are divided by."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: Any) -> None:
        self._loss_scale_factor = value
        for optimizer in self._optimizers:
            optimizer.loss_scale_factor = value

    def build(self, variables: Sequence[Variable]) -> None:
        if self.built:
            self._check_known(variables)
            return
        self._place = {variable: self._known(self._optimizer_map(variable)) for variable in variables}
        for place, optimizer in enumerate(self._optimizers):
            own = [variable for variable in variables if self._place[variable] == place]
            if own:
                optimizer.build(own)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, and those of its optimizers."""
        return [*super().variables, *(variable for inner in self._optimizers for variable in inner.variables)]

    @property
    def learning_rate(self) -> Any:
        raise AttributeError(
            "MultiOptimizer: expected learning_rate to be read from one of `optimizers`: each has its own"
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "MultiOptimizer: expected learning_rate to be set on one of `optimizers`: each has its own"
        )

    @property
    def keeps_means(self) -> bool:
        """Whether one of the optimizers keeps running means of the variables."""
        return any(optimizer.keeps_means for optimizer in self._optimizers)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        for place, optimizer in enumerate(self._optimizers):
            own = [variable for variable in var_list if self._place.get(variable) == place]
            if own:
                optimizer.finalize_variable_values(own)

    def swap_averages(self) -> None:
        for optimizer in self._optimizers:
            if optimizer.keeps_means:
                optimizer.swap_averages()

    def _refresh_rate(self) -> None:
        for optimizer in self._optimizers:
            optimizer._refresh_rate()

    def _apply_symbols(
        self, pairs: Sequence[tuple[Any, Variable]], in_place: bool = True, rate_is_set: bool = False
    ) -> None:
        """Adds the updates of all optimizers to the trace."""
        trace = current_trace()
        assert trace is not None
        trace.depends_on(self)
        for place, optimizer in enumerate(self._optimizers):
            own = [(gradient, variable) for gradient, variable in pairs if self._place[variable] == place]
            if own:
                optimizer._apply_symbols(own, in_place, rate_is_set and optimizer._rate_is_refreshed)
        self._count_step(in_place)

    def get_config(self) -> dict[str, Any]:
        if not isinstance(self._optimizer_map, OptimizerMap):
            raise ValueError(
                f"{type(self).__name__}: expected an OptimizerMap for a config, got the function {self._optimizer_map!r}"
            )
        return {
            "optimizer_map": {"class_name": "OptimizerMap", "config": self._optimizer_map.get_config()},
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        config = dict(config)
        return cls(OptimizerMap.from_config(config.pop("optimizer_map")["config"], custom_objects), **config)


def _single(optimizer: Any, owner: str) -> Optimizer:
    """Returns what is an optimizer, and none that holds others."""
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"{owner}: expected an optimizer for each variable, got {optimizer!r}")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(
            f"{owner}: optimizer cannot be {type(optimizer).__name__}: expected optimizers that hold no others"
        )
    return optimizer
