"""One epoch: chunks of batches go to the native loop, and callbacks of single batches get their turn."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from dlnative.callbacks import CallbackList
from dlnative.data.batches import Chunk, Data, pack_x_y_sample_weight, unpack_x_y_sample_weight
from dlnative.graph.plans import Compiled
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import flatten, pack
from dlnative.models import checks

SLICE = 0.04  # seconds that native code goes on before it comes back to look for Ctrl-C and to show progress
_FLAGS = {"train": "stop_training", "test": "stop_evaluating", "predict": "stop_predicting"}


def prepare(model: Any, mode: str, chunk: Chunk) -> Compiled:
    """Returns the plan of a chunk's first batch, after all checks of its data."""
    plan: Compiled = model._steps.get(mode, chunk.data, min(chunk.batch_size, chunk.stop - chunk.start))
    if mode != "predict":
        checks.check_targets(model, chunk.data)
    chunk.data.prepared = True
    return plan


class Turns:
    """The turns of callbacks during an epoch: after each batch, or every `steps_per_execution` batches, if they ask for it.

    Args:
        model: the model.
        mode: `"train"`, `"test"` or `"predict"`.
        callbacks: the callbacks.
        logs: gives what callbacks are shown.
        first: how many batches of the epoch have been run before.
    """

    def __init__(
        self, model: Any, mode: str, callbacks: CallbackList, logs: Callable[[], dict[str, Any]], first: int = 0
    ) -> None:
        self._model = model
        self._callbacks = callbacks
        self._logs = logs
        self._begin = getattr(callbacks, f"on_{mode}_batch_begin")
        self._end = getattr(callbacks, f"on_{mode}_batch_end")
        self._flag = _FLAGS[mode]
        self._each = callbacks.wants_batches(mode)
        self._together: int = model.steps_per_execution
        self._inside = 0  # batches since the last turn
        self._shown = time.perf_counter()
        self._done = first

    @property
    def room(self) -> int | None:
        """How many batches may run before the next turn; `None`: as many as like."""
        if self._model.run_eagerly:
            return 1
        return self._together - self._inside if self._each else None

    @property
    def fresh(self) -> bool:
        """Whether no batch has run since the last turn."""
        return self._inside == 0

    def begin(self) -> None:
        """Is called before batches run."""
        if self._each and self._inside == 0:
            self._begin(self._done)

    def end(self, count: int) -> bool:
        """Is called after batches ran; tells whether the loop goes on."""
        self._done += count
        if self._each:
            self._inside += count
            if self._inside >= self._together:
                self._finish()
        if self._callbacks.shows_progress:
            now = time.perf_counter()
            if now - self._shown >= SLICE:
                self._callbacks.progress(self._done, {} if self._flag == "stop_predicting" else self._logs())
                self._shown = now
        return not getattr(self._model, self._flag)

    def close(self) -> None:
        """Is called when there are no more batches."""
        if self._inside:
            self._finish()

    def _finish(self) -> None:
        last = self._done - self._inside + self._together - 1
        self._inside = 0
        self._end(last, self._logs())


class Loop:
    """Runs the batches of epochs of `fit` or `evaluate`.

    Args:
        model: the model.
        mode: `"train"` or `"test"`.
        callbacks: the callbacks.
    """

    def __init__(self, model: Any, mode: str, callbacks: CallbackList) -> None:
        self._model = model
        self._mode = mode
        self._callbacks = callbacks
        self._function = made_function(model, mode)
        turns = callbacks.wants_batches(mode) or callbacks.shows_progress or model.run_eagerly
        self._alone = not turns and self._function is None

    def run(self, chunks: Iterable[Chunk], first: int = 0) -> None:
        """Runs the batches of an epoch.

        Args:
            chunks: the batches.
            first: how many batches of the epoch have been run before.
        """
        model, mode = self._model, self._mode
        if not self._alone:
            self._take_turns(chunks, first)
            return
        get = model._steps.get
        for chunk in chunks:
            data, order, stop, batch_size = chunk.data, chunk.order, chunk.stop, chunk.batch_size
            position = chunk.start
            if not data.prepared:
                prepare(model, mode, chunk)
            while position < stop:
                size = min(batch_size, stop - position)
                executor = get(mode, data, size).executor
                position = executor.run_steps(data.sources, [], order, position, stop, size, SLICE)

    def _take_turns(self, chunks: Iterable[Chunk], first: int) -> None:
        model, mode = self._model, self._mode
        turns = Turns(model, mode, self._callbacks, lambda: model._logs.of(mode), first)
        if self._function is not None:
            _run_function(model, mode, self._function, chunks, turns)
            return
        going = True
        for chunk in chunks:
            if not chunk.data.prepared:
                prepare(model, mode, chunk)
            position = chunk.start
            while position < chunk.stop and going:
                position, going = _run_some(model, mode, chunk, position, turns, [])
            if not going:
                break
        turns.close()


