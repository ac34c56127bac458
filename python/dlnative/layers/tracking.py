"""What a layer holds: variables, layers and other state, as attributes and in lists, tuples, sets and dicts among them."""

from __future__ import annotations

from typing import Any

from dlnative.graph.revised import Revised
from dlnative.graph.variable import Variable
from dlnative.random.seed_generator import SeedGenerator

_set = object.__setattr__  # found faster than an attribute of a class


class Tracking(Revised):
    """What holds variables, and things that hold variables, as attributes."""

    name: str
    _building: bool
    # The layer's own variables in the order in which they came, and whether each was made to be trained; those that
    # `add_weight` made belong to the layer wherever they are, others for as long as an attribute holds them.
    _variables: dict[Variable, bool]
    _added: set[Variable]

    @property
    def _label(self) -> str:
        return f'{type(self).__name__} "{self.name}"'

    def __setattr__(self, name: str, value: Any) -> None:
        if value.__class__ not in _PLAIN:
            if isinstance(value, (Variable, Tracking)):
                self._track(name, value)
            elif self.__dict__.get("_locked") and not name.startswith("_"):
                self._refuse_new_state(name, value)
        _set(self, name, value)
        own = self.__dict__
        if own.get("_held") is not None and name not in _NOT_HELD:
            own["_held"] = None
        if "_revision" in own:
            self._revise(name)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        object.__delattr__(self, name)
        self.__dict__["_held"] = None
        if isinstance(value, Variable):
            self._variables.pop(value, None)
            self._added.discard(value)

    def _track(self, name: str, value: Any) -> None:
        """Notes a variable that becomes an attribute; refuses new state of a layer that is built."""
        if isinstance(value, Variable):
            variables = self.__dict__.setdefault("_variables", {})
            if value in variables:
                return
            self._refuse_if_locked(name)
            variables[value] = value.trainable
        elif not name.startswith("_") and self.__dict__.get("_locked") and value not in self._sublayers():
            self._refuse_if_locked(name)

    def _refuse_new_state(self, name: str, value: Any) -> None:
        """Refuses metrics, random generators and containers of state that a layer that is built does not hold yet."""
        from dlnative.metrics import Metric

        found = [value]
        if isinstance(value, (list, tuple, dict, set)):
            found = []
            _collect(value, found)
        new = [item for item in found if isinstance(item, (Variable, Tracking, Metric, SeedGenerator))]
        if new:
            known = set(map(id, [*self._attributes(), *self._variables]))
            if any(id(item) not in known for item in new):
                self._refuse_if_locked(name)

    def _refuse_if_locked(self, what: str) -> None:
        if self.__dict__.get("_locked") and not self._building:
            raise ValueError(
                f"{self._label}: cannot add new elements of state (variables or sub-layers) to a layer that is already "
                f"built, got {what}: make them in __init__ or build"
            )

    def _attributes(self) -> list[Any]:
        """Returns what the layer holds: values of its attributes, and of lists, sets and dicts among them."""
        held, nested = self._holding()
        if not nested:
            return list(held)
        found: list[Any] = []
        _collect(held, found)
        return found

    def _holding(self) -> tuple[list[Any], list[Any]]:
        """Returns the attributes that may hold something, and the lists, tuples, sets and dicts among them.

        Every run asks for them several times, so they are kept until an attribute is set; what the containers hold may
        change at any time.
        """
        own = self.__dict__
        kept: tuple[list[Any], list[Any]] | None = own.get("_held")
        if kept is None:
            held = [item for name, item in own.items() if item.__class__ not in _PLAIN and name not in INTERNAL]
            kept = held, [item for item in held if isinstance(item, (list, tuple, dict, set))]
            own["_held"] = kept
        return kept

    def _inner(self, attributes: list[Any]) -> list[Any]:
        """Returns the layers inside, of what `_attributes` found."""
        found = [item for item in attributes if isinstance(item, Tracking)]
        return list(dict.fromkeys(found)) if found else found

    def plan_state(self) -> tuple[Any, ...]:
        """Returns what plans in which this layer takes part depend on; see `graph.trace.Dependency`.

        That is the revision, what stands in lists, tuples, sets and dicts among the attributes, and in those in them, and
        how the variables are treated.
        """
        own = self.__dict__
        found = [*super().plan_state(), own["_trainable"]]
        for value in self._holding()[1]:
            if value.__class__ in _CONTAINERS:
                _collect_parts(value, found)
        for variable in own["_variables"]:
            found += variable.treatment
        return tuple(found)

    def containers(self) -> list[Any]:
        """Returns the lists, sets and dicts whose parts `plan_state` tells: they change without a sound."""
        found: list[Any] = []
        for value in self._holding()[1]:
            if value.__class__ in _CONTAINERS:
                _collect_containers(value, found)
        return found

    def _sublayers(self) -> list[Any]:
        return self._inner(self._attributes())

    def _flatten_layers(self) -> list[Any]:
        """Returns the layer and all layers in it, each once."""
        found: dict[Any, None] = {self: None}
        for layer in self._sublayers():
            found.update(dict.fromkeys(layer._flatten_layers()))
        return list(found)


# What layers and models keep for themselves, where no weights or layers of a user's are looked for.
INTERNAL = frozenset(
    {
        "_added", "_arguments", "_build_shapes", "_first_shape", "_function", "_held", "_last_call",
        "_output_shape", "_revision", "_stateless", "_variables",
    }
)  # fmt: skip
Tracking._not_traced = INTERNAL | {
    "_building", "_locked", "_objective", "_path", "_steps", "built", "compiled", "history", "loss", "optimizer",
    "output_structure", "predict_function", "stop_evaluating", "stop_predicting", "stop_training", "test_function",
    "train_function",
}  # fmt: skip
# Attributes that never hold anything.
_NOT_HELD = INTERNAL | {"_building", "_locked", "built", "stop_evaluating", "stop_predicting", "stop_training"}
_CONTAINERS = frozenset({list, tuple, dict, set})
_PLAIN = frozenset({str, int, float, bool, type(None), type(lambda: None)})


def _collect(container: Any, found: list[Any], around: tuple[Any, ...] = ()) -> None:
    """Appends the leaves of nested lists, tuples, sets and dicts."""
    for item in container.values() if isinstance(container, dict) else container:
        if not isinstance(item, (list, tuple, dict, set)):
            found.append(item)
        elif not _stands_in(item, container, around):
            _collect(item, found, (*around, container))


def _collect_parts(container: Any, found: list[Any], around: tuple[Any, ...] = ()) -> None:
    """Appends what stands in nested lists, tuples, sets and dicts, the keys of dicts too."""
    items = container
    if isinstance(container, dict):
        found.extend(container)
        items = container.values()
    for item in items:
        found.append(item)
        if item.__class__ in _CONTAINERS and not _stands_in(item, container, around):
            _collect_parts(item, found, (*around, container))


def _collect_containers(container: Any, found: list[Any], around: tuple[Any, ...] = ()) -> None:
    """Appends a list, set or dict, and those in it."""
    if container.__class__ is not tuple:
        found.append(container)
    for item in container.values() if container.__class__ is dict else container:
        if item.__class__ in _CONTAINERS and not _stands_in(item, container, around):
            _collect_containers(item, found, (*around, container))


def _stands_in(item: Any, container: Any, around: tuple[Any, ...]) -> bool:
    """Tells whether a container is one that it stands in: a list may hold itself."""
    return item is container or any(item is outer for outer in around)
