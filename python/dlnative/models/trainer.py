"""Training: `fit`, `evaluate` and their like for one batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.callbacks import CallbackList, History
from dlnative.models import checks, data
from dlnative.models.data import Data
from dlnative.models.predictor import SLICE, Predictor, feeds_of
from dlnative.ops.random import random_permutation
from dlnative.utils.random_seed import next_seed

if TYPE_CHECKING:
    from dlnative.models.profile import Profile


class Trainer(Predictor):
    """What makes a layer a model that can be trained."""

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
        with self._same_metrics():
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
        self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
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
            position = self._run(mode, samples, batch_size, order, position, stop, 0.0 if each_batch else SLICE)
            if each_batch:
                end(step, self._logs())
                if self.stop_training and mode == "train":
                    break
            now = time.perf_counter()
            if callbacks.shows_progress and now - shown >= SLICE and position < stop:
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
        with self._same_metrics():
            self.reset_metrics()
            listed.on_test_begin()
            self._run_epoch("test", samples, batch_size, None, stop, listed)
            logs = self._logs()
            listed.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

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

    def profile(self, x: Any, y: Any = None, batch_size: int = 32, plot: Any = None) -> Profile:
        """Times each instruction of a step beside what this machine could do, prints the table and returns it.

        The step is a training step if targets are given, otherwise a prediction. The weights stay as they are.

        Args:
            x: inputs, of which the first `batch_size` samples are used.
            y: targets.
            batch_size: samples in the step.
            plot: a file that the roofline is drawn into; needs matplotlib.

        Returns:
            The `Profile`, with the times in `seconds` and the limits in `limits`.

        Raises:
            ValueError: if there are fewer samples than `batch_size`.
        """
        from dlnative.models.profile import profile_step

        batch_size = data.checked_count("profile", "batch_size", batch_size)
        if y is None:
            mode, samples = "predict", Data(self._inputs("profile", x), [], [])
        else:
            self._assert_compiled("profile")
            mode, samples = "train", self._data("profile", x, y, None)
        if samples.size < batch_size:
            raise ValueError(f"profile: expected at least {batch_size} samples, got {samples.size}")
        compiled = self._steps.get(mode, samples, batch_size)
        if mode == "train":
            checks.check_targets(self, "profile", samples)
        feeds = feeds_of(compiled, samples.arrays(), batch_size)
        result = profile_step(f'Profile of "{self.name}": {mode}, batch {batch_size}', compiled, feeds)
        if plot is not None:
            result.plot(plot)
        print(result)
        return result


def _validates(epoch: int, frequency: int | Sequence[int]) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return (epoch + 1) in frequency
