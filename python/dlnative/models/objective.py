"""What a model is trained for: the optimizer, the loss and the metrics that `compile` sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlnative import metrics as metrics_module
from dlnative import ops, optimizers
from dlnative.callbacks import History
from dlnative.graph.tree import flatten_structure
from dlnative.models.losses_and_metrics import CompiledLoss, CompiledMetrics
from dlnative.models.steps import Steps


class Objective:
    """What a model is trained for, and what is left of it: the optimizer, the loss, the metrics, the plans of its steps."""

    name: str
    built: bool
    _label: str

    def __init__(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self.history: History | None = None
        self.output_structure: Any = None
        self._input_form: Any = None
        self._steps = Steps(self)
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._compiled_loss: CompiledLoss | None = None
        self._compiled_metrics: CompiledMetrics | None = None
        self._compile_arguments: dict[str, Any] = {}
        self._metrics_of_run: list[Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a model share no plans with it, and are in no run, even if one is made by a callback."""
        return {**super().__getstate__(), "_steps": None, "_metrics_of_run": None}  # type: ignore[misc]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._steps = Steps(self)

    def _reset_plans(self) -> None:
        self._steps.clear()

    # Compiling.

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets what `fit` does.

        Args:
            optimizer: an optimizer or its name.
            loss: a loss, its name, or a function `(y_true, y_pred)`; for several outputs a list, or a dict by their names.
            loss_weights: what the losses of several outputs are multiplied by.
            metrics: a list of metrics, names or functions `(y_true, y_pred)`; they do not see sample weights.
            weighted_metrics: the same, but these see sample weights.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted for Keras's sake; a step is always
                compiled, and as many steps run natively as fit between two looks at the clock.

        Raises:
            ValueError: for an unknown optimizer, loss or metric; the model is then unchanged.
        """
        del run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
        made = optimizers.get(optimizer)
        names, count = self._outputs() if self.built else ([], 1)
        if isinstance(loss, (list, tuple, dict)) or self.built:
            count = len(loss) if isinstance(loss, (list, tuple)) and not self.built else count
        compiled_loss = CompiledLoss(loss, loss_weights, names or _numbered(count), count)
        compiled_metrics = CompiledMetrics(metrics, weighted_metrics, names or _numbered(count), count)
        self._compile_arguments = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self.optimizer, self.loss = made, loss
        self._compiled_loss, self._compiled_metrics = compiled_loss, compiled_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._metrics_of_run = None
        self.compiled = True
        self._reset_plans()

    def _outputs(self) -> tuple[list[str], int]:
        """Returns the names and the number of the outputs."""
        outputs = getattr(self, "outputs", None)
        if outputs is not None:
            return list(self.output_names), len(outputs)  # type: ignore[attr-defined]
        if self.output_structure is None:
            return [], 1
        structure = self.output_structure
        count = len(flatten_structure(structure))
        return (sorted(structure) if isinstance(structure, dict) else _numbered(count)), count

    def _assert_compiled(self, call: str) -> None:
        if not self.compiled:
            raise ValueError(f"{self._label}: expected compile() before {call}(), got a model that is not compiled")

    # What a subclass may write.

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Returns the scalar to minimise: the compiled loss and what regularizers and `add_loss` add.

        Args:
            x: the inputs.
            y: the targets.
            y_pred: what the model made of the inputs.
            sample_weight: weights of the samples.
            training: whether this is a training step.
        """
        del x, training
        total: Any = None
        if self._compiled_loss is not None:
            preds = flatten_structure(y_pred)
            total = self._compiled_loss(_leaves(y, len(preds)), preds, _leaves(sample_weight, len(preds)))
        for loss in self.losses:  # type: ignore[attr-defined]
            extra = ops.sum(loss)
            total = extra if total is None else ops.add(total, extra)
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Lets the metrics see a batch and returns their values; a subclass may add its own."""
        self._update_compiled_metrics(y, y_pred, sample_weight)
        del x
        return self.get_metrics_result()

    def update_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Lets the metrics see a batch, while tracing."""
        if type(self).compute_metrics is not Objective.compute_metrics:
            self.compute_metrics(x, y, y_pred, sample_weight)
        else:
            self._update_compiled_metrics(y, y_pred, sample_weight)

    def _update_compiled_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        if self._compiled_metrics is not None:
            preds = flatten_structure(y_pred)
            count = len(preds)
            self._compiled_metrics.update_state(_leaves(y, count), preds, _leaves(sample_weight, count))

    @property
    def metrics(self) -> list[Any]:
        """The metrics: of the loss, of `compile`, and those that the model holds."""
        if self._metrics_of_run is not None:
            return list(self._metrics_of_run)
        found: list[Any] = [self._loss_tracker] if self.compiled else []
        if self._compiled_metrics is not None:
            found.append(self._compiled_metrics)
        if self._compiled_loss is not None:
            found += self._compiled_loss.trackers
        own = [item for item in self._attributes() if isinstance(item, metrics_module.Metric)]  # type: ignore[attr-defined]
        return list(dict.fromkeys(found + [metric for metric in own if metric is not self._loss_tracker]))

    @contextmanager
    def _same_metrics(self) -> Iterator[None]:
        """Looks for the metrics once for a whole run: its plans hold them, so a later one would see nothing."""
        before = self._metrics_of_run
        self._metrics_of_run = self.metrics
        try:
            yield
        finally:
            self._metrics_of_run = before

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Begins all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the values of the metrics by name."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {metric.name: value})
        return results

    def _logs(self) -> dict[str, float]:
        """Returns the values of the metrics as Python numbers, sorted by name."""
        results = self.get_metrics_result()
        return {name: float(results[name]) for name in sorted(results)}

    def _in_order(self, logs: dict[str, float]) -> Any:
        """Returns the values of the metrics in the order of `metrics_names`: a number, or a list."""
        names: list[str] = []
        for metric in self.metrics:
            names += [item.name for item in metric.metrics] if isinstance(metric, CompiledMetrics) else [metric.name]
        names = [name for name in names if name in logs] + [name for name in sorted(logs) if name not in names]
        values = [logs[name] for name in names]
        return values[0] if len(values) == 1 else values


def _leaves(structure: Any, count: int) -> list[Any]:
    if structure is None:
        return [None] * count
    return list(structure) if isinstance(structure, (list, tuple)) else [structure]


def _numbered(count: int) -> list[str]:
    return [f"output_{index}" for index in range(count)]
