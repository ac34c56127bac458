"""What `fit`, `evaluate` and `predict` do, and their like for one batch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from dlnative import config
from dlnative.callbacks import CallbackList, History
from dlnative.callbacks.callback import looks_for_nan
from dlnative.data.arrays import ArrayBatches, same_length, split
from dlnative.data.batches import Chunk, Data, Passes
from dlnative.data.iterables import is_iterable_of_batches
from dlnative.models import checks, inputs
from dlnative.models.epoch import Loop, feeds_of, nested_as, prepare, run_predict
from dlnative.utils.checks import flag, integer
from dlnative.utils.random_seed import next_seed


def fit(
    model: Any, x: Any, y: Any, batch_size: Any, epochs: Any, verbose: Any, callbacks: Any, validation_split: Any,
    validation_data: Any, shuffle: Any, class_weight: Any, sample_weight: Any, initial_epoch: Any, steps_per_epoch: Any,
    validation_steps: Any, validation_batch_size: Any, validation_freq: Any,
) -> History:  # fmt: skip
    """See `Model.fit`."""
    batch_size = None if batch_size is None else integer("fit", "batch_size", batch_size, 1)
    epochs = integer("fit", "epochs", epochs, 0)
    initial_epoch = integer("fit", "initial_epoch", initial_epoch, 0)
    steps = _checked_steps(model, "fit", "steps_per_epoch", steps_per_epoch)
    validation_steps = _optional("fit", "validation_steps", validation_steps)
    validation_batch_size = _optional("fit", "validation_batch_size", validation_batch_size)
    frequency = checks.checked_frequency(validation_freq)
    verbose = checks.checked_verbose("fit", verbose)
    shuffle = flag("fit", "shuffle", shuffle)
    epochs = min(epochs, config.max_epochs() or epochs)
    finite = not looks_for_nan(callbacks)

    if validation_data is None and validation_split:
        if is_iterable_of_batches(x):
            raise ValueError("fit: expected validation_data beside an iterable of batches, got validation_split")
        if class_weight is not None and sample_weight is not None:
            raise ValueError("fit: expected either class_weight or sample_weight, got both")
        samples, held_back = split(
            "fit", inputs.samples(model, "fit", x, y, sample_weight, finite=finite), validation_split
        )
        samples = samples if class_weight is None else inputs.with_class_weights(samples, class_weight)
        source: Any = ArrayBatches(samples, batch_size or 32)
        validation: Any = ArrayBatches(Data(*held_back.structure, "fit: validation_data"), 32)
    else:
        source = inputs.batches(model, "fit", x, y, sample_weight, batch_size, class_weight, finite=finite)
        validation = _validation(model, validation_data)
    if isinstance(validation, ArrayBatches):
        validation.batch_size = validation_batch_size or batch_size or 32
    model._steps.plans.look_inside()
    for mode, batches in (("train", source), ("test", validation)):
        if isinstance(batches, ArrayBatches):
            prepare(model, mode, Chunk(batches.data, 0, batches.data.size, batches.batch_size))
    if shuffle:
        source.shuffle(next_seed(), initial_epoch)
    passes = Passes(source, steps)
    if initial_epoch < epochs:
        if not passes.ready():
            raise ValueError("fit: expected at least one batch, got none")
        if not isinstance(source, ArrayBatches):
            assert passes.head is not None
            prepare(model, "train", passes.head)
    listed = CallbackList(
        callbacks, add_history=True, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=epochs,
        steps=passes.expected,
    )  # fmt: skip
    model.stop_training = False
    model._steps.passes = passes  # for callbacks that note the place, or go on at another one
    listed.on_train_begin()
    initial_epoch = initial_epoch if passes.resumed is None else passes.resumed
    logs: dict[str, Any] = {}
    loop = Loop(model, "train", listed)
    with model._logs.same_metrics():
        for epoch in range(initial_epoch, epochs):
            if epoch > initial_epoch and not passes.ready():
                passes.warn()
                break
            first = passes.first
            if not first:
                model.reset_metrics()
            listed.on_epoch_begin(epoch)
            source.on_epoch_begin()
            loop.run(passes.epoch(), first)
            passes.end_epoch()
            source.on_epoch_end()
            logs = model._logs.of("train")
            if validation is not None and checks.validates(epoch, frequency):
                held = Passes(validation, validation_steps)
                if held.ready():
                    results = _evaluated(model, held, listed)
                    logs.update({f"val_{name}": value for name, value in results.items()})
                    logs = {name: logs[name] for name in sorted(logs)}
                else:
                    warnings.warn(
                        f"fit: the validation data ran out: epoch {epoch + 1} is not followed by a validation",
                        stacklevel=3,
                    )
            listed.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    if getattr(model.optimizer, "keeps_means", True):
        model.optimizer.finalize_variable_values(model.trainable_variables)
    listed.on_train_end(logs)
    history: History = model.history
    return history


def _validation(model: Any, given: Any) -> Any:
    if given is None:
        return None
    call = "fit: validation_data"
    if is_iterable_of_batches(given):
        return inputs.batches(model, call, given, None, None, None)
    if not isinstance(given, (tuple, list)) or not 2 <= len(given) <= 3:
        raise ValueError(
            "fit: expected validation_data as (x, y), (x, y, sample_weight) or an iterable of batches, got "
            f"{type(given).__name__}"
        )
    return inputs.batches(model, call, given[0], given[1], given[2] if len(given) == 3 else None, None)


def evaluate(
    model: Any, x: Any, y: Any, batch_size: Any, verbose: Any, sample_weight: Any, steps: Any, callbacks: Any,
    return_dict: bool,
) -> Any:  # fmt: skip
    """See `Model.evaluate`."""
    batch_size = None if batch_size is None else integer("evaluate", "batch_size", batch_size, 1)
    verbose = checks.checked_verbose("evaluate", verbose)
    steps = _checked_steps(model, "evaluate", "steps", steps)
    source = inputs.batches(model, "evaluate", x, y, sample_weight, batch_size)
    model._steps.plans.look_inside()
    if isinstance(source, ArrayBatches):
        prepare(model, "test", Chunk(source.data, 0, source.data.size, source.batch_size))
    passes = Passes(source, steps)
    if not passes.ready():
        raise ValueError("evaluate: expected at least one batch, got none")
    listed = callbacks
    if not isinstance(callbacks, CallbackList):
        listed = CallbackList(
            callbacks, add_history=False, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1,
            steps=passes.expected,
        )  # fmt: skip
    with model._logs.same_metrics():
        logs = _evaluated(model, passes, listed)
        return logs if return_dict else model._logs.in_order(logs)


def _evaluated(model: Any, passes: Passes, callbacks: CallbackList) -> dict[str, Any]:
    model.stop_evaluating = False
    model.reset_metrics()
    callbacks.on_test_begin()
    passes.batches.on_epoch_begin()
    Loop(model, "test", callbacks).run(passes.epoch())
    passes.batches.on_epoch_end()
    logs: dict[str, Any] = model._logs.of("test")
    callbacks.on_test_end(logs)
    return logs


def predict(model: Any, x: Any, batch_size: Any, verbose: Any, steps: Any, callbacks: Any) -> Any:
    """See `Model.predict`."""
    given = batch_size
    batch_size = None if batch_size is None else integer("predict", "batch_size", batch_size, 1)
    verbose = checks.checked_verbose("predict", verbose)
    steps = _checked_steps(model, "predict", "steps", steps)
    if is_iterable_of_batches(x):
        source: Any = inputs.batches(model, "predict", x, None, None, batch_size)
    else:
        data = Data(inputs.input_arrays(model, "predict", x, finite=False), call="predict")
        same_length(data)
        plain = verbose == 0 and not callbacks and steps is None and not model.run_eagerly
        if plain and data.size <= (batch_size or 32) and not model._overrides("make_predict_function"):
            plan = model._steps.get("predict", data, data.size)
            feeds = feeds_of(plan, data.arrays, data.size)
            fed = x if x.__class__ is list else [x]
            if len(fed) == len(feeds) and all(a is b for a, b in zip(feeds, fed, strict=True)):
                model._steps.keep_direct(x, given, plan)
            return nested_as(model.output_structure, plan.executor.run(feeds))
        source = ArrayBatches(data, batch_size or 32)
        prepare(model, "predict", Chunk(data, 0, data.size, source.batch_size))
    passes = Passes(source, steps)
    if not passes.ready():
        raise ValueError("predict: expected at least one batch, got none")
    listed = CallbackList(
        callbacks, add_history=False, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1,
        steps=passes.expected,
    )  # fmt: skip
    model.stop_predicting = False
    listed.on_predict_begin()
    source.on_epoch_begin()
    outputs = run_predict(model, passes.epoch(), listed)
    source.on_epoch_end()
    listed.on_predict_end()
    return outputs


def on_batch(model: Any, mode: str, data: Data, return_dict: bool) -> Any:
    """Makes one step on all rows of arrays, and returns the values of the metrics."""
    if model.run_eagerly:
        model._steps.clear()
    chunk = Chunk(data, 0, data.size, data.size)
    executor = prepare(model, mode, chunk).executor
    with model._logs.same_metrics():
        model.reset_metrics()
        sources = data.arrays if data.arrays[0].__class__ is np.ndarray else data.sources
        executor.run_steps(sources, [], None, 0, data.size, data.size, 0.0)
        logs = model._logs.of(mode)
        return logs if return_dict else model._logs.in_order(logs)


def _optional(call: str, name: str, value: Any) -> int | None:
    return None if value is None else integer(call, name, value, 1)


def _checked_steps(model: Any, call: str, name: str, value: Any) -> int | None:
    """Returns a number of steps; as in Keras, one of whole executions, if several steps make one."""
    steps = _optional(call, name, value)
    most = config.max_steps_per_epoch()
    if most is not None and (steps is None or most < steps):
        warnings.warn(f"{call}: max_steps_per_epoch limits {name} to {most}", stacklevel=4)
        steps = most
    together: int = model.steps_per_execution
    return None if steps is None else -(-steps // together) * together