def _run_some(model: Any, mode: str, chunk: Chunk, position: int, turns: Turns, sinks: list[Any]) -> tuple[int, bool]:
    """Runs as many batches as fit between two turns; returns the position behind them, and whether the loop goes on."""
    turns.begin()
    room = turns.room
    limit = chunk.stop if room is None else min(chunk.stop, position + room * chunk.batch_size)
    size = min(chunk.batch_size, limit - position)
    if model.run_eagerly:  # Python code runs anew for every batch
        model._steps.clear()
    executor = model._steps.get(mode, chunk.data, size).executor
    after = executor.run_steps(chunk.data.sources, sinks, chunk.order, position, limit, size, SLICE)
    return after, turns.end(-(-(after - position) // chunk.batch_size))


def run_predict(model: Any, chunks: Iterable[Chunk], callbacks: CallbackList) -> Any:
    """Returns the predictions for all batches, nested as the model's outputs."""
    latest: dict[str, Any] = {}
    turns = Turns(model, "predict", callbacks, lambda: latest)
    function = made_function(model, "predict")
    if function is not None:
        made = _run_function(model, "predict", function, chunks, turns)
        parts = [flatten(part) for part in made]
        structure: Any = made[0] if made else None
    else:
        parts = []
        for chunk in chunks:
            part, going = _predict_chunk(model, chunk, turns, latest)
            parts.append(part)
            if not going:
                break
        structure = model.output_structure
    turns.close()
    if not parts:
        raise ValueError("predict: expected at least one batch, got none")
    joined = parts[0] if len(parts) == 1 else [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return nested_as(structure, joined)


def _predict_chunk(model: Any, chunk: Chunk, turns: Turns, latest: dict[str, Any]) -> tuple[list[Any], bool]:
    plan = prepare(model, "predict", chunk)
    size = min(chunk.batch_size, chunk.stop - chunk.start)
    for leaf in plan.leaves:
        if not leaf.shape or leaf.shape[0] != size:
            raise ValueError(f"{model._label}: expected outputs with a row for each sample, got shape {leaf.shape}")
    sinks = [np.empty((chunk.stop, *leaf.shape[1:]), leaf.dtype) for leaf in plan.leaves]
    position, going = chunk.start, True
    while position < chunk.stop and going:
        if turns.fresh:
            end = min(chunk.stop, position + (turns.room or 1) * chunk.batch_size)
            latest["outputs"] = nested_as(model.output_structure, [sink[position:end] for sink in sinks])
        position, going = _run_some(model, "predict", chunk, position, turns, sinks)
    return [sink[chunk.start : position] for sink in sinks], going


# A training, test or prediction function that a subclass makes.


class _Batches:
    """An iterator over batches that knows whether another one follows."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._next: list[Any] = []
        self.taken = 0

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> Any:
        item = self._next.pop() if self._next else next(self._batches)
        self.taken += 1
        return item

    def more(self) -> bool:
        """Tells whether another batch follows."""
        if not self._next:
            for item in self._batches:
                self._next.append(item)
                break
        return bool(self._next)


def made_function(model: Any, mode: str) -> Any:
    """Returns the function that a subclass makes; `None` if it does not write `make_train_function` or its like."""
    if not model._overrides(f"make_{mode}_function"):
        return None
    getattr(model, f"make_{mode}_function")()
    function = getattr(model, f"{mode}_function")
    if not callable(function):
        raise ValueError(f"{model._label}: expected make_{mode}_function to set {mode}_function, got {function!r}")
    return function


def _run_function(model: Any, mode: str, function: Any, chunks: Iterable[Chunk], turns: Turns) -> list[Any]:
    """Calls the function that a subclass made until it has taken all batches; returns what it returned."""
    batches = _Batches(_packed(chunks))
    results: list[Any] = []
    model._steps.function_logs.pop(mode, None)
    while batches.more():
        turns.begin()
        before = batches.taken
        result = function(batches)
        if batches.taken == before:
            raise ValueError(f"{model._label}: expected {mode}_function to take a batch from its iterator, took none")
        if mode == "predict":
            results.append(result)
        else:
            model._steps.function_logs[mode] = result
        if not turns.end(batches.taken - before):
            break
    turns.close()
    return results


def _packed(chunks: Iterable[Chunk]) -> Iterator[Any]:
    for chunk in chunks:
        for start in range(chunk.start, chunk.stop, chunk.batch_size):
            stop = min(chunk.stop, start + chunk.batch_size)
            rows: Any = slice(start, stop) if chunk.order is None else chunk.order[start:stop]
            yield pack_x_y_sample_weight(*chunk.data.nested([array[rows] for array in chunk.data.arrays]))


def own_function(model: Any, mode: str) -> Callable[[Iterator[Any]], Any]:
    """Returns the function that takes batches from an iterator, makes a step of each, and returns the logs or the outputs."""

    def function(iterator: Iterator[Any]) -> Any:
        outputs: list[Any] = []
        for batch in itertools.islice(iterator, model.steps_per_execution):
            data = Data(*unpack_x_y_sample_weight(batch))
            plan = prepare(model, mode, Chunk(data, 0, data.size, data.size))
            if mode == "predict":
                outputs.append(plan.executor.run(feeds_of(plan, data.arrays, data.size)))
            else:
                plan.executor.run_steps(data.arrays, [], None, 0, data.size, data.size, 0.0)
        if mode != "predict":
            return model._logs.own(mode)
        joined = [np.concatenate(columns) for columns in zip(*outputs, strict=True)]
        return nested_as(model.output_structure, joined)

    return function


def feeds_of(plan: Any, arrays: list[Any], count: int) -> list[Any]:
    """Returns the first rows of arrays as a plan takes them."""
    dtypes = [plan.program.buffers[number].dtype for number in plan.program.feeds]
    rows = [array if len(array) == count else array[:count] for array in arrays]
    return [np.asarray(array, dtype=dtype, order="C") for array, dtype in zip(rows, dtypes, strict=True)]


def nested_as(structure: Any, leaves: list[Any]) -> Any:
    """Returns results nested as a model's outputs."""
    if isinstance(structure, Tensor) or structure is None:
        return leaves[0]
    return pack(structure, leaves)
