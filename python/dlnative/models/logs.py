"""What a run shows: the metrics of a model and their values, or what a step of a subclass returned."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from dlnative import metrics as metrics_module
from dlnative import version_counter as version
from dlnative.models.compiled_metrics import CompiledMetrics

if TYPE_CHECKING:
    from dlnative.models.trainer import Trainer


class Logs:
    """The metrics of one model, and their values by name."""

    def __init__(self, model: Trainer) -> None:
        self._model = weakref.ref(model)
        self._of_run: list[Any] | None = None
        # The metrics of the layers, when the version was what it is here.
        self._inner: tuple[int, list[Any]] = (-1, [])

    def metrics(self) -> list[Any]:
        """Returns the metrics: of the loss, of `compile`, and those that the model and its layers hold."""
        if self._of_run is not None:
            return list(self._of_run)
        model: Any = self._model()
        found: list[Any] = model._objective.all_metrics() if model.compiled else []
        attributes = model._attributes()
        found += [item for item in attributes if isinstance(item, metrics_module.Metric)]
        if self._inner[0] != version.current[0]:
            self._inner = version.current[0], _held_metrics(model._inner(attributes))
        return list(dict.fromkeys(found + self._inner[1]))

    def same_metrics(self) -> _SameMetrics:
        """Looks for the metrics once for a whole run: its plans hold them, so a later one would see nothing."""
        return _SameMetrics(self)

    def of(self, mode: str) -> dict[str, Any]:
        """Returns what a run shows, sorted by name."""
        model: Any = self._model()
        returned = model._steps.function_logs.get(mode)
        return _as_numbers(returned) if returned is not None else self.own(mode)

    def own(self, mode: str) -> dict[str, Any]:
        """Returns the values of the metrics, or what a step of a subclass returned."""
        model: Any = self._model()
        held = model._steps.logs.get(mode)
        return _as_numbers(
            {name: v.value for name, v in held.items()} if held is not None else model.get_metrics_result()
        )

    def in_order(self, logs: dict[str, Any]) -> Any:
        """Returns the values of the metrics in the order of `metrics_names`: a number, or a list."""
        model: Any = self._model()
        names: list[str] = []
        for metric in model.metrics:
            names += [item.name for item in metric.metrics] if isinstance(metric, CompiledMetrics) else [metric.name]
        names = [name for name in names if name in logs] + [name for name in sorted(logs) if name not in names]
        values = [logs[name] for name in names]
        return values[0] if len(values) == 1 else values


class _SameMetrics:
    """A `with` block in which a model has the metrics that it has where the block begins."""

    __slots__ = ("_before", "_logs")

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def __enter__(self) -> None:
        logs = self._logs
        self._before = logs._of_run
        model: Any = logs._model()
        logs._of_run = model.metrics

    def __exit__(self, *error: object) -> None:
        self._logs._of_run = self._before


def _held_metrics(layers: list[Any]) -> list[Any]:
    """Returns the metrics that layers and the layers in them hold, but not those of models, which have runs of their own."""
    from dlnative.models.trainer import Trainer

    found: list[Any] = []
    for layer in layers:
        if not isinstance(layer, Trainer):
            attributes = layer._attributes()
            found += [item for item in attributes if isinstance(item, metrics_module.Metric)]
            inner = layer._inner(attributes)
            if inner:
                found += _held_metrics(inner)
    return found


def _as_numbers(logs: dict[str, Any]) -> dict[str, Any]:
    """Returns logs sorted by name, those of dicts in them under their own names, and scalars as Python numbers."""
    found: dict[str, Any] = {}
    for name in sorted(logs):
        value = logs[name]
        if isinstance(value, dict):
            found.update(_as_numbers(value))
            continue
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            found[name] = value
    return found
