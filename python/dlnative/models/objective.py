"""What a model is trained for: the losses and the metrics that `compile` sets."""

from __future__ import annotations

from typing import Any

from dlnative import metrics as metrics_module
from dlnative import ops
from dlnative.graph.tree import map_structure
from dlnative.models.compiled_loss import CompiledLoss
from dlnative.models.compiled_metrics import CompiledMetrics


class Objective:
    """The losses and the metrics of a compiled model.

    Args:
        loss, loss_weights, metrics, weighted_metrics: see `Model.compile`.

    Raises:
        ValueError: for an unknown loss or metric.
    """

    def __init__(self, loss: Any = None, loss_weights: Any = None, metrics: Any = None, weighted_metrics: Any = None):
        self.arguments = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self.loss = None if loss is None else CompiledLoss(loss, loss_weights)
        self.metrics = None
        if metrics is not None or weighted_metrics is not None:
            self.metrics = CompiledMetrics(metrics, weighted_metrics)
        self.tracker = metrics_module.Mean(name="loss")

    def copied_arguments(self) -> dict[str, Any]:
        """Returns what it was made of, for another model: metrics that hold values are made anew."""

        from dlnative.saving import functions

        def copied(leaf: Any) -> Any:
            return type(leaf).from_config(leaf.get_config()) if isinstance(leaf, metrics_module.Metric) else leaf

        with functions.kept():
            return {name: map_structure(copied, value) for name, value in self.arguments.items()}

    def all_metrics(self) -> list[Any]:
        """Returns the mean of the loss, the metrics, and the means of the outputs' losses."""
        found: list[Any] = [self.tracker]
        if self.metrics is not None:
            found.append(self.metrics)
        return found + (self.loss.metrics if self.loss is not None else [])

    def name_outputs(self, names: list[str] | None) -> None:
        """Sets the names of the outputs, in the order of their leaves."""
        for part in (self.loss, self.metrics):
            if part is not None:
                part.names = names

    def compute_loss(self, y: Any, y_pred: Any, sample_weight: Any, losses: list[Any]) -> Any:
        """Returns the total loss of a batch as a tensor; `None` if there is none.

        Args:
            y, sample_weight: targets and weights, nested as the outputs or in another way that says the same.
            y_pred: the outputs.
            losses: what is added to the losses of the outputs.
        """
        total: Any = None
        if self.loss is not None:
            total = self.loss(y, y_pred, sample_weight)
        for loss in losses:
            extra = ops.sum(loss)
            total = extra if total is None else ops.add(total, extra)
        return total

    def update_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Lets the metrics see a batch."""
        if self.metrics is not None:
            if self.loss is not None and self.loss.built:
                y = self.loss.targets(y, y_pred)
            self.metrics.update_state(y, y_pred, sample_weight)
