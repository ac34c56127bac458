"""What `compile` makes of its metrics: a list of them for each output."""

from __future__ import annotations

from typing import Any

from dlnative import metrics as metrics_module
from dlnative.graph.tree import flatten, is_nested, ordered_keys
from dlnative.models.compiled_loss import MisfitError, aligned, distinct, name_of


class CompiledMetrics(metrics_module.Metric):
    """The metrics of the outputs, made when the shapes are known.

    Args:
        metrics: metrics, names or functions `(y_true, y_pred)`, in a list; for several outputs also a list of lists, a dict
            by the outputs' names, or nested as the outputs.
        weighted: the same, but these see the sample weights.

    Raises:
        ValueError: if one is no metric.
    """

    def __init__(self, metrics: Any, weighted: Any) -> None:
        super().__init__(name="compile_metrics")
        self._given = {"metrics": metrics, "weighted_metrics": weighted}
        for what, given in self._given.items():
            if given and not is_nested(given):
                raise ValueError(f"compile: expected {what} in a list, tuple or dict, got {given!r}")
            for identifier in flatten(given):
                if identifier is not None and not _is_accuracy(identifier):
                    metrics_module.get(identifier)
        self.metrics: list[Any] = []
        self._groups: list[tuple[int, str, bool, Any]] = []  # output, its name, weighted, metric
        # The names of the outputs, in the order of their leaves.
        self.names: list[str] | None = None
        self.built = False

    @property
    def variables(self) -> list[Any]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Makes the metrics for targets and outputs of known shapes.

        Args:
            y_true, y_pred: targets nested as the outputs, and the outputs.

        Raises:
            ValueError: if the metrics are given for other outputs, or one has no target.
        """
        outputs, targets = flatten(y_pred), flatten(y_true)
        names = self.names if self.names and len(self.names) == len(outputs) else None
        if isinstance(y_pred, dict) and len(y_pred) == len(outputs):
            names = [str(key) for key in ordered_keys(y_pred)]
        shown = [""] * len(outputs) if len(outputs) == 1 or names is None else distinct(names)
        for what, given in self._given.items():
            for index, identifiers in enumerate(_per_output(what, given, y_pred, names)):
                for identifier in identifiers:
                    if identifier is None:
                        continue
                    if targets[index] is None:
                        raise MisfitError(f"expected a target y for the metric {identifier!r}, got None")
                    metric = _metric(identifier, tuple(targets[index].shape), tuple(outputs[index].shape))
                    self._groups.append((index, shown[index], what == "weighted_metrics", metric))
                    self.metrics.append(metric)
        self.built = True

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Lets every metric see a batch.

        Args:
            y_true, sample_weight: nested as the outputs, or in another way that says the same.
            y_pred: the outputs.
        """
        if not any(flatten(list(self._given.values()))):
            return
        y_true = aligned("targets", y_true, y_pred, self.names)
        if not self.built:
            self.build(y_true, y_pred)
        outputs, targets = flatten(y_pred), flatten(y_true)
        weights: list[Any] = [sample_weight] * len(outputs)
        if is_nested(sample_weight):
            weights = flatten(aligned("sample_weight", sample_weight, y_pred, self.names))
        for index, _, weighted, metric in self._groups:
            if weighted:
                metric.update_state(targets[index], outputs[index], sample_weight=weights[index])
            else:
                metric.update_state(targets[index], outputs[index])

    def result(self) -> dict[str, Any]:
        """Returns the metrics' values by name; a name that is taken gets a number."""
        results: dict[str, Any] = {}
        taken: dict[str, int] = {}
        for _, output, weighted, metric in self._groups:
            prefix = f"{output}_" if output else ""
            name = f"{prefix}{metric.name}"
            if weighted and name in taken:
                name = f"{prefix}weighted_{metric.name}"
            if name in taken:
                number = taken[name]
                taken[name] += 1
                name = f"{name}_{number}"
            else:
                taken[name] = 1
            value = metric.result()
            results.update(value if isinstance(value, dict) else {name: value})
        return results


def _per_output(what: str, given: Any, y_pred: Any, names: list[str] | None) -> list[list[Any]]:
    """Returns the metrics of each output, in the order of the leaves."""
    outputs = flatten(y_pred)
    if not given:
        return [[] for _ in outputs]
    if isinstance(given, dict) and not (isinstance(y_pred, dict) and set(given) <= set(y_pred)):
        unknown = [key for key in given if key not in (names or ())]
        if unknown and (names is not None or len(outputs) > 1):
            raise ValueError(f'compile: Invalid `{what}`: expected {what} for the outputs {names}, got "{unknown[0]}"')
    if len(outputs) == 1:
        return [flatten(given)]
    flat = is_nested(y_pred) and len(y_pred) == len(outputs)
    if flat and isinstance(given, dict):
        return [
            _listed(given.get(name)) for name in (ordered_keys(y_pred) if isinstance(y_pred, dict) else names or ())
        ]
    if flat and len(given) == len(outputs):
        return [_listed(item) for item in given]
    found: list[list[Any]] = []
    _collect(what, given, y_pred, found)
    return found


def _collect(what: str, given: Any, y_pred: Any, found: list[list[Any]]) -> None:
    """Goes down the outputs and the metrics side by side."""
    if not is_nested(y_pred):
        found.append(_listed(given))
        return
    if given is not None and (isinstance(given, dict) is not isinstance(y_pred, dict) or not is_nested(given)):
        raise ValueError(f"compile: Invalid `{what}`: expected {what} nested as the outputs, got {given!r}")
    if isinstance(y_pred, dict):
        unknown = [key for key in given or () if key not in y_pred]
        if unknown:
            raise ValueError(f'compile: Invalid `{what}`: expected {what} for {list(y_pred)}, got "{unknown[0]}"')
        for key in ordered_keys(y_pred):
            _collect(what, (given or {}).get(key), y_pred[key], found)
        return
    if given is not None and len(given) != len(y_pred):
        raise ValueError(f"compile: Invalid `{what}`: expected {what} for {len(y_pred)} outputs, got {len(given)}")
    for index, item in enumerate(y_pred):
        _collect(what, None if given is None else given[index], item, found)


def _listed(item: Any) -> list[Any]:
    return [] if item is None else list(item) if isinstance(item, (list, tuple)) else [item]


def _is_accuracy(identifier: Any) -> bool:
    return isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc")


def _metric(identifier: Any, true_shape: tuple[Any, ...], pred_shape: tuple[Any, ...]) -> Any:
    if _is_accuracy(identifier):
        cls: Any = metrics_module.resolve_accuracy(true_shape, pred_shape)
        return cls(name=identifier)
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        name = identifier if isinstance(identifier, str) else name_of(metric)
        return metrics_module.MeanMetricWrapper(metric, name=name)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
