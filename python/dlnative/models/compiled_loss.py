"""What `compile` makes of its losses: a term for each output, or for a nest of them, added up with their weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dlnative import losses as losses_module
from dlnative import metrics as metrics_module
from dlnative import ops
from dlnative.graph import tree
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import Path, flatten, is_nested, map_structure, pack, paths
from dlnative.layers.effects import set_mask
from dlnative.losses.loss import mask_of, targets_of_steps
from dlnative.utils.naming import to_snake_case


class MisfitError(ValueError):
    """Targets, weights or outputs that do not belong together; whoever was given them puts its name before the message."""


class Term:
    """One loss.

    Args:
        path: the keys and places that lead to its output; empty for all outputs, or the only one.
        loss: the loss, or `"crossentropy"`, which the shapes decide.
        weight: what it is multiplied by, or `None`.
        name: the name of its output.
    """

    __slots__ = ("loss", "name", "path", "weight")

    def __init__(self, path: Path, loss: Any, weight: float | None, name: str) -> None:
        self.path = path
        self.loss = loss
        self.weight = weight
        self.name = name


class CompiledLoss:
    """The losses of the outputs, added up with their weights.

    Args:
        loss: a loss, its name, a function `(y_true, y_pred)`, or nested losses: a list or a dict by the outputs' names, or
            nested as the outputs. A list where there is one output means several losses for it.
        weights: a number for each loss: nested alike, or in a list.

    Raises:
        ValueError: if one is no loss, or a weight is no number.
    """

    def __init__(self, loss: Any, weights: Any) -> None:
        self._loss = map_structure(_loss, loss)
        self._weights = weights
        for weight in flatten(weights):
            if weight is not None and not _is_number(weight):
                raise ValueError(f"compile: expected loss_weights to be finite numbers, got {weight!r}")
        self._check_counts()
        # The names of the outputs, in the order of their leaves.
        self.names: list[str] | None = None
        self.terms: list[Term] = []
        # The mean of the losses of each output, where there are several outputs.
        self.trackers: dict[Path, Any] = {}
        self.built = False

    def _check_counts(self) -> None:
        losses, weights = flatten(self._loss), flatten(self._weights)
        if is_nested(self._weights) and is_nested(self._loss) and not isinstance(self._weights, dict):
            if len(losses) != len(weights):
                raise ValueError(f"compile: expected loss_weights for {len(losses)} losses, got {len(weights)}")

    @property
    def metrics(self) -> list[Any]:
        """The mean of the losses of each output, where there are several."""
        return list(self.trackers.values())

    def build(self, y_pred: Any) -> None:
        """Finds the term of each loss.

        Args:
            y_pred: the outputs.

        Raises:
            ValueError, KeyError: if the losses are not nested as the outputs.
        """
        outputs = flatten(y_pred)
        names = self.names if self.names and len(self.names) == len(outputs) else None
        loss, weights = self._loss, self._weights
        if isinstance(loss, dict) and not isinstance(y_pred, dict):
            loss, weights = self._by_name(loss, weights, names)
            if not is_nested(y_pred):
                loss = loss[0]
                weights = weights[0] if is_nested(weights) else weights
        if loss is not None and not is_nested(loss):
            if isinstance(weights, dict):
                weights = _by_keys(weights, y_pred, names)
            loss = map_structure(lambda _: loss, y_pred)
        self._add(loss, _like(loss, weights), y_pred, pack(y_pred, names or [None] * len(outputs)), ())
        by_output = {term.path: term.name for term in self.terms}
        if len(by_output) > 1:
            unique = dict(zip(by_output, distinct(by_output.values()), strict=True))
            self.trackers = {path: metrics_module.Mean(name=f"{name}_loss") for path, name in unique.items()}
        self.built = True

    def _by_name(self, loss: dict[Any, Any], weights: Any, names: list[str] | None) -> tuple[list[Any], Any]:
        unknown = [key for key in loss if key not in (names or ())]
        if unknown:
            raise ValueError(
                f'compile: Expected keys of the losses among the outputs {names or "(no names)"}, got "{unknown[0]}"'
            )
        assert names is not None
        if isinstance(weights, dict):
            weights = [weights.get(name) for name in names]
        return [loss.get(name) for name in names], weights

    def _add(self, loss: Any, weights: Any, y_pred: Any, names: Any, path: Path) -> None:
        if loss is None:
            return
        if not is_nested(loss):
            weight = None if weights is None else float(weights)
            self.terms.append(Term(path, loss, weight, _name(loss, names, path)))
            return
        weights = weights if is_nested(weights) else map_structure(lambda _: weights, loss)
        if isinstance(loss, (list, tuple)):
            flat = not any(is_nested(item) for item in loss)
            if flat and is_nested(y_pred) and len(loss) == len(flatten(y_pred)):
                loss, weights = pack(y_pred, loss), pack(y_pred, flatten(weights))
            elif not isinstance(y_pred, type(loss)):
                for item, weight in zip(loss, _values(weights), strict=True):
                    self._add(item, weight, y_pred, names, path)
                return
        if not is_nested(y_pred) or isinstance(y_pred, dict) is not isinstance(loss, dict):
            raise KeyError(
                f"the path {path} in the `loss` argument, can't be found in either the model's output or the targets"
            )
        if not isinstance(loss, dict) and len(loss) != len(y_pred):
            raise ValueError(f"compile: expected losses for {len(y_pred)} outputs, got {len(loss)}")
        for key in loss if isinstance(loss, dict) else range(len(loss)):
            if loss[key] is None:
                continue
            if (key not in y_pred) if isinstance(y_pred, dict) else key >= len(y_pred):
                raise KeyError(
                    f"the path {(*path, key)} in the `loss` argument, can't be found in either the model's output or the "
                    "targets"
                )
            self._add(loss[key], weights[key], y_pred[key], names[key], (*path, key))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the total as a tensor, or `None` if no output has a loss.

        Args:
            y_true, sample_weight: nested as the outputs, or in another way that says the same.
            y_pred: the outputs.
        """
        if not self.built:
            self.build(y_pred)
        y_true = self.targets(y_true, y_pred)
        if is_nested(sample_weight):
            sample_weight = aligned("sample_weight", sample_weight, y_pred, self.names)
        total: Any = None
        by_output: dict[Path, Any] = {}
        for term in self.terms:
            true, pred = at(y_true, term.path), at(y_pred, term.path)
            if any(leaf is None for leaf in flatten(true)):
                raise MisfitError(f'expected a target y for the output "{term.name}", got None')
            weight = at(sample_weight, term.path) if is_nested(sample_weight) else sample_weight
            value = _value(term.loss, true, pred, weight)
            before = by_output.get(term.path)
            by_output[term.path] = value if before is None else ops.add(before, value)
            if term.weight is not None:
                value = ops.multiply(value, term.weight)
            total = value if total is None else ops.add(total, value)
        for path, tracker in self.trackers.items():
            rows = float(flatten(at(y_pred, path))[0].shape[0])
            tracker.update_state(by_output[path], sample_weight=rows)
        return total

    def targets(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the targets nested as the outputs; there may be targets for those outputs alone that have a loss."""
        outputs, targets = flatten(y_pred), flatten(y_true)
        with_loss = list(dict.fromkeys(term.path for term in self.terms))
        if len(targets) == len(with_loss) < len(outputs) and not isinstance(y_true, dict) and y_true is not None:
            # Targets for those outputs alone that have a loss.
            places = paths(y_pred)
            if set(with_loss) <= set(places):
                given = dict(zip(with_loss, targets, strict=True))
                return pack(y_pred, [given.get(place) for place in places])
        return aligned("targets", y_true, y_pred, self.names)


def distinct(names: Iterable[str]) -> list[str]:
    """Returns names of which those that were there before have a number."""
    counts: dict[str, int] = {}
    found = []
    for name in names:
        number = counts[name] = counts.get(name, -1) + 1
        found.append(f"{name}_{number}" if number else name)
    return found


def at(structure: Any, path: Path) -> Any:
    """Returns what lies at the end of a path."""
    for key in path:
        structure = structure[key]
    return structure


def aligned(what: str, given: Any, like: Any, names: list[str] | None) -> Any:
    """Returns targets or weights nested as the outputs.

    Args:
        what: `"targets"` or `"sample_weight"`.
        given: one for each output in a list, a dict by the outputs' names, or nested as the outputs; `None` for none.
        like: the outputs.
        names: their names.

    Raises:
        ValueError: if there are more or fewer than outputs, or one for an unknown output.
    """
    if given is None:
        return map_structure(lambda _: None, like)
    if not is_nested(like):
        leaves = flatten(given)
        if isinstance(given, dict):
            unknown = [key for key in given if names and key not in names]
            if unknown:
                raise MisfitError(f'expected {what} for the outputs {names}, got "{unknown[0]}"')
        if len(leaves) != 1:
            raise MisfitError(f"expected {what} for 1 output, got {len(leaves)}")
        return leaves[0]
    if isinstance(given, dict):
        known = list(like) if isinstance(like, dict) else (names or [])
        unknown = [key for key in given if key not in known]
        if unknown:
            raise MisfitError(f'expected {what} for the outputs {known}, got "{unknown[0]}"')
        if isinstance(like, dict):
            return {key: aligned(what, given.get(key), item, None) for key, item in like.items()}
        return pack(like, [given.get(name) for name in known])
    if isinstance(given, (list, tuple)) and isinstance(like, (list, tuple)) and len(given) == len(like):
        items = [aligned(what, item, part, None) for item, part in zip(given, like, strict=True)]
        return tree.like(like, items)
    leaves = flatten(given)
    if len(leaves) != len(flatten(like)):
        raise MisfitError(f"expected {what} for {len(flatten(like))} outputs, got {len(leaves)}")
    return pack(like, leaves)


def _value(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
    """Returns the weighted and reduced loss of an output, or of a nest of them."""
    if is_nested(y_pred):
        values = loss.call(y_true, y_pred)
        return losses_module.reduce_weighted(values, sample_weight, loss.reduction)
    # In Keras, ranks that differ by an axis of 1 broadcast to a table in what is no function of its own.
    mask = mask_of(y_pred)
    y_true, pred = losses_module.align_ranks(targets_of_steps(y_true, y_pred, mask, sample_weight), y_pred)
    if pred is not y_pred:
        set_mask(pred, mask)
    return _resolved(loss, y_true, pred)(y_true, pred, sample_weight=sample_weight)


def _loss(identifier: Any) -> Any:
    if identifier is None or (isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")):
        return identifier
    loss = losses_module.get(identifier)
    if isinstance(loss, losses_module.Loss):
        return loss
    return losses_module.LossFunctionWrapper(loss, name=identifier if isinstance(identifier, str) else name_of(loss))


def name_of(function: Any) -> str:
    """Returns the name of a function or an object that can be called, as a name in the logs."""
    function = getattr(function, "func", function)  # of a partial function
    return to_snake_case(str(getattr(function, "__name__", None) or type(function).__name__))


def _resolved(loss: Any, y_true: Any, y_pred: Any) -> Any:
    """The loss itself; for "crossentropy" the one that the shapes call for."""
    if not isinstance(loss, str):
        return loss
    accuracy = metrics_module.resolve_accuracy(tuple(y_true.shape), tuple(y_pred.shape))
    kinds = {
        metrics_module.BinaryAccuracy: losses_module.BinaryCrossentropy,
        metrics_module.SparseCategoricalAccuracy: losses_module.SparseCategoricalCrossentropy,
    }
    return kinds.get(accuracy, losses_module.CategoricalCrossentropy)()


def _name(loss: Any, names: Any, path: Path) -> str:
    """The keys on the path; places in lists go by the output's name. All outputs together go by all their names."""
    parts = list(path)
    if not is_nested(names):
        own = names or (loss if isinstance(loss, str) else loss.name)
        if not parts:
            parts = [own]
        elif isinstance(parts[-1], int):
            parts[-1] = own
    elif not parts:
        return "_".join(map(str, names if isinstance(names, dict) else flatten(names)))
    return "/".join(map(str, parts))


def _like(loss: Any, weights: Any) -> Any:
    """Returns the weights nested as the losses."""
    if weights is None or not is_nested(weights):
        return map_structure(lambda _: weights, loss)
    if isinstance(weights, dict) and isinstance(loss, dict):
        unknown = [key for key in weights if key not in loss]
        if unknown:
            raise ValueError(f'compile: expected loss weights for the outputs {list(loss)}, got "{unknown[0]}"')
        return {key: _like(item, weights.get(key)) for key, item in loss.items()}
    leaves, count = flatten(weights), len(flatten(loss))
    if len(leaves) != count:
        raise ValueError(f"compile: expected loss weights for {count} losses, got {len(leaves)}")
    return pack(loss, leaves)


def _by_keys(weights: dict[Any, Any], y_pred: Any, names: list[str] | None) -> Any:
    """Returns weights given by the outputs' names in the order of the outputs."""
    known = list(y_pred) if isinstance(y_pred, dict) else (names or [])
    unknown = [key for key in weights if key not in known]
    if unknown:
        raise ValueError(f'compile: expected loss weights for the outputs {known}, got "{unknown[0]}"')
    if isinstance(y_pred, dict):
        return {key: weights.get(key) for key in y_pred}
    return pack(y_pred, [weights.get(name) for name in known])


def _values(structure: Any) -> list[Any]:
    return list(structure.values()) if isinstance(structure, dict) else list(structure)


_MOST = float(np.finfo(np.float32).max)  # what a loss in float32 can be multiplied by


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return False
    try:
        return not isinstance(value, (str, bytes)) and abs(float(value)) <= _MOST
    except (TypeError, ValueError, OverflowError):
        return False
