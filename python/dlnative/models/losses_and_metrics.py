"""What `compile` makes of its losses and metrics: one of each for every output."""

from __future__ import annotations

from typing import Any

from dlnative import losses as losses_module
from dlnative import metrics as metrics_module
from dlnative import ops
from dlnative.graph.tree import flatten_structure


def by_output(what: str, given: Any, names: list[str], count: int) -> list[Any]:
    """Returns what is given for each output: one for all, a list, or a dict by the outputs' names."""
    if isinstance(given, dict):
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(f'compile: expected {what} for the outputs {names}, got "{unknown[0]}"')
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ValueError(f"compile: expected {what} for {count} outputs, got {len(given)}")
        return list(given)
    return [given] * count


class CompiledLoss:
    """The losses of the outputs, added up with their weights.

    Args:
        loss: a loss, its name, a function `(y_true, y_pred)`; for several outputs also a list or a dict.
        weights: a number, list or dict.
        names: the names of the outputs.
        count: their number.
    """

    def __init__(self, loss: Any, weights: Any, names: list[str], count: int) -> None:
        self.losses = [_loss(item) for item in by_output("a loss", loss, names, count)]
        self.weights = by_output("loss weights", weights, names, count)
        self.names = names
        self.trackers = [metrics_module.Mean(name=f"{name}_loss") for name in names] if count > 1 else []

    def __call__(self, y_true: list[Any], y_pred: list[Any], sample_weight: list[Any]) -> Any:
        """Returns the total as a tensor, or `None` if no output has a loss."""
        total: Any = None
        for index, (loss, weight, pred) in enumerate(zip(self.losses, self.weights, y_pred, strict=True)):
            if loss is None:
                continue
            true = y_true[index]
            if true is None:
                raise ValueError(f'fit: expected a target y for the output "{self.names[index]}", got None')
            value = _resolved(loss, true, pred)(true, pred, sample_weight=sample_weight[index])
            if self.trackers:
                self.trackers[index].update_state(value, sample_weight=float(pred.shape[0]))
            if weight is not None:
                value = ops.multiply(value, float(weight))
            total = value if total is None else ops.add(total, value)
        return total


def _loss(identifier: Any) -> Any:
    if identifier is None or identifier in ("crossentropy", "ce"):
        return identifier
    loss = losses_module.get(identifier)
    if isinstance(loss, losses_module.Loss):
        return loss
    name = identifier if isinstance(identifier, str) else getattr(loss, "__name__", type(loss).__name__)
    return losses_module.LossFunctionWrapper(loss, name=name)


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


class CompiledMetrics(metrics_module.Metric):
    """The metrics of the outputs, made when the shapes are known.

    Args:
        metrics: metrics, names or functions `(y_true, y_pred)`, in a list; for several outputs also a list of lists or a
            dict.
        weighted: the same, but these see the sample weights.
        names: the names of the outputs.
        count: their number.
    """

    def __init__(self, metrics: Any, weighted: Any, names: list[str], count: int) -> None:
        super().__init__(name="compile_metrics")
        self._given = (
            _per_output("metrics", metrics, names, count),
            _per_output("weighted_metrics", weighted, names, count),
        )
        for identifier in flatten_structure(self._given):
            if identifier not in ("accuracy", "acc") and metrics_module.get(identifier) is None:
                raise ValueError(f"compile: expected a metric, got {identifier!r}")
        self.names = names if count > 1 else [""] * count
        self.metrics: list[Any] = []
        self._groups: list[tuple[int, bool, Any]] = []
        self.built = False

    def _build(self, y_true: list[Any], y_pred: list[Any]) -> None:
        for weighted, lists in enumerate(self._given):
            for index, identifiers in enumerate(lists):
                for identifier in identifiers:
                    if y_true[index] is None:
                        raise ValueError(f"fit: expected a target y for the metric {identifier!r}, got None")
                    metric = _metric(identifier, tuple(y_true[index].shape), tuple(y_pred[index].shape))
                    self._groups.append((index, bool(weighted), metric))
                    self.metrics.append(metric)
        self.built = True

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def update_state(self, y_true: list[Any], y_pred: list[Any], sample_weight: list[Any]) -> None:
        """Lets every metric see a batch."""
        if not self.built:
            self._build(y_true, y_pred)
        for index, weighted, metric in self._groups:
            weights = sample_weight[index] if weighted else None
            metric.update_state(y_true[index], y_pred[index], sample_weight=weights)

    def result(self) -> dict[str, Any]:
        """Returns the metrics' values by name; a name that is taken gets a number."""
        results: dict[str, Any] = {}
        taken: dict[str, int] = {}
        for index, weighted, metric in self._groups:
            prefix = f"{self.names[index]}_" if self.names[index] else ""
            name = f"{prefix}{metric.name}"
            if weighted and name in taken:
                name = f"{prefix}weighted_{metric.name}"
            if name in taken:
                number = taken[name]
                taken[name] += 1
                name = f"{name}_{number}"
            else:
                taken[name] = 1
            results[name] = metric.result()
        return results


def _per_output(what: str, given: Any, names: list[str], count: int) -> list[list[Any]]:
    if given is None:
        return [[] for _ in range(count)]
    if not isinstance(given, (list, tuple, dict)):
        raise ValueError(f"compile: expected {what} in a list, tuple or dict, got {given!r}")
    if count == 1:
        if isinstance(given, dict):
            by_output(what, given, names, count)
        return [flatten_structure(given)]
    return [
        [] if item is None else list(item) if isinstance(item, (list, tuple)) else [item]
        for item in by_output(what, given, names, count)
    ]


def _metric(identifier: Any, true_shape: tuple[Any, ...], pred_shape: tuple[Any, ...]) -> Any:
    if identifier in ("accuracy", "acc"):
        cls: Any = metrics_module.resolve_accuracy(true_shape, pred_shape)
        return cls(name=identifier)
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        name = identifier if isinstance(identifier, str) else getattr(metric, "__name__", type(metric).__name__)
        return metrics_module.MeanMetricWrapper(metric, name=name)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
