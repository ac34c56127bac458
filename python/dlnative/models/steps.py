"""The plans of a model: a training step, a test step, a prediction, each compiled once for a batch size and its data."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative import dtypes, ops
from dlnative.backends import selection
from dlnative.graph.autodiff import gradients
from dlnative.graph.function import Compiled, compile_trace
from dlnative.graph.tensor import Tensor
from dlnative.graph.tree import flatten_structure, map_structure
from dlnative.models.data import Data

if TYPE_CHECKING:
    from dlnative.graph.trace import Trace
    from dlnative.models.objective import Objective

Spec = tuple[tuple[int, ...], str]


class Steps:
    """The compiled steps of one model, by mode, batch size and form of the data."""

    def __init__(self, model: Objective) -> None:
        self._model = weakref.ref(model)
        self._plans: dict[Any, Compiled] = {}
        self._direct: dict[Any, Compiled] = {}
        # Which layers were trainable, when `changes` was what it is here.
        self._trainable: tuple[int, tuple[bool, ...]] = (-1, ())

    @property
    def model(self) -> Any:
        """The model, which holds this object: weakly, so that both are gone when nobody uses the model any more."""
        return self._model()

    def clear(self) -> None:
        """Forgets all plans."""
        self._plans.clear()
        self._direct.clear()

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
        form = tuple(array is None for array in (*data.y, *data.sample_weight))
        key = (mode, selection.backend(), tuple(specs), form, trainable)
        found = self._plans.get(key)
        if found is None or not found.current:
            step = {"train": self.train, "test": self.test, "predict": self.predict}[mode]
            # Tracing may build layers and metrics and so give variables memory: what is planned after that is final.
            found = compile_trace(lambda trace, feeds: step(trace, *_sorted_out(data, feeds)), specs)
            while len(self._plans) >= 64:
                self._plans.pop(next(iter(self._plans)))
            self._plans[key] = found
        data.plans = {known: plan for known, plan in data.plans.items() if known[3] == selection.changes[0]}
        data.plans[self, mode, batch_size, selection.changes[0]] = found
        return found

    def _which_are_trainable(self) -> tuple[bool, ...]:
        """Returns the flags of all layers, which are looked at anew only when something has changed."""
        before, flags = self._trainable
        if before != selection.changes[0]:
            flags = tuple(layer.trainable for layer in _all_layers(self.model))
            self._trainable = selection.changes[0], flags
        return flags

    def specs(self, data: Data, batch_size: int) -> list[Spec]:
        """Returns the shapes and dtypes that the plan is fed with."""
        inputs = self.model.input_dtypes(len(data.x))
        specs: list[Spec] = []
        for array, dtype in zip(data.x, inputs, strict=True):
            specs.append(((batch_size, *array.shape[1:]), dtype or _fed_dtype(array)))
        for given in (*data.y, *data.sample_weight):
            if given is not None:
                specs.append(((batch_size, *given.shape[1:]), _fed_dtype(given)))
        return specs

    def train(self, trace: Trace, x: list[Any], y: list[Any], weights: list[Any]) -> list[Any]:
        """Forward, loss, backward, optimizer, metrics."""
        model = self.model
        y_pred, loss = self.forward(x, y, weights, training=True)
        variables = model.trainable_variables
        if not variables:
            raise ValueError(f"{model._label}: expected trainable weights to fit, got none")
        sources = [trace.first(variable) for variable in variables]
        found = gradients(model.optimizer.scale_loss(loss), sources, trace.scalar(1.0, loss.dtype), ops.add)
        self.update_metrics(x, y, y_pred, weights, loss)
        model.optimizer.apply(found, variables)
        return []

    def test(self, trace: Trace, x: list[Any], y: list[Any], weights: list[Any]) -> list[Any]:
        """Forward, loss, metrics."""
        del trace
        y_pred, loss = self.forward(x, y, weights, training=False)
        self.update_metrics(x, y, y_pred, weights, loss)
        return []

    def predict(self, trace: Trace, x: list[Any], y: list[Any], weights: list[Any]) -> Any:
        """Forward."""
        del trace, y, weights
        outputs = self.model._call_symbols(self.model.nested_inputs(x), training=False)
        self.model.output_structure = _specification(outputs)
        return flatten_structure(outputs)

    def forward(self, x: list[Any], y: list[Any], weights: list[Any], training: bool) -> tuple[Any, Any]:
        model = self.model
        y_pred = model._call_symbols(model.nested_inputs(x), training=training)
        model.output_structure = _specification(y_pred)
        loss = model.compute_loss(
            x=model.nested_inputs(x), y=_nested(y), y_pred=y_pred, sample_weight=_nested(weights), training=training
        )
        if loss is None:
            raise ValueError(f"{model._label}: expected a loss in compile() or from add_loss, got none")
        if not isinstance(loss, Tensor) or loss.shape != ():
            raise ValueError(f"{model._label}: expected a scalar loss, got {loss!r}")
        return y_pred, loss

    def update_metrics(self, x: list[Any], y: list[Any], y_pred: Any, weights: list[Any], loss: Any) -> None:
        model = self.model
        model._loss_tracker.update_state(loss, sample_weight=float(x[0].shape[0]))
        model.update_metrics(model.nested_inputs(x), _nested(y), y_pred, _nested(weights))


def _specification(outputs: Any) -> Any:
    """Returns outputs without what makes them, which a model need not keep."""
    return map_structure(lambda tensor: Tensor(tensor.shape, tensor.dtype), outputs)


def _direct_key(x: Any, batch_size: int | None) -> Any:
    return selection.backend(), batch_size, x.shape, x.dtype, x.flags.c_contiguous


def _sorted_out(data: Data, feeds: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Returns the feeds as inputs, targets and weights, `None` where the data has none."""
    pending = iter(feeds)

    def take(arrays: list[Any]) -> list[Any]:
        return [None if array is None else next(pending) for array in arrays]

    return take(data.x), take(data.y), take(data.sample_weight)


def _nested(leaves: list[Any]) -> Any:
    """One output's leaf by itself, several in a list."""
    return leaves[0] if len(leaves) == 1 else leaves


def _fed_dtype(array: np.ndarray[Any, Any]) -> str:
    name = dtypes.of_array(array)
    return dtypes.floatx() if dtypes.is_float(name) else name


def _all_layers(layer: Any) -> list[Any]:
    found = [layer]
    for inner in layer._sublayers():
        found.extend(_all_layers(inner))
    return found
