"""Training: `compile`, `fit`, `evaluate`, `predict` and their like for one batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from dlnative import metrics as metrics_module
from dlnative import ops, optimizers
from dlnative.callbacks import CallbackList, History
from dlnative.graph.tensor import Tensor, flatten_structure, map_structure
from dlnative.models import checks, data
from dlnative.models.data import Data
from dlnative.models.losses_and_metrics import CompiledLoss, CompiledMetrics
from dlnative.models.steps import Steps
from dlnative.ops.random import random_permutation
from dlnative.utils.random_seed import next_seed

_SLICE = 0.04  # seconds that native training goes on before it comes back to look for Ctrl-C and to show progress


class Trainer:
    """What makes a layer a model that can be trained."""

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
        if type(self).compute_metrics is not Trainer.compute_metrics:
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
        found: list[Any] = [self._loss_tracker] if self.compiled else []
        if self._compiled_metrics is not None:
            found.append(self._compiled_metrics)
        if self._compiled_loss is not None:
            found += self._compiled_loss.trackers
        own = [item for item in self._attributes() if isinstance(item, metrics_module.Metric)]  # type: ignore[attr-defined]
        return list(dict.fromkeys(found + [metric for metric in own if metric is not self._loss_tracker]))

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

    # Inputs and outputs.

    def input_dtypes(self, count: int) -> list[str | None]:
        """Returns the dtypes that the inputs are fed in; `None`: that of the data."""
        inputs = getattr(self, "inputs", None) if self.built else None
        return [tensor.dtype for tensor in inputs] if inputs else [None] * count

    def nested_inputs(self, leaves: list[Any]) -> Any:
        """Returns the inputs nested as the model takes them."""
        form = self._input_form
        if form is not None:
            pending = iter(leaves)
            return map_structure(lambda _: next(pending), form)
        return leaves[0] if len(leaves) == 1 else leaves

    def _inputs(self, call: str, x: Any, *, finite: bool = True) -> list[np.ndarray[Any, Any]]:
        """Returns the inputs as checked arrays, building the model if it has seen no data yet."""
        if x is None:
            raise ValueError(f"{call}: expected inputs x, got None")
        leaves = getattr(self, "input_leaves", None)
        if leaves is not None:
            listed = leaves(x)
        elif isinstance(x, (list, tuple)) and x and all(hasattr(item, "shape") and np.ndim(item) for item in x):
            listed, self._input_form = list(x), [0] * len(x)
        elif isinstance(x, dict):
            listed, self._input_form = [x[key] for key in x], dict.fromkeys(x, 0)
        else:
            listed = [x]
        arrays = [data.to_rows(f"{call}: x", leaf, finite=finite) for leaf in listed]
        data.same_length(call, [("x", array) for array in arrays])
        if leaves is not None:
            checks.fit_inputs(self, arrays)
        return arrays

    def _data(self, call: str, x: Any, y: Any, sample_weight: Any) -> Data:
        """Returns checked data."""
        if isinstance(x, Data):
            return x
        arrays = self._inputs(call, x)
        names, count = self._outputs()
        targets = data.target_leaves(call, y, names, count)
        weights = data.weight_leaves(call, sample_weight, names, count)
        named = [("x", arrays[0]), *(("y", target) for target in targets), *(("sample_weight", w) for w in weights)]
        data.same_length(call, named)
        return Data(arrays, targets, weights)

    # Running.

    def _run(
        self, mode: str, samples: Data, batch_size: int, order: Any, position: int, stop: int, seconds: float
    ) -> int:
        """Runs steps from `position` on, for a while, and returns the position behind the last one."""
        size = min(batch_size, stop - position)
        step = self._steps.get(mode, samples, size)
        return step.executor.run_steps(samples.arrays(), [], order, position, stop, size, seconds)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Trains the model.

        Args:
            x: the inputs, with one row for each sample; several in a list, or a dict by name.
            y: the targets, likewise.
            batch_size: samples in a step; 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 prints nothing, 1 (and `"auto"`) a progress bar, 2 a line for each epoch.
            callbacks: callbacks, in a list.
            validation_split: the share of the samples, from the end, that is kept for validation.
            validation_data: `(x, y)` or `(x, y, sample_weight)` for validation.
            shuffle: whether the samples are visited in a new random order in each epoch.
            class_weight: a dict from class number to weight; a class that is not listed counts 1.
            sample_weight: a weight for each sample.
            initial_epoch: the epoch to begin with.
            steps_per_epoch: how many steps make an epoch; by default all samples.
            validation_steps: how many batches are validated on; by default all.
            validation_batch_size: samples in a validation batch; `batch_size` by default.
            validation_freq: every how many epochs, or in which ones, to validate.

        Returns:
            The `History`, whose `history` has a list with a value for each epoch under each metric's name.

        Raises:
            ValueError, TypeError: if an argument or the data cannot be right, before anything is changed.
        """
        self._assert_compiled("fit")
        batch_size = 32 if batch_size is None else data.checked_count("fit", "batch_size", batch_size)
        epochs = data.checked_count("fit", "epochs", epochs, 0)
        samples, validation = self._fit_data(x, y, sample_weight, class_weight, validation_split, validation_data)
        stop = samples.size
        if steps_per_epoch is not None:
            stop = min(stop, data.checked_count("fit", "steps_per_epoch", steps_per_epoch) * batch_size)
        self._steps.get("train", samples, min(batch_size, stop))
        checks.check_targets(self, "fit", samples)
        if validation is not None:
            self._steps.get("test", validation, min(validation_batch_size or batch_size, validation.size))
            checks.check_targets(self, "fit: validation_data", validation)
        steps = -(-stop // batch_size)
        listed = CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose,
            epochs=epochs, steps=steps,
        )  # fmt: skip
        seed = next_seed() if shuffle else None
        self.stop_training = False
        listed.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            listed.on_epoch_begin(epoch)
            order = None if seed is None else random_permutation(np.array([seed, epoch]), samples.size)
            self._run_epoch("train", samples, batch_size, order, stop, listed)
            logs = self._logs()
            if validation is not None and _validates(epoch, validation_freq):
                results = self.evaluate(
                    validation, batch_size=validation_batch_size or batch_size, verbose=0, steps=validation_steps,
                    return_dict=True, callbacks=listed,
                )  # fmt: skip
                logs.update({f"val_{name}": value for name, value in results.items()})
                logs = {name: logs[name] for name in sorted(logs)}
            listed.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        listed.on_train_end(logs)
        assert self.history is not None
        return self.history

    def _fit_data(
        self, x: Any, y: Any, sample_weight: Any, class_weight: Any, fraction: float, validation_data: Any
    ) -> tuple[Data, Data | None]:
        samples, validation = self._split_data(x, y, sample_weight, fraction, validation_data)
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("fit: expected either class_weight or sample_weight, got both")
            samples.sample_weight = data.class_weights("fit", samples.y, class_weight)
        return samples, validation

    def _split_data(
        self, x: Any, y: Any, sample_weight: Any, fraction: float, validation_data: Any
    ) -> tuple[Data, Data | None]:
        samples = self._data("fit", x, y, sample_weight)
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or not 2 <= len(validation_data) <= 3:
                raise ValueError(
                    f"fit: expected validation_data as (x, y) or (x, y, sample_weight), got {type(validation_data).__name__}"
                )
            weights = validation_data[2] if len(validation_data) == 3 else None
            return samples, self._data("fit: validation_data", validation_data[0], validation_data[1], weights)
        if fraction:
            return data.split("fit", samples, fraction)
        return samples, None

    def _run_epoch(
        self, mode: str, samples: Data, batch_size: int, order: Any, stop: int, callbacks: CallbackList
    ) -> None:
        """Runs all batches of an epoch, with callbacks at each one only if a callback asks for it."""
        position = 0
        each_batch = callbacks.wants_batches(mode)
        begin, end = (
            (callbacks.on_train_batch_begin, callbacks.on_train_batch_end)
            if mode == "train"
            else (callbacks.on_test_batch_begin, callbacks.on_test_batch_end)
        )
        shown = time.perf_counter()
        while position < stop:
            step = position // batch_size
            if each_batch:
                begin(step)
            position = self._run(mode, samples, batch_size, order, position, stop, 0.0 if each_batch else _SLICE)
            if each_batch:
                end(step, self._logs())
                if self.stop_training and mode == "train":
                    break
            now = time.perf_counter()
            if callbacks.shows_progress and now - shown >= _SLICE and position < stop:
                callbacks.progress(-(-position // batch_size), self._logs())
                shown = now

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics over data.

        Args:
            x, y, sample_weight: the data, as in `fit`.
            batch_size: samples in a batch; 32 by default.
            verbose: 0 prints nothing, 1 (and `"auto"`) a progress bar, 2 a line.
            steps: how many batches; by default all.
            callbacks: callbacks, in a list.
            return_dict: whether a dict by name is returned.

        Returns:
            The loss, or a list of the loss and the metrics, or a dict.
        """
        self._assert_compiled("evaluate")
        batch_size = 32 if batch_size is None else data.checked_count("evaluate", "batch_size", batch_size)
        samples = self._data("evaluate", x, y, sample_weight)
        stop = (
            samples.size
            if steps is None
            else min(samples.size, data.checked_count("evaluate", "steps", steps) * batch_size)
        )
        self._steps.get("test", samples, min(batch_size, stop))
        if not isinstance(x, Data):
            checks.check_targets(self, "evaluate", samples)
        listed = callbacks
        if not isinstance(callbacks, CallbackList):
            listed = CallbackList(
                callbacks, add_history=False, add_progbar=verbose != 0, model=self,
                verbose=1 if verbose == "auto" else verbose, epochs=1, steps=-(-stop // batch_size),
            )  # fmt: skip
        self.reset_metrics()
        listed.on_test_begin()
        self._run_epoch("test", samples, batch_size, None, stop, listed)
        logs = self._logs()
        listed.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns what the model makes of data, as NumPy arrays.

        Args:
            x: the inputs, as in `fit`.
            batch_size: samples in a batch; 32 by default.
            verbose: 0 prints nothing, 1 (and `"auto"`) a progress bar, 2 a line.
            steps: how many batches; by default all.
            callbacks: callbacks, in a list.
        """
        batch_size = 32 if batch_size is None else data.checked_count("predict", "batch_size", batch_size)
        arrays = self._inputs("predict", x, finite=False)
        samples = Data(arrays, [], [])
        stop = (
            samples.size
            if steps is None
            else min(samples.size, data.checked_count("predict", "steps", steps) * batch_size)
        )
        size = min(batch_size, stop)
        plan = self._steps.get("predict", samples, size)
        quiet = verbose == 0 and not callbacks
        if quiet and size == stop:
            return plan_results(self, plan, _feeds(plan, arrays, stop))
        listed = CallbackList(
            callbacks, add_history=False, add_progbar=verbose != 0, model=self, verbose=1 if verbose == "auto" else verbose,
            epochs=1, steps=-(-stop // batch_size),
        )  # fmt: skip
        for leaf in plan.leaves:
            if not leaf.shape or leaf.shape[0] != size:
                raise ValueError(f"{self._label}: expected outputs with a row for each sample, got shape {leaf.shape}")
        sinks = [np.empty((stop, *leaf.shape[1:]), leaf.dtype) for leaf in plan.leaves]
        listed.on_predict_begin()
        position = 0
        each_batch = listed.wants_batches("predict")
        while position < stop:
            number = position // batch_size
            if each_batch:
                listed.on_predict_batch_begin(number)
            rows = min(batch_size, stop - position)
            plan = self._steps.get("predict", samples, rows)
            begin = position
            position = plan.executor.run_steps(arrays, sinks, None, position, stop, rows, 0.0 if each_batch else _SLICE)
            if each_batch:
                listed.on_predict_batch_end(number, {"outputs": [sink[begin:position] for sink in sinks]})
            if listed.shows_progress:
                listed.progress(-(-position // batch_size), {})
        listed.on_predict_end()
        return _nested_as(self.output_structure, sinks)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns what the model makes of one batch."""
        arrays = self._inputs("predict_on_batch", x, finite=False)
        plan = self._steps.get("predict", Data(arrays, [], []), len(arrays[0]))
        return plan_results(self, plan, _feeds(plan, arrays, len(arrays[0])))

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Makes one training step; returns the loss and the metrics of the batch, as `evaluate` does."""
        self._assert_compiled("train_on_batch")
        samples, _ = self._fit_data(x, y, sample_weight, class_weight, 0.0, None)
        return self._on_batch("train", "train_on_batch", samples, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Returns the loss and the metrics of one batch, as `evaluate` does."""
        self._assert_compiled("test_on_batch")
        return self._on_batch("test", "test_on_batch", self._data("test_on_batch", x, y, sample_weight), return_dict)

    def _on_batch(self, mode: str, call: str, samples: Data, return_dict: bool) -> Any:
        step = self._steps.get(mode, samples, samples.size)
        checks.check_targets(self, call, samples)
        self.reset_metrics()
        step.executor.run_steps(samples.arrays(), [], None, 0, samples.size, samples.size, 0.0)
        logs = self._logs()
        return logs if return_dict else self._in_order(logs)

    def plan(self, batch_size: int = 32, mode: str | None = None) -> None:
        """Prints the compiled plan: each instruction with its shapes, operations and bytes, and the memory.

        Args:
            batch_size: the batch size to plan for.
            mode: `"train"`, `"test"` or `"predict"`; training if the model is compiled, otherwise prediction.
        """
        from dlnative.models.display import print_plan

        print_plan(self, batch_size, mode or ("train" if self.compiled else "predict"))


def plan_results(model: Trainer, plan: Any, feeds: list[Any]) -> Any:
    """Runs a prediction once and returns its results nested as the model's outputs."""
    return _nested_as(model.output_structure, plan.executor.run(feeds))


def _feeds(plan: Any, arrays: list[Any], count: int) -> list[Any]:
    feeds = [plan.program.buffers[number] for number in plan.program.feeds]
    return [np.ascontiguousarray(array[:count], dtype=feed.dtype) for array, feed in zip(arrays, feeds, strict=True)]


def _nested_as(structure: Any, leaves: list[Any]) -> Any:
    if isinstance(structure, Tensor) or structure is None:
        return leaves[0]
    pending = iter(leaves)
    return map_structure(lambda _: next(pending), structure)


def _leaves(structure: Any, count: int) -> list[Any]:
    if structure is None:
        return [None] * count
    return list(structure) if isinstance(structure, (list, tuple)) else [structure]


def _numbered(count: int) -> list[str]:
    return [f"output_{index}" for index in range(count)]


def _validates(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return (epoch + 1) in frequency
