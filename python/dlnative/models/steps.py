"""The plans of a model: a training step, a test step, a prediction, each compiled once for a batch size and its data."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from dlnative.data.batches import Data, Passes
from dlnative.data.conversion import fed_dtype
from dlnative.graph.plans import Compiled, Plans
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
        self.plans = Plans(looks_inside=True)
        # What steps that a subclass has written returned last: a variable for each name, by mode.
        self.logs: dict[str, dict[str, Variable]] = {}
        # What functions that a subclass makes returned last, by mode.
        self.function_logs: dict[str, Any] = {}
        self._passes: Callable[[], Passes | None] = lambda: None

    @property
    def passes(self) -> Passes | None:
        """The passes over the data of the `fit` that is running; `None` outside of it."""
        return self._passes()

    @passes.setter
    def passes(self, value: Passes) -> None:
        self._passes = weakref.ref(value)

    @property
    def model(self) -> Any:
        """The model, which holds this object: weakly, so that both are gone when nobody uses the model any more."""
        return self._model()

    def clear(self) -> None:
        """Forgets all plans."""
        self.plans.clear()
        self.logs.clear()
        self.function_logs.clear()

    def direct(self, x: Any, batch_size: int | None) -> Compiled | None:
        """Returns the plan of an earlier prediction of an array, or a list of arrays, like this, which can be fed as it is."""
        if x.__class__ is np.ndarray:
            return self.plans.find(_direct_signature(x, batch_size))
        if x.__class__ is list:
            for array in x:
                if array.__class__ is not np.ndarray:
                    return None
            return self.plans.find(tuple([_direct_signature(array, batch_size) for array in x]))
        return None

    def keep_direct(self, x: Any, batch_size: int | None, plan: Compiled) -> None:
        """Keeps the plan of a prediction of an array, or a list of arrays, that was fed as it is."""
        if x.__class__ is list:
            self.plans.also(tuple([_direct_signature(array, batch_size) for array in x]), plan)
        else:
            self.plans.also(_direct_signature(x, batch_size), plan)

    def get(self, mode: str, data: Data, batch_size: int) -> Compiled:
        """Returns the plan of a step.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
            data: arrays that the batches will be taken from.
            batch_size: rows in a batch.
        """
        signature = mode, batch_size, data.signature
        found = self.plans.find(signature)
        if found is not None:
            return found
        step = {"train": tracing.train, "test": tracing.test, "predict": tracing.predict}[mode]
        try:
            # Tracing may build layers and metrics and so give variables memory: what is planned after that is final.
            return self.plans.get(
                signature, lambda _, feeds: step(self.model, *data.nested(feeds)), self.specs(data, batch_size)
            )
        except MisfitError as error:
            raise ValueError(f"{data.call}: {error}") from None

    def specs(self, data: Data, batch_size: int) -> list[Spec]:
        """Returns the shapes and dtypes that the plan is fed with."""
        floats = model_floats(self.model)
        inputs = input_dtypes(self.model, data.x)
        given = inputs + [None] * (len(data.arrays) - len(inputs))
        return [
            ((batch_size, *array.shape[1:]), dtype or fed_dtype(array, floats))
            for array, dtype in zip(data.arrays, given, strict=True)
        ]


def _direct_signature(x: Any, batch_size: int | None) -> Hashable:
    return batch_size, x.shape, x.dtype, x.flags.c_contiguous
