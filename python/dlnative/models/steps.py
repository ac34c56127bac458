"""The plans of a model: a training step, a test step, a prediction, each compiled once for a batch size and its data."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.backends import selection
from dlnative.data.batches import Data
from dlnative.data.conversion import fed_dtype
from dlnative.graph.function import Compiled, compile_trace
from dlnative.models import tracing
from dlnative.models.compiled_loss import MisfitError
from dlnative.models.inputs import input_dtypes, model_floats

if TYPE_CHECKING:
    from dlnative.graph.variable import Variable
    from dlnative.models.trainer import Trainer

Spec = tuple[tuple[int, ...], str]


class Steps:
    """The compiled steps of one model, by mode, batch size and form of the data."""

    def __init__(self, model: Trainer) -> None:
        self._model = weakref.ref(model)
        self._plans: dict[Any, Compiled] = {}
        self._direct: dict[Any, Compiled] = {}
        # Which layers were trainable, when `changes` was what it is here.
        self._trainable: tuple[int, tuple[bool, ...]] = (-1, ())
        # What steps that a subclass has written returned last: a variable for each name, by mode.
        self.logs: dict[str, dict[str, Variable]] = {}
        # What functions that a subclass makes returned last, by mode.
        self.function_logs: dict[str, Any] = {}

    @property
    def model(self) -> Any:
        """The model, which holds this object: weakly, so that both are gone when nobody uses the model any more."""
        return self._model()

    def clear(self) -> None:
        """Forgets all plans."""
        self._plans.clear()
        self._direct.clear()
        self.logs.clear()
        self.function_logs.clear()

    def direct(self, x: Any, batch_size: int | None) -> Compiled | None:
        """Returns the plan of an earlier prediction of an array like this, which can be fed as it is."""
        if x.__class__ is not np.ndarray:
            return None
        found = self._direct.get(_direct_key(x, batch_size))
        return found if found is not None and found.current else None

    def keep_direct(self, x: Any, batch_size: int | None, plan: Compiled) -> None:
        """Keeps the plan of a prediction of an array that was fed as it is."""
        while len(self._direct) >= 64:
            self._direct.pop(next(iter(self._direct)), None)
        self._direct[_direct_key(x, batch_size)] = plan

    def get(self, mode: str, data: Data, batch_size: int) -> Compiled:
        """Returns the plan of a step.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            data: arrays that the batches will be taken from.
            batch_size: rows in a batch.
        """
        # From one epoch to the next nothing changes, and of the shortest epochs all that follows would be a good part.
        latest = (self, mode, batch_size, selection.changes[0])
        found: Compiled | None = data.plans.get(latest)
        if found is not None:
            return found
        specs = self.specs(data, batch_size)
        trainable = self._which_are_trainable() if mode == "train" else ()
        key = (mode, selection.backend(), tuple(specs), data.form, trainable)
        found = self._plans.get(key)
        if found is None or not found.current:
            found = self.trace(mode, data, specs)
            while len(self._plans) >= 64:
                self._plans.pop(next(iter(self._plans)))
            self._plans[key] = found
        data.plans = {known: plan for known, plan in data.plans.items() if known[3] == selection.changes[0]}
        data.plans[self, mode, batch_size, selection.changes[0]] = found
        return found

    def trace(self, mode: str, data: Data, specs: list[Spec]) -> Compiled:
        """Traces a step and compiles it.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            data: arrays nested as the step takes them.
            specs: the shapes and dtypes of a batch.
        """
        step = {"train": tracing.train, "test": tracing.test, "predict": tracing.predict}[mode]
        try:
            # Tracing may build layers and metrics and so give variables memory: what is planned after that is final.
            return compile_trace(lambda trace, feeds: step(self.model, *data.nested(feeds)), specs)
        except MisfitError as error:
            raise ValueError(f"{data.call}: {error}") from None

    def _which_are_trainable(self) -> tuple[bool, ...]:
        """Returns the flags of all layers, which are looked at anew only when something has changed."""
        before, flags = self._trainable
        if before != selection.changes[0]:
            flags = tuple(layer.trainable for layer in _all_layers(self.model))
            self._trainable = selection.changes[0], flags
        return flags

    def specs(self, data: Data, batch_size: int) -> list[Spec]:
        """Returns the shapes and dtypes that the plan is fed with."""
        floats = model_floats(self.model)
        inputs = input_dtypes(self.model, data.x)
        given = inputs + [None] * (len(data.arrays) - len(inputs))
        return [
            ((batch_size, *array.shape[1:]), dtype or fed_dtype(array, floats))
            for array, dtype in zip(data.arrays, given, strict=True)
        ]


def _direct_key(x: Any, batch_size: int | None) -> Any:
    return selection.backend(), batch_size, x.shape, x.dtype, x.flags.c_contiguous


def _all_layers(layer: Any) -> list[Any]:
    found = [layer]
    for inner in layer._sublayers():
        found.extend(_all_layers(inner))
    return found
