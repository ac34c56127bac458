"""Predicting: what a model takes, `predict`, and the same for one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlnative.callbacks import CallbackList
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import map_structure
from dlnative.models import checks, data
from dlnative.models.data import Data
from dlnative.models.objective import Objective

SLICE = 0.04  # seconds that native code goes on before it comes back to look for Ctrl-C and to show progress


class Predictor(Objective):
    """What makes a layer a model that can predict."""

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
        quiet = verbose == 0 and not callbacks and steps is None
        direct = self._steps.direct(x, batch_size) if quiet else None
        if direct is not None:
            return _results(self, direct, [x])
        given = batch_size
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
        if quiet and size == stop:
            feeds = feeds_of(plan, arrays, stop)
            if feeds[0] is x:
                self._steps.keep_direct(x, given, plan)
            return _results(self, plan, feeds)
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
            position = plan.executor.run_steps(arrays, sinks, None, position, stop, rows, 0.0 if each_batch else SLICE)
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
        return _results(self, plan, feeds_of(plan, arrays, len(arrays[0])))


def _results(model: Predictor, plan: Any, feeds: list[Any]) -> Any:
    """Runs a prediction once and returns its results nested as the model's outputs."""
    return _nested_as(model.output_structure, plan.executor.run(feeds))


def feeds_of(plan: Any, arrays: list[Any], count: int) -> list[Any]:
    """Returns the first rows of arrays as a plan takes them."""
    dtypes = [plan.program.buffers[number].dtype for number in plan.program.feeds]
    rows = [array if len(array) == count else array[:count] for array in arrays]
    return [np.asarray(array, dtype=dtype, order="C") for array, dtype in zip(rows, dtypes, strict=True)]


def _nested_as(structure: Any, leaves: list[Any]) -> Any:
    if isinstance(structure, Tensor) or structure is None:
        return leaves[0]
    pending = iter(leaves)
    return map_structure(lambda _: next(pending), structure)
