"""What makes a layer a model that can be trained: `compile`, `fit`, `evaluate`, `predict`, and what a subclass may write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dlnative.callbacks import History
from dlnative.data.batches import Data, unpack_x_y_sample_weight
from dlnative.graph.trace import current_trace
from dlnative.models import epoch, inputs, loops, tracing
from dlnative.models.compilation import Compilation
from dlnative.models.logs import Logs
from dlnative.models.steps import Steps


class Trainer(Compilation):
    """What makes a layer a model that can be trained.

    Its parts are the objective (losses and metrics that `compile` sets), the plans of its steps, and the optimizer.
    """

    name: str
    built: bool
    dtype: str
    compute_dtype: str
    _label: str
    trainable_variables: list[Any]
    losses: list[Any]
    _attributes: Callable[[], list[Any]]
    _inner: Callable[[list[Any]], list[Any]]

    def __init__(self) -> None:
        Compilation.__init__(self)
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.history: History | None = None
        self.output_structure: Any = None
        self._steps = Steps(self)
        self._logs = Logs(self)

    def __getstate__(self) -> dict[str, Any]:
        """Copies of a model share no plans with it, and are in no run, even if one is made by a callback."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[misc]
        functions = {f"{mode}_function": None for mode in ("train", "test", "predict")}
        return {**state, "_steps": None, "_logs": None, **functions}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._steps, self._logs = Steps(self), Logs(self)

    def _reset_plans(self) -> None:
        self._steps.clear()

    def _overrides(self, name: str) -> bool:
        """Tells whether a subclass, or this object, has written a method of its own."""
        return getattr(type(self), name) is not getattr(Trainer, name) or name in self.__dict__

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
        return self._objective.compute_loss(y, y_pred, sample_weight, self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Lets the metrics see a batch and returns their values; a subclass may return others, or further ones."""
        del x
        self._objective.update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def train_step(self, data: Any, *more: Any) -> Any:
        """Makes a training step; a subclass may write another.

        The step is traced: it runs once, on symbolic tensors, and its plan then runs for every batch. It is written in
        `dlnative.ops`; gradients come from `dlnative.value_and_grad`, given the variables, and
        `self.optimizer.apply(gradients, variables)` (or `apply_gradients`) updates them, after which they read as updated. A
        model that has a `call` is built before; of one that has none, give `value_and_grad` a function for the variables.

        Args:
            data: a batch: `x`, `(x, y)` or `(x, y, sample_weight)`.
            *more: the batch, if the first argument is the state: lists of the values of trainable, non-trainable,
                optimizer's and metrics' variables. The result is then a pair of the values by name and the new state.

        Returns:
            A dict of values by name: `fit` shows those of the last batch.

        Example:
            >>> import numpy as np
            >>> import dlnative
            >>> class Halved(dlnative.Model):
            ...     def __init__(self):
            ...         super().__init__()
            ...         self.dense = dlnative.layers.Dense(1)
            ...     def call(self, x):
            ...         return self.dense(x)
            ...     def train_step(self, data):
            ...         x, y = data
            ...         def loss_of():
            ...             y_pred = self(x, training=True)
            ...             return self.compute_loss(y=y, y_pred=y_pred), y_pred
            ...         compute = dlnative.value_and_grad(loss_of, variables=self.trainable_variables, has_aux=True)
            ...         (loss, y_pred), gradients = compute()
            ...         self.optimizer.apply([0.5 * g for g in gradients], self.trainable_variables)
            ...         for metric in self.metrics:
            ...             metric.update_state(loss) if metric.name == "loss" else metric.update_state(y, y_pred)
            ...         return {metric.name: metric.result() for metric in self.metrics}
            >>> model = Halved()
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> _ = model(np.ones((8, 2), "float32"))
            >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=0)
            >>> sorted(history.history)
            ['loss', 'mae']
        """
        return self._own_step("train", tracing.own_train, data, more)

    def test_step(self, data: Any, *more: Any) -> Any:
        """Makes a test step; a subclass may write another: see `train_step`."""
        return self._own_step("test", tracing.own_test, data, more)

    def predict_step(self, data: Any, *more: Any) -> Any:
        """Returns the outputs for a batch; a subclass may write another: see `train_step`."""
        x, _, _ = unpack_x_y_sample_weight(more[0] if more else data)
        outputs = self(x, training=False)  # type: ignore[operator]
        return (outputs, tracing.state_of(self, "predict")[1]) if more else outputs

    def _own_step(self, mode: str, own: Callable[..., Any], data: Any, more: tuple[Any, ...]) -> Any:
        if current_trace() is not None:
            return tracing.run_own(self, mode, own, data, more)
        return epoch.own_function(self, mode)(iter([more[0] if more else data]))

    def make_train_function(self, force: bool = False) -> Any:
        """Sets and returns `train_function`, which takes a batch from an iterator, makes a step, and returns its values.

        A subclass may write another; `fit` then calls what it made for every batch. Without one, `fit` needs no such function.

        Args:
            force: whether a function that was made before is made anew.
        """
        return self._own_function("train", force)

    def make_test_function(self, force: bool = False) -> Any:
        """Sets and returns `test_function`; see `make_train_function`."""
        return self._own_function("test", force)

    def make_predict_function(self, force: bool = False) -> Any:
        """Sets and returns `predict_function`, which returns outputs; see `make_train_function`."""
        return self._own_function("predict", force)

    def _own_function(self, mode: str, force: bool) -> Any:
        name = f"{mode}_function"
        if force or getattr(self, name) is None:
            setattr(self, name, epoch.own_function(self, mode))
        return getattr(self, name)

    # Metrics.

    @property
    def metrics(self) -> list[Any]:
        """The metrics: of the loss, of `compile`, and those that the model and its layers hold."""
        return self._logs.metrics()

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    @property
    def metrics_variables(self) -> list[Any]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

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

    # Running.

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
        **older: Any,
    ) -> History:
        """Trains the model.

        Args:
            x: the inputs, with one row for each sample: an array, a frame, several in a list, or a dict by name. Or where
                batches come from: a generator, another iterable, or a `PyDataset`, of `(x, y)` or `(x, y, sample_weight)`.
            y: the targets, likewise; none if `x` gives batches.
            batch_size: samples in a step; 32 by default. None if `x` gives batches.
            epochs: the number of the last epoch.
            verbose: 0 prints nothing, 1 (and `"auto"`) a progress bar, 2 a line for each epoch.
            callbacks: callbacks, in a list.
            validation_split: the share of the samples, from the end, that is kept for validation.
            validation_data: `(x, y)` or `(x, y, sample_weight)` for validation, or where batches come from.
            shuffle: whether the samples (of a `PyDataset`, the batches) are visited in a new random order in each epoch.
            class_weight: a dict from class number to weight; a class that is not listed counts 1.
            sample_weight: a weight for each sample.
            initial_epoch: the epoch to begin with.
            steps_per_epoch: how many steps make an epoch, which goes on where the one before stopped; by default all samples.
            validation_steps: how many batches are validated on; by default all.
            validation_batch_size: samples in a validation batch; `batch_size` by default.
            validation_freq: every how many epochs, or in which ones, to validate.
            **older: arguments that Keras has given up: `nb_epoch`, and those of queues, which a `PyDataset` has itself.

        Returns:
            The `History`, whose `history` has a list with a value for each epoch under each metric's name.

        Raises:
            ValueError, TypeError: if an argument or the data cannot be right, before anything is changed.
        """
        self._assert_compiled("fit")
        if older:
            from dlnative.legacy import training

            epochs = training.modern("fit", older).get("epochs", epochs)
        return loops.fit(
            self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight,
            sample_weight, initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq,
        )  # fmt: skip

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
        return loops.evaluate(self, x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict)

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
        if verbose == 0 and not callbacks and steps is None and not self.run_eagerly:
            direct = self._steps.direct(x, batch_size)
            if direct is not None:
                return epoch.nested_as(self.output_structure, direct.executor.run(x if x.__class__ is list else [x]))
        return loops.predict(self, x, batch_size, verbose, steps, callbacks)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Makes one training step; returns the loss and the metrics of the batch, as `evaluate` does."""
        self._assert_compiled("train_on_batch")
        data = inputs.samples(self, "train_on_batch", x, y, sample_weight, class_weight)
        return loops.on_batch(self, "train", data, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Returns the loss and the metrics of one batch, as `evaluate` does."""
        self._assert_compiled("test_on_batch")
        data = inputs.samples(self, "test_on_batch", x, y, sample_weight)
        return loops.on_batch(self, "test", data, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns what the model makes of one batch."""
        data = Data(inputs.input_arrays(self, "predict_on_batch", x, finite=False), call="predict_on_batch")
        plan = self._steps.get("predict", data, data.size)
        return epoch.nested_as(self.output_structure, plan.executor.run(epoch.feeds_of(plan, data.arrays, data.size)))
